"""A program that is a graph: each node ends, fails, or goes on to others. For tests."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import LimitError
from harness.explore.steppable import Alternative, ChoicePoint, FinalState

END = "end"
IMPOSSIBLE = "impossible"


def final(name: str) -> FinalState:
    """Return the final state that a node called `name` ends in."""
    return FinalState(((name, 1),), (), ())


@dataclass
class Graph:
    """A Steppable. A node's value: where to go on, `END` or `IMPOSSIBLE`.

    With `told_apart` set, no two states are the same, so that nothing can be merged.
    """

    edges: Mapping[str, Sequence[str]]
    at: str = "start"
    told_apart: bool = False
    path: tuple[str, ...] = ()
    executed: int = 0
    steps: int = 0

    def advance(self, limit: int) -> ChoicePoint | None:
        """Go on to the next node with two or more ways out."""
        while True:
            ways = self.edges[self.at]
            if isinstance(ways, str):
                return None
            if len(ways) > 1:
                return ChoicePoint(self.at, tuple(map(Alternative, ways)))
            self._go(ways[0])
            if self.executed > limit:
                raise LimitError(f"{limit} instructions of one execution")

    def choose(self, index: int) -> None:
        """Take a way."""
        self._go(self.edges[self.at][index])

    def _go(self, to: str) -> None:
        self.at = to
        self.path = (*self.path, to)
        self.executed += 1
        self.steps += 1

    def is_possible(self) -> bool:
        """Return whether this node is none of those that cannot be."""
        return self.edges[self.at] != IMPOSSIBLE

    def final_state(self) -> FinalState:
        """Return the node's own."""
        return final(self.at)

    def fingerprint(self) -> Hashable:
        """Return the node."""
        return self.path if self.told_apart else self.at

    def snapshot(self) -> object:
        """Return where it stands."""
        return self.at, self.path, self.executed

    def restore(self, snapshot: object) -> None:
        """Go back."""
        assert isinstance(snapshot, tuple)
        self.at, self.path, self.executed = snapshot
