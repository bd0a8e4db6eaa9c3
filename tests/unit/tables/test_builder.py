"""Tables built from mappings: the entries, the choice of leaves, and what is refused."""

from __future__ import annotations

import pytest

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.granule import Granule
from harness.errors import Location, MappingError
from harness.memory import PhysicalMemory, Region
from harness.tables.builder import Mapping, build_tables
from harness.tables.geometry import Geometry
from harness.tables.pool import TablePool

BASE = PhysicalAddress(0x8000_0000)
POOL_SIZE = 0x100_0000
HIGH = Geometry(Granule.K4, 48, high=True)
LINEAR = 0xFFFF_0000_0000_0000
NORMAL = 0x0068_0000_0000_0704
CONT = 1 << 52
M2 = 0x20_0000
K64 = 0x1_0000


def a_memory() -> PhysicalMemory:
    return PhysicalMemory([Region(BASE, POOL_SIZE)])


def a_mapping(
    ia: int, oa: int, size: int, shape: str | None = None, level: int | None = None
) -> Mapping:
    return Mapping(VirtualAddress(ia), PhysicalAddress(oa), size, NORMAL, shape, level)


def a_descriptor(ia: int, size: int, descriptor: int, level: int | None = None) -> Mapping:
    return Mapping(
        VirtualAddress(ia), PhysicalAddress(0), size, 0, level=level, descriptor=descriptor
    )


def build(memory: PhysicalMemory, *mappings: Mapping, geometry: Geometry = HIGH) -> PhysicalAddress:
    return build_tables(geometry, mappings, TablePool(BASE, POOL_SIZE), memory)


def words(memory: PhysicalMemory) -> dict[int, int]:
    """Return every non-zero word of the memory."""
    found = {}
    for page, data in memory.pages():
        for offset in range(0, len(data), 8):
            value = int.from_bytes(data[offset : offset + 8], "little")
            if value:
                found[page + offset] = value
    return found


def test_the_panics_block_is_reached_through_two_tables() -> None:
    memory = a_memory()
    assert build(memory, a_mapping(LINEAR + 0x1960_0000, 0x1_9960_0000, M2)) == BASE
    assert words(memory) == {
        BASE: BASE + 0x1000 | 3,
        BASE + 0x1000: BASE + 0x2000 | 3,
        BASE + 0x2000 + 8 * 203: 0x0068000199600705,
    }


@pytest.mark.parametrize(
    ("mapping", "leaves"),
    [
        (a_mapping(LINEAR, 0, 0x1000), {3: [NORMAL | 3]}),
        (a_mapping(LINEAR, 0, K64), {3: [n << 12 | NORMAL | CONT | 3 for n in range(16)]}),
        (a_mapping(LINEAR, 0, K64, "page"), {3: [n << 12 | NORMAL | 3 for n in range(16)]}),
        (a_mapping(LINEAR, 0, 2 * M2), {2: [NORMAL | 1, M2 | NORMAL | 1]}),
        (a_mapping(LINEAR, M2, M2, level=2), {2: [M2 | NORMAL | 1]}),
        (a_mapping(LINEAR, 0, 16 * M2), {2: [n * M2 | NORMAL | CONT | 1 for n in range(16)]}),
        (a_mapping(LINEAR, 0, 16 * M2, "block"), {2: [n * M2 | NORMAL | 1 for n in range(16)]}),
        (a_mapping(LINEAR, 0, 16 * M2, level=2), {2: [n * M2 | NORMAL | 1 for n in range(16)]}),
        (a_mapping(LINEAR, 0, 1 << 30), {1: [NORMAL | 1]}),
        (
            a_mapping(LINEAR, 0, K64, "contiguous", 3),
            {3: [n << 12 | NORMAL | CONT | 3 for n in range(16)]},
        ),
        (
            a_mapping(LINEAR + M2 - 0x1000, 3 * M2 - 0x1000, M2 + 0x2000),
            {3: [3 * M2 - 0x1000 | NORMAL | 3, 4 * M2 | NORMAL | 3], 2: [3 * M2 | NORMAL | 1]},
        ),
        # The addresses are out of step by one page: no block or run fits anywhere.
        (
            a_mapping(LINEAR, 0x1000, 2 * K64),
            {3: [(n + 1) << 12 | NORMAL | 3 for n in range(32)]},
        ),
    ],
)
def test_the_largest_leaves_that_fit_are_taken_or_those_asked_for(
    mapping: Mapping, leaves: dict[int, list[int]]
) -> None:
    memory = a_memory()
    build(memory, mapping)
    values = [value for value in words(memory).values() if value & NORMAL == NORMAL]
    assert sorted(values) == sorted(value for level in leaves.values() for value in level)


