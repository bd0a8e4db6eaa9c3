"""POR: permission overlays that a leaf's POIndex selects (FEAT_S1POE)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.fields import Field, Layout
from harness.arch.registers.base import register

OVERLAY_PERMISSIONS: Mapping[int, str] = MappingProxyType(
    {
        0b0000: "no access",
        0b0001: "read",
        0b0010: "execute",
        0b0011: "read, execute",
        0b0100: "write",
        0b0101: "read, write",
        0b0110: "write, execute",
        0b0111: "read, write, execute",
    }
    | dict.fromkeys(range(8, 16), "reserved")
)
"""A reserved value gives no access."""

PERM = tuple(
    Field(
        f"Perm{index}",
        4 * index + 3,
        4 * index,
        f"Overlay of POIndex {index}" + (", with 128-bit descriptors" if index > 7 else ""),
        OVERLAY_PERMISSIONS,
        feature="FEAT_D128" if index > 7 else "FEAT_S1POE",
    )
    for index in range(16)
)
"""Perm0 to Perm15: `PERM[n].get(por)` is what POIndex = n selects."""

POR_EL0 = Layout.of("POR_EL0", "Permission Overlay Register 0 (EL0)", *PERM)
POR_EL1 = Layout.of("POR_EL1", "Permission Overlay Register 1 (EL1)", *PERM)
POR_EL2 = Layout.of("POR_EL2", "Permission Overlay Register 2 (EL2)", *PERM)

REGISTERS = (
    register(POR_EL0, (3, 3, 10, 2, 4)),
    register(POR_EL1, (3, 0, 10, 2, 4)),
    register(POR_EL2, (3, 4, 10, 2, 4)),
)
