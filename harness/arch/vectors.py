"""Where an exception goes: offsets from VBAR_ELx (DDI 0487, D1.4, Exception vectors)."""

from __future__ import annotations

from enum import IntEnum


class VectorKind(IntEnum):
    """Kind of exception; its value is the offset within a group."""

    SYNCHRONOUS = 0x000
    IRQ = 0x080
    FIQ = 0x100
    SERROR = 0x180


class VectorGroup(IntEnum):
    """From where the exception was taken; its value is the group's offset from VBAR_ELx."""

    CURRENT_SP0 = 0x000
    CURRENT_SPX = 0x200
    LOWER_AARCH64 = 0x400
    LOWER_AARCH32 = 0x600


VECTOR_SIZE = 0x80
"""Bytes of one vector: 32 instructions."""
TABLE_SIZE = 0x800
"""Bytes of a vector table, and its alignment."""


def vector_group(*, from_el: int, to_el: int, sp_elx: bool, aarch32: bool = False) -> VectorGroup:
    """Return the group for an exception from `from_el`, with PSTATE.SP as it was, to `to_el`."""
    if from_el < to_el:
        return VectorGroup.LOWER_AARCH32 if aarch32 else VectorGroup.LOWER_AARCH64
    return VectorGroup.CURRENT_SPX if sp_elx else VectorGroup.CURRENT_SP0


def vector_offset(group: VectorGroup, kind: VectorKind = VectorKind.SYNCHRONOUS) -> int:
    """Return the offset from VBAR_ELx."""
    return group + kind
