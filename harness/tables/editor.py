"""Finds and changes the entry of an address, splits leaves into smaller ones and folds them back.

Only memory is changed: which maintenance must follow, and whether an entry may change while it is
live, is for who calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import LAST_LEVEL
from harness.errors import MappingError
from harness.memory import DescriptorMemory
from harness.tables.descriptor import (
    CONTIGUOUS,
    NOT_TRANSLATING,
    TABLE_OR_PAGE,
    VALID,
    is_table,
    leaf_address_mask,
    make_leaf,
    make_leaves,
    make_table,
    next_table,
    output_address,
)
from harness.tables.geometry import Geometry
from harness.tables.pool import TablePool


class TableMemory(DescriptorMemory, Protocol):
    """Memory that tables can be changed in: an image, or that of a running machine."""

    def write64(self, address: PhysicalAddress, value: int) -> None:
        """Write an aligned 64-bit word."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One descriptor where it lies: `descriptor` is the value that was read."""

    level: int
    address: PhysicalAddress
    index: int
    table: PhysicalAddress
    descriptor: int


def path(
    geometry: Geometry, root: PhysicalAddress, memory: DescriptorMemory, ia: int
) -> list[Entry]:
    """Return the entries for `ia` from the root down to where the structure ends.

    The last entry is a leaf, invalid, or of the last level. MappingError when `ia` is not of this
    half or a table is outside memory.
    """
    if not geometry.contains(ia):
        raise MappingError(
            f"{ia:#x} is not in the {'high' if geometry.high else 'low'} half of "
            f"{geometry.ia_bits} bits"
        )
    entries = []
    table, level = root, geometry.start_level
    while True:
        index = geometry.index(ia, level)
        address = PhysicalAddress(table + 8 * index)
        descriptor = memory.read64(address)
        if descriptor is None:
            raise MappingError(
                f"there is no memory at {address:#x}, where the level {level} entry of {ia:#x} "
                "would be"
            )
        entries.append(Entry(level, address, index, table, descriptor))
        if not is_table(descriptor, level):
            return entries
        table, level = next_table(geometry, descriptor), level + 1


def find(
    geometry: Geometry,
    root: PhysicalAddress,
    memory: DescriptorMemory,
    ia: int,
    level: int | None = None,
) -> Entry:
    """Return the entry for `ia` at `level`, or, for None, the one at which the structure ends.

    MappingError when the tables for `ia` end above `level`.
    """
    entries = path(geometry, root, memory, ia)
    if level is None:
        return entries[-1]
    if level < geometry.start_level or level > LAST_LEVEL:
        raise MappingError(
            f"these tables have levels {geometry.start_level} to {LAST_LEVEL}, not {level}"
        )
    if level > entries[-1].level:
        end = entries[-1]
        raise MappingError(
            f"{ia:#x} has no level {level} entry: its tables end at level {end.level} with "
            f"{end.descriptor:#018x}"
        )
    return entries[level - geometry.start_level]


def write(memory: TableMemory, entry: Entry, value: int) -> Entry:
    """Write `value` over the entry and return it as it is now."""
    memory.write64(entry.address, value)
    return Entry(entry.level, entry.address, entry.index, entry.table, value)


def split(
    geometry: Geometry,
    root: PhysicalAddress,
    memory: TableMemory,
    ia: int,
    pool: TablePool,
) -> Entry:
    """Make the leaf at `ia` one step smaller and return the entry that now ends the walk there.

    A contiguous run becomes its single entries; a block becomes a table of the next level, from
    `pool`. Addresses, attributes and validity stay. MappingError when there is no leaf, or it is
    a page.
    """
    entry = find(geometry, root, memory, ia)
    if entry.descriptor == 0:
        raise MappingError(f"{ia:#x} is not mapped: there is nothing to split")
    if entry.descriptor & CONTIGUOUS and geometry.contiguous_run(entry.level) is not None:
        for member in run_members(geometry, memory, entry):
            write(memory, member, member.descriptor & ~CONTIGUOUS)
    elif entry.level == LAST_LEVEL:
        raise MappingError(f"{ia:#x} is mapped by a single page: it cannot be split")
    else:
        _split_block(geometry, memory, entry, pool)
    return find(geometry, root, memory, ia)


