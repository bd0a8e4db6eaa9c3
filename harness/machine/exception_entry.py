"""What taking a synchronous exception to EL1 does to the registers (AArch64.TakeException)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch import pstate
from harness.arch.addresses import VirtualAddress
from harness.arch.registers import exceptions, sctlr
from harness.arch.vectors import vector_group, vector_offset

_EL1H = 0b0101
_MASKS = pstate.D.mask | pstate.A.mask | pstate.I.mask | pstate.F.mask
_CLEARED = (
    pstate.M.mask
    | pstate.M4.mask
    | pstate.IL.mask
    | pstate.SS.mask
    | pstate.UAO.mask
    | pstate.BTYPE.mask
)


@dataclass(frozen=True, slots=True)
class Entry:
    """The state at the first instruction of the vector."""

    pc: VirtualAddress
    offset: int
    """Of the vector in its table."""
    pstate: int
    spsr: int


def enter_el1(*, before: int, vbar: int, sctlr_el1: int) -> Entry:
    """Return where a synchronous exception goes from PSTATE `before`, and the PSTATE there.

    PSTATE.PAN is set unless SCTLR_EL1.SPAN is: a profile without FEAT_PAN keeps SPAN, RES1, at 1.
    PSTATE.TCO and SSBS are left alone; nothing that is modelled depends on them.
    """
    group = vector_group(from_el=pstate.EL.get(before), to_el=1, sp_elx=bool(pstate.SP.get(before)))
    offset = vector_offset(group)
    after = before & ~_CLEARED | _MASKS | _EL1H
    if not sctlr.SPAN.get(sctlr_el1):
        after |= pstate.PAN.mask
    base = vbar & exceptions.VBA.mask
    return Entry(VirtualAddress(base + offset), offset, after, before)


def uses_sp_el0(state: int) -> bool:
    """Return whether SP is SP_EL0 under PSTATE `state`: at EL0, and at EL1 with SPSel 0."""
    return not (pstate.EL.get(state) and pstate.SP.get(state))
