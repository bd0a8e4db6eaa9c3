"""Folding pages to contiguous runs and parting them again, by break-before-make."""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.descriptors import LAST_LEVEL
from harness.errors import MappingError
from harness.operations.steps import (
    MAKE_VISIBLE,
    KernelTables,
    Maintain,
    Step,
    Store,
    invalidate,
)
from harness.tables.descriptor import CONTIGUOUS, output_address
from harness.tables.editor import Entry, check_uniform, find, run_members


def contpte_fold(tables: KernelTables, start: int, end: int) -> Iterator[Step]:
    """Join the pages of [`start`, `end`) to contiguous runs.

    MappingError unless the range is of whole runs, each of pages with equal attributes at
    consecutive addresses from an aligned one on.
    """
    for ia, members in _runs(tables, start, end):
        check_uniform(tables.geometry, members, f"the run of pages at {ia:#x}")
        oa = output_address(tables.geometry, members[0].descriptor, LAST_LEVEL)
        size = len(members) * tables.geometry.granule.size
        if oa % size:
            raise MappingError(f"the run at {ia:#x} has an output address, {oa:#x}, that is none's")
        yield from _convert(tables, ia, members, fold=True)


def contpte_unfold(tables: KernelTables, start: int, end: int) -> Iterator[Step]:
    """Part the contiguous runs of [`start`, `end`); MappingError where a page is in none."""
    for ia, members in _runs(tables, start, end):
        if not all(member.descriptor & CONTIGUOUS for member in members):
            raise MappingError(f"the pages at {ia:#x} are no contiguous run")
        yield from _convert(tables, ia, members, fold=False)


def _runs(tables: KernelTables, start: int, end: int) -> Iterator[tuple[int, list[Entry]]]:
    geometry = tables.geometry
    count = geometry.contiguous_run(LAST_LEVEL)
    if count is None:
        raise MappingError("these tables have no contiguous runs of pages")
    size = count * geometry.granule.size
    if start % size or end % size:
        raise MappingError(f"{start:#x} to {end:#x} are not whole runs of {size:#x} bytes")
    for ia in range(start, end, size):
        entry = find(geometry, tables.root, tables.memory, ia, LAST_LEVEL)
        yield ia, run_members(geometry, tables.memory, entry)


def _convert(tables: KernelTables, ia: int, members: list[Entry], *, fold: bool) -> Iterator[Step]:
    """Break all entries of the run, invalidate, make them with or without the Contiguous bit.

    A machine with BBML2_NOABORT may keep what it has cached: it needs no TLBI for a new size.
    """
    meaning = tables.meaning(LAST_LEVEL)
    if meaning.folds is None:
        raise MappingError(f"{tables.encoding.name} does not fold pages to contiguous runs")
    operation = meaning.folds[0 if fold else 1]
    yield from (Store(member.address, member.descriptor, 0) for member in members)
    if tables.resizes_live:
        yield Maintain("dsb ishst")
    else:
        page = tables.geometry.granule.size
        yield from invalidate(ia + number * page for number in range(len(members)))
    for member in members:
        yield Store(member.address, 0, meaning.apply(operation, member.descriptor))
    yield from MAKE_VISIBLE
