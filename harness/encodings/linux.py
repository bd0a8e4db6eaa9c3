"""Linux 7.0, and 7.0.1, which marks leaves made invalid as present-invalid at every level.

Source: arch/arm64 of the two versions (mm/pageattr.c, pgtable.h): facts, no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import MappingProxyType

from harness.encodings.definition import Encoding, LevelEncoding, MaskChange, State, StateName
from harness.encodings.levels import NAMES
from harness.encodings.linux_bits import (
    BITS,
    NG,
    PRESENT_INVALID,
    RDONLY,
    VALID,
    WRITE,
    attributes,
)
from harness.encodings.linux_predicates import (
    leaf,
    none,
    predicates,
    present_invalid,
    table,
    valid,
)
from harness.encodings.linux_words import describe
from harness.encodings.logic import Operation, Truth, Value, negate

TABLE_LEVELS = (-1, 0)
"""Levels of tables only: Linux does not use the blocks that LPA2 has at level 0."""
BLOCK_LEVELS = (1, 2)
ENTRY_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Variant:
    """One kernel. `marks_invalid`: set_memory_valid(off) leaves PRESENT_INVALID behind."""

    version: str
    marks_invalid: bool
    kpti: bool
    lpa2: bool

    @property
    def name(self) -> str:
        """The version with its options: `linux-7.0.1-kpti-lpa2`."""
        options = [word for word, on in (("kpti", self.kpti), ("lpa2", self.lpa2)) if on]
        return "-".join(["linux", self.version, *options])


def variants() -> Iterator[Variant]:
    """Yield every kernel that is described here."""
    for lpa2, kpti, (version, marks_invalid) in product(
        (False, True), (False, True), (("7.0", False), ("7.0.1", True))
    ):
        yield Variant(version, marks_invalid, kpti, lpa2)


def linux(variant: Variant) -> Encoding:
    """Return the encoding of one kernel."""
    levels: Mapping[int, LevelEncoding] = MappingProxyType(
        {
            **{level: _table_level(level) for level in TABLE_LEVELS},
            **{level: _leaf_level(variant, level) for level in (*BLOCK_LEVELS, ENTRY_LEVEL)},
        }
    )
    options = f"{'with' if variant.kpti else 'without'} KPTI"
    return Encoding(
        variant.name,
        f"Linux {variant.version} {options}{', LPA2 descriptors' if variant.lpa2 else ''}",
        BITS,
        attributes(kpti=variant.kpti, lpa2=variant.lpa2),
        levels,
        partial(describe, levels),
    )


def operations(variant: Variant) -> Mapping[str, Operation]:
    """Return what the kernel does to a leaf, under the kernel's names.

    NG and PRESENT_INVALID are one bit: masks are applied clear first, then set.
    """
    maybe_ng = NG if variant.kpti else 0
    if variant.marks_invalid:
        off = MaskChange(VALID | maybe_ng, PRESENT_INVALID)
        on = MaskChange(PRESENT_INVALID, VALID | maybe_ng)
        default = MaskChange(PRESENT_INVALID | RDONLY, VALID | maybe_ng | WRITE)
    else:
        off = MaskChange(VALID, 0)
        on = MaskChange(0, VALID)
        default = MaskChange(RDONLY, VALID | WRITE)
    return MappingProxyType(
        {
            "set_memory_valid_off": off,
            "set_memory_valid_on": on,
            "set_direct_map_invalid": off,
            "set_direct_map_default": default,
        }
    )


def _table_level(level: int) -> LevelEncoding:
    name = NAMES[level]
    states = _by_name(
        State(StateName.NONE, f"{name}_none", none),
        State(StateName.TABLE, f"not {name}_bad", table),
    )
    return LevelEncoding(level, name, MappingProxyType(predicates(name)), states, {})


def _leaf_level(variant: Variant, level: int) -> LevelEncoding:
    name = NAMES[level]
    changes = operations(variant)
    make_invalid = changes["set_memory_valid_off"]
    if level == ENTRY_LEVEL:
        states = _by_name(
            State(StateName.NONE, "pte_none", none),
            State(StateName.VALID_LEAF, "pte_valid", valid),
            State(StateName.INVALID_LEAF, "pte_present_invalid", present_invalid, make_invalid),
        )
        edited_if = None
    else:
        states = _by_name(
            State(StateName.NONE, f"{name}_none", none),
            State(StateName.TABLE, f"{name}_table", table),
            State(StateName.VALID_LEAF, f"{name}_leaf and {name}_valid", _valid_leaf),
            State(
                StateName.INVALID_LEAF,
                f"{name}_leaf and not {name}_valid",
                _invalid_leaf,
                make_invalid,
            ),
        )
        edited_if = f"{name}_leaf" if variant.marks_invalid else f"{name}_sect"
    asked = MappingProxyType(predicates(name))
    return LevelEncoding(level, name, asked, states, changes, edited_if)


def _valid_leaf(value: Value) -> Truth:
    return leaf(value) & valid(value)


def _invalid_leaf(value: Value) -> Truth:
    return leaf(value) & negate(valid(value))


def _by_name(*states: State) -> Mapping[StateName, State]:
    return MappingProxyType({state.name: state for state in states})
