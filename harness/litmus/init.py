"""Initial states: `{ int x=1; pte_x=(oa:phy_y, valid:0); 0:X1=x; int a[2]={1,2}; }`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.errors import LitmusError, Location
from harness.litmus.lexer import Cursor, TokenKind
from harness.litmus.sections import Part
from harness.litmus.state_reader import read_place, read_value
from harness.litmus.values import (
    ADDRESS_TYPE,
    DEFAULT_TYPE,
    TYPES,
    Aspect,
    Cell,
    IntegerType,
    Place,
    Symbol,
    Value,
)

MAX_ELEMENTS = 512
"""An array lies in one page."""


@dataclass(frozen=True, slots=True)
class Initial:
    """One assignment of the initial state."""

    place: Place
    values: tuple[Value, ...]
    """One, or the elements of an array."""
    type: IntegerType
    line: int


def read_init(part: Part, file: str) -> tuple[Initial, ...]:
    """Parse the text between the braces; LitmusError, UnsupportedError name the line."""
    cursor = Cursor(part, file)
    found: dict[Place, Initial] = {}
    for initial in _assignments(cursor):
        if initial.place in found:
            raise LitmusError(f"{initial.place} is given twice", Location(file, initial.line))
        found[initial.place] = initial
    return tuple(found.values())


def _assignments(cursor: Cursor) -> Iterator[Initial]:
    while True:
        while cursor.accept(";"):
            pass
        if cursor.is_done:
            return
        yield _assignment(cursor)
        if not cursor.is_done:
            cursor.expect(";")


def _assignment(cursor: Cursor) -> Initial:
    line = cursor.token.line
    stated = _type(cursor)
    place = read_place(cursor)
    if isinstance(place, Cell) and place.symbol.aspect is Aspect.PHYSICAL:
        # The contents of a physical page are those of the location that it belongs to.
        place = Cell(Symbol(place.symbol.name), place.index, place.indexed)
    if isinstance(place, Cell) and place.indexed:
        return _array(cursor, place, stated, line)
    value = read_value(cursor, place) if cursor.accept("=") else 0
    return Initial(place, (value,), _held_type(place, (value,), stated), line)


def _held_type(place: Place, values: Sequence[Value], stated: IntegerType | None) -> IntegerType:
    """Return the type stated, `int` for none; what holds more than numbers has an address's."""
    is_number = all(isinstance(value, int) for value in values) and not _holds_descriptor(place)
    return stated or DEFAULT_TYPE if is_number else ADDRESS_TYPE


def _holds_descriptor(place: Place) -> bool:
    return isinstance(place, Cell) and place.symbol.aspect in {
        Aspect.DESCRIPTOR,
        Aspect.DESCRIPTOR_OF_DESCRIPTOR,
    }


def _type(cursor: Cursor) -> IntegerType | None:
    """Read a type where one is written: two names, or a name and `*`, follow one another."""
    if cursor.token.kind is not TokenKind.NAME:
        return None
    cursor.accept("_Atomic")
    follower = cursor.ahead(1)
    is_type = (
        follower.kind in {TokenKind.NAME, TokenKind.PROCESSOR, TokenKind.NUMBER}
        or follower.text == "*"
        or (follower.text == "[" and cursor.token.text in TYPES)
    )
    if not is_type:
        return None
    name = cursor.token.text
    if name not in TYPES:
        cursor.refuse(f"type `{name}` (known: {', '.join(TYPES)})")
    cursor.next()
    return ADDRESS_TYPE if cursor.accept("*") else TYPES[name]


def _array(cursor: Cursor, place: Cell, stated: IntegerType | None, line: int) -> Initial:
    """Read the rest of `int a[2]={1,2}`, where the index of the place is the count."""
    count = place.index
    if not 1 <= count <= MAX_ELEMENTS:
        cursor.fail(f"an array of 1 to {MAX_ELEMENTS} elements is expected")
    values: list[Value] = [0] * count
    if cursor.accept("="):
        cursor.expect("{")
        values = [read_value(cursor, place)]
        while cursor.accept(","):
            values.append(read_value(cursor, place))
        cursor.expect("}")
        if len(values) != count:
            cursor.fail(f"{count} elements are declared and {len(values)} given")
    return Initial(Cell(place.symbol), tuple(values), _held_type(place, values, stated), line)
