"""The data accesses that an AArch64 instruction makes, decoded from its word alone.

`decode_accesses` knows every load, store, atomic, cache maintenance and address translation
instruction that the harness models, and refuses the others of those spaces by name; an
instruction that touches no memory has no accesses. Encodings: DDI 0487, C4.1 "A64 instruction set
encoding", chapters C6 and C7.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.arch.addresses import VirtualAddress
from harness.errors import UnsupportedError
from harness.machine.instructions.load_store import load_store_accesses
from harness.machine.instructions.operands import Operands
from harness.machine.instructions.system import ZVA_BLOCK, system_accesses
from harness.vmsa.access import Access, Operation

# (mask, value) of spaces of the A64 encoding (DDI 0487, C4.1).
_LOADS_AND_STORES = (0x0A00_0000, 0x0800_0000)
_SYS_AND_SYSL = (0xFFD8_0000, 0xD508_0000)
_SVE_MEMORY = (0x9E00_0000, 0x8400_0000)
_SME = (0x9E00_0000, 0x8000_0000)


def decode_accesses(
    word: int,
    pc: int,
    read_register: Callable[[str], int],
    *,
    el: int = 1,
    pan: bool = False,
    uao: bool = False,
) -> tuple[Access, ...]:
    """Return the accesses of the instruction `word` at `pc`, in the order of the pseudocode.

    `read_register` is asked for `x0`…`x30` and `sp`, with the values before the instruction.
    A pair is one access of both elements (`size` 8, 16 or 32); an Advanced SIMD structure one
    access an element; a store-exclusive is given as if the monitor passes; a prefetch has none.
    The `va` of DC ZVA is Xt itself, as FAR reports it: `footprint` gives the block.

    Raises UnsupportedError, naming the instruction's class, for what is not modelled (MOPS, MTE,
    SVE, LS64, …) and for encodings of the load/store space that are not allocated.
    """
    if _is_in(word, _LOADS_AND_STORES):
        return load_store_accesses(word, Operands(pc, read_register, el=el, pan=pan, uao=uao))
    if _is_in(word, _SYS_AND_SYSL):
        return system_accesses(word, Operands(pc, read_register, el=el, pan=pan, uao=uao))
    if _is_in(word, _SVE_MEMORY):
        raise UnsupportedError(f"SVE load or store {word:#010x}")
    if _is_in(word, _SME):
        raise UnsupportedError(f"SME instruction {word:#010x}")
    return ()


def footprint(access: Access) -> tuple[VirtualAddress, int]:
    """Return the first address and the number of bytes touched; they differ for DC ZVA only."""
    if access.operation is Operation.DC_ZVA:
        return VirtualAddress(access.va & -ZVA_BLOCK), ZVA_BLOCK
    return access.va, access.size


def _is_in(word: int, space: tuple[int, int]) -> bool:
    mask, value = space
    return word & mask == value
