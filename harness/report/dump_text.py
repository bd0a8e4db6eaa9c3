"""Tables in the text of a Linux kernel's dump (ptdump), column for column.

Neighbouring entries of one level and equal columns make one line. An entry that the dump passes by
is part of the line before it, as in the kernel's; a comment after the lines names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.encodings import Encoding
from harness.encodings.levels import names_of_level
from harness.report.dump_columns import columns, memory_types, shown_bits
from harness.report.dump_walk import Hole, PassedBy, Shown, TablesSeen, seen
from harness.tables.geometry import Geometry
from harness.tables.reader import Problem

_UNITS = "KMGTPE"
_ADDRESSES = 1 << 64


@dataclass(frozen=True, slots=True, order=True)
class Marker:
    """A name for the addresses from `start` on."""

    start: int
    name: str


@dataclass(frozen=True, slots=True)
class Span:
    """One line: [`start`, `end`) in entries of `level` whose shown bits are `bits`; 0: a hole."""

    start: int
    end: int
    level: int
    bits: int


@dataclass(frozen=True, slots=True)
class HalfDump:
    """One half as a dump shows it: lines with the markers between them, and what is not shown."""

    geometry: Geometry
    types: tuple[str, ...]
    lines: tuple[Span | Marker, ...]
    passed: tuple[PassedBy, ...]
    problems: tuple[Problem, ...]

    @property
    def spans(self) -> Iterator[Span]:
        """The lines without the markers."""
        return (line for line in self.lines if isinstance(line, Span))

    def text_of(self, line: Span | Marker) -> str:
        """Return one line of the dump."""
        if isinstance(line, Marker):
            return f"---[ {line.name} ]---"
        # The last line of the high half ends at 2**64, which the kernel prints as 0.
        addresses = f"0x{line.start:016x}-0x{line.end % _ADDRESSES:016x}"
        name = level_name(line.level, self.geometry)
        return f"{addresses}   {_size(line.end - line.start)} {name}" + columns(
            line.bits, self.types
        )

    def comments(self) -> Iterator[str]:
        """Yield what the lines do not show, and what is wrong with the tables."""
        for entry in self.passed:
            name = level_name(entry.level, self.geometry)
            yield (
                f"# not shown: {name} of {entry.ia:#018x}, {entry.descriptor:#018x} at "
                f"{entry.address:#x}: {entry.why}"
            )
        for problem in self.problems:
            yield f"# {problem.kind}: {problem.text}"


def dump_half(
    tables: TablesSeen, markers: Iterable[Marker] = (), encoding: Encoding | None = None
) -> HalfDump:
    """Return the dump of one half, as `encoding`'s kernel would print it, or of every entry."""
    passed, problems = [], []
    builder = _Spans(tables.geometry, sorted(markers))
    mask = shown_bits(tables.geometry)
    for found in seen(tables, encoding):
        if isinstance(found, Shown):
            builder.note(found.ia, found.level, found.descriptor & mask)
        elif isinstance(found, Hole):
            builder.note(found.ia, found.level, 0)
        elif isinstance(found, PassedBy):
            passed.append(found)
        elif isinstance(found, Problem):
            problems.append(found)
    lines = builder.finish()
    types = memory_types(tables.mair)
    return HalfDump(tables.geometry, types, lines, tuple(passed), tuple(problems))


def dump_text(halves: Sequence[HalfDump]) -> str:
    """Return the dump of the halves, each with its comments."""
    lines: list[str] = []
    for half in halves:
        lines += (half.text_of(line) for line in half.lines)
        lines += half.comments()
    return "\n".join(lines) + "\n"


def level_name(level: int, geometry: Geometry) -> str:
    """Return the kernel's name of a level; the highest is PGD, whatever is folded into it."""
    return names_of_level(level, geometry.granule, geometry.ia_bits)[0].upper()


def kernel_markers(geometry: Geometry) -> tuple[Marker, ...]:
    """Return the markers that every kernel has, at places that its configuration cannot move."""
    if not geometry.high:
        return (Marker(geometry.first, "TTBR0_EL1"),)
    return (
        Marker(geometry.first, "Linear Mapping start"),
        Marker(geometry.first + geometry.size // 2, "Linear Mapping end"),
    )


def _size(size: int) -> str:
    """Return a size as the kernel prints it: nine digits and a unit, as large as is exact."""
    amount, unit = size >> 10, 0
    while amount % 1024 == 0 and unit + 1 < len(_UNITS):
        amount, unit = amount >> 10, unit + 1
    return f"{amount:9}{_UNITS[unit]}"


class _Spans:
    """Joins entries to lines while the walk goes on, and puts markers between them."""

    def __init__(self, geometry: Geometry, markers: Sequence[Marker]) -> None:
        self._end = geometry.first + geometry.size
        self._markers = list(reversed(markers))
        self._lines: list[Span | Marker] = []
        self._open: tuple[int, int, int] | None = None

    def note(self, ia: int, level: int, bits: int) -> None:
        """Take an entry, or the first of a hole's, at `ia`."""
        if self._open is None:
            self._mark(ia)
            self._open = (ia, level, bits)
            return
        due = bool(self._markers) and ia >= self._markers[-1].start
        if due or self._open[1:] != (level, bits):
            self._cut(*self._open, ia)
            self._open = (ia, level, bits)

    def finish(self) -> tuple[Span | Marker, ...]:
        """Return the lines, the last one up to the end of the half."""
        if self._open is not None:
            self._cut(*self._open, self._end)
        return tuple(self._lines)

    def _cut(self, start: int, level: int, bits: int, ia: int) -> None:
        """End the line from `start` on at `ia`, and at every marker that lies in it."""
        while self._markers and self._markers[-1].start < ia:
            marker = self._markers.pop()
            if marker.start > start:
                self._lines.append(Span(start, marker.start, level, bits))
                start = marker.start
            self._lines.append(marker)
        self._lines.append(Span(start, ia, level, bits))
        if ia < self._end:
            self._mark(ia)

    def _mark(self, ia: int) -> None:
        while self._markers and self._markers[-1].start <= ia:
            self._lines.append(self._markers.pop())
