"""Syndromes both ways: ESR_ELx to a value and back (AArch64.FaultSyndrome, AbortSyndrome)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch import iss as layouts
from harness.arch.exception_classes import EC_NAMES, ExceptionClass
from harness.arch.fault_status import (
    FAULT_STATUS_MEANINGS,
    decode_fault_status,
    describe_fault,
    encode_fault_status,
)
from harness.arch.faults import FaultKind
from harness.arch.registers import esr as outer

__all__ = [
    "Abort",
    "Syndrome",
    "decode_abort",
    "decode_fault_status",
    "describe_esr",
    "encode_abort",
    "encode_fault_status",
]

_LOWER_EL_ABORTS = (ExceptionClass.DATA_ABORT_LOWER, ExceptionClass.INSTRUCTION_ABORT_LOWER)
_FETCH_ABORTS = (ExceptionClass.INSTRUCTION_ABORT_LOWER, ExceptionClass.INSTRUCTION_ABORT_SAME)
_ABORTS = (*_LOWER_EL_ABORTS, *_FETCH_ABORTS, ExceptionClass.DATA_ABORT_SAME)


@dataclass(frozen=True, slots=True)
class Syndrome:
    """ESR_ELx in its parts; ValueError from `to_int` where one does not fit."""

    ec: int
    iss: int = 0
    il: bool = True
    iss2: int = 0

    def to_int(self) -> int:
        """Return the register's 64 bits."""
        value = outer.EC.set(0, self.ec)
        value = outer.IL.set(value, int(self.il))
        value = outer.ISS.set(value, self.iss)
        return outer.ISS2.set(value, self.iss2)

    @classmethod
    def from_int(cls, esr: int) -> Syndrome:
        """Return the parts of `esr`; bits 63:56, RES0, are left out."""
        return cls(
            ec=outer.EC.get(esr),
            iss=outer.ISS.get(esr),
            il=bool(outer.IL.get(esr)),
            iss2=outer.ISS2.get(esr),
        )


@dataclass(frozen=True, slots=True)
class Abort:
    """An instruction or data abort that the harness models, as its syndrome tells it."""

    kind: FaultKind
    level: int | None = None
    fetch: bool = False
    lower_el: bool = False
    """Taken from a lower exception level than the one that takes it."""
    write: bool = False
    """WnR; also set by cache maintenance and address translation instructions."""
    cache_maintenance: bool = False
    """CM: an IC, DC (not DC ZVA) or AT instruction."""
    s1ptw: bool = False
    external_type: bool = False
    far_not_valid: bool = False
    dirty_bit: bool = False
    overlay: bool = False


def encode_abort(abort: Abort) -> int:
    """Return ESR_ELx for `abort`, with no instruction syndrome (ISV = 0)."""
    parts = [
        (layouts.FSC, encode_fault_status(abort.kind, abort.level)),
        (layouts.S1PTW, abort.s1ptw),
        (layouts.EA, abort.external_type),
        (layouts.FNV, abort.far_not_valid),
    ]
    if abort.fetch:
        ec = ExceptionClass.INSTRUCTION_ABORT_SAME
    else:
        ec = ExceptionClass.DATA_ABORT_SAME
        parts += [(layouts.WNR, abort.write), (layouts.CM, abort.cache_maintenance)]
    iss = 0
    for part, content in parts:
        iss = part.set(iss, int(content))
    iss2 = layouts.DIRTY_BIT.set(0, int(abort.dirty_bit))
    iss2 = layouts.OVERLAY.set(iss2, int(abort.overlay))
    return Syndrome(ec - int(abort.lower_el), iss, iss2=iss2).to_int()


def decode_abort(esr: int) -> Abort | None:
    """Return the abort that `esr` reports, None for another exception or an unmodelled fault.

    The instruction syndrome (ISV and what it makes valid) is not part of an `Abort`.
    """
    syndrome = Syndrome.from_int(esr)
    fault = decode_fault_status(layouts.FSC.get(syndrome.iss))
    if syndrome.ec not in _ABORTS or fault is None:
        return None
    fetch = syndrome.ec in _FETCH_ABORTS
    return Abort(
        kind=fault[0],
        level=fault[1],
        fetch=fetch,
        lower_el=syndrome.ec in _LOWER_EL_ABORTS,
        write=not fetch and bool(layouts.WNR.get(syndrome.iss)),
        cache_maintenance=not fetch and bool(layouts.CM.get(syndrome.iss)),
        s1ptw=bool(layouts.S1PTW.get(syndrome.iss)),
        external_type=bool(layouts.EA.get(syndrome.iss)),
        far_not_valid=bool(layouts.FNV.get(syndrome.iss)),
        dirty_bit=bool(layouts.DIRTY_BIT.get(syndrome.iss2)),
        overlay=bool(layouts.OVERLAY.get(syndrome.iss2)),
    )


def describe_esr(esr: int) -> str:
    """Return one sentence: what happened, and for an abort the fault, level and direction."""
    syndrome = Syndrome.from_int(esr)
    name = EC_NAMES.get(syndrome.ec)
    if name is None:
        return f"Reserved exception class {syndrome.ec:#04x}."
    if syndrome.ec in _ABORTS:
        return f"{name}: {_describe_abort(esr, syndrome)}."
    if layouts.iss_layout(syndrome.ec) is layouts.IMMEDIATE:
        return f"{name}, immediate {layouts.IMM16.get(syndrome.iss):#x}."
    return f"{name}."


def _describe_abort(esr: int, syndrome: Syndrome) -> str:
    abort = decode_abort(esr)
    if abort is None:
        code = layouts.FSC.get(syndrome.iss)
        meaning = FAULT_STATUS_MEANINGS[code]
        return f"reserved fault status code {code:#04x}" if meaning == "reserved" else meaning
    parts = [f"{describe_fault(abort.kind, abort.level)}, on {_direction(abort)}"]
    if abort.s1ptw:
        parts.append("of stage 2 during the walk of stage 1")
    if abort.dirty_bit:
        parts.append("due to the dirty state")
    if abort.overlay:
        parts.append("due to a permission overlay")
    if abort.far_not_valid:
        parts.append("FAR not valid")
    return ", ".join(parts)


def _direction(abort: Abort) -> str:
    if abort.fetch:
        return "an instruction fetch"
    if abort.cache_maintenance:
        return "cache maintenance or address translation"
    return "a write" if abort.write else "a read"
