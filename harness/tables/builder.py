"""Builds translation tables from mappings: all of them, or, on an error, nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise

from harness.arch.addresses import PhysicalAddress
from harness.errors import MappingError
from harness.memory import PhysicalMemory
from harness.tables.descriptor import (
    CONTIGUOUS,
    is_table,
    make_leaves,
    make_table,
    next_table,
)
from harness.tables.geometry import Geometry
from harness.tables.mapping import LeafRun, Mapping, leaves_of
from harness.tables.pool import TablePool

__all__ = ["Mapping", "build_tables"]


def build_tables(
    geometry: Geometry,
    mappings: Iterable[Mapping],
    pool: TablePool,
    memory: PhysicalMemory,
    root: PhysicalAddress | None = None,
) -> PhysicalAddress:
    """Write tables for `mappings` into `memory` and return the root's address.

    Without `root` the root comes from `pool` too; with it, the mappings are added to the tables
    that are there. MappingError, with nothing written, when a mapping cannot be built, overlaps
    another or what is mapped already, or the tables do not fit.
    """
    wanted = sorted(mappings, key=lambda mapping: mapping.ia)
    plan = [(mapping, leaves_of(geometry, mapping)) for mapping in wanted]
    _check_overlaps(wanted)
    used = pool.used
    try:
        tables = _StagedTables(geometry, pool, memory, root)
        for mapping, runs in plan:
            for run in runs:
                _place(tables, mapping, run)
        return tables.commit()
    except MappingError:
        pool.rewind(used)
        raise


def _check_overlaps(wanted: Sequence[Mapping]) -> None:
    for one, other in pairwise(wanted):
        if other.ia < one.end:
            raise other.error(f"overlaps mapping {one}")


def _place(tables: _StagedTables, mapping: Mapping, run: LeafRun) -> None:
    """Write one run of leaves, table by table."""
    geometry = tables.geometry
    step = geometry.granule.level_size(run.level)
    bits = mapping.leaf_bits | (CONTIGUOUS if run.contiguous else 0)
    done = 0
    while done < run.size:
        ia = run.ia + done
        index = geometry.index(ia, run.level)
        count = min((run.size - done) // step, geometry.entries(run.level) - index)
        if mapping.descriptor is not None:
            values = [mapping.descriptor]
        else:
            oa = PhysicalAddress(run.oa + done)
            try:
                values = make_leaves(geometry, run.level, oa, bits, count)
            except MappingError as error:
                raise mapping.error(error.reason) from None
        tables.put(mapping, ia, run.level, values)
        done += count * step


class _StagedTables:
    """Tables as they will be: read when first touched, written together at the end."""

    def __init__(
        self,
        geometry: Geometry,
        pool: TablePool,
        memory: PhysicalMemory,
        root: PhysicalAddress | None,
    ) -> None:
        self.geometry = geometry
        self._pool = pool
        self._memory = memory
        self._tables: dict[PhysicalAddress, bytearray] = {}
        if root is None:
            root = self._allocate(geometry.root_size, geometry.root_alignment)
        elif root % geometry.root_alignment:
            raise MappingError(
                f"the root table {root:#x} is not aligned to {geometry.root_alignment:#x} bytes"
            )
        self._root = root

    def put(self, mapping: Mapping, ia: int, level: int, values: Sequence[int]) -> None:
        """Write entries from that of `ia` on, in one table of `level`; none may be in use."""
        table = self._table_for(mapping, ia, level)
        index = self.geometry.index(ia, level)
        packing = struct.Struct(f"<{len(values)}Q")
        old = packing.unpack_from(table, 8 * index)
        if any(old):
            taken = next(place for place, value in enumerate(old) if value)
            at = ia + taken * self.geometry.granule.level_size(level)
            raise mapping.error(
                f"the level {level} entry of {at:#x} already holds {old[taken]:#018x}"
            )
        packing.pack_into(table, 8 * index, *values)

    def commit(self) -> PhysicalAddress:
        """Write every table and return the root's address; MappingError where memory is missing."""
        for address, table in self._tables.items():
            if not self._memory.covers(address, len(table)):
                raise MappingError(f"there is no memory for the table at {address:#x}")
        for address, table in self._tables.items():
            self._memory.write(address, bytes(table))
        return self._root

    def _table_for(self, mapping: Mapping, ia: int, level: int) -> bytearray:
        """Return the table of `level` for `ia`, with the tables above it made as needed."""
        geometry = self.geometry
        table = self._load(self._root, geometry.root_size)
        for upper in range(geometry.start_level, level):
            place = 8 * geometry.index(ia, upper)
            (descriptor,) = struct.unpack_from("<Q", table, place)
            if descriptor == 0:
                address = self._allocate(geometry.granule.size, geometry.granule.size)
                struct.pack_into("<Q", table, place, make_table(geometry, address))
            elif is_table(descriptor, upper):
                address = next_table(geometry, descriptor)
            else:
                raise mapping.error(
                    f"the level {upper} entry of {ia:#x} already holds {descriptor:#018x}"
                )
            table = self._load(address, geometry.granule.size)
        return table

    def _allocate(self, size: int, alignment: int) -> PhysicalAddress:
        address = self._pool.allocate(size, alignment)
        self._tables[address] = bytearray(size)
        return address

    def _load(self, address: PhysicalAddress, size: int) -> bytearray:
        if address not in self._tables:
            data = self._memory.read(address, size)
            if data is None:
                raise MappingError(f"there is no memory for the table at {address:#x}")
            self._tables[address] = bytearray(data)
        return self._tables[address]
