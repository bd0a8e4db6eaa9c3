"""PIR and PIRE0: base permissions that a leaf's PIIndex selects (FEAT_S1PIE, FEAT_S2PIE)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.fields import Field, Layout
from harness.arch.registers.base import register

STAGE1_PERMISSIONS: Mapping[int, str] = MappingProxyType(
    {
        0b0000: "no access; overlay applied",
        0b0001: "read; overlay applied",
        0b0010: "execute; overlay applied",
        0b0011: "read, execute; overlay applied",
        0b0100: "reserved",
        0b0101: "read, write; overlay applied",
        0b0110: "read, write, execute; overlay and WXN applied",
        0b0111: "read, write, execute; overlay applied",
        0b1000: "read",
        0b1001: "read, GCS read, GCS write",
        0b1010: "read, execute",
        0b1011: "reserved",
        0b1100: "read, write",
        0b1101: "reserved",
        0b1110: "read, write, execute",
        0b1111: "reserved",
    }
)
"""A reserved value gives no access."""

STAGE2_PERMISSIONS: Mapping[int, str] = MappingProxyType(
    {
        0b0000: "no access",
        0b0001: "reserved",
        0b0010: "mostly read-only (MRO)",
        0b0011: "mostly read-only, TopLevel1 (MRO-TL1)",
        0b0100: "write-only (WO)",
        0b0101: "reserved",
        0b0110: "mostly read-only, TopLevel0 (MRO-TL0)",
        0b0111: "mostly read-only, TopLevel0 and 1 (MRO-TL01)",
        0b1000: "read-only (RO)",
        0b1001: "read-only, unprivileged execute (RO+uX)",
        0b1010: "read-only, privileged execute (RO+pX)",
        0b1011: "read-only, execute (RO+puX)",
        0b1100: "read, write (RW)",
        0b1101: "read, write, unprivileged execute (RW+uX)",
        0b1110: "read, write, privileged execute (RW+pX)",
        0b1111: "read, write, execute (RW+puX)",
    }
)
"""A reserved value gives no access."""


def _permissions(meanings: Mapping[int, str]) -> tuple[Field, ...]:
    return tuple(
        Field(f"Perm{index}", 4 * index + 3, 4 * index, f"Permissions of PIIndex {index}", meanings)
        for index in range(16)
    )


PERM = _permissions(STAGE1_PERMISSIONS)
"""Perm0 to Perm15 of the stage 1 registers: `PERM[n].get(pir)` is what PIIndex = n selects."""
PERM_STAGE2 = _permissions(STAGE2_PERMISSIONS)

_LONG_NAME = "Permission Indirection Register"
PIR_EL1 = Layout.of("PIR_EL1", f"{_LONG_NAME}, privileged (EL1)", *PERM)
PIRE0_EL1 = Layout.of("PIRE0_EL1", f"{_LONG_NAME}, unprivileged (EL1)", *PERM)
PIR_EL2 = Layout.of("PIR_EL2", f"{_LONG_NAME}, privileged (EL2)", *PERM)
PIRE0_EL2 = Layout.of("PIRE0_EL2", f"{_LONG_NAME}, unprivileged (EL2)", *PERM)
S2PIR_EL2 = Layout.of("S2PIR_EL2", f"Stage 2 {_LONG_NAME}", *PERM_STAGE2)

REGISTERS = (
    register(PIR_EL1, (3, 0, 10, 2, 3)),
    register(PIRE0_EL1, (3, 0, 10, 2, 2)),
    register(PIR_EL2, (3, 4, 10, 2, 3)),
    register(PIRE0_EL2, (3, 4, 10, 2, 2)),
    register(S2PIR_EL2, (3, 4, 10, 2, 5)),
)
