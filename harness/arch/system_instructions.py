"""System instructions both ways: instruction word to name and back (DDI 0487, C4.1 and C5).

Names are assembly without the operand register, in lower case: `tlbi vaae1is`, `dsb ish`, `isb`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from harness.arch.fields import Field
from harness.arch.registers import BY_ENCODING, REGISTERS
from harness.arch.registers.base import Encoding
from harness.arch.system_operations import (
    OPERATION_NAMES,
    SYSTEM_OPERATIONS,
    WITHOUT_OPERAND,
    SystemOperation,
)


class SystemInstructionKind(StrEnum):
    """What kind of instruction; the values of the first seven are their mnemonics."""

    TLBI = "tlbi"
    AT = "at"
    DC = "dc"
    IC = "ic"
    DSB = "dsb"
    DMB = "dmb"
    ISB = "isb"
    MSR = "msr"
    MRS = "mrs"
    MSR_IMMEDIATE = "msr_immediate"
    ERET = "eret"


@dataclass(frozen=True, slots=True)
class SystemInstruction:
    """A decoded instruction word."""

    kind: SystemInstructionKind
    name: str
    """Assembly without the operand register: `tlbi vaae1is`, `msr ttbr0_el1`, `eret`."""
    rt: int | None = None
    """Number of Xt, 31 for XZR; None where the instruction names no register."""
    register: str | None = None
    """MSR, MRS: the manual's name, or the generic one (`S3_0_C15_C2_0`) of an unknown register."""
    immediate: int | None = None
    """MSR immediate: the value for the field of PSTATE."""


BARRIER_OPTIONS: Mapping[int, str] = MappingProxyType(
    {
        0b0001: "oshld",
        0b0010: "oshst",
        0b0011: "osh",
        0b0101: "nshld",
        0b0110: "nshst",
        0b0111: "nsh",
        0b1001: "ishld",
        0b1010: "ishst",
        0b1011: "ish",
        0b1101: "ld",
        0b1110: "st",
        0b1111: "sy",
    }
)
"""CRm of DSB and DMB: shareability domain and access types."""

_NXS_OPTIONS = {0b0010: "oshnxs", 0b0110: "nshnxs", 0b1010: "ishnxs", 0b1110: "synxs"}
_SPECULATION_BARRIERS = (0b0000, 0b0100)
"""CRm of SSBB and PSSBB, which DSB would otherwise be."""

ISB = 0xD503_3FDF
ERET = 0xD69F_03E0
_ERETS = {ERET: "eret", 0xD69F_0BFF: "eretaa", 0xD69F_0FFF: "eretab"}

BARRIERS: Mapping[str, int] = MappingProxyType(
    {
        f"{mnemonic} {option}": 0xD503_301F | crm << 8 | op2 << 5
        for mnemonic, op2 in (("dsb", 4), ("dmb", 5))
        for crm, option in BARRIER_OPTIONS.items()
    }
    | {f"dsb {option}": 0xD503_303F | crm << 8 for crm, option in _NXS_OPTIONS.items()}
    | {"isb": ISB}
)
"""Instruction words of the barriers by name."""

_BARRIER_NAMES: Mapping[int, str] = MappingProxyType(
    {0xD503_309F | crm << 8: "dsb sy" for crm in range(16) if crm not in _SPECULATION_BARRIERS}
    | {0xD503_30BF | crm << 8: "dmb sy" for crm in range(16)}
    | {0xD503_30DF | crm << 8: "isb" for crm in range(16)}
    | {word: name for name, word in BARRIERS.items()}
)
"""Names by word. Reserved options act as SY (DDI 0487, C6.2, DSB, DMB and ISB): named so."""

_PSTATE_FIELDS: Mapping[tuple[int, int], str] = MappingProxyType(
    {
        (0, 3): "uao",
        (0, 4): "pan",
        (0, 5): "spsel",
        (3, 1): "ssbs",
        (3, 2): "dit",
        (3, 4): "tco",
        (3, 6): "daifset",
        (3, 7): "daifclr",
    }
)
"""op1 and op2 of MSR (immediate)."""

