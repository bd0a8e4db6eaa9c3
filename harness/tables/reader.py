"""Turns translation tables back into mappings. Any tables: wild ones end in a report, not a loop.

Each table is read once for each level at which it is reached, so the work is bounded by the
memory that holds tables, however they point at each other.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import LAST_LEVEL
from harness.memory import DescriptorMemory, PhysicalMemory
from harness.tables.descriptor import (
    CONTIGUOUS,
    TYPE_MASK,
    is_table,
    leaf_address_mask,
    next_table,
    output_address_reader,
    valid_leaf_type,
)
from harness.tables.geometry import Geometry
from harness.tables.mapping import Mapping, Shape


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry that is neither zero nor a table: a block or page, or an invalid one of its size.

    `oa` is what its address field holds, also where `valid` is False. `contiguous`: it belongs to
    a whole, uniform run of entries with the Contiguous bit.
    """

    ia: VirtualAddress
    oa: PhysicalAddress
    size: int
    level: int
    address: PhysicalAddress
    descriptor: int
    valid: bool
    contiguous: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read; `ia` is the first address that its entries map."""

    ia: VirtualAddress
    level: int
    address: PhysicalAddress


class ProblemKind(StrEnum):
    """What can be wrong with the structure of tables."""

    CYCLE = "cycle"
    """A table descriptor points to a table on its own path from the root."""
    SHARED = "shared"
    """A table is reached again at the same level; its entries are listed once only."""
    NO_MEMORY = "no memory"
    """A table lies outside memory, wholly or from the entry named on."""
    BROKEN_RUN = "broken run"
    """The Contiguous bit is set in entries that make no whole, uniform, aligned run."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at the entry of `level` for `ia`; `text` says it in a sentence."""

    kind: ProblemKind
    ia: VirtualAddress
    level: int
    address: PhysicalAddress
    text: str


@dataclass(frozen=True, slots=True)
class TableReport:
    """What was found. Leaves are read anew, in order of address, each time they are iterated."""

    geometry: Geometry
    root: PhysicalAddress
    memory: DescriptorMemory
    tables: tuple[Table, ...]
    problems: tuple[Problem, ...]

    @property
    def leaves(self) -> Iterator[Leaf]:
        """Every non-zero entry that is no table, by ascending address; memory as it is now."""
        found = visit(self.geometry, self.root, self.memory)
        return (item for item in found if isinstance(item, Leaf))

    def mappings(self) -> Iterator[Mapping]:
        """Yield valid leaves, neighbours merged: equal level and attributes, addresses in step."""
        start: Leaf | None = None
        end = oa = 0
        for leaf in self.leaves:
            if not leaf.valid:
                continue
            if start is None or not (leaf.ia == end and leaf.oa == oa and self._alike(start, leaf)):
                if start is not None:
                    yield self._mapping(start, end - start.ia)
                start = leaf
            end = leaf.ia + leaf.size
            oa = leaf.oa + leaf.size
        if start is not None:
            yield self._mapping(start, end - start.ia)

    def _alike(self, one: Leaf, other: Leaf) -> bool:
        """Return whether two leaves differ in their addresses only."""
        if one.level != other.level or one.contiguous != other.contiguous:
            return False
        differing = one.descriptor ^ other.descriptor
        return differing & ~leaf_address_mask(self.geometry, one.level) == 0

    def _mapping(self, leaf: Leaf, size: int) -> Mapping:
        plain = Shape.PAGE if leaf.level == LAST_LEVEL else Shape.BLOCK
        dropped = leaf_address_mask(self.geometry, leaf.level) | TYPE_MASK
        return Mapping(
            leaf.ia,
            leaf.oa,
            size,
            leaf.descriptor & ~(dropped | CONTIGUOUS if leaf.contiguous else dropped),
            Shape.CONTIGUOUS if leaf.contiguous else plain,
            leaf.level,
        )


def read_tables(geometry: Geometry, root: PhysicalAddress, memory: DescriptorMemory) -> TableReport:
    """Read the tables under `root`; what is kept grows with the tables, not with their leaves."""
    found = list(visit(geometry, root, memory, with_leaves=False))
    tables = tuple(item for item in found if isinstance(item, Table))
    problems = tuple(item for item in found if isinstance(item, Problem))
    return TableReport(geometry, root, memory, tables, problems)


def visit(
    geometry: Geometry,
    root: PhysicalAddress,
    memory: DescriptorMemory,
    *,
    with_leaves: bool = True,
) -> Iterator[Leaf | Table | Problem]:
    """Yield what the tables under `root` hold, depth first by ascending address."""
    visitor = _Visitor(geometry, memory, with_leaves=with_leaves)
    return visitor.table(Table(geometry.first, geometry.start_level, root), ())


