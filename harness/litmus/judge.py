"""Final states held against a test's condition: which satisfy it, and the verdict.

The words are herd7's: a test of `exists` is Allowed, of `~exists` Forbidden, of `forall` Required;
the observation is Never, Sometimes or Always.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from harness.litmus.condition import Quantifier
from harness.litmus.evaluate import satisfies
from harness.litmus.show import show_state
from harness.litmus.state import Final
from harness.litmus.translate import Translated


class Kind(Enum):
    """What is claimed of a test's condition."""

    ALLOWED = "Allowed"
    FORBIDDEN = "Forbidden"
    REQUIRED = "Required"


KIND_OF = {
    Quantifier.EXISTS: Kind.ALLOWED,
    Quantifier.NOT_EXISTS: Kind.FORBIDDEN,
    Quantifier.FORALL: Kind.REQUIRED,
}


class Observation(Enum):
    """In how many final states the proposition holds."""

    NEVER = "Never"
    SOMETIMES = "Sometimes"
    ALWAYS = "Always"


@dataclass(frozen=True, slots=True)
class State:
    """Final states that agree in all that the test lists or mentions."""

    text: str
    holds: bool
    """Whether the proposition does."""
    witness: tuple[str, ...]
    """The choices that lead there."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one test."""

    test: Translated
    states: tuple[State, ...]
    """Sorted by their text."""
    incomplete: tuple[str, ...] = ()
    """The bounds that were reached, in words: what was not found may exist."""

    @property
    def kind(self) -> Kind:
        """What the test itself claims."""
        return KIND_OF[self.test.test.condition.quantifier]

    @property
    def positive(self) -> int:
        """States in which the proposition holds."""
        return sum(state.holds for state in self.states)

    @property
    def negative(self) -> int:
        """States in which it does not."""
        return len(self.states) - self.positive

    @property
    def observation(self) -> Observation:
        """Never, Sometimes or Always."""
        if not self.positive:
            return Observation.NEVER
        return Observation.SOMETIMES if self.negative else Observation.ALWAYS

    @property
    def is_ok(self) -> bool:
        """Whether the test's own claim is true of the states found: herd7's `Ok` or `No`."""
        return self.positive > 0 if self.kind is Kind.ALLOWED else self.is_as(self.kind)

    def is_as(self, kind: Kind) -> bool:
        """Return whether the proposition behaves as `kind` says; Allowed may be, and need not."""
        match kind:
            case Kind.ALLOWED:
                return True
            case Kind.FORBIDDEN:
                return not self.positive
            case Kind.REQUIRED:
                return not self.negative


def judge(
    test: Translated,
    finals: Iterable[tuple[Final, tuple[str, ...]]],
    incomplete: tuple[str, ...] = (),
) -> Verdict:
    """Return the verdict on every final state that an exploration found, each with its witness.

    Of states that look alike the first one's witness is kept.
    """
    condition = test.test.condition
    states: dict[str, State] = {}
    for final, witness in finals:
        if satisfies(test, final, condition.assumed):
            text = show_state(test, final)
            if text not in states:
                holds = satisfies(test, final, condition.proposition)
                states[text] = State(text, holds, witness)
    return Verdict(test, tuple(states[text] for text in sorted(states)), incomplete)
