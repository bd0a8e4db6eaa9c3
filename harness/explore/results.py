"""What an exploration found: distinct final states, how often, and by which choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.explore.steppable import FinalState, Witness


@dataclass(frozen=True, slots=True)
class Outcome:
    """A final state that the architecture permits."""

    state: FinalState
    count: int
    """Executions that end in it, all told."""
    witness: Witness
    """The choices of one with the fewest departures from the present, the shortest of these."""
    deviations: int
    """Choices of the witness that are not the first alternative."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """All that was found, and how much of the whole it is."""

    outcomes: tuple[Outcome, ...]
    """Fewest deviations first; the order is the same in every run."""
    executions: int
    """Executions found, those behind merged states included."""
    followed: int
    """Executions really run to their end, or into a state that was known."""
    merged: int
    """Of these, the latter."""
    impossible: int
    """Runs given up because an assumption of theirs turned out wrong."""
    states: int
    steps: int
    """Instructions executed."""
    incomplete: tuple[str, ...] = ()
    """The bounds that were reached, in words; empty if nothing was left out."""

    @property
    def complete(self) -> bool:
        """Whether every execution was explored."""
        return not self.incomplete

    def shortest(self, wanted: Callable[[FinalState], bool]) -> Outcome | None:
        """Return the outcome with the shortest witness for which `wanted` holds."""
        return next((each for each in self.outcomes if wanted(each.state)), None)


@dataclass(frozen=True, slots=True)
class Reached:
    """How a final state is reached from a choice: how often, and the best way as a linked list."""

    count: int
    deviations: int = 0
    length: int = 0
    first: str = ""
    rest: Reached | None = None

    def outcome(self, state: FinalState) -> Outcome:
        """Return this as the outcome of a whole exploration."""
        path: list[str] = []
        here: Reached = self
        while here.rest is not None:
            path.append(here.first)
            here = here.rest
        return Outcome(state, self.count, tuple(path), self.deviations)


Found = dict[FinalState, Reached]


def join(above: Found, below: Found, identity: str, index: int) -> None:
    """Add to `above` what the alternative `identity`, number `index`, led to."""
    for state, reached in below.items():
        deviations = reached.deviations + (index > 0)
        length = reached.length + 1
        known = above.get(state)
        if known is None:
            above[state] = Reached(reached.count, deviations, length, identity, reached)
        elif (deviations, length) < (known.deviations, known.length):
            above[state] = Reached(
                known.count + reached.count, deviations, length, identity, reached
            )
        else:
            above[state] = Reached(
                known.count + reached.count,
                known.deviations,
                known.length,
                known.first,
                known.rest,
            )
