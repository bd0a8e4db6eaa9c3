"""The copy of the tables from which a resume from hibernation, or a kexec, writes all of memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from harness.arch.addresses import PhysicalAddress
from harness.encodings.definition import LevelEncoding, Role
from harness.operations.steps import KernelTables, Maintain, Overlooked, Step, Store
from harness.tables.descriptor import is_table, make_table, next_table


def hibernate_copy(tables: KernelTables, start: int, end: int) -> Iterator[Step]:
    """Copy the tables of [`start`, `end`) to new ones, each leaf as the encoding's copy has it.

    The root of the copy is the first table that the pool gives. The live tables stay as they are;
    whoever wants the copy used writes its address to the TTBR.
    """
    geometry = tables.geometry
    root = tables.new_table(geometry.root_size, geometry.root_alignment, "the copy of the tables")
    yield from _Copy(tables, start, end).table(
        tables.root, root, geometry.start_level, geometry.first
    )
    yield Maintain("dsb ishst")


class _Copy:
    """One copy: each table of the range is copied when the walk comes to it."""

    def __init__(self, tables: KernelTables, start: int, end: int) -> None:
        self._tables = tables
        self._range = start, end

    def table(
        self, source: PhysicalAddress, target: PhysicalAddress, level: int, first: int
    ) -> Generator[Step]:
        """Yield the stores that copy one table and what lies under it."""
        tables, geometry = self._tables, self._tables.geometry
        step, meaning = geometry.granule.level_size(level), tables.meaning(level)
        start, end = self._range
        for index in range(geometry.entries(level)):
            ia = first + index * step
            descriptor = tables.read(PhysicalAddress(source + 8 * index))
            if not descriptor or ia + step <= start or end <= ia:
                continue
            place = PhysicalAddress(target + 8 * index)
            if self._goes_below(meaning, descriptor):
                size = geometry.granule.size
                below = tables.new_table(size, size, "the copy of a table")
                yield Store(place, tables.read(place), make_table(geometry, below))
                under = next_table(geometry, descriptor)
                yield from self.table(under, below, level + 1, ia)
            elif meaning.copy is None:
                yield Overlooked(
                    PhysicalAddress(source + 8 * index), descriptor, "no table, as all are here"
                )
            else:
                yield Store(place, tables.read(place), meaning.apply(meaning.copy, descriptor))

    @staticmethod
    def _goes_below(meaning: LevelEncoding, descriptor: int) -> bool:
        table = meaning.role(Role.TABLE)
        return is_table(descriptor, meaning.level) and (table is None or table(descriptor))