@pytest.mark.parametrize(
    ("granule", "ia_bits", "form", "size", "leaf"),
    [
        (Granule.K4, 39, OutputFormat.VMSA48, 1 << 30, 1),
        (Granule.K4, 52, OutputFormat.LPA2, 1 << 39, 1),
        (Granule.K16, 48, OutputFormat.VMSA48, 1 << 25, 1),
        (Granule.K16, 52, OutputFormat.LPA2, 1 << 36, 1),
        (Granule.K64, 42, OutputFormat.VMSA48, 1 << 29, 1),
        (Granule.K64, 52, OutputFormat.LPA, 1 << 42, 1),
        (Granule.K64, 48, OutputFormat.VMSA48, 1 << 16, 3),
    ],
)
def test_every_granule_and_format_has_its_own_block(
    granule: Granule, ia_bits: int, form: OutputFormat, size: int, leaf: int
) -> None:
    geometry = Geometry(granule, ia_bits, high=False, format=form)
    memory = a_memory()
    bits = 0x0068_0000_0000_0404
    mapping = Mapping(VirtualAddress(0), PhysicalAddress(0), size, bits)
    build(memory, mapping, geometry=geometry)
    assert list(words(memory).values()).count(bits | leaf) == 1


def test_both_halves_and_two_granules_live_in_one_pool() -> None:
    memory, pool = a_memory(), TablePool(BASE, POOL_SIZE)
    low = Geometry(Granule.K64, 42, high=False)
    high_root = build_tables(HIGH, [a_mapping(LINEAR, 0, 0x1000)], pool, memory)
    low_root = build_tables(low, [a_mapping(0x10000, 0x20000, K64)], pool, memory)
    assert (high_root, low_root) == (BASE, BASE + 0x10000)
    assert memory.read64(PhysicalAddress(low_root + 0x10000 + 8)) == 0x20000 | NORMAL | 3


def test_a_small_root_is_aligned_to_64_bytes_at_least() -> None:
    memory, pool = a_memory(), TablePool(BASE, POOL_SIZE)
    pool.allocate(8)
    tiny = Geometry(Granule.K16, 48, high=False)
    assert build_tables(tiny, [], pool, memory) == BASE + 64


def test_mappings_are_added_to_tables_that_exist() -> None:
    memory, pool = a_memory(), TablePool(BASE, POOL_SIZE)
    root = build_tables(HIGH, [a_mapping(LINEAR, 0, 0x1000)], pool, memory)
    used = pool.used
    assert build_tables(HIGH, [a_mapping(LINEAR + 0x1000, 0x5000, 0x1000)], pool, memory, root) == (
        root
    )
    assert pool.used == used
    page_table = BASE + 0x3000
    assert memory.read64(PhysicalAddress(page_table)) == NORMAL | 3
    assert memory.read64(PhysicalAddress(page_table + 8)) == 0x5000 | NORMAL | 3


def test_stale_memory_under_a_new_table_does_not_show() -> None:
    memory = a_memory()
    memory.write64(PhysicalAddress(BASE + 0x3000 + 8 * 7), 0xDEAD)
    build(memory, a_mapping(LINEAR, 0, 0x1000))
    assert memory.read64(PhysicalAddress(BASE + 0x3000 + 8 * 7)) == 0


