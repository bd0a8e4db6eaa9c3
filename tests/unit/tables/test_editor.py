"""Entries found and changed, leaves split and folded back."""

from __future__ import annotations

import pytest

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.granule import Granule
from harness.errors import MappingError
from harness.memory import PhysicalMemory, Region, WordMemory
from harness.tables.builder import Mapping, build_tables
from harness.tables.editor import find, fold, fold_run, path, split, write
from harness.tables.geometry import Geometry
from harness.tables.pool import TablePool

BASE = PhysicalAddress(0x8000_0000)
HIGH = Geometry(Granule.K4, 48, high=True)
VA = 0xFFFF_0000_1960_0000
PA = 0x1_9960_0000
BLOCK = 0x00E8000199600705
TAGGED = 0x00E8_0000_0000_0704
CONT = 1 << 52
M2 = 0x20_0000


class Image:
    """Tables of one mapping in their own memory."""

    def __init__(
        self,
        size: int = M2,
        shape: str | None = None,
        descriptor: int | None = None,
        geometry: Geometry = HIGH,
        bits: int = TAGGED,
    ) -> None:
        self.geometry = geometry
        self.memory = PhysicalMemory([Region(BASE, 0x100_0000)])
        self.pool = TablePool(BASE, 0x100_0000)
        ia = VA if geometry.high else 0
        oa = PA if geometry.high else 0
        self.mapping = Mapping(
            VirtualAddress(ia), PhysicalAddress(oa), size, bits, shape, descriptor=descriptor
        )
        self.root = build_tables(geometry, [self.mapping], self.pool, self.memory)

    def descriptor(self, ia: int, level: int | None = None) -> int:
        """Return the descriptor for `ia`."""
        return find(self.geometry, self.root, self.memory, ia, level).descriptor

    def split(self, ia: int = VA) -> int:
        """Split once and return what then ends the walk for `ia`."""
        return split(self.geometry, self.root, self.memory, ia, self.pool).descriptor

    def fold(self, level: int, ia: int = VA) -> int:
        """Fold and return the block."""
        return fold(self.geometry, self.root, self.memory, ia, level).descriptor

    def fold_run(self, ia: int = VA, level: int = 3) -> int:
        """Join a run and return the entry of `ia`."""
        return fold_run(self.geometry, self.root, self.memory, ia, level).descriptor


def test_the_panics_entry_is_found_on_its_path() -> None:
    words = {
        0x81F3F000: 0x180000009FFFF403,
        0x9FFFF000: 0x180000009FFFE403,
        0x9FFFE000 + 8 * 203: 0x00E8000199600704,
    }
    found = path(HIGH, PhysicalAddress(0x81F3F000), WordMemory(words), VA)
    assert [(entry.level, entry.table, entry.index) for entry in found] == [
        (0, 0x81F3F000, 0), (1, 0x9FFFF000, 0), (2, 0x9FFFE000, 203),
    ]  # fmt: skip
    assert found[-1].address == 0x9FFFE658
    assert found[-1].descriptor == 0x00E8000199600704


def test_an_entry_is_found_at_a_level_or_where_the_structure_ends() -> None:
    image = Image()
    assert image.descriptor(VA) == BLOCK
    assert image.descriptor(VA + M2 - 1, 2) == BLOCK
    assert image.descriptor(VA, 1) == 0x80002003
    assert image.descriptor(VA, 0) == 0x80001003
    assert image.descriptor(VA + M2) == 0


@pytest.mark.parametrize(
    ("ia", "level", "reason"),
    [
        (VA, 3, "has no level 3 entry: its tables end at level 2 with 0x00e8000199600705"),
        (VA, -1, "these tables have levels 0 to 3, not -1"),
        (VA, 4, "these tables have levels 0 to 3, not 4"),
        (0x1000, None, "0x1000 is not in the high half of 48 bits"),
    ],
)
def test_an_entry_that_does_not_exist_is_refused(ia: int, level: int | None, reason: str) -> None:
    with pytest.raises(MappingError) as refused:
        Image().descriptor(ia, level)
    assert reason in str(refused.value)