class _Visitor:
    """One reading: remembers where each table was first reached."""

    def __init__(self, geometry: Geometry, memory: DescriptorMemory, *, with_leaves: bool) -> None:
        self._geometry = geometry
        self._memory = memory
        self._with_leaves = with_leaves
        self._first_reached: dict[tuple[PhysicalAddress, int], VirtualAddress] = {}

    def table(
        self, table: Table, above: tuple[PhysicalAddress, ...]
    ) -> Iterator[Leaf | Table | Problem]:
        """Yield the table and what lies under it; `above` is the path from the root to it."""
        geometry, level = self._geometry, table.level
        self._first_reached[table.address, level] = table.ia
        yield table
        words = read_words(self._memory, table.address, geometry.entries(level))
        runs = _whole_runs(geometry, words, level)
        run = geometry.contiguous_run(level)
        step = geometry.granule.level_size(level)
        output_address = output_address_reader(geometry, level)
        leaf_type = valid_leaf_type(geometry, level)
        for index, descriptor in enumerate(words):
            if descriptor == 0:
                continue
            ia = VirtualAddress(table.ia + index * step)
            address = PhysicalAddress(table.address + 8 * index)
            if descriptor is None:
                text = f"there is no memory at {address:#x} for the level {level} table"
                yield Problem(ProblemKind.NO_MEMORY, ia, level, address, text)
                return
            if is_table(descriptor, level):
                below = Table(ia, level + 1, next_table(geometry, descriptor))
                yield from self._descend(below, address, (*above, table.address))
                continue
            contiguous = run is not None and index // run in runs
            if run is not None and descriptor & CONTIGUOUS and not contiguous:
                text = f"{descriptor:#018x} has the Contiguous bit set outside a uniform run"
                yield Problem(ProblemKind.BROKEN_RUN, ia, level, address, text)
            if self._with_leaves:
                yield Leaf(
                    ia,
                    output_address(descriptor),
                    step,
                    level,
                    address,
                    descriptor,
                    valid=descriptor & TYPE_MASK == leaf_type,
                    contiguous=contiguous,
                )

    def _descend(
        self, table: Table, entry: PhysicalAddress, path: tuple[PhysicalAddress, ...]
    ) -> Iterator[Leaf | Table | Problem]:
        problem = self._problem_with(table, entry, path)
        if problem is None:
            yield from self.table(table, path)
        else:
            yield problem

    def _problem_with(
        self, table: Table, entry: PhysicalAddress, path: tuple[PhysicalAddress, ...]
    ) -> Problem | None:
        """Return why `table`, which `entry` points to, is not read; None if it is."""
        level = table.level - 1
        if table.address in path:
            text = f"the level {level} entry of {table.ia:#x} points back to {table.address:#x}"
            return Problem(ProblemKind.CYCLE, table.ia, level, entry, text)
        first = self._first_reached.get((table.address, table.level))
        if first is not None:
            text = (
                f"the level {level} entry of {table.ia:#x} shares the table at "
                f"{table.address:#x} with {first:#x}"
            )
            return Problem(ProblemKind.SHARED, table.ia, level, entry, text)
        return None


def read_words(
    memory: DescriptorMemory, address: PhysicalAddress, count: int
) -> Sequence[int | None]:
    """Return `count` words; None where there is no memory."""
    if isinstance(memory, PhysicalMemory):
        data = memory.read(address, 8 * count)
        if data is not None:
            return struct.unpack(f"<{count}Q", data)
    return [memory.read64(PhysicalAddress(address + 8 * index)) for index in range(count)]


def _whole_runs(geometry: Geometry, words: Sequence[int | None], level: int) -> frozenset[int]:
    """Return which runs of the table (counted from 0) the Contiguous bit joins as it must."""
    run = geometry.contiguous_run(level)
    if run is None:
        return frozenset()
    step = geometry.granule.level_size(level)
    mask = leaf_address_mask(geometry, level)
    output_address = output_address_reader(geometry, level)
    whole = set()
    for number in range(len(words) // run):
        members = words[number * run : (number + 1) * run]
        first = members[0]
        if first is None or not first & CONTIGUOUS or is_table(first, level):
            continue
        oa = output_address(first)
        if oa % (run * step) == 0 and all(
            word is not None
            and (word ^ first) & ~mask == 0
            and output_address(word) == oa + place * step
            for place, word in enumerate(members)
        ):
            whole.add(number)
    return frozenset(whole)