def test_a_whole_descriptor_is_written_as_it_is_even_an_invalid_one() -> None:
    memory = a_memory()
    build(memory, a_descriptor(LINEAR + 0x1960_0000, M2, 0x00E8000199600704))
    assert words(memory)[BASE + 0x2000 + 8 * 203] == 0x00E8000199600704


def test_a_whole_descriptor_may_stand_at_a_stated_level() -> None:
    memory = a_memory()
    build(memory, a_descriptor(LINEAR, 1 << 39, 0x1_2345_6003, 0))
    assert words(memory) == {BASE: 0x1_2345_6003}


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        (a_mapping(LINEAR, 0, 0), "its size is no multiple of the granule (0x1000)"),
        (a_mapping(LINEAR, 0, 0x800), "its size is no multiple of the granule (0x1000)"),
        (a_mapping(LINEAR + 8, 0, 0x1000), "its address is not aligned to the granule (0x1000)"),
        (a_mapping(0x1000, 0, 0x1000), "it leaves the high half of 48 bits (0xffff000000000000 to"),
        (a_mapping((1 << 64) - 0x1000, 0, 0x2000), "it leaves the high half of 48 bits"),
        (a_mapping(LINEAR, 1 << 48, 0x1000), "output address 0x1000000000000 is outside the 48"),
        (a_mapping(LINEAR, (1 << 48) - 0x1000, 0x2000), "is outside the 48 bits"),
        (a_mapping(LINEAR, -0x1000, 0x1000), "is outside the 48 bits"),
        (a_mapping(LINEAR, 0x800, 0x1000), "its output address 0x800 is not aligned to a level 3"),
        (a_mapping(LINEAR, 0x1000, M2, "block"), "its output address 0x1000 is not aligned to a"),
        (a_mapping(LINEAR + 0x1000, 0, M2, "block"), "address 0xffff000000001000 is not aligned"),
        (a_mapping(LINEAR, 0, M2 + 0x1000, "block"), "0x1000 bytes at 0xffff000000200000 are less"),
        (a_mapping(LINEAR, 0, M2, "block", 1), "0x200000 bytes at 0xffff000000000000 are less"),
        (a_mapping(LINEAR, 0, 0x1000, "contiguous"), "less than a level 3 contiguous run of 0x"),
        (a_mapping(LINEAR, 0, 0x1000, "block", 3), "there are no block entries at level 3"),
        (a_mapping(LINEAR, 0, M2, "page", 2), "there are no page entries at level 2"),
        (a_mapping(LINEAR, 0, 1 << 39, "block", 0), "there are no block entries at level 0"),
        (a_mapping(LINEAR, 0, 1 << 39, level=0), "there are no leaf entries at level 0"),
        (a_mapping(LINEAR, 0, 0x1000, "leaf"), "no shape is called 'leaf' (page, block, "),
        (a_descriptor(LINEAR, 0x3000, 1), "needs the size of one entry of any level"),
        (a_descriptor(LINEAR, M2, 1, 1), "needs the size of one entry of level 1"),
        (a_descriptor(LINEAR, M2, 1, 4), "needs the size of one entry of level 4"),
        (a_descriptor(LINEAR + 0x1000, M2, 1), "its address is not aligned to an entry of level 2"),
    ],
)
def test_a_mapping_that_no_table_can_hold_is_refused_with_its_reason(
    mapping: Mapping, reason: str
) -> None:
    memory = a_memory()
    with pytest.raises(MappingError) as refused:
        build(memory, mapping)
    assert reason in str(refused.value)
    assert not words(memory)


def test_attribute_bits_in_the_address_field_are_refused() -> None:
    lpa2 = Geometry(Granule.K4, 52, high=False, format=OutputFormat.LPA2)
    with pytest.raises(MappingError, match="attribute bits 0x300 lie in the address field"):
        build(a_memory(), a_mapping(0, 0, 0x1000), geometry=lpa2)