def test_a_table_outside_memory_is_refused() -> None:
    image = Image()
    write(image.memory, find(HIGH, image.root, image.memory, VA, 1), 0x1_0000_0003)
    with pytest.raises(MappingError, match="no memory at 0x100000658, where the level 2 entry of"):
        image.descriptor(VA)


def test_a_write_changes_the_entry_and_returns_it_as_it_is_now() -> None:
    image = Image()
    entry = find(HIGH, image.root, image.memory, VA)
    changed = write(image.memory, entry, BLOCK & ~1)
    assert changed == find(HIGH, image.root, image.memory, VA)
    assert changed.descriptor == 0x00E8000199600704
    assert changed.address == entry.address


def test_a_block_splits_into_pages_of_the_same_attributes_and_folds_back() -> None:
    image = Image()
    assert image.split(VA + 0x5000) == (PA + 0x5000) | TAGGED | 3
    assert [image.descriptor(VA + n * 0x1000) for n in range(512)] == [
        PA + n * 0x1000 | TAGGED | 3 for n in range(512)
    ]
    assert image.fold(2) == BLOCK
    assert image.descriptor(VA) == BLOCK


def test_an_invalid_block_splits_into_invalid_pages_and_folds_back() -> None:
    image = Image(descriptor=0x00E8000199600704)
    assert image.split() == PA | TAGGED | 2
    assert image.descriptor(VA + M2 - 0x1000) == PA + M2 - 0x1000 | TAGGED | 2
    assert image.fold(2) == 0x00E8000199600704


def test_a_gigabyte_splits_step_by_step_down_to_pages() -> None:
    geometry = Geometry(Granule.K4, 48, high=False)
    image = Image(1 << 30, "block", geometry=geometry)
    assert image.split(M2) == M2 | TAGGED | 1
    assert image.split(M2 + 0x1000) == M2 + 0x1000 | TAGGED | 3
    assert image.descriptor(2 * M2) == 2 * M2 | TAGGED | 1
    assert image.fold(2, M2) == M2 | TAGGED | 1
    assert image.fold(1, 0) == TAGGED | 1


@pytest.mark.parametrize(("size", "level", "step"), [(0x10000, 3, 0x1000), (16 * M2, 2, M2)])
def test_a_contiguous_run_splits_into_its_entries_and_folds_back(
    size: int, level: int, step: int
) -> None:
    low = Geometry(Granule.K4, 48, high=False)
    image = Image(size, "contiguous", geometry=low)
    kind = 3 if level == 3 else 1
    assert image.split(step) == step | TAGGED | kind
    assert [image.descriptor(n * step) for n in range(16)] == [
        n * step | TAGGED | kind for n in range(16)
    ]
    assert image.fold_run(step, level) == step | TAGGED | CONT | kind
    assert all(image.descriptor(n * step) & CONT for n in range(16))


def test_nt_does_not_become_an_address_bit_of_a_page() -> None:
    image = Image(descriptor=BLOCK | 1 << 16)
    assert image.split(VA) == PA | TAGGED | 3


def test_addresses_above_48_bits_survive_split_and_fold() -> None:
    lpa2 = Geometry(Granule.K16, 52, high=False, format=OutputFormat.LPA2)
    descriptor = 0x0060000002000605
    image = Image(32 << 20, descriptor=descriptor, geometry=lpa2)
    # OA[51:50] = 2 in bits 9:8.
    assert image.split(0x4000) == 0x0060000002004607
    assert image.fold(2, 0) == descriptor


