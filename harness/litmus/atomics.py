"""Encodings of the FEAT_LSE atomics, LDAPR and system operations that Keystone does not know.

`encode_word` reads one instruction as tests write it and returns its word, None for any other
instruction. Source: DDI 0487, C4.1 "Loads and stores" and C5.5.
"""

from __future__ import annotations

import re

from harness.arch.tlbi import TLBI_OPERATIONS
from harness.machine.source import split_operands

_OPERATIONS = ("add", "clr", "eor", "set", "smax", "smin", "umax", "umin")
_READ_MODIFY_WRITE = re.compile(
    rf"(?P<verb>ld|st)(?P<operation>{'|'.join(_OPERATIONS)})(?P<order>a|al|l|)(?P<size>b|h|)"
)
_SWAP = re.compile(r"swp(?P<order>a|al|l|)(?P<size>b|h|)")
_COMPARE = re.compile(r"cas(?P<order>a|al|l|)(?P<size>b|h|)")
_COMPARE_PAIR = re.compile(r"casp(?P<order>a|al|l|)")
_ACQUIRE_PC = re.compile(r"ldapr(?P<size>b|h|)")
_REGISTER = re.compile(r"([wx])(\d+|zr)|(sp)")
_BASE = re.compile(r"\[\s*(x\d+|sp)\s*(?:,\s*#?0\s*)?\]")

_ATOMIC = 0x3820_0000
_SWAP_OPERATION = 0b1000 << 12
_CAS = 0x08A0_7C00
_CASP = 0x0820_7C00
_LDAPR = 0x38BF_C000
_SYS = 0xD508_0000
_DSB_NXS = 0xD503_323F
_NXS_DOMAINS = {"oshnxs": 0, "nshnxs": 1, "ishnxs": 2, "synxs": 3}
_ZERO = 31
_ACQUIRE = {"": 0, "a": 1, "l": 0, "al": 1}
_RELEASE = {"": 0, "a": 0, "l": 1, "al": 1}
_SIZES = {"b": 0, "h": 1}
_WORD_SIZE = {"w": 2, "x": 3}


def encode_word(text: str) -> int | None:
    """Return the word of an instruction such as `CASAL X0,X1,[X2]`, None for what is not here.

    An instruction of these whose operands do not fit is left to the assembler, which complains.
    """
    mnemonic, _, rest = text.lower().partition(" ")
    operands = split_operands(rest)
    match mnemonic:
        case "tlbi":
            return _tlbi(operands)
        case "dsb" if operands and operands[0] in _NXS_DOMAINS:
            return _DSB_NXS | _NXS_DOMAINS[operands[0]] << 10
        case _:
            return _memory(mnemonic, operands)


def _tlbi(operands: list[str]) -> int | None:
    operation = TLBI_OPERATIONS.get(operands[0]) if operands else None
    if operation is None:
        return None
    register = _number(operands[1], "x") if len(operands) > 1 else _ZERO
    if register is None:
        return None
    return (
        _SYS
        | operation.op1 << 16
        | operation.crn << 12
        | operation.crm << 8
        | operation.op2 << 5
        | register
    )


def _memory(mnemonic: str, operands: list[str]) -> int | None:
    base = _base(operands[-1]) if operands else None
    if base is None:
        return None
    for pattern, encode in _FORMS:
        if match := pattern.fullmatch(mnemonic):
            return encode(match, operands[:-1], base)
    return None


def _read_modify_write(match: re.Match[str], registers: list[str], base: int) -> int | None:
    if match["verb"] == "st":
        if "a" in match["order"]:
            return None
        registers = [*registers, f"{_width(registers)}zr"]
    word = _ATOMIC | _OPERATIONS.index(match["operation"]) << 12
    return _two(word, match, registers, base, acquire=23, release=22)


def _swap(match: re.Match[str], registers: list[str], base: int) -> int | None:
    return _two(_ATOMIC | _SWAP_OPERATION, match, registers, base, acquire=23, release=22)


def _compare(match: re.Match[str], registers: list[str], base: int) -> int | None:
    return _two(_CAS, match, registers, base, acquire=22, release=15)


def _load_acquire_pc(match: re.Match[str], registers: list[str], base: int) -> int | None:
    width = _width(registers)
    target = _number(registers[0], width) if len(registers) == 1 else None
    size = _size(match["size"], width)
    if target is None or size is None:
        return None
    return _LDAPR | size << 30 | base << 5 | target


def _two(
    word: int, match: re.Match[str], registers: list[str], base: int, *, acquire: int, release: int
) -> int | None:
    """Fill in Rs, Rt and Rn, and the bits of acquire and release."""
    if len(registers) != 2:  # noqa: PLR2004 — Rs and Rt
        return None
    width = _width(registers)
    source, target = (_number(each, width) for each in registers)
    size = _size(match["size"], width)
    if source is None or target is None or size is None:
        return None
    order = match["order"]
    ordered = _ACQUIRE[order] << acquire | _RELEASE[order] << release
    return word | size << 30 | ordered | source << 16 | base << 5 | target


def _compare_pair(match: re.Match[str], registers: list[str], base: int) -> int | None:
    """CASP: two even registers, each followed by the next."""
    if len(registers) != 4:  # noqa: PLR2004 — Rs, Rs+1, Rt, Rt+1
        return None
    width = _width(registers)
    first, second, third, fourth = (_number(each, width) for each in registers)
    if first is None or third is None or second != first + 1 or fourth != third + 1:
        return None
    if first % 2 or third % 2:
        return None
    order = _ACQUIRE[match["order"]] << 22 | _RELEASE[match["order"]] << 15
    return _CASP | (width == "x") << 30 | order | first << 16 | base << 5 | third


def _width(registers: list[str]) -> str:
    return registers[0][:1] if registers else ""


def _size(letter: str, width: str) -> int | None:
    """Return the size field: bytes and halfwords are named in W registers only."""
    if letter:
        return _SIZES[letter] if width == "w" else None
    return _WORD_SIZE.get(width)


def _number(text: str, width: str) -> int | None:
    match = _REGISTER.fullmatch(text)
    if match is None or match[1] != width:
        return None
    number = _ZERO if match[2] == "zr" else int(match[2])
    return number if number <= _ZERO and (number < _ZERO or match[2] == "zr") else None


def _base(text: str) -> int | None:
    match = _BASE.fullmatch(text)
    if match is None:
        return None
    return _ZERO if match[1] == "sp" else _number(match[1], "x")


_FORMS = (
    (_READ_MODIFY_WRITE, _read_modify_write),
    (_SWAP, _swap),
    (_COMPARE_PAIR, _compare_pair),
    (_COMPARE, _compare),
    (_ACQUIRE_PC, _load_acquire_pc),
)
