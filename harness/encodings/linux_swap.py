"""Linux's entries that are not present: swap, migration, device memory, poison, markers."""

from __future__ import annotations

from collections.abc import Iterator

from harness.encodings.definition import State, StateName
from harness.encodings.linux_bits import SwapFormat
from harness.encodings.linux_predicates import none
from harness.encodings.logic import (
    Operation,
    Predicate,
    Truth,
    Value,
    change_bits,
    has_all,
    has_none,
    is_one_of,
    negate,
    select,
)


def swap_states(name: str, present: Predicate, form: SwapFormat) -> Iterator[State]:
    """Yield the states of a pte that is not present; `present` is the level's question."""
    reserved = (*form.poisoned, *form.migration, *form.device, *form.marker)
    is_reserved = _has_type(form, reserved)

    def not_present(value: Value) -> Truth:
        return negate(none(value)) & negate(present(value))

    def is_swap(value: Value) -> Truth:
        return not_present(value) & negate(is_reserved(value))

    def is_write_protected(value: Value) -> Truth:
        return is_swap(value) & has_all(value, form.write_protected)

    def make_swap(value: Value) -> Value:
        # Slot 0 of a swap area holds its header, so that an offset is never 0.
        entry = change_bits(value & form.fields, form.write_protected, 0)
        entry = select(is_reserved(entry), change_bits(entry, form.type_mask, 0), entry)
        lowest = form.offset & -form.offset
        return select(has_none(entry, form.offset), entry | lowest, entry)

    absent = f"not {name}_none and not {name}_present, type"
    yield State(StateName.SWAP, f"{absent} of a swap area", is_swap, make_swap)
    if form.write_protected:
        yield State(
            StateName.SWAP_WRITE_PROTECTED,
            f"{absent} of a swap area, and {name}_swp_uffd_wp",
            is_write_protected,
            lambda value: make_swap(value) | form.write_protected,
            also=frozenset({StateName.SWAP}),
        )
    for state, types in (
        (StateName.POISONED, form.poisoned),
        (StateName.DEVICE_PRIVATE, form.device),
        (StateName.MARKER, form.marker),
    ):
        yield _typed(state, absent, not_present, form, types)
    yield migration_state(name, present, form)


def migration_state(name: str, present: Predicate, form: SwapFormat) -> State:
    """Return the state of an entry whose memory is being moved; a pmd has it too."""

    def not_present(value: Value) -> Truth:
        return negate(none(value)) & negate(present(value))

    absent = f"not {name}_none and not {name}_present, type"
    return _typed(StateName.MIGRATION, absent, not_present, form, form.migration)


def _typed(
    state: StateName,
    absent: str,
    not_present: Predicate,
    form: SwapFormat,
    types: tuple[int, ...],
) -> State:
    is_type = _has_type(form, types)
    numbers = str(types[0]) if len(types) == 1 else f"{types[0]} to {types[-1]}"
    return State(
        state,
        f"{absent} {numbers}",
        lambda value: not_present(value) & is_type(value),
        _maker(form, types),
    )


def _maker(form: SwapFormat, types: tuple[int, ...]) -> Operation:
    is_type = _has_type(form, types)
    first = types[0] << form.type_lsb

    def make(value: Value) -> Value:
        entry = value & form.fields
        return select(is_type(entry), entry, change_bits(entry, form.type_mask, first))

    return make


def _has_type(form: SwapFormat, types: tuple[int, ...]) -> Predicate:
    contents = [number << form.type_lsb for number in types]
    return lambda value: is_one_of(value, form.type_mask, contents)
