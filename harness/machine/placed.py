"""Where an instruction's accesses go, once the model has translated them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.syndromes import Abort, encode_abort
from harness.machine.accesses import footprint
from harness.machine.events import pages_of
from harness.memory import PAGE_SIZE
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.outcome import Fault, Translation

STORE_EXCLUSIVES = frozenset(
    {
        Operation.STORE_EXCLUSIVE,
        Operation.STORE_EXCLUSIVE_PAIR,
        Operation.STORE_RELEASE_EXCLUSIVE,
    }
)
_WORD = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes of an access in one page."""

    va: int
    pa: int
    size: int


@dataclass(frozen=True, slots=True)
class Placed:
    """An access with the physical addresses of its bytes, page by page."""

    access: Access
    pieces: tuple[Piece, ...]

    @property
    def pa(self) -> PhysicalAddress:
        """Where its first byte is."""
        return PhysicalAddress(self.pieces[0].pa)

    @property
    def loads(self) -> bool:
        """Whether it reads memory."""
        return self.access.kind in {AccessKind.READ, AccessKind.READ_WRITE}

    @property
    def stores(self) -> bool:
        """Whether it may write memory."""
        return self.access.kind in {AccessKind.WRITE, AccessKind.READ_WRITE}

    def words(self) -> Iterator[int]:
        """Yield the physical address of every aligned 64-bit word that it touches."""
        for piece in self.pieces:
            yield from range(piece.pa & -_WORD, piece.pa + piece.size, _WORD)


def place(access: Access, translation: Translation) -> Placed:
    """Return where the bytes of `access` are; `translation` is of the access as a whole."""
    if (
        access.va % PAGE_SIZE + access.size <= PAGE_SIZE
        and access.operation is not Operation.DC_ZVA
    ):
        return Placed(access, (Piece(access.va, translation.pa, access.size),))
    start, _ = footprint(access)
    addresses = (translation.pa - (access.va - start), *translation.further)
    return Placed(
        access,
        tuple(
            Piece(va, pa, size) for (va, size), pa in zip(pages_of(access), addresses, strict=True)
        ),
    )


def touches_memory(access: Access) -> bool:
    """Whether bytes are read or written; AT and cache maintenance only translate."""
    return access.kind is not AccessKind.AT and access.operation is not Operation.CACHE_MAINTENANCE


def entered(access: Access, translation: Translation) -> Iterator[tuple[int, int]]:
    """Yield, for every page that an access enters, its first address there and where that is."""
    yield access.va, translation.pa
    for index, pa in enumerate(translation.further, start=1):
        yield (access.va & -PAGE_SIZE) + index * PAGE_SIZE & (1 << 64) - 1, pa


def external_abort(access: Access, va: int) -> Fault:
    """Return the fault of an access that no memory answers at `va`."""
    abort = Abort(
        FaultKind.EXTERNAL,
        fetch=access.kind is AccessKind.FETCH,
        lower_el=access.el == 0,
        write=access.kind is AccessKind.WRITE,
    )
    return Fault(FaultKind.EXTERNAL, encode_abort(abort), VirtualAddress(va))
