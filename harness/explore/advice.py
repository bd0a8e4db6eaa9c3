"""Which barrier or TLBI is missing: the shortest insertion that makes a bad outcome impossible.

Nothing is guessed from the program's text. Maintenance is inserted at one place after the other,
the variant is explored, and what keeps every bad outcome away is advised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.explore.explorer import Bounds, explore
from harness.explore.steppable import FinalState, Steppable

DSB, ISB, TLBI = "dsb ish", "isb", "tlbi vmalle1is"
"""What is inserted. The TLBI stands for any that covers what was changed."""

SEQUENCES: tuple[tuple[str, ...], ...] = (
    (ISB,),
    (DSB,),
    (TLBI,),
    (DSB, ISB),
    (TLBI, DSB),
    (DSB, TLBI),
    (TLBI, DSB, ISB),
    (DSB, TLBI, DSB),
    (DSB, TLBI, DSB, ISB),
)
"""Shortest first; the last is all that a change of a live descriptor ever needs."""

ADVICE_BOUNDS = Bounds(executions=1000, instructions=2000, states=2000)
"""Of each variant, where none are given: many are explored."""

_REASONS = {
    ISB: "without a context synchronisation event, a later access may have been translated before",
    DSB: "without a DSB of all access types, a descriptor store or a TLBI is not complete",
    TLBI: "without a TLBI that covers it, a TLB may keep the old descriptor",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Before which instruction something can be inserted."""

    index: int
    """Places of a program count from 0 in program order."""
    label: str
    """In words, such as `publish+0x8`."""


@dataclass(frozen=True, slots=True)
class Advice:
    """An insertion after which no bad outcome is left."""

    place: Place
    instructions: tuple[str, ...]

    @property
    def text(self) -> str:
        """What to insert, where, and why, in one sentence."""
        names = ", ".join(
            "a TLBI that covers the change" if each == TLBI else each.upper()
            for each in self.instructions
        )
        reasons = "; ".join(_REASONS[each] for each in dict.fromkeys(self.instructions))
        return f"missing before {self.place.label}: {names} ({reasons})"


class Variants(Protocol):
    """A program and what it becomes with maintenance inserted."""

    @property
    def places(self) -> Sequence[Place]:
        """Where something can be inserted, in program order."""
        ...

    def variant(self, place: Place, instructions: tuple[str, ...]) -> Steppable:
        """Return the program, from its start, with `instructions` executed at `place`.

        It is used until the next one is asked for.
        """
        ...


def advise(
    variants: Variants, is_bad: Callable[[FinalState], bool], bounds: Bounds | None = None
) -> tuple[Advice, ...]:
    """Return every insertion of the fewest instructions that leaves no bad outcome.

    In the order of SEQUENCES, then of the program; empty if none of them helps, and if nothing
    bad was found in the program as it is. A variant of which a bound was reached, or that has no
    execution at all, does not count as one that helps.
    """
    bounds = bounds or ADVICE_BOUNDS
    places = variants.places

    def goes_wrong(place: Place, sequence: tuple[str, ...]) -> bool | None:
        explored = explore(variants.variant(place, sequence), bounds)
        if any(is_bad(outcome.state) for outcome in explored.outcomes):
            return True
        return False if explored.complete and explored.outcomes else None

    found: list[Advice] = []
    if not places or not goes_wrong(places[0], ()):
        return ()
    for sequence in SEQUENCES:
        if found and len(sequence) > len(found[0].instructions):
            break
        found += [
            Advice(place, sequence) for place in places if goes_wrong(place, sequence) is False
        ]
    return tuple(found)
