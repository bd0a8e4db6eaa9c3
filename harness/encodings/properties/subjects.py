"""The descriptors that claims are about, and small pieces of claims."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from harness.encodings.definition import Hardware, State, StateName
from harness.encodings.logic import Operation, Predicate, Value, negate
from harness.encodings.place import Place
from harness.encodings.properties.claim import Scene

KERNEL_LEAVES = (StateName.VALID_LEAF, StateName.INVALID_LEAF)
"""What the kernel's own tables hold beside tables and nothing."""


def states_of(place: Place, *names: StateName) -> Iterator[State]:
    """Yield the states of those names that there are at the place."""
    for name in names:
        if name in place.meaning.states:
            yield place.meaning.states[name]


@cache
def written(place: Place, state: State) -> Operation:
    """Return what turns any value into one that software writes for the state."""

    def write(value: Value) -> Value:
        return place.write(state, value)

    return write


def article(state: State) -> str:
    """Return the name of the state with its article: `an invalid leaf`."""
    return f"{'an' if state.name[0] in 'aeio' else 'a'} {state.name}"


def is_not(predicate: Predicate) -> Predicate:
    """Return the opposite predicate."""
    return lambda value: negate(predicate(value))


def unchanged(value: Value) -> Value:
    """Return the value."""
    return value


def as_written(state: State) -> Scene:
    """Return the scene of an entry that was just written."""
    return Scene(f"written as {state.name}", unchanged, state.hardware)


def any_value(label: str = "the entry", meant: Hardware | None = None) -> Scene:
    """Return the scene of an entry of which only its value is known."""
    return Scene(label, unchanged, meant)
