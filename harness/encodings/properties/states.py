"""Each state is told from every other."""

from __future__ import annotations

from collections.abc import Iterator

from harness.encodings.definition import Hardware, Role, StateName
from harness.encodings.logic import implies, negate
from harness.encodings.place import Place
from harness.encodings.properties.claim import Claim, Property
from harness.encodings.properties.subjects import (
    any_value,
    as_written,
    is_not,
    states_of,
    unchanged,
    written,
)

_NOT_PRESENT = (
    StateName.SWAP,
    StateName.SWAP_WRITE_PROTECTED,
    StateName.MIGRATION,
    StateName.DEVICE_PRIVATE,
    StateName.POISONED,
    StateName.MARKER,
    StateName.OWNED,
    StateName.LOCKED,
)


def _recognised(place: Place) -> Iterator[Claim]:
    for state in place.meaning.states.values():
        yield Claim(
            f"an entry written as {state.name} is recognised by {state.recognised_by}",
            f"{state.recognised_by} is false for an entry written as {state.name}",
            written(place, state),
            state.recognise,
            (as_written(state),),
        )


def _told_apart(place: Place) -> Iterator[Claim]:
    states = place.meaning.states.values()
    for one in states:
        for other in states:
            if other is one or other.name in one.also:
                continue
            yield Claim(
                f"an entry written as {one.name} is not taken for {other.name}",
                f"{other.recognised_by} is true for an entry written as {one.name}: it is taken "
                f"for {other.name}",
                written(place, one),
                is_not(other.recognise),
                (as_written(one),),
            )


def _never_present(place: Place) -> Iterator[Claim]:
    meaning = place.meaning
    for state in states_of(place, *_NOT_PRESENT):
        for name in meaning.roles.values():
            yield Claim(
                f"{name} is false for an entry written as {state.name}",
                f"{name} is true for an entry written as {state.name}",
                written(place, state),
                is_not(meaning.predicates[name]),
                (as_written(state),),
            )


def _no_table(place: Place) -> Iterator[Claim]:
    meaning = place.meaning
    is_table, is_leaf = meaning.role(Role.TABLE), meaning.role(Role.LEAF)
    if is_table is None or is_leaf is None:
        return
    names = meaning.roles[Role.TABLE], meaning.roles[Role.LEAF]
    yield Claim(
        f"{names[0]} and {names[1]} are never both true",
        f"{names[0]} and {names[1]} are both true",
        unchanged,
        lambda value: negate(is_table(value) & is_leaf(value)),
        (any_value(),),
    )
    yield Claim(
        f"{names[1]} is false for what hardware takes for a table",
        f"hardware goes on to the next level, and {names[1]} is true",
        unchanged,
        lambda value: implies(place.hardware_is(Hardware.TABLE, value), negate(is_leaf(value))),
        (any_value(meant=Hardware.LEAF),),
    )
    for state in meaning.states.values():
        if state.is_leaf:
            yield Claim(
                f"{names[0]} is false for an entry written as {state.name}",
                f"{names[0]} is true for an entry written as {state.name}",
                written(place, state),
                is_not(is_table),
                (as_written(state),),
            )


STATES = (
    Property(
        "states_recognised",
        "Each state, as it is written, is recognised by its own question.",
        "A leaf that its own question does not see is taken for something else by every walk: the "
        "operation that should end the state passes it by.",
        "every level",
        _recognised,
    ),
    Property(
        "states_told_apart",
        "No state, as it is written, is taken for another.",
        "Code that asks for one state then acts on an entry of another: it frees, swaps in, or "
        "follows as an address what is none.",
        "every level",
        _told_apart,
    ),
    Property(
        "swap_never_present",
        "An entry that is not present is not none, present, valid, leaf or table to anyone.",
        "The offset and the type of a swap entry would be used as an address and attributes.",
        "levels with entries that are not present",
        _never_present,
    ),
    Property(
        "leaf_is_no_table",
        "A leaf never looks like a table, whatever its address and attributes, and no table like "
        "a leaf.",
        "A walk that takes a leaf for a table reads the mapped memory as descriptors.",
        "levels with leaves and tables",
        _no_table,
    ),
)