_RT = Field("Rt", 4, 0)
_OP2 = Field("op2", 7, 5)
_CRM = Field("CRm", 11, 8)
_CRN = Field("CRn", 15, 12)
_OP1 = Field("op1", 18, 16)
_OP0 = Field("op0", 20, 19)
_L = Field("L", 21, 21)
_SYSTEM = Field("system", 31, 22)
"""The fixed bits of MSR, MRS, SYS, SYSL, barriers and hints."""
_SYSTEM_VALUE = 0b11_0101_0100
_XZR = 31
_PSTATE_CRN = 4
_OP0_OF_REGISTERS = 2


def encode_maintenance(name: str, rt: int = _XZR) -> int:
    """Return the word of a TLBI, AT, DC, IC or barrier with operand X`rt`; case does not matter.

    ValueError if there is no such instruction, or if it takes no register and `rt` names one.
    """
    wanted = " ".join(name.lower().split())
    if wanted == "isb sy":
        wanted = "isb"
    if wanted not in BARRIERS and wanted not in SYSTEM_OPERATIONS:
        raise ValueError(f"no maintenance instruction is called {name!r}")
    if rt != _XZR and not takes_register(wanted):
        raise ValueError(f"{wanted} takes no register")
    if wanted in BARRIERS:
        return BARRIERS[wanted]
    return _encode(Encoding(1, *SYSTEM_OPERATIONS[wanted]), rt, read=False)


def takes_register(name: str) -> bool:
    """Whether the TLBI, AT, DC or IC of this name has an operand Xt; False for a barrier."""
    return name in SYSTEM_OPERATIONS and name not in WITHOUT_OPERAND


def encode_msr(register: str, rt: int) -> int:
    """Return the word of `msr register, Xrt`; KeyError if the harness does not know it."""
    return _encode(REGISTERS[register].encoding, rt, read=False)


def encode_mrs(rt: int, register: str) -> int:
    """Return the word of `mrs Xrt, register`; KeyError if the harness does not know it."""
    return _encode(REGISTERS[register].encoding, rt, read=True)


def decode_system_instruction(word: int) -> SystemInstruction | None:
    """Return what `word` is, None if it is none of the kinds above."""
    if word in _ERETS:
        return SystemInstruction(SystemInstructionKind.ERET, _ERETS[word])
    if word in _BARRIER_NAMES:
        return _named(_BARRIER_NAMES[word])
    if _SYSTEM.get(word) != _SYSTEM_VALUE:
        return None
    op0, read = _OP0.get(word), bool(_L.get(word))
    if op0 >= _OP0_OF_REGISTERS:
        return _decode_move(word, read=read)
    if read:
        return None
    return _decode_sys(word) if op0 else _decode_immediate(word)


def _encode(encoding: Encoding, rt: int, *, read: bool) -> int:
    word = _SYSTEM.set(0, _SYSTEM_VALUE)
    contents = (read, *encoding, rt)
    for part, content in zip((_L, _OP0, _OP1, _CRN, _CRM, _OP2, _RT), contents, strict=True):
        word = part.set(word, int(content))
    return word


def _decode_immediate(word: int) -> SystemInstruction | None:
    field = _PSTATE_FIELDS.get((_OP1.get(word), _OP2.get(word)))
    if _CRN.get(word) != _PSTATE_CRN or _RT.get(word) != _XZR or field is None:
        return None
    return SystemInstruction(
        SystemInstructionKind.MSR_IMMEDIATE, f"msr {field}", immediate=_CRM.get(word)
    )


def _decode_sys(word: int) -> SystemInstruction | None:
    operation = SystemOperation(_OP1.get(word), _CRN.get(word), _CRM.get(word), _OP2.get(word))
    name = OPERATION_NAMES.get(operation)
    if name is None:
        return None
    rt = _RT.get(word)
    if name in WITHOUT_OPERAND:
        # Another Rt than XZR is CONSTRAINED UNPREDICTABLE; ignoring it is one permitted choice.
        return _named(name)
    return _named(name, rt)


def _named(name: str, rt: int | None = None) -> SystemInstruction:
    return SystemInstruction(SystemInstructionKind(name.split(maxsplit=1)[0]), name, rt)


def _decode_move(word: int, *, read: bool) -> SystemInstruction:
    encoding = Encoding(*(part.get(word) for part in (_OP0, _OP1, _CRN, _CRM, _OP2)))
    known = BY_ENCODING.get(encoding)
    register = known.name if known else encoding.generic_name
    kind = SystemInstructionKind.MRS if read else SystemInstructionKind.MSR
    return SystemInstruction(kind, f"{kind.value} {register.lower()}", _RT.get(word), register)
