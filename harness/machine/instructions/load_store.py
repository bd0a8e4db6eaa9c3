"""Accesses of the A64 "Loads and stores" space (DDI 0487, C4.1), SIMD&FP registers included.

Each function is one encoding class; the comment above it gives the class's fields from bit 31
down. What a class does not allocate, and what the harness does not model, raises UnsupportedError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from harness.errors import UnsupportedError
from harness.machine.instructions.operands import Accesses, Operands, bits, not_decoded, signed
from harness.machine.instructions.simd_structures import multiple_structures, single_structure
from harness.vmsa.access import AccessKind, Operation

_READ, _WRITE, _READ_WRITE = AccessKind.READ, AccessKind.WRITE, AccessKind.READ_WRITE

_ODD_RS_OR_RT = 1 << 16 | 1 << 0
"""CASP names the first of two registers: an odd one is UNDEFINED."""

_PREFETCH = (None, 0)
"""PRFM: a hint, whose accesses never fault and are not architectural."""


def load_store_accesses(word: int, operands: Operands) -> Accesses:
    """Return the accesses of a word whose bits 27 and 25 are 1 and 0."""
    for mask, value, decode in _CLASSES:
        if word & mask == value:
            return decode(word, operands)
    raise not_decoded(word)


# size 001000 o2 L o1 Rs o0 Rt2 Rn Rt
def _exclusive(word: int, operands: Operands) -> Accesses:
    """Load and store exclusive, ordered, compare and swap."""
    load, ordered = bits(word, 22, 22), bits(word, 15, 15)
    size = 1 << bits(word, 31, 30)
    va = operands.base(bits(word, 9, 5))
    match (bits(word, 23, 23), bits(word, 21, 21), bits(word, 31, 31)):
        case (0, 0, _) if load:  # LDXR, LDAXR
            operation = Operation.LOAD_ACQUIRE_EXCLUSIVE if ordered else Operation.LOAD_EXCLUSIVE
        case (0, 0, _):  # STXR, STLXR
            operation = Operation.STORE_RELEASE_EXCLUSIVE if ordered else Operation.STORE_EXCLUSIVE
        case (0, 1, 1):  # LDXP, LDAXP, STXP, STLXP
            operation = Operation.LOAD_EXCLUSIVE_PAIR if load else Operation.STORE_EXCLUSIVE_PAIR
            size *= 2
        case (1, 0, _):  # LDAR, LDLAR; STLR, STLLR
            operation = Operation.LOAD_ACQUIRE if load else Operation.STORE_RELEASE
        case (0, 1, 0):  # CASP: size is 0:sz, each register of the pair 4 << sz bytes
            if word & _ODD_RS_OR_RT:
                raise not_decoded(word)
            size *= 8
            operation = _compare_and_swap(word)
        case _:  # CAS
            operation = _compare_and_swap(word)
    if operation is Operation.COMPARE_AND_SWAP:
        return (operands.access(va, _READ_WRITE, size, operation),)
    return (operands.access(va, _READ if load else _WRITE, size, operation),)


def _compare_and_swap(word: int) -> Operation:
    if bits(word, 14, 10) != 0b11111:
        raise not_decoded(word)
    return Operation.COMPARE_AND_SWAP


# opc 011 V 00 imm19 Rt
def _literal(word: int, operands: Operands) -> Accesses:
    """LDR and LDRSW (literal)."""
    opc, simd = bits(word, 31, 30), bits(word, 26, 26)
    size = ((4, 8, 4, 0), (4, 8, 16, None))[simd][opc]
    if size is None:
        raise not_decoded(word)
    if size == 0:  # PRFM (literal)
        return ()
    va = operands.pc + signed(bits(word, 23, 5), 19) * 4
    return (operands.access(va, _READ, size),)


# opc 101 V 0 index L imm7 Rt2 Rn Rt
def _pair(word: int, operands: Operands) -> Accesses:
    """LDP, STP, LDNP, STNP, LDPSW."""
    opc, simd, load = bits(word, 31, 30), bits(word, 26, 26), bits(word, 22, 22)
    index = bits(word, 24, 23)
    if opc == 0b11:
        raise UnsupportedError(f"FEAT_LSUI or FEAT_THE pair {word:#010x}")
    if opc == 0b01 and not simd:
        if not index:
            raise not_decoded(word)
        if not load:
            raise UnsupportedError(f"FEAT_MTE instruction STGP ({word:#010x})")
        element = 4  # LDPSW
    else:
        element = (4, 8, 16)[opc] if simd else (4, 0, 8)[opc]
    is_post_index = index == 0b01
    offset = 0 if is_post_index else signed(bits(word, 21, 15), 7) * element
    va = operands.base(bits(word, 9, 5)) + offset
    if load:
        return (operands.access(va, _READ, 2 * element, Operation.LOAD_PAIR),)
    return (operands.access(va, _WRITE, 2 * element, Operation.STORE_PAIR),)


def _register(word: int) -> tuple[AccessKind | None, int]:
    """Return direction and bytes of `size 111 V xx opc`, the single-register classes."""
    size, opc = bits(word, 31, 30), bits(word, 23, 22)
    if bits(word, 26, 26):
        if opc & 0b10:
            if size:
                raise not_decoded(word)
            size = 4  # a Q register
        return (_READ if opc & 1 else _WRITE), 1 << size
    if opc == 0b00:
        return _WRITE, 1 << size
    if opc == 0b10 and size == 0b11:
        return _PREFETCH
    if opc == 0b11 and size >= 0b10:
        raise not_decoded(word)
    return _READ, 1 << size


def _single(word: int, operands: Operands, offset: int, *, prefetch: bool) -> Accesses:
    kind, size = _register(word)
    if kind is None:
        if not prefetch:
            raise not_decoded(word)
        return ()
    return (operands.access(operands.base(bits(word, 9, 5)) + offset, kind, size),)


# size 111 V 01 opc imm12 Rn Rt
def _unsigned_offset(word: int, operands: Operands) -> Accesses:
    """LDR, STR and their kin (immediate, unsigned offset)."""
    _, size = _register(word)
    return _single(word, operands, bits(word, 21, 10) * size, prefetch=True)


# size 111 V 00 opc 0 imm9 00 Rn Rt
def _unscaled(word: int, operands: Operands) -> Accesses:
    """LDUR, STUR and their kin."""
    return _single(word, operands, signed(bits(word, 20, 12), 9), prefetch=True)


# size 111 V 00 opc 0 imm9 01 Rn Rt
def _post_index(word: int, operands: Operands) -> Accesses:
    """LDR, STR and their kin (immediate, post-index): the base is the address."""
    return _single(word, operands, 0, prefetch=False)


# size 111 V 00 opc 0 imm9 11 Rn Rt
def _pre_index(word: int, operands: Operands) -> Accesses:
    """LDR, STR and their kin (immediate, pre-index)."""
    return _single(word, operands, signed(bits(word, 20, 12), 9), prefetch=False)


# size 111 0 00 opc 0 imm9 10 Rn Rt
def _unprivileged(word: int, operands: Operands) -> Accesses:
    """LDTR, STTR and their kin: as if made at EL0, unless PSTATE.UAO says otherwise."""
    kind, size = _register(word)
    if kind is None:
        raise not_decoded(word)
    va = operands.base(bits(word, 9, 5)) + signed(bits(word, 20, 12), 9)
    return (operands.access(va, kind, size, unprivileged=True),)


# size 111 V 00 opc 1 Rm option S 10 Rn Rt
def _register_offset(word: int, operands: Operands) -> Accesses:
    """LDR, STR and their kin (register): UXTW, LSL, SXTW or SXTX of Rm, scaled if S."""
    option = bits(word, 15, 13)
    if not option & 0b010:
        raise not_decoded(word)
    _, size = _register(word)
    offset = operands.x(bits(word, 20, 16))
    if not option & 0b001:
        offset &= 0xFFFF_FFFF
        if option & 0b100:
            offset = signed(offset, 32)
    if bits(word, 12, 12):
        offset *= size
    return _single(word, operands, offset, prefetch=True)


# size 111 0 00 A R 1 Rs o3 opc 00 Rn Rt
def _atomic(word: int, operands: Operands) -> Accesses:
    """LDADD … LDUMIN, SWP, LDAPR; Operation.SWAP stands for every read-modify-write."""
    va = operands.base(bits(word, 9, 5))
    size = 1 << bits(word, 31, 30)
    acquire, release = bits(word, 23, 23), bits(word, 22, 22)
    operation = bits(word, 15, 12)
    if operation == 0b1100 and (acquire, release) == (1, 0):
        return (operands.access(va, _READ, size, Operation.LOAD_ACQUIRE_PC),)
    if operation > 0b1000:
        raise UnsupportedError(f"FEAT_LS64 or FEAT_THE instruction {word:#010x}")
    is_ordered = release or (acquire and bits(word, 4, 0) != 31)  # STADD and its kin: no acquire
    kind = Operation.SWAP_ACQUIRE_RELEASE if is_ordered else Operation.SWAP
    return (operands.access(va, _READ_WRITE, size, kind),)


# size 011001 opc 0 imm9 00 Rn Rt
def _ordered_unscaled(word: int, operands: Operands) -> Accesses:
    """STLUR and LDAPUR."""
    size, opc = bits(word, 31, 30), bits(word, 23, 22)
    is_allocated = opc <= 0b01 or size < (0b11, 0b10)[opc & 1]
    if not is_allocated:
        raise not_decoded(word)
    va = operands.base(bits(word, 9, 5)) + signed(bits(word, 20, 12), 9)
    if opc == 0b00:
        return (operands.access(va, _WRITE, 1 << size, Operation.STORE_RELEASE),)
    return (operands.access(va, _READ, 1 << size, Operation.LOAD_ACQUIRE_PC),)


def _refuse(name: str) -> Callable[[int, Operands], NoReturn]:
    def refuse(word: int, operands: Operands) -> NoReturn:
        del operands
        raise UnsupportedError(f"{name} {word:#010x}")

    return refuse


# (mask, value, class): the first that matches decides.
_CLASSES: tuple[tuple[int, int, Callable[[int, Operands], Accesses]], ...] = (
    (0x3B00_0000, 0x3900_0000, _unsigned_offset),
    (0x3B20_0C00, 0x3800_0000, _unscaled),
    (0x3B20_0C00, 0x3800_0400, _post_index),
    (0x3F20_0C00, 0x3800_0800, _unprivileged),
    (0x3B20_0C00, 0x3800_0C00, _pre_index),
    (0x3B20_0C00, 0x3820_0800, _register_offset),
    (0x3F20_0C00, 0x3820_0000, _atomic),
    (0xFF20_0400, 0xF820_0400, _refuse("FEAT_PAuth load LDRAA or LDRAB")),
    (0x3A00_0000, 0x2800_0000, _pair),
    (0x3B00_0000, 0x1800_0000, _literal),
    (0x3F00_0000, 0x0800_0000, _exclusive),
    (0x3F20_0C00, 0x1900_0000, _ordered_unscaled),
    (0xBFBF_0000, 0x0C00_0000, multiple_structures),
    (0xBFA0_0000, 0x0C80_0000, multiple_structures),
    (0xBF9F_0000, 0x0D00_0000, single_structure),
    (0xBF80_0000, 0x0D80_0000, single_structure),
    (0x3B20_0C00, 0x1900_0400, _refuse("FEAT_MOPS instruction")),
    (0xFF20_0000, 0xD920_0000, _refuse("FEAT_MTE instruction")),
    (0x3F20_0C00, 0x1920_0000, _refuse("FEAT_LSE128 or FEAT_THE instruction")),
    (0x3F20_0C00, 0x1900_0800, _refuse("FEAT_LRCPC3 instruction")),
    (0x3F20_0C00, 0x1D00_0800, _refuse("FEAT_LRCPC3 instruction")),
    (0xBF9F_0000, 0x0D01_0000, _refuse("FEAT_LRCPC3 instruction")),
    (0x3F00_0000, 0x0900_0000, _refuse("FEAT_LSUI instruction")),
)
