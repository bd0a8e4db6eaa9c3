"""Lazy split of live leaves: in place, as BBML2_NOABORT permits."""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import LAST_LEVEL
from harness.encodings.definition import LevelEncoding, Role
from harness.errors import MappingError
from harness.operations.steps import MAKE_VISIBLE, KernelTables, Maintain, Step, Store
from harness.tables.descriptor import (
    CONTIGUOUS,
    NOT_TRANSLATING,
    leaf_address_mask,
    make_table,
    output_address,
    put_address,
)
from harness.tables.editor import Entry, find, run_members


def split_at(tables: KernelTables, address: int) -> Iterator[Step]:
    """Split leaves until one begins at `address`; nothing to do where none reaches over it.

    What is split follows the kernel's own question for a leaf. A block becomes a table of leaves
    of the next level, contiguous where they can be; a contiguous run becomes single entries. The
    children are what the encoding makes of the parent. MappingError where the machine or the
    kernel cannot do it.
    """
    geometry = tables.geometry
    while True:
        entry = find(geometry, tables.root, tables.memory, address)
        meaning = tables.meaning(entry.level)
        if not _is_leaf(meaning, entry.descriptor):
            return
        size = geometry.granule.level_size(entry.level)
        run = geometry.contiguous_run(entry.level) if entry.descriptor & CONTIGUOUS else None
        if address % ((run or 1) * size) == 0:
            return
        if not tables.resizes_live:
            raise MappingError(
                f"{address:#x} lies inside a level {entry.level} leaf of {(run or 1) * size:#x} "
                "bytes, and this machine cannot change the size of live leaves (BBML2_NOABORT)"
            )
        if run is not None:
            for member in run_members(geometry, tables.memory, entry):
                yield Store(member.address, member.descriptor, member.descriptor & ~CONTIGUOUS)
            yield from MAKE_VISIBLE
        else:
            yield from _split_block(tables, meaning, entry)


def _is_leaf(meaning: LevelEncoding, descriptor: int) -> bool:
    ask = meaning.role(Role.PRESENT if meaning.level == LAST_LEVEL else Role.LEAF)
    return ask is not None and bool(ask(descriptor))


def _split_block(tables: KernelTables, meaning: LevelEncoding, entry: Entry) -> Iterator[Step]:
    """Yield the stores of the new table, then that of the entry that leads to it."""
    if meaning.split is None:
        raise MappingError(f"{tables.encoding.name} does not split live leaves")
    geometry, level = tables.geometry, entry.level + 1
    size = geometry.granule.size
    table = tables.new_table(size, size, "the table of a block that is split")
    child = meaning.split(entry.descriptor) & ~leaf_address_mask(geometry, entry.level)
    child &= ~NOT_TRANSLATING
    if geometry.contiguous_run(level) is not None:
        child |= CONTIGUOUS
    oa = output_address(geometry, entry.descriptor, entry.level)
    step = geometry.granule.level_size(level)
    lowest = geometry.granule.level_shift(level)
    for index in range(geometry.entries(level)):
        address = PhysicalAddress(table + 8 * index)
        new = child | put_address(geometry, oa + index * step, lowest)
        yield Store(address, tables.read(address), new)
    yield Maintain("dsb ishst")
    yield Store(entry.address, entry.descriptor, make_table(geometry, table))
    yield from MAKE_VISIBLE
