"""What the recorded ESR says, in the words that a report uses; the bits are `harness.arch`'s."""

from __future__ import annotations

from harness.arch import iss
from harness.arch.exception_classes import ExceptionClass
from harness.arch.fields import Kind
from harness.arch.registers import esr as outer
from harness.arch.syndromes import Syndrome, decode_abort
from harness.vmsa.access import AccessKind

SERROR = "serror"
OTHER = "other"
"""Kinds of faults of a report beyond those of `harness.arch.faults`."""

DATA_ABORTS = (ExceptionClass.DATA_ABORT_LOWER, ExceptionClass.DATA_ABORT_SAME)
FETCH_ABORTS = (ExceptionClass.INSTRUCTION_ABORT_LOWER, ExceptionClass.INSTRUCTION_ABORT_SAME)
LOWER_EL_ABORTS = (ExceptionClass.DATA_ABORT_LOWER, ExceptionClass.INSTRUCTION_ABORT_LOWER)


def fault_of(esr: int) -> str:
    """Return the fault kind as case files name it, or SERROR, or OTHER."""
    abort = decode_abort(esr)
    if abort is not None:
        return abort.kind.value
    return SERROR if Syndrome.from_int(esr).ec == ExceptionClass.SERROR else OTHER


def access_of(esr: int) -> AccessKind | None:
    """Return the direction of an abort's access, None for every other exception."""
    syndrome = Syndrome.from_int(esr)
    if syndrome.ec in FETCH_ABORTS:
        return AccessKind.FETCH
    if syndrome.ec not in DATA_ABORTS:
        return None
    return AccessKind.WRITE if iss.WNR.get(syndrome.iss) else AccessKind.READ


def is_abort(esr: int) -> bool:
    """Return whether the exception class is an instruction or data abort."""
    return Syndrome.from_int(esr).ec in (*DATA_ABORTS, *FETCH_ABORTS)


def is_lower_el(esr: int) -> bool:
    """Return whether the abort was taken from a lower exception level: from EL0 here."""
    return Syndrome.from_int(esr).ec in LOWER_EL_ABORTS


def far_is_valid(esr: int) -> bool:
    """Return whether FAR_EL1 holds the faulting address: an abort with FnV = 0."""
    return is_abort(esr) and not iss.FNV.get(Syndrome.from_int(esr).iss)


def syndrome_fields(esr: int) -> dict[str, int]:
    """Return IL and every field of ISS and ISS2 by the manual's names, reserved bits left out.

    Fields that ISV = 0 or IDS = 1 make meaningless are left out as well.
    """
    syndrome = Syndrome.from_int(esr)
    layout = iss.iss_layout(syndrome.ec, syndrome.iss)
    fields = {part.name: part.get(syndrome.iss) for part in layout if part.kind is not Kind.RES0}
    fields |= {
        part.name: part.get(syndrome.iss2)
        for part in iss.iss2_layout(syndrome.ec)
        if part.kind is not Kind.RES0
    }
    if fields.get("IDS"):
        fields = {"IDS": fields["IDS"], "ISS": syndrome.iss}
    return {"IL": outer.IL.get(esr), **fields}


_INSTRUCTION_SYNDROME = (iss.ISV, iss.SAS, iss.SSE, iss.SRT, iss.SF, iss.AR)


def comparable(esr: int) -> int:
    """Return `esr` without what no translation decides: the instruction syndrome (ISS[24:14])."""
    if Syndrome.from_int(esr).ec not in DATA_ABORTS:
        return esr
    for part in _INSTRUCTION_SYNDROME:
        esr &= ~part.mask
    return esr
