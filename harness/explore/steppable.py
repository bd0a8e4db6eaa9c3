"""What can be explored: something that runs up to its next choice and can be put back."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to go on at a choice. `identity` is the same in every run; no two are equal."""

    identity: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class ChoicePoint:
    """Where the program stands when it can go on in more than one way.

    `place` says where in words a witness can be read by: instruction number and label.
    """

    place: str
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """A fault of an execution: where, what, and for which address."""

    label: str
    pc: int
    kind: str
    esr: int
    far: int


@dataclass(frozen=True, slots=True)
class FinalState:
    """What is left of an execution: only what can be told apart at its end."""

    registers: tuple[tuple[str, int], ...]
    memory: tuple[tuple[str, int], ...]
    """By the name that the program's author gave the place, or its address in hex."""
    faults: tuple[FaultSeen, ...]
    end: str = ""
    """Why it ended."""


class Steppable(Protocol):
    """A program in the middle of its execution.

    Everything is deterministic: from one state, the same alternatives lead to the same states.
    """

    @property
    def steps(self) -> int:
        """Instructions executed so far, over all executions; only ever grows."""
        ...

    def advance(self, limit: int) -> ChoicePoint | None:
        """Execute up to the next choice of two or more; None at the end of the execution.

        LimitError after `limit` instructions of this execution.
        """
        ...

    def choose(self, index: int) -> None:
        """Take one of the alternatives that `advance` has returned."""
        ...

    def is_possible(self) -> bool:
        """Return whether the architecture has this execution; asked after `advance`.

        False where an assumption made by an earlier choice has turned out wrong.
        """
        ...

    def final_state(self) -> FinalState:
        """Return what is left, after `advance` has returned None."""
        ...

    def fingerprint(self) -> Hashable:
        """Return a value that is equal only for states that go on in the same ways."""
        ...

    def snapshot(self) -> object:
        """Return the whole state, to go back to any number of times."""
        ...

    def restore(self, snapshot: object) -> None:
        """Go back to a state of this program."""
        ...


Witness = tuple[str, ...]
"""The identities chosen, in order, of all choices with more than one alternative."""