def test_overlapping_mappings_are_refused_with_both_names_and_the_place() -> None:
    at = Location("x.scenario.toml", 12)
    one = Mapping(VirtualAddress(LINEAR), PhysicalAddress(0), 0x2000, NORMAL, name="stack")
    two = Mapping(
        VirtualAddress(LINEAR + 0x1000), PhysicalAddress(0), 0x1000, NORMAL, name="data", at=at
    )
    memory = a_memory()
    with pytest.raises(MappingError) as refused:
        build(memory, two, one)
    assert str(refused.value) == (
        "x.scenario.toml:12: mapping data (0xffff000000001000+0x1000): overlaps mapping stack "
        "(0xffff000000000000+0x2000)"
    )
    assert not words(memory)


def test_neighbours_do_not_overlap() -> None:
    memory = a_memory()
    build(memory, a_mapping(LINEAR, 0, 0x1000), a_mapping(LINEAR + 0x1000, 0, 0x1000))
    assert memory.read64(PhysicalAddress(BASE + 0x3008)) == NORMAL | 3


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ((0, M2), (0x1000, 0x1000), "the level 2 entry of 0xffff000000001000 already holds 0x0068"),
        ((0x1000, 0x1000), (0, M2), "the level 2 entry of 0xffff000000000000 already holds 0x0000"),
        ((0x3000, 0x1000), (0, 0x8000), "the level 3 entry of 0xffff000000003000 already holds 0x"),
    ],
)
def test_what_is_mapped_already_is_not_mapped_again(
    first: tuple[int, int], second: tuple[int, int], reason: str
) -> None:
    memory, pool = a_memory(), TablePool(BASE, POOL_SIZE)
    root = build_tables(HIGH, [a_mapping(LINEAR + first[0], 0, first[1])], pool, memory)
    before, used = words(memory), pool.used
    with pytest.raises(MappingError) as refused:
        build_tables(HIGH, [a_mapping(LINEAR + second[0], 0, second[1])], pool, memory, root)
    assert reason in str(refused.value)
    assert words(memory) == before
    assert pool.used == used


def test_a_pool_that_is_too_small_leaves_memory_and_pool_as_they_were() -> None:
    memory, pool = a_memory(), TablePool(BASE, 0x2000)
    with pytest.raises(MappingError, match="do not fit in the 0x2000 bytes of table memory at 0x8"):
        build_tables(HIGH, [a_mapping(LINEAR, 0, 0x1000)], pool, memory)
    assert not words(memory)
    assert pool.used == 0


@pytest.mark.parametrize("size", [0, 0x1000])
def test_tables_need_memory(size: int) -> None:
    memory = PhysicalMemory([Region(BASE, size)] if size else [])
    with pytest.raises(MappingError, match="there is no memory for the table at"):
        build(memory, a_mapping(LINEAR, 0, 0x1000))
    assert not words(memory)


def test_an_existing_root_must_be_aligned_and_its_tables_in_memory() -> None:
    memory, pool = a_memory(), TablePool(BASE, POOL_SIZE)
    mapping = a_mapping(LINEAR, 0, 0x1000)
    with pytest.raises(MappingError, match="root table 0x80000040 is not aligned to 0x1000"):
        build_tables(HIGH, [mapping], pool, memory, PhysicalAddress(BASE + 0x40))
    memory.write64(PhysicalAddress(BASE + 0x8000), 0x1_0000_0003)
    with pytest.raises(MappingError, match="no memory for the table at 0x100000000"):
        build_tables(HIGH, [mapping], pool, memory, PhysicalAddress(BASE + 0x8000))


def test_tables_above_the_output_range_are_refused() -> None:
    base = PhysicalAddress(1 << 48)
    memory = PhysicalMemory([Region(base, POOL_SIZE)])
    pool = TablePool(base, POOL_SIZE)
    with pytest.raises(MappingError, match="wider than the 48 bits"):
        build_tables(HIGH, [a_mapping(LINEAR, 0, 0x1000)], pool, memory)


def test_a_terabyte_of_blocks_takes_a_table_for_each_gigabyte() -> None:
    memory, pool = a_memory(), TablePool(BASE, POOL_SIZE)
    build_tables(HIGH, [a_mapping(LINEAR, 0, 1 << 40, "block", 2)], pool, memory)
    assert pool.used == (1 + 2 + 1024) * 0x1000