def fold(
    geometry: Geometry,
    root: PhysicalAddress,
    memory: TableMemory,
    ia: int,
    level: int,
) -> Entry:
    """Replace the table under the entry for `ia` at `level` by one block, and return its entry.

    The inverse of `split`. The table's memory stays as it is. MappingError unless the table maps
    one aligned block's worth of consecutive addresses with equal attributes and validity.
    """
    entry = find(geometry, root, memory, ia, level)
    if not is_table(entry.descriptor, level):
        raise MappingError(f"the level {level} entry of {ia:#x} is no table: nothing to fold")
    if not geometry.has_leaf(level):
        raise MappingError(f"these tables have no block at level {level}")
    children = _entries_of(geometry, memory, next_table(geometry, entry.descriptor), level + 1)
    first = children[0].descriptor
    check_uniform(geometry, children, f"the table under {ia:#x} at level {level}")
    oa = output_address(geometry, first, level + 1)
    if oa % geometry.granule.level_size(level):
        raise MappingError(f"the output address {oa:#x} is not aligned to a level {level} block")
    bits = first & ~leaf_address_mask(geometry, level + 1) & ~CONTIGUOUS
    return write(memory, entry, _with_validity(make_leaf(geometry, level, oa, bits), first))


def fold_run(
    geometry: Geometry,
    root: PhysicalAddress,
    memory: TableMemory,
    ia: int,
    level: int = LAST_LEVEL,
) -> Entry:
    """Set the Contiguous bit in the entries around `ia` at `level`, and return its entry.

    MappingError unless they map one aligned run of consecutive addresses with equal attributes.
    """
    entry = find(geometry, root, memory, ia, level)
    count = geometry.contiguous_run(level)
    if count is None:
        raise MappingError(f"these tables have no contiguous runs at level {level}")
    members = run_members(geometry, memory, entry)
    check_uniform(geometry, members, f"the run of {count} level {level} entries around {ia:#x}")
    oa = output_address(geometry, members[0].descriptor, level)
    if oa % (count * geometry.granule.level_size(level)):
        raise MappingError(f"the output address {oa:#x} is not aligned to a run of {count} entries")
    for member in members:
        write(memory, member, member.descriptor | CONTIGUOUS)
    return find(geometry, root, memory, ia, level)


def _split_block(geometry: Geometry, memory: TableMemory, entry: Entry, pool: TablePool) -> None:
    level = entry.level + 1
    if entry.descriptor & TABLE_OR_PAGE or not geometry.has_leaf(entry.level):
        raise MappingError(
            f"{entry.descriptor:#018x} at level {entry.level} is no block: it cannot be split"
        )
    bits = entry.descriptor & ~leaf_address_mask(geometry, entry.level) & ~NOT_TRANSLATING
    oa = output_address(geometry, entry.descriptor, entry.level)
    children = make_leaves(geometry, level, oa, bits, geometry.entries(level))
    table = pool.allocate(geometry.granule.size)
    addresses = [PhysicalAddress(table + 8 * index) for index in range(len(children))]
    if any(memory.read64(address) is None for address in addresses):
        raise MappingError(f"there is no memory for the table at {table:#x}")
    for address, child in zip(addresses, children, strict=True):
        memory.write64(address, _with_validity(child, entry.descriptor))
    write(memory, entry, make_table(geometry, table))


def _with_validity(descriptor: int, like: int) -> int:
    """Return a valid `descriptor` with bit 0 of `like`."""
    return descriptor & ~VALID | like & VALID


def run_members(geometry: Geometry, memory: DescriptorMemory, entry: Entry) -> list[Entry]:
    """Return the entries of the aligned run that `entry` lies in."""
    count = geometry.contiguous_run(entry.level) or 1
    first = entry.index - entry.index % count
    return _entries_of(geometry, memory, entry.table, entry.level)[first : first + count]


def _entries_of(
    geometry: Geometry, memory: DescriptorMemory, table: PhysicalAddress, level: int
) -> list[Entry]:
    entries = []
    for index in range(geometry.entries(level)):
        address = PhysicalAddress(table + 8 * index)
        descriptor = memory.read64(address)
        if descriptor is None:
            raise MappingError(f"there is no memory for the table at {table:#x}")
        entries.append(Entry(level, address, index, table, descriptor))
    return entries


def check_uniform(geometry: Geometry, entries: list[Entry], what: str) -> None:
    """Raise MappingError unless the entries are leaves that differ in consecutive OAs only."""
    level = entries[0].level
    first = entries[0].descriptor
    if first == 0 or is_table(first, level):
        raise MappingError(f"{what} does not begin with a leaf ({first:#018x})")
    attributes = ~leaf_address_mask(geometry, level)
    oa = output_address(geometry, first, level)
    for entry in entries:
        same = entry.descriptor & attributes == first & attributes
        if not same or output_address(geometry, entry.descriptor, level) != oa:
            raise MappingError(
                f"{what} is not uniform: entry {entry.index} holds {entry.descriptor:#018x}, "
                f"the first {first:#018x}"
            )
        oa = PhysicalAddress(oa + geometry.granule.level_size(level))
