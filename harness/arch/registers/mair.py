"""MAIR_EL1, MAIR_EL2 and their second halves (FEAT_AIE): eight memory attributes of 8 bits each.

`ATTRIBUTE_MEANINGS` is the table of the manual's MAIR_ELx, field Attr<n>.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.fields import Field, Layout
from harness.arch.registers.base import register, whole

_POLICIES = ("Write-Through transient", "Write-Back transient", "Write-Through", "Write-Back")
_HINTS = ("no-allocate", "Write-Allocate", "Read-Allocate", "Read-Allocate Write-Allocate")
_DEVICE = ("nGnRnE", "nGnRE", "nGRE", "GRE")
_SPECIAL = {
    0x40: "Normal, Non-cacheable, XS = 0 (FEAT_XS)",
    0xA0: "Normal, Write-Through Read-Allocate, XS = 0 (FEAT_XS)",
    0xF0: "Normal-Tagged, Write-Back Read-Allocate Write-Allocate (FEAT_MTE2)",
}


def _half(nibble: int) -> str:
    """Return the meaning of the inner or outer half, 0bPPRW: policy, then allocation hints."""
    if nibble == 0b0100:
        return "Non-cacheable"
    return f"{_POLICIES[nibble >> 2]} {_HINTS[nibble & 0b11]}"


def _meaning(attribute: int) -> str:
    outer, inner = attribute >> 4, attribute & 0xF
    if attribute in _SPECIAL:
        return _SPECIAL[attribute]
    if outer == 0:
        if inner & 0b10:
            return "reserved"
        return f"Device-{_DEVICE[inner >> 2]}" + (", XS = 0 (FEAT_XS)" if inner & 1 else "")
    if inner == 0:
        return "reserved"
    if outer == inner:
        return f"Normal, {_half(outer)}"
    return f"Normal, inner {_half(inner)}, outer {_half(outer)}"


ATTRIBUTE_MEANINGS: Mapping[int, str] = MappingProxyType(
    {attribute: _meaning(attribute) for attribute in range(256)}
)


def _attributes(first: int) -> tuple[Field, ...]:
    return tuple(
        Field(
            f"Attr{first + index}",
            8 * index + 7,
            8 * index,
            f"Memory attribute of AttrIndx {first + index}",
            ATTRIBUTE_MEANINGS,
        )
        for index in range(8)
    )


ATTR = _attributes(0)
"""Attr0 to Attr7: `ATTR[n].get(mair)` is the attribute that AttrIndx = n selects."""

MAIR_EL1 = Layout.of("MAIR_EL1", "Memory Attribute Indirection Register (EL1)", *ATTR)
MAIR_EL2 = Layout.of("MAIR_EL2", "Memory Attribute Indirection Register (EL2)", *ATTR)
MAIR2_EL1 = Layout.of(
    "MAIR2_EL1", "Extended Memory Attribute Indirection Register (EL1)", *_attributes(8)
)
MAIR2_EL2 = Layout.of(
    "MAIR2_EL2", "Extended Memory Attribute Indirection Register (EL2)", *_attributes(8)
)
AMAIR_EL1 = whole("AMAIR_EL1", "Auxiliary MAIR (EL1)", "IMP DEF", "IMPLEMENTATION DEFINED")

REGISTERS = (
    register(MAIR_EL1, (3, 0, 10, 2, 0)),
    register(MAIR_EL2, (3, 4, 10, 2, 0)),
    register(MAIR2_EL1, (3, 0, 10, 2, 1)),
    register(MAIR2_EL2, (3, 4, 10, 1, 1)),
    register(AMAIR_EL1, (3, 0, 10, 3, 0)),
)
