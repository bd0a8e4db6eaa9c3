"""System registers by the manual's names: encodings and layouts, one module a family.

Code that uses a field imports its module (`from harness.arch.registers import tcr`;
`tcr.T0SZ.get(value)`), so that a misspelt field is a type error.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.registers import (
    control,
    esr,
    exceptions,
    far,
    hcr,
    id_mmfr,
    identification,
    mair,
    par,
    pir,
    por,
    pstate,
    sctlr,
    spsr,
    tcr,
    tcr2,
    threads,
    ttbr,
    vtcr,
)
from harness.arch.registers.base import Encoding, SystemRegister

# fmt: off
FAMILIES = (
    sctlr, tcr, tcr2, ttbr, mair, pir, por, hcr, vtcr, esr, far, par, spsr, exceptions, pstate,
    threads, control, identification, id_mmfr,
)
# fmt: on

REGISTERS: Mapping[str, SystemRegister] = MappingProxyType(
    {register.name: register for family in FAMILIES for register in family.REGISTERS}
)
"""Every system register that the harness knows, by the manual's name."""

BY_ENCODING: Mapping[Encoding, SystemRegister] = MappingProxyType(
    {register.encoding: register for register in REGISTERS.values()}
)

__all__ = ["BY_ENCODING", "FAMILIES", "REGISTERS", "Encoding", "SystemRegister"]
