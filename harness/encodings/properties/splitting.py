"""A leaf is split into smaller ones, joined to a contiguous run, and parted from it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.descriptors import fields
from harness.encodings.definition import Hardware, MaskChange, State, StateName
from harness.encodings.logic import ALL_BITS, Operation, Truth, Value
from harness.encodings.place import Place
from harness.encodings.properties.claim import Claim, Property, Scene
from harness.encodings.properties.subjects import (
    KERNEL_LEAVES,
    article,
    as_written,
    states_of,
    unchanged,
    written,
)

_TYPE_MASK = 3
_OTHER_BITS = ALL_BITS ^ _TYPE_MASK


def _split(place: Place) -> Iterator[Claim]:
    split, below = place.meaning.split, place.below
    if split is None or below is None:
        return
    for state in states_of(place, *KERNEL_LEAVES):
        yield from _state_kept(place, state, split, below)
        yield Claim(
            f"the leaves that {article(state)} is split into have its address and attributes",
            f"the leaves that {article(state)} is split into differ from it in more than type",
            written(place, state),
            lambda value: (split(value) & _OTHER_BITS) == (value & _OTHER_BITS),
            _scenes(state, split, below),
        )


def _state_kept(place: Place, state: State, split: Operation, below: Place) -> Iterator[Claim]:
    for same in states_of(below, state.name):

        def holds(value: Value, same: State = same) -> Truth:
            child = split(value)
            return same.recognise(child) & below.hardware_is(same.hardware, child)

        yield Claim(
            f"the leaves that {article(state)} is split into are each {article(same)}",
            f"the leaves that {article(state)} is split into are not each {article(same)}",
            written(place, state),
            holds,
            _scenes(state, split, below),
        )


def _scenes(state: State, split: Operation, below: Place) -> tuple[Scene, ...]:
    child = Scene("the first of the smaller leaves", split, state.hardware, below)
    return (as_written(state), child)


def _fold(place: Place) -> Iterator[Claim]:
    if place.meaning.folds is None:
        return
    fold, unfold = (place.meaning.operations[name] for name in place.meaning.folds)
    plain = MaskChange(fields.CONTIGUOUS.mask, 0)
    for state in states_of(place, StateName.VALID_LEAF, StateName.USER_LEAF):

        def holds(value: Value, state: State = state) -> Truth:
            folded = fold(value)
            kept = state.recognise(folded) & place.hardware_is(Hardware.LEAF, folded)
            return kept & (unfold(folded) == value)

        def single(value: Value, state: State = state) -> Value:
            return plain(place.write(state, value))

        yield Claim(
            f"{article(state)} stays one in a contiguous run, and is as it was when parted from it",
            f"{article(state)} is another in a contiguous run, or when parted from it",
            single,
            holds,
            (
                Scene("the leaf", unchanged, Hardware.LEAF),
                Scene("in a run", fold, Hardware.LEAF),
                Scene("parted again", lambda value: unfold(fold(value)), Hardware.LEAF),
            ),
        )


SPLITTING = (
    Property(
        "split_keeps_state",
        "A leaf that is split becomes leaves of the same state, address and attributes.",
        "Splitting a block to change one page of it must not open a block that was closed.",
        "levels whose leaves are split",
        _split,
    ),
    Property(
        "fold_keeps_state",
        "A leaf that joins a contiguous run and leaves it is what it was.",
        "The kernel folds and unfolds runs behind the back of whoever mapped the memory.",
        "levels with contiguous runs that the kernel folds",
        _fold,
    ),
)