@pytest.mark.parametrize(
    ("image", "ia", "reason"),
    [
        (Image(), VA + M2, "is not mapped: there is nothing to split"),
        (Image(0x1000, "page"), VA, "is mapped by a single page: it cannot be split"),
        (Image(descriptor=0x0000000199600706), VA, "at level 2 is no block: it cannot be split"),
    ],
)
def test_what_cannot_be_split_is_refused(image: Image, ia: int, reason: str) -> None:
    before = image.memory.copy()
    with pytest.raises(MappingError) as refused:
        image.split(ia)
    assert reason in str(refused.value)
    assert image.memory == before


def test_a_split_without_table_memory_changes_nothing() -> None:
    image = Image()
    image.pool = TablePool(BASE, 0)
    before = image.memory.copy()
    with pytest.raises(MappingError, match="do not fit"):
        image.split()
    assert image.memory == before


def test_a_split_needs_memory_where_the_pool_is() -> None:
    image = Image()
    image.pool = TablePool(PhysicalAddress(0x1_0000_0000), 0x1000)
    before = image.memory.copy()
    with pytest.raises(MappingError, match="no memory for the table at 0x100000000"):
        image.split()
    assert image.memory == before


def test_a_block_with_res0_bits_that_would_become_address_bits_is_not_split() -> None:
    image = Image(descriptor=BLOCK | 1 << 12)
    used = image.pool.used
    with pytest.raises(MappingError, match="attribute bits 0x1000 lie in the address field"):
        image.split()
    assert image.pool.used == used


def test_a_table_that_ends_with_memory_is_not_folded() -> None:
    geometry = Geometry(Granule.K64, 42, high=False)
    memory = PhysicalMemory(
        [Region(BASE, 0x1_0000), Region(PhysicalAddress(BASE + 0x20000), 0x1000)]
    )
    memory.write64(BASE, BASE + 0x20003)
    with pytest.raises(MappingError, match="no memory for the table at 0x80020000"):
        fold(geometry, BASE, memory, 0, 2)


def after(image: Image, ia: int, *, flip: int) -> Image:
    """Return `image` with bits of one page's entry changed."""
    entry = find(HIGH, image.root, image.memory, ia)
    write(image.memory, entry, entry.descriptor ^ flip)
    return image


@pytest.mark.parametrize(
    ("image", "level", "reason"),
    [
        (Image(), 2, "is no table: nothing to fold"),
        (Image(shape="page"), 0, "these tables have no block at level 0"),
        (after(Image(shape="page"), VA + 0x7000, flip=0x80), 2, "is not uniform: entry 7 holds"),
        (after(Image(shape="page"), VA + 0x7000, flip=1), 2, "is not uniform: entry 7 holds"),
        (after(Image(shape="page"), VA + 0x7000, flip=0x1000), 2, "is not uniform: entry 7 holds"),
        (Image(0x1000), 2, "is not uniform: entry 1 holds 0x0000000000000000"),
        (Image(shape="page"), 1, "does not begin with a leaf"),
    ],
)
def test_what_cannot_be_folded_is_refused(image: Image, level: int, reason: str) -> None:
    before = image.memory.copy()
    with pytest.raises(MappingError) as refused:
        image.fold(level)
    assert reason in str(refused.value)
    assert image.memory == before


def test_pages_out_of_step_with_a_block_are_not_folded() -> None:
    image = Image(descriptor=PA | 3)
    low = Mapping(VirtualAddress(VA + 4 * M2), PhysicalAddress(PA + 0x1000), M2, TAGGED, "page")
    build_tables(HIGH, [low], image.pool, image.memory, image.root)
    with pytest.raises(MappingError, match="not aligned to a level 2 block"):
        image.fold(2, VA + 4 * M2)
    with pytest.raises(MappingError, match="not aligned to a run of 16 entries"):
        image.fold_run(VA + 4 * M2)


def test_a_run_folds_only_where_entries_are_uniform_and_the_level_has_runs() -> None:
    with pytest.raises(MappingError, match="is not uniform: entry 7"):
        after(Image(0x10000, "page"), VA + 0x7000, flip=0x80).fold_run()
    with pytest.raises(MappingError, match="no contiguous runs at level 0"):
        Image().fold_run(VA, 0)
