"""A litmus test as parsed: everything still as its author named it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import LitmusError, Location
from harness.litmus.code import Code, read_code
from harness.litmus.condition import Condition, Equal, FaultAt, atoms, read_condition
from harness.litmus.headers import Settings, read_headers
from harness.litmus.init import Initial, read_init
from harness.litmus.sections import split_sections
from harness.litmus.values import Cell, Descriptor, IntegerType, Place, Symbol, Value

LARGEST = 1 << 20
"""Bytes of a file."""


@dataclass(frozen=True, slots=True)
class LitmusTest:
    """One test."""

    name: str
    file: str
    settings: Settings
    init: tuple[Initial, ...]
    code: Code
    condition: Condition

    def symbols(self) -> Iterator[Symbol]:
        """Yield every symbol that is mentioned, some more than once, in a fixed order."""
        for initial in self.init:
            yield from _symbols_of(initial.place)
            for value in initial.values:
                yield from _symbols_of(value)
        for item in self.observed():
            yield from _symbols_of(item)

    def observed(self) -> Iterator[Place | FaultAt | Value]:
        """Yield what the condition lists or mentions, values included."""
        condition = self.condition
        yield from condition.locations
        for proposition in (condition.assumed, condition.proposition):
            for atom in atoms(proposition):
                match atom:
                    case Equal(place, value):
                        yield place
                        yield value
                    case FaultAt():
                        yield atom

    def type_of(self, cell: Cell) -> IntegerType | None:
        """Return the type that the initial state gives the location, None where it gives none."""
        return next(
            (
                each.type
                for each in self.init
                if isinstance(each.place, Cell) and each.place.symbol == cell.symbol
            ),
            None,
        )


def read_test(path: Path) -> LitmusTest:
    """Read one file; LitmusError (bad input), UnsupportedError (what is not modelled)."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise LitmusError(f"cannot be read: {error.strerror}", Location(str(path))) from None
    if len(data) > LARGEST:
        raise LitmusError(f"is larger than {LARGEST} bytes", Location(str(path)))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LitmusError("is not UTF-8 text", Location(str(path), line)) from None
    return parse_test(text, str(path))


def parse_test(text: str, file: str = "<text>") -> LitmusTest:
    """Parse a test from its text; `file` names it in messages."""
    try:
        return _parse(text, file)
    except RecursionError:
        raise LitmusError("nested too deeply", Location(file)) from None


def _parse(text: str, file: str) -> LitmusTest:
    sections = split_sections(text, file)
    test = LitmusTest(
        name=sections.name,
        file=file,
        settings=read_headers(sections.headers, file),
        init=read_init(sections.init, file),
        code=read_code(sections.code, file),
        condition=read_condition(sections.condition, file),
    )
    _check_labels(test, sections.condition.line)
    return test


def _check_labels(test: LitmusTest, line: int) -> None:
    known = test.code.labels
    for item in test.observed():
        label = item.label if isinstance(item, FaultAt) else None
        if label is not None and label not in known:
            raise LitmusError(f"the code has no label {label}", Location(test.file, line))


def _symbols_of(item: Place | FaultAt | Value) -> Iterator[Symbol]:
    match item:
        case Cell(symbol):
            yield symbol
        case Descriptor(oa):
            yield oa
        case FaultAt(symbol=Symbol() as symbol):
            yield symbol
        case Symbol():
            yield item
        case _:
            return
