"""The hardware's own meaning of stage 1 descriptors: what there is without any software.

Source: AArch64.DecodeDescriptorType of the manual's pseudocode.
"""

from __future__ import annotations

from types import MappingProxyType

from harness.arch.granule import Granule
from harness.encodings.definition import Encoding, LevelEncoding, MaskChange, State, StateName
from harness.encodings.logic import Predicate, Truth, Value, has_all, has_none, holds
from harness.encodings.words import size_in_words

VALID = 1 << 0
TYPE_MASK = 3
TABLE_OR_PAGE = 3
BLOCK = 1
LAST_LEVEL = 3

_BLOCK_WITHOUT_52_BITS = frozenset(
    {(Granule.K4, 1), (Granule.K4, 2), (Granule.K16, 2), (Granule.K64, 2)}
)
_BLOCK_WITH_52_BITS = frozenset({(Granule.K4, 0), (Granule.K16, 1), (Granule.K64, 1)})
"""Levels of blocks that 52-bit descriptors (LPA, LPA2) add."""


def bare() -> Encoding:
    """Return the encoding of no software at all."""
    levels = {level: _level(level) for level in range(-1, LAST_LEVEL + 1)}
    return Encoding(
        "bare",
        "the hardware's own meaning",
        MappingProxyType({}),
        MappingProxyType({}),
        MappingProxyType(levels),
        describe,
    )


def invalid(value: Value) -> Truth:
    """Bit 0 is clear: every other bit is ignored."""
    return has_none(value, VALID)


def table_or_page(value: Value) -> Truth:
    """Bits 1:0 are 0b11: a table, or at level 3 a page."""
    return has_all(value, TABLE_OR_PAGE)


def block_or_reserved(value: Value) -> Truth:
    """Bits 1:0 are 0b01: a block where the level has blocks, else reserved."""
    return holds(value, TYPE_MASK, BLOCK)


def describe(value: int, level: int, granule: Granule) -> str:
    """Say what hardware makes of the descriptor."""
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


def _level(level: int) -> LevelEncoding:
    if level == LAST_LEVEL:
        kinds: dict[str, Predicate] = {"page": table_or_page, "reserved": block_or_reserved}
        leaf = State(StateName.VALID_LEAF, "page", table_or_page)
        states = [leaf]
    else:
        kinds = {"table": table_or_page, "block_or_reserved": block_or_reserved}
        leaf = State(StateName.VALID_LEAF, "block_or_reserved", block_or_reserved)
        states = [State(StateName.TABLE, "table", table_or_page), leaf]
    # To hardware there is one way not to be mapped.
    states.append(State(StateName.NONE, "invalid", invalid, MaskChange(VALID, 0)))
    return LevelEncoding(
        level,
        f"level {level}",
        MappingProxyType({"invalid": invalid, **kinds}),
        MappingProxyType({state.name: state for state in states}),
        MappingProxyType({}),
    )
