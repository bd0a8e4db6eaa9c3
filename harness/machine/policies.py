"""Who chooses among the outcomes that the architecture permits: TLB policies, and witnesses.

A chooser is asked only where there is more than one alternative. Policies are values: what they
answer depends on the question alone, so that a run is the same every time.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.errors import ValueSyntaxError
from harness.vmsa.access import Access
from harness.vmsa.tlb.choice import Choice, ChoiceKind, ReadChoice

POLICIES = ("fresh", "stale", "random:SEED")
"""How a TLB policy is written."""


@dataclass(frozen=True, slots=True)
class Question:
    """A choice to be made. `place` numbers the questions of a run from 1 on."""

    place: int
    number: int
    """Of the instruction."""
    pc: int
    access: Access
    options: tuple[Choice, ...] | tuple[ReadChoice, ...]
    """Two or more: of a translation, or of what an explicit read of a descriptor finds."""

    @property
    def identities(self) -> tuple[str, ...]:
        """What the options are called, the same in every run."""
        return tuple(option.identity for option in self.options)


class Chooser(Protocol):
    """Answers questions."""

    def choose(self, question: Question) -> int:
        """Return the index of one of the question's options."""
        ...


class Policy(Chooser, Protocol):
    """A chooser that a user can ask for by name."""

    @property
    def name(self) -> str:
        """As the user writes it."""
        ...


@dataclass(frozen=True, slots=True)
class Fresh:
    """Every translation walks memory as it is now: a PE without a TLB."""

    name: str = "fresh"

    def choose(self, question: Question) -> int:
        """Return the present."""
        del question
        return 0


@dataclass(frozen=True, slots=True)
class Stale:
    """Every translation uses the oldest values that it still may: a TLB that loses nothing.

    It holds one entry of each, so that it mixes no two values and takes no conflict abort.
    """

    name: str = "stale"

    def choose(self, question: Question) -> int:
        """Return the oldest; for a load of a descriptor what memory holds."""
        ages = [
            option.age
            if isinstance(option, Choice) and option.kind in {ChoiceKind.PRESENT, ChoiceKind.STALE}
            else 0
            for option in question.options
        ]
        return ages.index(max(ages))


@dataclass(frozen=True, slots=True)
class Random:
    """Any permitted outcome, the same for the same seed."""

    seed: int

    @property
    def name(self) -> str:
        """As the user writes it."""
        return f"random:{self.seed}"

    def choose(self, question: Question) -> int:
        """Return one, but none that rests on a store still to come, which may never come."""
        possible = [
            index
            for index, option in enumerate(question.options)
            if not (isinstance(option, ReadChoice) and option.promise)
        ]
        source = random.Random(f"{self.seed}:{question.place}")  # noqa: S311 - to be repeated
        return source.choice(possible)


@dataclass(frozen=True, slots=True)
class Witness:
    """The choices of one execution, by their identities; after the last, the present."""

    identities: tuple[str, ...]
    name: str = "witness"

    def choose(self, question: Question) -> int:
        """Return the option that the witness names; ValueSyntaxError where there is none."""
        index = question.place - 1
        if index >= len(self.identities):
            return 0
        wanted = self.identities[index]
        if wanted not in question.identities:
            raise ValueSyntaxError(
                f"the witness does not fit this run: at {question.pc:#x} (instruction "
                f"{question.number}) there is no choice {wanted!r}"
            )
        return question.identities.index(wanted)


def policy_named(text: str) -> Policy:
    """Return the policy that `text` names; ValueSyntaxError if it names none."""
    kind, _, seed = text.partition(":")
    if text == Fresh().name:
        return Fresh()
    if text == Stale().name:
        return Stale()
    if kind == "random" and seed.isascii() and seed.isdigit():
        return Random(int(seed))
    raise ValueSyntaxError(f"no TLB policy is called {text!r}: {_listed(POLICIES)}")


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
