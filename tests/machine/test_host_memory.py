"""The machine's copy of physical memory, without an engine."""

from __future__ import annotations

import ctypes

import pytest

from harness.arch.addresses import PhysicalAddress
from harness.errors import LimitError
from harness.machine.host_memory import ADDRESS_SPACE, HostMemory
from harness.memory import PAGE_SIZE, PhysicalMemory, Region

LOW, HIGH, ALIAS = (PhysicalAddress(base) for base in (0x1000, 0x10_0000, 0x100_0000))


def _image() -> PhysicalMemory:
    memory = PhysicalMemory(
        [
            Region(LOW, 0x2000),
            Region(PhysicalAddress(LOW + 0x2000), 0x1000),
            Region(HIGH, 0x4000),
            Region(ALIAS, 0x2000, PhysicalAddress(LOW + 0x1000)),
        ]
    )
    memory.write(LOW, b"low")
    memory.write(HIGH + 0x3FFD, b"end")
    return memory


def test_it_holds_what_the_image_holds_and_gives_back_an_equal_one() -> None:
    image = _image()
    host = HostMemory(image)
    assert host.read(LOW, 3) == b"low"
    assert host.read(HIGH + 0x3FFD, 3) == b"end"
    assert host.image() == image
    host.write(LOW, b"new")
    assert host.image() != image
    assert image.read(LOW, 3) == b"low"


def test_what_does_not_exist_is_none_and_cannot_be_written() -> None:
    host = HostMemory(_image())
    assert host.read(0, 1) is None
    assert host.read(LOW + 0x3000, 1) is None
    assert host.read(HIGH + 0x3FFF, 2) is None
    assert host.read(0xFFFF_FFFF, 8) is None
    with pytest.raises(ValueError, match="no memory at 0x104000"):
        host.write(HIGH + 0x3FFE, b"four")
    assert host.read(HIGH + 0x3FFE, 2) == b"nd"
    with pytest.raises(ValueError, match="no memory at 0x0"):
        host.write(0, b"x")


def test_ranges_may_cross_from_region_to_region() -> None:
    host = HostMemory(_image())
    host.write(LOW + 0x1FFE, b"four")
    assert host.read(LOW + 0x1FFE, 4) == b"four"
    assert host.image().read(LOW + 0x1FFE, 4) == b"four"


def test_an_alias_may_show_two_regions_and_has_their_backing() -> None:
    host = HostMemory(_image())
    host.write(ALIAS + 0xFFE, b"four")
    assert host.read(LOW + 0x1FFE, 4) == b"four"
    assert host.backing_page(ALIAS + 0x1234) == LOW + 0x2000
    assert host.backing_page(HIGH + 0x1234) == HIGH + 0x1000
    assert host.image().read(ALIAS + 0xFFE, 4) == b"four"


def test_an_alias_of_an_alias_or_of_nothing_is_refused() -> None:
    for target in (ALIAS, PhysicalAddress(0x5000)):
        memory = _image()
        memory.add(Region(PhysicalAddress(0x200_0000), 0x1000, target))
        with pytest.raises(ValueError, match="no memory of its own"):
            HostMemory(memory)


def test_more_than_the_address_space_is_refused() -> None:
    half = ADDRESS_SPACE // 2
    regions = [Region(PhysicalAddress(half * number), half) for number in (1, 2, 3)]
    assert HostMemory(PhysicalMemory(regions[:2])).written == 0
    with pytest.raises(LimitError):
        HostMemory(PhysicalMemory(regions))


def test_what_is_mapped_shares_its_bytes_with_python() -> None:
    host = HostMemory(_image())
    parts = {part.base: part for part in host.mapped()}
    assert [parts[base].size for base in sorted(parts)] == [0x2000, 0x1000, 0x4000, 0x1000, 0x1000]
    ctypes.memmove(parts[ALIAS].pointer, b"via", 3)
    assert host.read(LOW + 0x1000, 3) == b"via"


def test_pages_written_are_counted_once_and_only_what_is_noted_is_given_back() -> None:
    host = HostMemory(_image())
    assert host.written == 2 * PAGE_SIZE
    host.write(LOW + 8, b"x")
    assert host.written == 2 * PAGE_SIZE
    host.note_write(HIGH + 0xFFF, 2)
    assert host.written == 4 * PAGE_SIZE
    host.write(ALIAS, b"x")
    host.write(LOW + 0x1000, b"x")
    assert host.written == 5 * PAGE_SIZE


def test_restore_tells_which_pages_may_differ() -> None:
    host = HostMemory(_image())
    first = host.save()
    host.write(LOW, b"one")
    host.write(HIGH, b"two")
    second = host.save()
    assert host.restore(second) == frozenset()
    assert host.restore(first) == {LOW, HIGH}
    assert (host.read(LOW, 3), host.read(HIGH, 3)) == (b"low", bytes(3))
    host.write(LOW + 0x1000, b"x")
    assert host.restore(second) == {LOW, HIGH, LOW + 0x1000}
    assert (host.read(LOW, 3), host.read(LOW + 0x1000, 1)) == (b"one", bytes(1))
    assert host.written == 3 * PAGE_SIZE
