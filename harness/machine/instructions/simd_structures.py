"""Accesses of Advanced SIMD structure loads and stores: LD1…LD4, ST1…ST4, LD1R…LD4R.

The manual's pseudocode makes one access an element, aligned to the element's size; so does this.
"""

from __future__ import annotations

from harness.machine.instructions.operands import Accesses, Operands, bits, not_decoded
from harness.vmsa.access import AccessKind

_REGISTERS = {
    0b0000: 4,  # LD4, ST4
    0b0010: 4,  # LD1, ST1 of four registers
    0b0100: 3,  # LD3, ST3
    0b0110: 3,  # LD1, ST1 of three registers
    0b0111: 1,  # LD1, ST1 of one register
    0b1000: 2,  # LD2, ST2
    0b1010: 2,  # LD1, ST1 of two registers
}
"""Opcode of a multiple-structure instruction to the number of registers that it moves."""

_INTERLEAVED = frozenset({0b0000, 0b0100, 0b1000})


# 0 Q 001100 post L 0 Rm opcode size Rn Rt
def multiple_structures(word: int, operands: Operands) -> Accesses:
    """Return the accesses of LD1…LD4 or ST1…ST4 (multiple structures)."""
    opcode, size, q = bits(word, 15, 12), bits(word, 11, 10), bits(word, 30, 30)
    registers = _REGISTERS.get(opcode)
    is_reserved = size == 0b11 and not q and opcode in _INTERLEAVED
    if registers is None or is_reserved:
        raise not_decoded(word)
    return _elements(word, operands, registers * (16 if q else 8) >> size, 1 << size)


# 0 Q 001101 post L R Rm opcode S size Rn Rt
def single_structure(word: int, operands: Operands) -> Accesses:
    """Return the accesses of LD1…LD4, ST1…ST4 (single structure) or LD1R…LD4R."""
    opcode, s, size = bits(word, 15, 13), bits(word, 12, 12), bits(word, 11, 10)
    count = ((opcode & 1) << 1 | bits(word, 21, 21)) + 1
    match opcode >> 1:
        case 0b00:
            scale, is_allocated = 0, True
        case 0b01:
            scale, is_allocated = 1, not size & 1
        case 0b10 if size & 1:
            scale, is_allocated = 3, size == 0b01 and not s
        case 0b10:
            scale, is_allocated = 2, size == 0b00
        case _:  # LD1R…LD4R: loads only
            scale, is_allocated = size, bool(bits(word, 22, 22)) and not s
    if not is_allocated:
        raise not_decoded(word)
    return _elements(word, operands, count, 1 << scale)


def _elements(word: int, operands: Operands, count: int, size: int) -> Accesses:
    kind = AccessKind.READ if bits(word, 22, 22) else AccessKind.WRITE
    va = operands.base(bits(word, 9, 5))
    return tuple(operands.access(va + index * size, kind, size) for index in range(count))
