"""SPSR_EL1, SPSR_EL2: PSTATE as saved on exception entry, from AArch64."""

from __future__ import annotations

from harness.arch.fields import Layout
from harness.arch.pstate import FIELDS
from harness.arch.registers.base import register

SPSR_EL1 = Layout.of("SPSR_EL1", "Saved Program Status Register (EL1)", *FIELDS)
SPSR_EL2 = Layout.of("SPSR_EL2", "Saved Program Status Register (EL2)", *FIELDS)

REGISTERS = (register(SPSR_EL1, (3, 0, 4, 0, 0)), register(SPSR_EL2, (3, 4, 4, 0, 0)))
