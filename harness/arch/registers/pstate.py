"""PSTATE's fields that MRS and MSR reach one by one, each at its place in SPSR."""

from __future__ import annotations

from harness.arch import pstate
from harness.arch.fields import Layout
from harness.arch.registers.base import register

SP_SEL = Layout.of("SPSel", "Stack Pointer Select", pstate.SP)
DAIF = Layout.of("DAIF", "Interrupt Mask Bits", pstate.D, pstate.A, pstate.I, pstate.F)
NZCV = Layout.of("NZCV", "Condition Flags", pstate.N, pstate.Z, pstate.C, pstate.V)
PAN = Layout.of("PAN", "Privileged Access Never", pstate.PAN)
UAO = Layout.of("UAO", "User Access Override", pstate.UAO)
DIT = Layout.of("DIT", "Data Independent Timing", pstate.DIT)
SSBS = Layout.of("SSBS", "Speculative Store Bypass Safe", pstate.SSBS)
TCO = Layout.of("TCO", "Tag Check Override", pstate.TCO)

REGISTERS = (
    register(SP_SEL, (3, 0, 4, 2, 0)),
    register(PAN, (3, 0, 4, 2, 3)),
    register(UAO, (3, 0, 4, 2, 4)),
    register(NZCV, (3, 3, 4, 2, 0)),
    register(DAIF, (3, 3, 4, 2, 1)),
    register(DIT, (3, 3, 4, 2, 5)),
    register(SSBS, (3, 3, 4, 2, 6)),
    register(TCO, (3, 3, 4, 2, 7)),
)
