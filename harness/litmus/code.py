"""The code of a test: one column a thread, one row a step, labels before instructions.

Only one thread is run, with its fault handler (`P0.F`) if it has one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import LitmusError, Location, UnsupportedError
from harness.litmus.sections import Part

_LABEL = re.compile(r"\s*([A-Za-z_][\w.]*)\s*:")
_COLUMN = re.compile(r"P(\d+)(\.F)?")


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One instruction, or none where labels stand at the end."""

    labels: tuple[str, ...]
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Code:
    """What the thread executes, and what its faults lead to."""

    lines: tuple[CodeLine, ...]
    handler: tuple[CodeLine, ...] | None = None

    @property
    def labels(self) -> frozenset[str]:
        """Every label, the handler's too."""
        every = (*self.lines, *(self.handler or ()))
        return frozenset(label for line in every for label in line.labels)


def read_code(part: Part, file: str) -> Code:
    """Parse the code; UnsupportedError for more threads than one."""
    rows = _rows(part, file)
    if not rows:
        raise LitmusError("there is no code", Location(file, part.line))
    names, first_line = rows[0]
    columns = _columns(names, Location(file, first_line))
    collected: dict[str, list[CodeLine]] = {name: [] for name in columns}
    for cells, line in rows[1:]:
        if len(cells) != len(columns):
            raise LitmusError(
                f"{len(columns)} column(s) are declared and {len(cells)} given",
                Location(file, line),
            )
        for name, cell in zip(columns, cells, strict=True):
            read = _cell(cell, line)
            if read is not None:
                collected[name].append(read)
    code = Code(tuple(collected["P0"]), tuple(collected["P0.F"]) if "P0.F" in collected else None)
    _check(code, file, part.line)
    return code


def _rows(part: Part, file: str) -> list[tuple[list[str], int]]:
    """Split at `;` into rows and at `|` into cells; a row's line is that of its first word."""
    rows: list[tuple[list[str], int]] = []
    line = part.line
    pieces = part.text.split(";")
    for number, piece in enumerate(pieces):
        stripped = piece.strip()
        first = line + piece[: len(piece) - len(piece.lstrip())].count("\n")
        if number == len(pieces) - 1:
            if stripped:
                raise LitmusError(f"`;` is expected after `{stripped}`", Location(file, first))
        elif stripped or rows:
            rows.append((stripped.split("|"), first))
        line += piece.count("\n")
    return rows


def _columns(names: list[str], at: Location) -> list[str]:
    columns = [name.strip() for name in names]
    threads = set()
    for name in columns:
        match = _COLUMN.fullmatch(name)
        if match is None:
            raise UnsupportedError(f"{at}: column `{name}` (known: P0, P0.F)")
        threads.add(match[1])
    if len(threads) > 1:
        raise UnsupportedError(f"{at}: {len(threads)} threads: only tests of one thread are run")
    if "P0" not in columns or len(set(columns)) != len(columns):
        raise LitmusError("the first line of the code names P0 once", at)
    return columns


def _cell(cell: str, line: int) -> CodeLine | None:
    labels = []
    while match := _LABEL.match(cell):
        labels.append(match[1])
        cell = cell[match.end() :]
    text = " ".join(cell.split())
    return CodeLine(tuple(labels), text, line) if labels or text else None


def _check(code: Code, file: str, line: int) -> None:
    if not any(each.text for each in code.lines):
        raise LitmusError("P0 has no instruction", Location(file, line))
    seen: set[str] = set()
    for each in (*code.lines, *(code.handler or ())):
        for label in each.labels:
            if label in seen:
                raise LitmusError(f"label {label} is given twice", Location(file, each.line))
            seen.add(label)
