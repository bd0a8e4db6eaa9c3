"""The hardware's own meaning of stage 1 descriptors: what there is without any software.

Source: AArch64.DecodeDescriptorType of the manual's pseudocode.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from harness.arch.descriptors import LAST_LEVEL
from harness.arch.granule import Granule
from harness.encodings.definition import (
    Encoding,
    Hardware,
    LevelEncoding,
    MaskChange,
    Role,
    State,
    StateName,
)
from harness.encodings.form import LPA_FORM, PLAIN_FORMS, WIDE_FORMS, Form
from harness.encodings.logic import Predicate, Truth, Value, has_none, holds, negate
from harness.encodings.words import size_in_words

VALID = 1 << 0
TYPE_MASK = 3
TABLE_OR_PAGE = 3
BLOCK = 1

_BLOCK_WITHOUT_52_BITS = frozenset(
    {(Granule.K4, 1), (Granule.K4, 2), (Granule.K16, 2), (Granule.K64, 2)}
)
_BLOCK_WITH_52_BITS = frozenset({(Granule.K4, 0), (Granule.K16, 1), (Granule.K64, 1)})
"""Levels of blocks that 52-bit descriptors (LPA, LPA2) add."""


def bare() -> Encoding:
    """Return the encoding of no software at all."""
    return Encoding(
        "bare",
        "the hardware's own meaning",
        MappingProxyType({}),
        MappingProxyType({}),
        (*PLAIN_FORMS, LPA_FORM, *WIDE_FORMS),
        _levels,
        describe,
    )


def invalid(value: Value) -> Truth:
    """Bit 0 is clear: every other bit is ignored."""
    return has_none(value, VALID)


def table_or_page(value: Value) -> Truth:
    """Bits 1:0 are 0b11: a table, or at level 3 a page."""
    return holds(value, TYPE_MASK, TABLE_OR_PAGE)


def block_or_reserved(value: Value) -> Truth:
    """Bits 1:0 are 0b01: a block where the level has blocks, else reserved."""
    return holds(value, TYPE_MASK, BLOCK)


def describe(meaning: LevelEncoding, value: int, granule: Granule) -> str:
    """Say what hardware makes of the descriptor."""
    level = meaning.level
    if invalid(value):
        return f"Invalid, since bit 0 is clear: a Translation fault at level {level}."
    size = size_in_words(granule.level_size(level))
    if table_or_page(value):
        return f"A {size} page." if level == LAST_LEVEL else f"A table of level {level + 1}."
    if (granule, level) in _BLOCK_WITHOUT_52_BITS:
        return f"A {size} block."
    if (granule, level) in _BLOCK_WITH_52_BITS:
        return (
            f"A {size} block where descriptors hold 52-bit addresses, else reserved: a Translation "
            f"fault at level {level}."
        )
    return f"Reserved, since bits 1:0 are 0b01: a Translation fault at level {level}."


def _levels(form: Form) -> Mapping[int, LevelEncoding]:
    levels = range(-1, LAST_LEVEL + 1)
    return MappingProxyType({level: _level(form, level) for level in levels})


def _level(form: Form, level: int) -> LevelEncoding:
    unmapped = MaskChange(VALID, 0)
    states: list[State] = []
    kinds: dict[str, Predicate] = {}
    roles = {Role.NONE: "invalid", Role.VALID: "valid"}
    if level != LAST_LEVEL:
        kinds["table"] = table_or_page
        roles[Role.TABLE] = "table"
        make_table = MaskChange(0, TABLE_OR_PAGE)
        states.append(State(StateName.TABLE, "table", table_or_page, make_table, Hardware.TABLE))
    if form.has_leaf(level):
        name, ask = ("page", table_or_page) if level == LAST_LEVEL else ("block", block_or_reserved)
        kinds[name] = ask
        roles[Role.LEAF] = name
        make_leaf = MaskChange(TYPE_MASK, TABLE_OR_PAGE if level == LAST_LEVEL else BLOCK)
        states.append(
            State(StateName.VALID_LEAF, name, ask, make_leaf, Hardware.LEAF, is_leaf=True)
        )
    valid = partial(_any_of, tuple(kinds.values()))

    def is_invalid(value: Value) -> Truth:
        return negate(valid(value))

    # To hardware there is one way not to be mapped.
    states.append(State(StateName.NONE, "invalid", is_invalid, unmapped))
    return LevelEncoding(
        level,
        f"level {level}",
        MappingProxyType({"invalid": is_invalid, "valid": valid, **kinds}),
        MappingProxyType({state.name: state for state in states}),
        roles=MappingProxyType(roles),
    )


def _any_of(asked: tuple[Predicate, ...], value: Value) -> Truth:
    truth = asked[0](value)
    for ask in asked[1:]:
        truth = truth | ask(value)
    return truth
