"""Sparse physical memory: what tables and data are written to before a machine runs.

Addresses that belong to no region do not exist: reading one is an external abort in the guest,
and a `None` here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.arch.addresses import PhysicalAddress

PAGE_SIZE = 4096
"""Bytes of one backing page; no architectural meaning."""


class DescriptorMemory(Protocol):
    """What a translation table walk reads: 64-bit little-endian words, or nothing."""

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return the aligned 64-bit word at `address`, None where there is no memory."""
        ...


@dataclass(frozen=True, slots=True)
class WordMemory:
    """The memory of a case: the words given, all else zero, nothing ever aborts."""

    words: Mapping[int, int]

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return the word at `address`, 0 where none was given."""
        return self.words.get(address, 0)


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """`size` bytes of memory at `base`; an `alias_of` region shows another region's bytes."""

    base: PhysicalAddress
    size: int
    alias_of: PhysicalAddress | None = None

    @property
    def end(self) -> int:
        """The first address after the region."""
        return self.base + self.size


class PhysicalMemory:
    """Regions of memory, backed page by page when first written; unwritten bytes read zero.

    The only mutable value below the machine: a builder writes an image into it, the machine takes
    a copy and gives back another. Equal contents compare equal whatever the writes' order.
    """

    def __init__(self, regions: Iterable[Region] = ()) -> None:
        self._regions: list[Region] = []
        self._pages: dict[int, bytearray] = {}
        for region in regions:
            self.add(region)

    @property
    def regions(self) -> tuple[Region, ...]:
        """Every region, in the order of their bases."""
        return tuple(self._regions)

    def add(self, region: Region) -> None:
        """Add memory; ValueError if it is not page aligned or overlaps a region."""
        if region.size <= 0 or region.base % PAGE_SIZE or region.size % PAGE_SIZE:
            raise ValueError(f"memory at {region.base:#x}+{region.size:#x} is not whole 4K pages")
        for other in self._regions:
            if region.base < other.end and other.base < region.end:
                raise ValueError(f"memory at {region.base:#x} overlaps memory at {other.base:#x}")
        self._regions.append(region)
        self._regions.sort()

    def covers(self, address: int, size: int = 1) -> bool:
        """Return whether every byte of the range exists."""
        end = address + size
        while address < end:
            region = self._region_of(address)
            if region is None:
                return False
            address = region.end
        return True

    def read(self, address: int, size: int) -> bytes | None:
        """Return `size` bytes, None where any of them does not exist."""
        if not self.covers(address, size):
            return None
        out = bytearray()
        for page, start, length in _pieces(address, size):
            data = self._pages.get(self.backing(PhysicalAddress(page)))
            out += data[start : start + length] if data else bytes(length)
        return bytes(out)

    def write(self, address: int, data: bytes) -> None:
        """Write `data`; ValueError where any of the bytes does not exist."""
        if not self.covers(address, len(data)):
            raise ValueError(f"no memory at {address:#x}+{len(data):#x}")
        done = 0
        for page, start, length in _pieces(address, len(data)):
            target = self._pages.setdefault(
                self.backing(PhysicalAddress(page)), bytearray(PAGE_SIZE)
            )
            target[start : start + length] = data[done : done + length]
            done += length

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return the 64-bit little-endian word at `address`, None where there is no memory."""
        data = self.read(address, 8)
        return None if data is None else int.from_bytes(data, "little")

    def write64(self, address: PhysicalAddress, value: int) -> None:
        """Write a 64-bit little-endian word; ValueError where there is no memory."""
        self.write(address, value.to_bytes(8, "little"))

    def backing(self, address: PhysicalAddress) -> PhysicalAddress:
        """Return the address whose bytes `address` shows: the same, or that which it aliases."""
        region = self._region_of(address)
        if region is None or region.alias_of is None:
            return address
        return PhysicalAddress(address - region.base + region.alias_of)

    def copy(self) -> PhysicalMemory:
        """Return an independent memory of the same regions and contents."""
        other = PhysicalMemory()
        other._regions = list(self._regions)
        other._pages = {page: bytearray(data) for page, data in self._pages.items()}
        return other

    def pages(self) -> Iterator[tuple[PhysicalAddress, bytes]]:
        """Yield each backing page that was written, by ascending address; aliases not repeated."""
        for page in sorted(self._pages):
            yield PhysicalAddress(page), bytes(self._pages[page])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PhysicalMemory):
            return NotImplemented
        return self._regions == other._regions and self._contents() == other._contents()

    __hash__ = None  # type: ignore[assignment]  # mutable

    def _contents(self) -> dict[int, bytes]:
        return {page: bytes(data) for page, data in self._pages.items() if any(data)}

    def _region_of(self, address: int) -> Region | None:
        for region in self._regions:
            if region.base <= address < region.end:
                return region
        return None


def _pieces(address: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Split a range at page boundaries: (page address, offset in it, length)."""
    while size:
        start = address % PAGE_SIZE
        length = min(size, PAGE_SIZE - start)
        yield address - start, start, length
        address += length
        size -= length
