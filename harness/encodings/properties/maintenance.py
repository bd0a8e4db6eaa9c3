"""A TLBI is issued whenever the old value of an entry can be in a TLB."""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.descriptors import fields
from harness.encodings.definition import Hardware, StateName
from harness.encodings.logic import (
    Operation,
    Predicate,
    Truth,
    Value,
    always,
    has_all,
    implies,
    negate,
    never,
)
from harness.encodings.place import Place
from harness.encodings.properties.claim import Claim, Property, Scene
from harness.encodings.properties.subjects import KERNEL_LEAVES, states_of, unchanged, written


def _kernel_leaves(place: Place) -> Iterator[Claim]:
    for state in states_of(place, *KERNEL_LEAVES, StateName.USER_LEAF):
        # The walk that changes attributes is for the kernel's own tables.
        in_hand = state.name is StateName.USER_LEAF
        yield from _flushed(
            place, f"an entry written as {state.name}", written(place, state), in_hand=in_hand
        )


def _any_leaf(place: Place) -> Iterator[Claim]:
    if place.form.has_leaf(place.level):
        yield from _flushed(place, "a valid leaf of any bits", place.any_leaf, in_hand=False)


def _flushed(place: Place, what: str, subject: Operation, *, in_hand: bool) -> Iterator[Claim]:
    """Yield a claim for each operation on a live entry; a copy is of no live entry."""
    meaning = place.meaning
    for name, operation in meaning.operations.items():
        if name == meaning.copy or (in_hand and operation.by_walk):
            continue
        flushes = always if operation.flushes else never

        def holds(value: Value, name: str = name, flushes: Predicate = flushes) -> Truth:
            used = negate(place.hardware_is(Hardware.INVALID, value))
            # What takes an Access flag fault is not cached.
            cacheable = used & has_all(value, fields.AF.mask)
            changed = negate(meaning.apply(name, value) == value)
            return implies(cacheable & changed, flushes(value))

        def after(value: Value, name: str = name) -> Value:
            return meaning.apply(name, value)

        yield Claim(
            f"{name} of {what} issues a TLBI if a TLB can hold the old value",
            f"{name} changes {what} that a TLB can hold, and issues no TLBI",
            subject,
            holds,
            (
                Scene("before, and perhaps cached", unchanged, Hardware.LEAF),
                Scene(f"after {name}, without a TLBI", after, stale=True),
            ),
        )


MAINTENANCE = (
    Property(
        "tlbi_when_cached",
        "An operation that changes an entry which hardware can have cached issues a TLBI.",
        "The old translation, or the old permissions, would go on to be used.",
        "levels with operations",
        _kernel_leaves,
    ),
    Property(
        "tlbi_any_leaf",
        "The same for every valid leaf that there can be, also such as the kernel does not write.",
        "It says what leaving out the TLBI relies on.",
        "levels with operations",
        _any_leaf,
    ),
)
