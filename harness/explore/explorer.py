"""Depth-first over every choice, with prefixes shared by snapshots and equal states merged."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from harness.errors import LimitError
from harness.explore.results import Exploration, Found, Reached, join
from harness.explore.steppable import ChoicePoint, Steppable


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of an exploration; one that is reached makes it incomplete, never wrong."""

    executions: int = 100_000
    """Executions followed to their end, or into a state that was explored before."""
    instructions: int = 10_000
    """Instructions of one execution."""
    states: int = 200_000
    """States at choices that are remembered."""


@dataclass(slots=True)
class _Open:
    """A choice on the way down, with what its alternatives have led to so far."""

    snapshot: object
    point: ChoicePoint
    key: Hashable
    next: int = 0
    found: Found = field(default_factory=dict)
    whole: bool = True
    """Everything below was explored, so that the results may be used again."""


class Explorer:
    """One exploration of one program."""

    def __init__(self, program: Steppable, bounds: Bounds) -> None:
        self._program = program
        self._bounds = bounds
        self._known: dict[Hashable, Found] = {}
        self._path: list[_Open] = []
        self._on_path: set[Hashable] = set()
        self._root: Found = {}
        self._followed = 0
        self._merged = 0
        self._impossible = 0
        self._reasons: dict[str, None] = {}

    def run(self) -> Exploration:
        """Explore from where the program stands, and leave it at an arbitrary state."""
        first_step = self._program.steps
        self._descend()
        while self._path:
            top = self._path[-1]
            if top.next == len(top.point.alternatives) or self._is_exhausted():
                self._close()
                continue
            if top.next:
                self._program.restore(top.snapshot)
            self._program.choose(top.next)
            top.next += 1
            self._descend()
        return Exploration(
            outcomes=tuple(
                sorted(
                    (reached.outcome(state) for state, reached in self._root.items()),
                    key=lambda each: (each.deviations, len(each.witness), repr(each.state)),
                )
            ),
            executions=sum(reached.count for reached in self._root.values()),
            followed=self._followed,
            merged=self._merged,
            impossible=self._impossible,
            states=len(self._known),
            steps=self._program.steps - first_step,
            incomplete=tuple(self._reasons),
        )

    def _is_exhausted(self) -> bool:
        """Return whether a bound of the whole exploration is reached; the rest is left out."""
        bounds = self._bounds
        if self._followed >= bounds.executions:
            self._reasons[f"{bounds.executions} executions"] = None
        elif len(self._known) >= bounds.states:
            self._reasons[f"{bounds.states} states"] = None
        else:
            return False
        return True

    def _descend(self) -> None:
        """Run to the next choice and open it, or to an end and hand it up."""
        try:
            point = self._program.advance(self._bounds.instructions)
        except LimitError as limit:
            self._reasons[str(limit)] = None
            self._followed += 1
            self._hand_up({}, whole=False)
            return
        if not self._program.is_possible():
            self._impossible += 1
            self._hand_up({})
        elif point is None:
            self._followed += 1
            self._hand_up({self._program.final_state(): Reached(1)})
        else:
            self._open(point)

    def _open(self, point: ChoicePoint) -> None:
        key = self._program.fingerprint()
        known = self._known.get(key)
        if known is not None:
            self._followed += 1
            self._merged += 1
            self._hand_up(known)
        elif key in self._on_path:
            self._reasons["an execution that repeats a state for ever"] = None
            self._followed += 1
            self._hand_up({}, whole=False)
        else:
            self._on_path.add(key)
            self._path.append(_Open(self._program.snapshot(), point, key))

    def _close(self) -> None:
        top = self._path.pop()
        self._on_path.discard(top.key)
        whole = top.whole and top.next == len(top.point.alternatives)
        if whole:
            self._known[top.key] = top.found
        self._hand_up(top.found, whole=whole)

    def _hand_up(self, found: Found, *, whole: bool = True) -> None:
        """Add what was found below to the choice that led there."""
        if not self._path:
            self._root = found
            return
        above = self._path[-1]
        above.whole = above.whole and whole
        index = above.next - 1
        join(above.found, found, above.point.alternatives[index].identity, index)


def explore(program: Steppable, bounds: Bounds | None = None) -> Exploration:
    """Return every distinct final state of `program`, each with its count and a witness."""
    return Explorer(program, bounds or Bounds()).run()
