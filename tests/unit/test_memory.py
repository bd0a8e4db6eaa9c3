"""Physical memory: what exists, what does not, and what an alias shows."""

from __future__ import annotations

import pytest

from harness.arch.addresses import PhysicalAddress
from harness.memory import PhysicalMemory, Region, WordMemory


def region(base: int, size: int = 0x2000, alias_of: int | None = None) -> Region:
    """Return a region, with the address types put on."""
    target = None if alias_of is None else PhysicalAddress(alias_of)
    return Region(PhysicalAddress(base), size, target)


def test_memory_reads_zero_until_written() -> None:
    memory = PhysicalMemory([region(0x1000)])
    assert memory.read64(PhysicalAddress(0x1008)) == 0
    memory.write64(PhysicalAddress(0x1008), 0x00E8000199600704)
    assert memory.read64(PhysicalAddress(0x1008)) == 0x00E8000199600704


def test_an_address_outside_every_region_reads_as_nothing() -> None:
    memory = PhysicalMemory([region(0x1000)])
    assert memory.read64(PhysicalAddress(0x3000)) is None
    assert memory.read(0x2FFC, 8) is None
    with pytest.raises(ValueError, match="no memory at 0x2ffc"):
        memory.write(0x2FFC, bytes(8))


def test_a_write_may_cross_pages_and_adjacent_regions() -> None:
    memory = PhysicalMemory([region(0x1000), region(0x3000)])
    memory.write(0x2FFE, b"abcd")
    assert memory.read(0x2FFE, 4) == b"abcd"


def test_an_alias_shows_the_same_bytes_both_ways() -> None:
    memory = PhysicalMemory([region(0x1000), region(0x10_0000, alias_of=0x1000)])
    memory.write(0x10_0010, b"realm")
    assert memory.read(0x1010, 5) == b"realm"
    memory.write(0x1010, b"share")
    assert memory.read(0x10_0010, 5) == b"share"


@pytest.mark.parametrize(("base", "size"), [(0x1800, 0x1000), (0x1000, 0x800), (0x1000, 0)])
def test_regions_are_whole_pages(base: int, size: int) -> None:
    with pytest.raises(ValueError, match="not whole 4K pages"):
        PhysicalMemory([region(base, size)])


def test_regions_do_not_overlap() -> None:
    memory = PhysicalMemory([region(0x1000)])
    with pytest.raises(ValueError, match="overlaps memory at 0x1000"):
        memory.add(region(0x2000))


def test_a_copy_is_independent_and_equality_is_by_contents() -> None:
    memory = PhysicalMemory([region(0x1000)])
    memory.write(0x1000, b"x")
    other = memory.copy()
    assert other == memory
    other.write(0x1000, b"y")
    assert other != memory
    other.write(0x1000, b"x")
    other.write(0x2000, b"\0")
    assert other == memory
    assert memory != "memory"


def test_only_written_pages_are_listed() -> None:
    memory = PhysicalMemory([region(0x1000, 0x4000_0000)])
    memory.write(0x4000, b"x")
    assert [address for address, _ in memory.pages()] == [0x4000]


def test_the_memory_of_a_case_is_zero_where_nothing_is_given() -> None:
    memory = WordMemory({0x1000: 3})
    assert memory.read64(PhysicalAddress(0x1000)) == 3
    assert memory.read64(PhysicalAddress(0x2000)) == 0
