"""The walk that changes page attributes over a range, deciding by the encoding at each entry."""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.addresses import PhysicalAddress
from harness.encodings.definition import LevelEncoding, Role, WalkDecision
from harness.errors import MappingError
from harness.operations.splitting import split_at
from harness.operations.steps import (
    MAKE_VISIBLE,
    KernelTables,
    Overlooked,
    Step,
    Store,
    invalidate,
)
from harness.tables.descriptor import is_table, next_table


def change_attributes(tables: KernelTables, operation: str, start: int, end: int) -> Iterator[Step]:
    """Do `operation` of the encoding to every leaf of [`start`, `end`).

    Leaves that reach over an end of the range are split first. An entry that the walk neither
    edits nor goes below is told as Overlooked. MappingError where a leaf cannot be split, or is of
    a level whose attributes the kernel does not change.
    """
    for boundary in (start, end):
        if tables.geometry.contains(boundary):
            yield from split_at(tables, boundary)
    walk = _Walk(tables, operation, start, end)
    yield from walk.table(tables.root, tables.geometry.start_level, tables.geometry.first)
    if walk.flushes:
        yield from invalidate(walk.changed)
    elif walk.changed:
        yield from MAKE_VISIBLE


class _Walk:
    """One walk: remembers which leaves it changed."""

    def __init__(self, tables: KernelTables, operation: str, start: int, end: int) -> None:
        self._tables = tables
        self._operation = operation
        self._range = start, end
        self.changed: list[int] = []
        self.flushes = False

    def table(self, table: PhysicalAddress, level: int, first: int) -> Iterator[Step]:
        """Yield the steps for the entries of `table`, whose first one maps `first`."""
        geometry = self._tables.geometry
        step = geometry.granule.level_size(level)
        start, end = self._range
        meaning = self._tables.meaning(level)
        lowest = max(0, (start - first) // step)
        highest = min(geometry.entries(level), -(-(end - first) // step))
        for index in range(lowest, highest):
            address = PhysicalAddress(table + 8 * index)
            descriptor = self._tables.read(address)
            ia = first + index * step
            if self._goes_below(meaning, descriptor):
                below = next_table(geometry, descriptor)
                yield from self.table(below, level + 1, ia)
            else:
                yield from self._leaf(meaning, address, descriptor, ia)

    def _goes_below(self, meaning: LevelEncoding, descriptor: int) -> bool:
        table = meaning.role(Role.TABLE)
        return is_table(descriptor, meaning.level) and (table is None or table(descriptor))

    def _leaf(
        self, meaning: LevelEncoding, address: PhysicalAddress, descriptor: int, ia: int
    ) -> Iterator[Step]:
        known = meaning.operations.get(self._operation)
        decision = WalkDecision.SKIPS
        if known is not None:
            decision = meaning.walk_decision(descriptor)
        elif descriptor:
            raise MappingError(
                f"{self._tables.encoding.name} has no {self._operation} at level {meaning.level}, "
                f"where {ia:#x} is mapped by {descriptor:#018x}"
            )
        if decision is WalkDecision.EDITS and known is not None:
            new = meaning.apply(self._operation, descriptor)
            if new != descriptor:
                yield Store(address, descriptor, new)
                self.changed.append(ia)
                self.flushes = self.flushes or known.flushes
        elif decision is WalkDecision.DESCENDS:
            yield Overlooked(address, descriptor, f"{meaning.edited_if} is false")
