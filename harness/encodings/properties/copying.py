"""The copy of the kernel's tables, on which it runs while memory is restored or a kernel loaded."""

from __future__ import annotations

from collections.abc import Iterator

from harness.encodings.definition import Hardware, State
from harness.encodings.logic import Operation, Truth, Value, has_none
from harness.encodings.place import Place
from harness.encodings.properties.claim import Claim, Property, Scene
from harness.encodings.properties.subjects import (
    KERNEL_LEAVES,
    article,
    as_written,
    states_of,
    written,
)

_READ_ONLY = 1 << 7
"""AP[2] of a stage 1 leaf."""


def _usable(place: Place) -> Iterator[Claim]:
    for state, copy in _copied(place):

        def holds(value: Value, copy: Operation = copy) -> Truth:
            return place.hardware_is(Hardware.LEAF, copy(value))

        yield Claim(
            f"hardware maps the copy of {article(state)}",
            f"hardware does not map the copy of {article(state)}",
            written(place, state),
            holds,
            _scenes(state, copy),
        )


def _writable(place: Place) -> Iterator[Claim]:
    for state, copy in _copied(place):

        def holds(value: Value, copy: Operation = copy) -> Truth:
            return has_none(copy(value), _READ_ONLY)

        yield Claim(
            f"the copy of {article(state)} is not read-only",
            f"the copy of {article(state)} is read-only",
            written(place, state),
            holds,
            _scenes(state, copy),
        )


def _copied(place: Place) -> Iterator[tuple[State, Operation]]:
    if place.meaning.copy is not None:
        for state in states_of(place, *KERNEL_LEAVES):
            yield state, place.meaning.operations[place.meaning.copy]


def _scenes(state: State, copy: Operation) -> tuple[Scene, ...]:
    return (as_written(state), Scene("its copy", copy, Hardware.LEAF))


COPYING = (
    Property(
        "copy_usable",
        "The copy of the tables for hibernation and kexec maps every leaf, valid or not.",
        "Resuming writes to every page of the old kernel, also to those that were made invalid.",
        "levels with leaves of the kernel",
        _usable,
    ),
    Property(
        "copy_writable",
        "No leaf of that copy is read-only.",
        "Resuming writes over code and constants of the old kernel.",
        "levels with leaves of the kernel",
        _writable,
    ),
)
