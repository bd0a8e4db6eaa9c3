"""What a user claims of all executions, held against what an exploration found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from harness.explore.expression import Condition, Initial
from harness.explore.results import Exploration, Outcome
from harness.explore.steppable import FinalState


@dataclass(frozen=True, slots=True)
class Broken:
    """A claim that is not true, and the outcome with the shortest witness against it."""

    claim: str
    """As the user wrote it: `forbid x1 == 1`."""
    outcome: Outcome


def broken_claims(
    exploration: Exploration,
    forbidden: Iterable[Condition],
    required: Iterable[Condition],
    initial: Initial,
) -> tuple[Broken, ...]:
    """Return each forbidden condition that an outcome has, each required one that an outcome lacks.

    A claim that no outcome breaks is only proved if the exploration is complete.
    """
    found = []
    for condition in forbidden:
        bad = exploration.shortest(partial(_holds, condition, initial, True))
        if bad is not None:
            found.append(Broken(f"forbid {condition.text}", bad))
    for condition in required:
        bad = exploration.shortest(partial(_holds, condition, initial, False))
        if bad is not None:
            found.append(Broken(f"require {condition.text}", bad))
    return tuple(found)


def _holds(condition: Condition, initial: Initial, wanted: bool, state: FinalState) -> bool:  # noqa: FBT001 - bound by partial
    return condition.holds(state, initial) is wanted
