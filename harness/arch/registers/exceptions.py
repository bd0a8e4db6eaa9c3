"""VBAR, ELR, SP: where an exception goes and comes back to."""

from __future__ import annotations

from harness.arch.fields import Field, Layout
from harness.arch.registers.base import register, whole

VBA = Field("VBA", 63, 11, "Vector base address, 2KB aligned", address_lsb=11)
EL = Field("EL", 3, 2, "Exception level")

VBAR_EL1 = Layout.of("VBAR_EL1", "Vector Base Address Register (EL1)", VBA)
VBAR_EL2 = Layout.of("VBAR_EL2", "Vector Base Address Register (EL2)", VBA)
ELR_EL1 = whole("ELR_EL1", "Exception Link Register (EL1)", "ADDR", "Return address")
ELR_EL2 = whole("ELR_EL2", "Exception Link Register (EL2)", "ADDR", "Return address")
SP_EL0 = whole("SP_EL0", "Stack Pointer (EL0)", "SP", "Stack pointer")
SP_EL1 = whole("SP_EL1", "Stack Pointer (EL1)", "SP", "Stack pointer")
CURRENT_EL = Layout.of("CurrentEL", "Current Exception Level", EL)

REGISTERS = (
    register(VBAR_EL1, (3, 0, 12, 0, 0)),
    register(VBAR_EL2, (3, 4, 12, 0, 0)),
    register(ELR_EL1, (3, 0, 4, 0, 1)),
    register(ELR_EL2, (3, 4, 4, 0, 1)),
    register(SP_EL0, (3, 0, 4, 1, 0)),
    register(SP_EL1, (3, 4, 4, 1, 0)),
    register(CURRENT_EL, (3, 0, 4, 2, 2)),
)
