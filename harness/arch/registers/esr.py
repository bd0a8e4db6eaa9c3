"""ESR_EL1, ESR_EL2: the syndrome's outer fields. What ISS holds is in `harness.arch.syndromes`."""

from __future__ import annotations

from harness.arch.exception_classes import EC_NAMES
from harness.arch.fields import Field, Layout, flag
from harness.arch.registers.base import register

ISS = Field("ISS", 24, 0, "Instruction specific syndrome")
IL = flag("IL", 25, "Instruction length", "16-bit instruction", "32-bit instruction, or not known")
EC = Field(
    "EC", 31, 26, "Exception class", {code: EC_NAMES.get(code, "reserved") for code in range(64)}
)
ISS2 = Field("ISS2", 55, 32, "Instruction specific syndrome 2")

ESR_EL1 = Layout.of("ESR_EL1", "Exception Syndrome Register (EL1)", ISS, IL, EC, ISS2)
ESR_EL2 = Layout.of("ESR_EL2", "Exception Syndrome Register (EL2)", ISS, IL, EC, ISS2)

REGISTERS = (register(ESR_EL1, (3, 0, 5, 2, 0)), register(ESR_EL2, (3, 4, 5, 2, 0)))
