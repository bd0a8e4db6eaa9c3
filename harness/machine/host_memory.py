"""The guest's physical memory on the host: sparse buffers that the engine works on directly."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from harness.arch.addresses import PhysicalAddress
from harness.errors import LimitError
from harness.memory import PAGE_SIZE, PhysicalMemory, Region

ADDRESS_SPACE = 1 << 42
"""Bytes of regions that a machine may have: far below what a process can reserve."""
PA_BITS = 48
"""Physical addresses that the engine can map."""

_MAP_NORESERVE = 0x4000
"""Of Linux on every architecture that the engine runs on; Python's mmap does not name it."""


@dataclass(frozen=True, slots=True)
class MappedRange:
    """`size` bytes at physical `base`, which lie at `pointer` in this process."""

    base: int
    size: int
    pointer: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of physical addresses in one buffer; `backing` is the address of its first byte.

    `frame` is where that byte lies when all buffers are put one after the other.
    """

    base: int
    size: int
    buffer: mmap.mmap
    offset: int
    backing: int
    frame: int


@dataclass(frozen=True, slots=True)
class SavedMemory:
    """Contents of every page that was ever written, by backing address."""

    pages: Mapping[int, bytes]


class HostMemory:
    """A copy of an image, in anonymous maps that take no memory until they are touched.

    Python cannot see what the engine writes: who runs it says so with `note_write`. LimitError if
    the image's regions are larger than `ADDRESS_SPACE` or beyond `pa_bits`, ValueError for an
    alias of an alias.
    """

    def __init__(self, image: PhysicalMemory, pa_bits: int = PA_BITS) -> None:
        self._regions = image.regions
        total = sum(region.size for region in self._regions if region.alias_of is None)
        if total > ADDRESS_SPACE:
            raise LimitError(
                f"{total:#x} bytes of physical memory are more than the {ADDRESS_SPACE:#x} "
                "that a machine may have"
            )
        for region in self._regions:
            if region.end > 1 << pa_bits:
                raise LimitError(
                    f"memory at {region.base:#x} is beyond the {pa_bits} bits of physical "
                    "address of the engine"
                )
        owners = [region for region in self._regions if region.alias_of is None]
        starts = accumulate((region.size for region in owners), initial=0)
        own = [
            _Piece(part.base, part.size, _reserve(part.size), 0, part.base, start)
            for part, start in zip(owners, starts, strict=False)
        ]
        shown = [piece for region in self._regions for piece in _alias_pieces(region, own)]
        self._pieces = sorted((*own, *shown), key=lambda piece: piece.base)
        self._bases = [piece.base for piece in self._pieces]
        self._saved: Mapping[int, bytes] = {}
        self._dirty: set[int] = set()
        self._written: set[int] = set()
        for page, data in image.pages():
            self.write(page, data)

    def mapped(self) -> Iterator[MappedRange]:
        """Yield what the engine has to map, by ascending address."""
        for piece in self._pieces:
            view = ctypes.c_char.from_buffer(piece.buffer, piece.offset)
            yield MappedRange(piece.base, piece.size, ctypes.addressof(view))

    def frames(self) -> Iterator[MappedRange]:
        """Yield every buffer, one after the other from address 0 on.

        A space for an engine that is told every translation: any physical address fits into it,
        and an alias is the same place as what it shows.
        """
        for piece in self._pieces:
            if piece.base == piece.backing:
                view = ctypes.c_char.from_buffer(piece.buffer, piece.offset)
                yield MappedRange(piece.frame, piece.size, ctypes.addressof(view))

    def frame(self, address: int) -> int | None:
        """Return where `address` is in the space of `frames`, None where there is no memory."""
        index = bisect_right(self._bases, address) - 1
        if index < 0:
            return None
        piece = self._pieces[index]
        start = address - piece.base
        return piece.frame + start if start < piece.size else None

    def read(self, address: int, size: int) -> bytes | None:
        """Return bytes of physical memory, None where there is none."""
        index = bisect_right(self._bases, address) - 1
        if index < 0:
            return None
        piece = self._pieces[index]
        start = address - piece.base
        if start + size <= piece.size:
            start += piece.offset
            return piece.buffer[start : start + size]
        head = piece.size - start
        if head <= 0:
            return None
        rest = self.read(address + head, size - head)
        return None if rest is None else piece.buffer[piece.offset + start :][:head] + rest

    def write(self, address: int, data: bytes) -> None:
        """Write bytes of physical memory; ValueError, and nothing written, where there is none."""
        pieces = list(self._split(address, len(data)))
        done = 0
        for piece, start, length in pieces:
            at = piece.offset + start
            piece.buffer[at : at + length] = data[done : done + length]
            done += length
        self.note_write(address, len(data))

    def note_write(self, address: int, size: int) -> None:
        """Remember that something wrote to the range: which pages are more than zeros.

        An engine reports a store before it finds that there is no memory: such a page is left out.
        """
        end = address + size
        while address < end:
            page = self.backing_page(address)
            if self.read(page, 1) is not None:
                self._dirty.add(page)
                self._written.add(page)
            address = (address | (PAGE_SIZE - 1)) + 1

    def backing_page(self, address: int) -> int:
        """Return the first byte's address of the page that holds `address`, aliases resolved."""
        index = bisect_right(self._bases, address) - 1
        if index >= 0:
            piece = self._pieces[index]
            if address - piece.base < piece.size:
                address += piece.backing - piece.base
        return address & -PAGE_SIZE

    @property
    def written(self) -> int:
        """Bytes in pages that were ever written."""
        return len(self._written) * PAGE_SIZE

    def image(self) -> PhysicalMemory:
        """Return a copy of regions and contents."""
        memory = PhysicalMemory(self._regions)
        for page in sorted(self._written):
            memory.write(page, self._page(page))
        return memory

    def save(self) -> SavedMemory:
        """Return the contents; costs what was written since the last `save` or `restore`."""
        if self._dirty:
            self._saved = {**self._saved, **{page: self._page(page) for page in self._dirty}}
            self._dirty = set()
        return SavedMemory(self._saved)

    def restore(self, saved: SavedMemory) -> frozenset[int]:
        """Bring the contents back and return the pages, by backing address, that may differ."""
        old, new = self._saved, saved.pages
        changed = set(self._dirty)
        if old is not new:
            changed |= {page for page in old.keys() | new.keys() if old.get(page) != new.get(page)}
        for page in changed:
            piece, start, length = next(self._split(page, PAGE_SIZE))
            at = piece.offset + start
            piece.buffer[at : at + length] = new.get(page, bytes(PAGE_SIZE))
        self._saved, self._dirty, self._written = new, set(), set(new)
        return frozenset(changed)

    def _page(self, page: int) -> bytes:
        data = self.read(page, PAGE_SIZE)
        if data is None:
            raise ValueError(f"no memory at {page:#x}")
        return data

    def _split(self, address: int, size: int) -> Iterator[tuple[_Piece, int, int]]:
        while size:
            index = bisect_right(self._bases, address) - 1
            piece = self._pieces[index] if index >= 0 else None
            if piece is None or address - piece.base >= piece.size:
                raise ValueError(f"no memory at {address:#x}")
            start = address - piece.base
            length = min(size, piece.size - start)
            yield piece, start, length
            address += length
            size -= length


def _reserve(size: int) -> mmap.mmap:
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
    buffer = mmap.mmap(-1, size, flags=flags)
    # Else the first byte written to a sparse region may take 2 MiB; a kernel built without huge
    # pages does not know the advice.
    with contextlib.suppress(OSError):
        buffer.madvise(mmap.MADV_NOHUGEPAGE)
    return buffer


def _alias_pieces(region: Region, own: list[_Piece]) -> Iterator[_Piece]:
    """Yield the buffers that an alias shows, in its order; nothing for another region."""
    if region.alias_of is None:
        return
    done = 0
    while done < region.size:
        target = PhysicalAddress(region.alias_of + done)
        piece = next((p for p in own if p.base <= target < p.base + p.size), None)
        if piece is None:
            raise ValueError(
                f"the alias at {region.base:#x} shows {target:#x}, which is no memory of its own"
            )
        start = target - piece.base
        length = min(region.size - done, piece.size - start)
        frame = piece.frame + start
        yield _Piece(region.base + done, length, piece.buffer, start, target, frame)
        done += length
