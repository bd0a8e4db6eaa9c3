"""Alignment: what faults before translation, and the pieces that an access is made of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from harness.arch.faults import FaultKind
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.record import FaultRecord


class Traits(NamedTuple):
    """What an instruction's kind means for alignment (fields of AccessDescriptor)."""

    exclusive: bool = False
    atomic: bool = False
    ordered: bool = False
    """Acquire or release: acqsc, acqpc, relsc."""
    pair: bool = False
    """Two elements, each half of the size."""
    whole: bool = False
    """No alignment to any size: cache operations and address translation."""


_EXCLUSIVE = Traits(exclusive=True)
_ORDERED = Traits(ordered=True)
_ATOMIC = Traits(atomic=True)
_PAIR = Traits(pair=True)
_WHOLE = Traits(whole=True)
PLAIN = Traits()

TRAITS: Mapping[Operation, Traits] = MappingProxyType(
    {
        Operation.PLAIN: PLAIN,
        Operation.LOAD_PAIR: _PAIR,
        Operation.STORE_PAIR: _PAIR,
        Operation.LOAD_EXCLUSIVE: _EXCLUSIVE,
        Operation.STORE_EXCLUSIVE: _EXCLUSIVE,
        Operation.LOAD_EXCLUSIVE_PAIR: _EXCLUSIVE._replace(pair=True),
        Operation.STORE_EXCLUSIVE_PAIR: _EXCLUSIVE._replace(pair=True),
        Operation.LOAD_ACQUIRE_EXCLUSIVE: _EXCLUSIVE._replace(ordered=True),
        Operation.STORE_RELEASE_EXCLUSIVE: _EXCLUSIVE._replace(ordered=True),
        Operation.LOAD_ACQUIRE: _ORDERED,
        Operation.LOAD_ACQUIRE_PC: _ORDERED,
        Operation.STORE_RELEASE: _ORDERED,
        Operation.SWAP: _ATOMIC,
        Operation.SWAP_ACQUIRE_RELEASE: _ATOMIC._replace(ordered=True),
        Operation.COMPARE_AND_SWAP: _ATOMIC,
        **{
            operation: _WHOLE
            for operation in Operation
            if operation in {Operation.DC_ZVA, Operation.CACHE_MAINTENANCE}
            or operation.name.startswith("AT_")
        },
    }
)


class Piece(NamedTuple):
    """Bytes that are translated together."""

    offset: int
    aligned: bool


_WHOLE_ACCESS = (Piece(0, aligned=True),)
_PAGE = 4096
"""Bytes that certainly share a translation: pieces of one page are represented by its first."""
_QUANTITY = 16
"""What FEAT_LSE2 makes single-copy atomic, when aligned."""


def pieces(
    access: Access, *, enforced: bool, lse2: bool, naa: bool
) -> tuple[Piece, ...] | FaultRecord:
    """Return the pieces in their order, or the fault found before any translation.

    `enforced`: SCTLR_ELx.A; `naa`: SCTLR_ELx.nAA. AArch64.UnalignedAccessFaults decides, the
    pieces are those of AArch64.MemSingle, as Mem[] and MemAtomic call it.
    """
    size = access.size
    traits = TRAITS[access.operation]
    if access.kind is AccessKind.FETCH or size == 1 or traits.whole:
        return _WHOLE_ACCESS
    va = access.va
    halves = traits.pair and not traits.exclusive
    aligned = va % (size // 2 if halves else size) == 0
    inside = (va % _QUANTITY) + size <= _QUANTITY
    if not aligned and _unaligned_faults(
        traits, inside=inside, enforced=enforced, lse2=lse2, naa=naa
    ):
        return FaultRecord(FaultKind.ALIGNMENT, None, "AArch64.UnalignedAccessFaults")
    if traits.atomic or (lse2 and inside) or (aligned and not halves):
        return (Piece(0, aligned),) if not aligned else _WHOLE_ACCESS
    if aligned:
        return _first_of_each_page(va, (0, size // 2), aligned=True)
    # Byte by byte; each byte counts as unaligned (the choice is DEVPAGE2: fault).
    return _first_of_each_page(va, range(size), aligned=False)


def _unaligned_faults(
    traits: Traits,
    *,
    inside: bool,
    enforced: bool,
    lse2: bool,
    naa: bool,
) -> bool:
    """AArch64.UnalignedAccessFaults; `inside`: within 16 aligned bytes."""
    if enforced:
        return True
    if traits.exclusive or traits.atomic:
        return not lse2 or not inside
    if traits.ordered:
        return not lse2 or (not naa and not inside)
    return False


def _first_of_each_page(
    va: int, offsets: range | tuple[int, ...], *, aligned: bool
) -> tuple[Piece, ...]:
    found: list[Piece] = []
    page = None
    for offset in offsets:
        if (va + offset) // _PAGE != page:
            page = (va + offset) // _PAGE
            found.append(Piece(offset, aligned))
    return tuple(found)
