"""Which registers an instruction makes of which: as much as address dependencies need.

Errs to one side: a register counts as made of every register that its instruction's class may
read. Flags, and SIMD registers, carry nothing. Encodings: DDI 0487, C4.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.machine.instructions.operands import bits
from harness.vmsa.access import Access, AccessKind, Operation

_NONE: frozenset[int] = frozenset()
_XZR_OR_SP = 31

# (mask, value) of spaces of the A64 encoding.
_IMMEDIATE = (0x1C00_0000, 0x1000_0000)
_PC_RELATIVE = (0x1F00_0000, 0x1000_0000)
_MOVE_WIDE = (0x1F80_0000, 0x1280_0000)
_EXTRACT = (0x1F80_0000, 0x1380_0000)
_REGISTER = (0x0E00_0000, 0x0A00_0000)
_THREE_SOURCES = (0x1F00_0000, 0x1B00_0000)
_LOADS_AND_STORES = (0x0A00_0000, 0x0800_0000)
_LITERAL = (0x3B00_0000, 0x1800_0000)
_REGISTER_OFFSET = (0x3B20_0C00, 0x3820_0800)
_SYSTEM = (0xFFF8_0000, 0xD508_0000)
_KEEP = 0b11
"""opc of MOVK, which keeps the rest of its register."""
_X_REGISTER = 8
_PAIRS = {Operation.LOAD_PAIR, Operation.LOAD_EXCLUSIVE_PAIR}


def address_registers(word: int) -> frozenset[int]:
    """Return the numbers of the general registers that an access's address is made of."""
    if _is(word, _SYSTEM):
        return frozenset({bits(word, 4, 0)})
    if not _is(word, _LOADS_AND_STORES) or _is(word, _LITERAL):
        return _NONE
    found = {bits(word, 9, 5)}
    if _is(word, _REGISTER_OFFSET):
        found.add(bits(word, 20, 16))
    return frozenset(found)


def after(word: int, accesses: Sequence[Access], made_of_loads: frozenset[int]) -> frozenset[int]:
    """Return the registers that are made of loaded values once the instruction has executed."""
    if _is(word, _LOADS_AND_STORES):
        return made_of_loads | _loaded(word, accesses)
    target = bits(word, 4, 0)
    if _is(word, _IMMEDIATE):
        sources = _sources_of_immediate(word)
    elif _is(word, _REGISTER):
        sources = {bits(word, 9, 5), bits(word, 20, 16)}
        if _is(word, _THREE_SOURCES):
            sources.add(bits(word, 14, 10))
    else:
        return made_of_loads
    if target != _XZR_OR_SP and not made_of_loads.isdisjoint(sources):
        return made_of_loads | {target}
    return made_of_loads - {target}


def _sources_of_immediate(word: int) -> set[int]:
    if _is(word, _PC_RELATIVE):
        return set()
    if _is(word, _MOVE_WIDE):
        return {bits(word, 4, 0)} if bits(word, 30, 29) == _KEEP else set()
    if _is(word, _EXTRACT):
        return {bits(word, 9, 5), bits(word, 20, 16)}
    return {bits(word, 9, 5)}


def _loaded(word: int, accesses: Sequence[Access]) -> frozenset[int]:
    """Return the general registers that hold what the accesses have read."""
    if not accesses or bits(word, 26, 26):  # a SIMD register
        return _NONE
    access = accesses[0]
    if access.kind is AccessKind.READ:
        found = {bits(word, 4, 0)}
        if access.operation in _PAIRS:
            found.add(bits(word, 14, 10))
    elif access.operation is Operation.COMPARE_AND_SWAP:
        first = bits(word, 20, 16)
        found = {first, first + 1} if access.size > _X_REGISTER else {first}
    elif access.kind is AccessKind.READ_WRITE:
        found = {bits(word, 4, 0)}
    else:
        return _NONE
    return frozenset(found - {_XZR_OR_SP})


def _is(word: int, space: tuple[int, int]) -> bool:
    mask, value = space
    return word & mask == value
