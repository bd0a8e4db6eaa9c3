"""A dump's walk of live tables: every entry, or what one kernel's own dump would see of them.

Each table is read once for each level at which it is reached, so the work is bounded by the
memory that holds tables, however they point at each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import LAST_LEVEL
from harness.encodings.definition import Encoding, LevelEncoding, Role
from harness.encodings.form import Form
from harness.errors import ValueSyntaxError
from harness.memory import DescriptorMemory
from harness.tables.descriptor import is_table, next_table
from harness.tables.geometry import Geometry
from harness.tables.reader import Problem, ProblemKind, Table, read_words


class Sight(Enum):
    """What a dump takes an entry for."""

    HOLE = auto()
    TABLE = auto()
    LEAF = auto()
    PASSED = auto()
    """Neither: it is told of no entry, and the line before runs on."""


Look = Callable[[int], Sight]
"""What is made of a descriptor, at one level."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Nothing is mapped from `ia` on, by an entry of `level`."""

    ia: int
    level: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry that the dump shows."""

    ia: int
    level: int
    address: int
    descriptor: int


@dataclass(frozen=True, slots=True)
class PassedBy:
    """An entry that is there and that the dump does not show; `why` in a clause."""

    ia: int
    level: int
    address: int
    descriptor: int
    why: str


Found = Hole | Shown | PassedBy | Table | Problem


@dataclass(frozen=True, slots=True)
class TablesSeen:
    """One half's tables at one moment."""

    geometry: Geometry
    root: PhysicalAddress
    memory: DescriptorMemory
    mair: int
    """MAIR_EL1, which gives memory attributes their names."""


def seen(tables: TablesSeen, encoding: Encoding | None = None) -> Iterator[Found]:
    """Yield what lies in the tables, depth first by ascending address.

    `encoding` None: every entry that is not zero. Else what that kernel's dump makes of them;
    ValueSyntaxError where the encoding has no tables of this form.
    """
    levels = range(tables.geometry.start_level, LAST_LEVEL + 1)
    if encoding is None:
        looks = {level: _everything(level) for level in levels}
        reasons = dict.fromkeys(levels, "")
    else:
        meanings = {level: meaning_at(encoding, tables.geometry, level) for level in levels}
        looks = {level: _as_software(meaning) for level, meaning in meanings.items()}
        reasons = {level: _reason(meaning) for level, meaning in meanings.items()}
    return _Walk(tables, looks, reasons).table(
        Table(tables.geometry.first, tables.geometry.start_level, tables.root), ()
    )


def meaning_at(encoding: Encoding, geometry: Geometry, level: int) -> LevelEncoding:
    """Return what `encoding` makes of a level of such tables; ValueSyntaxError if nothing."""
    form = Form(geometry.granule, geometry.format)
    if form not in encoding.forms:
        known = ", ".join(form.label for form in encoding.forms if form.stage == 1) or "none"
        raise ValueSyntaxError(f"{encoding.name} has no tables {form.label!r} ({known})")
    return encoding.level(level, form)


def _everything(level: int) -> Look:
    def look(descriptor: int) -> Sight:
        if descriptor == 0:
            return Sight.HOLE
        return Sight.TABLE if is_table(descriptor, level) else Sight.LEAF

    return look


def _as_software(meaning: LevelEncoding) -> Look:
    """Return what software makes of an entry that its dump's walk meets."""
    none, table, leaf = (meaning.role(role) for role in (Role.NONE, Role.TABLE, Role.LEAF))
    shown = meaning.predicates[meaning.dumped_if] if meaning.dumped_if else leaf
    level = meaning.level

    def look(descriptor: int) -> Sight:
        if descriptor == 0 or (none is not None and none(descriptor)):
            return Sight.HOLE
        if level == LAST_LEVEL:
            return Sight.LEAF
        # Below what hardware does not take for a table there is none to read.
        if (table is None or table(descriptor)) and is_table(descriptor, level):
            return Sight.TABLE
        return Sight.LEAF if shown is not None and shown(descriptor) else Sight.PASSED

    return look


def _reason(meaning: LevelEncoding) -> str:
    if meaning.dumped_if is not None:
        return f"{meaning.dumped_if} is false"
    return "the kernel has tables only at this level"


class _Walk:
    """One walk: remembers where each table was first reached."""

    def __init__(self, tables: TablesSeen, looks: dict[int, Look], reasons: dict[int, str]) -> None:
        self._geometry = tables.geometry
        self._memory = tables.memory
        self._looks = looks
        self._reasons = reasons
        self._first_reached: dict[tuple[int, int], int] = {}

    def table(self, table: Table, above: tuple[int, ...]) -> Iterator[Found]:
        """Yield the table and what lies under it; `above` is the path from the root to it."""
        level = table.level
        look, step = self._looks[level], self._geometry.granule.level_size(level)
        self._first_reached[table.address, level] = table.ia
        yield table
        words = read_words(self._memory, table.address, self._geometry.entries(level))
        in_hole = False
        for index, descriptor in enumerate(words):
            ia, address = table.ia + index * step, table.address + 8 * index
            if descriptor is None:
                yield self._no_memory(ia, level, address)
                return
            sight = look(descriptor)
            if sight is Sight.HOLE:
                if not in_hole:
                    yield Hole(ia, level)
            elif sight is Sight.LEAF:
                yield Shown(ia, level, address, descriptor)
            elif sight is Sight.PASSED:
                yield PassedBy(ia, level, address, descriptor, self._reasons[level])
            else:
                below = Table(VirtualAddress(ia), level + 1, next_table(self._geometry, descriptor))
                yield from self._descend(below, address, (*above, table.address))
            in_hole = sight is Sight.HOLE

    def _descend(self, table: Table, entry: int, path: tuple[int, ...]) -> Iterator[Found]:
        """Yield what lies under `table`, which `entry` points to, or why it is not read."""
        level = table.level - 1
        first = self._first_reached.get((table.address, table.level))
        if table.address in path:
            text = f"points back to the table at {table.address:#x}"
            kind = ProblemKind.CYCLE
        elif first is not None:
            text = f"shares the table at {table.address:#x} with {first:#x}, where it is shown"
            kind = ProblemKind.SHARED
        else:
            yield from self.table(table, path)
            return
        words = f"the level {level} entry of {table.ia:#x} {text}"
        yield Problem(kind, table.ia, level, PhysicalAddress(entry), words)

    def _no_memory(self, ia: int, level: int, address: int) -> Problem:
        text = f"there is no memory at {address:#x} for the level {level} table"
        return Problem(
            ProblemKind.NO_MEMORY, VirtualAddress(ia), level, PhysicalAddress(address), text
        )
