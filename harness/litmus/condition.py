"""Conditions: `locations [x;]`, `filter`, and what must hold of one, none or every final state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from harness.errors import LitmusError
from harness.litmus.lexer import Cursor, TokenKind
from harness.litmus.sections import Part
from harness.litmus.state_reader import (
    THREAD,
    is_at_register,
    read_place,
    read_register,
    read_symbol,
    read_value,
)
from harness.litmus.values import TYPES, Cell, Place, Symbol, Value


class Quantifier(Enum):
    """Of which final states the condition is claimed."""

    EXISTS = "exists"
    NOT_EXISTS = "~exists"
    FORALL = "forall"


@dataclass(frozen=True, slots=True)
class Equal:
    """`0:X1=2`, `pte_x=(valid:0)`, `[x]=1`, `0:X1=0:X2`."""

    place: Place
    value: Value | Place


@dataclass(frozen=True, slots=True)
class FaultAt:
    """`fault(P0:L0,x)`: at the label, at an address of x, of a type; None for any."""

    label: str | None = None
    symbol: Symbol | None = None
    kind: str | None = None

    def __str__(self) -> str:
        where = f"P{THREAD}:{self.label}" if self.label else f"P{THREAD}"
        parts = [where, *(str(each) for each in (self.symbol, self.kind) if each is not None)]
        return f"Fault({','.join(parts)})"


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    of: Proposition


@dataclass(frozen=True, slots=True)
class Every:
    r"""Conjunction, `/\`; true for no parts."""

    parts: tuple[Proposition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    r"""Disjunction, `\/`; false for no parts."""

    parts: tuple[Proposition, ...]


Proposition = Equal | FaultAt | Not | Every | Some

_TRUE: Proposition = Every(())


@dataclass(frozen=True, slots=True)
class Condition:
    """All after the code."""

    quantifier: Quantifier
    proposition: Proposition
    locations: tuple[Place | FaultAt, ...] = ()
    """Listed to be shown."""
    assumed: Proposition = Every(())
    """`filter`: other final states do not count."""


FAULT_KINDS = {
    "MMU:Translation": "translation",
    "MMU:AccessFlag": "access_flag",
    "MMU:Permission": "permission",
}
"""A fault's type as tests name it, to the name of `harness.arch.faults.FaultKind`."""


def read_condition(part: Part, file: str) -> Condition:
    """Parse `locations`, `filter` and the quantified proposition; each may lack."""
    cursor = Cursor(part, file)
    locations = tuple(_locations(cursor)) if cursor.accept("locations") else ()
    assumed = _proposition(cursor) if cursor.accept("filter") else _TRUE
    quantifier, proposition = Quantifier.FORALL, _TRUE
    if not cursor.is_done:
        quantifier = _quantifier(cursor)
        proposition = _proposition(cursor)
    cursor.accept(";")
    if cursor.is_at("with"):
        cursor.refuse("`with` after a condition")
    if not cursor.is_done:
        cursor.fail(r"`/\`, `\/` or the end of the condition is expected")
    return Condition(quantifier, proposition, locations, assumed)


def atoms(proposition: Proposition) -> Iterator[Equal | FaultAt]:
    """Yield the parts of a proposition that are none themselves, in the order written."""
    match proposition:
        case Equal() | FaultAt():
            yield proposition
        case Not():
            yield from atoms(proposition.of)
        case Every() | Some():
            for part in proposition.parts:
                yield from atoms(part)


def _quantifier(cursor: Cursor) -> Quantifier:
    if cursor.accept("exists", "final"):
        return Quantifier.EXISTS
    if cursor.accept("forall"):
        return Quantifier.FORALL
    if cursor.accept("~", "not"):
        cursor.expect("exists")
        return Quantifier.NOT_EXISTS
    if not cursor.is_at("observed", "Observed", "cases"):
        cursor.fail("exists, ~exists or forall is expected")
    return cursor.refuse(f"`{cursor.token.text}`")


def _locations(cursor: Cursor) -> Iterator[Place | FaultAt]:
    cursor.expect("[")
    while not cursor.accept("]"):
        if cursor.is_at("fault", "Fault"):
            yield _fault(cursor)
        else:
            yield read_place(cursor)
            if cursor.token.kind is TokenKind.NAME and cursor.token.text in TYPES:
                cursor.next()
            cursor.accept("*")
        if not cursor.is_at("]"):
            cursor.expect(";")


def _proposition(cursor: Cursor) -> Proposition:
    r"""Read a disjunction; `/\` binds tighter than `\/`, `=>` than both, `~` tightest."""
    parts = [_conjunction(cursor)]
    while cursor.accept("\\/"):
        parts.append(_conjunction(cursor))
    return parts[0] if len(parts) == 1 else Some(tuple(parts))


def _conjunction(cursor: Cursor) -> Proposition:
    parts = [_implication(cursor)]
    while cursor.accept("/\\"):
        parts.append(_implication(cursor))
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _implication(cursor: Cursor) -> Proposition:
    left = _literal(cursor)
    if cursor.accept("=>"):
        return Some((Not(left), _implication(cursor)))
    return left


def _literal(cursor: Cursor) -> Proposition:
    if cursor.accept("~", "not"):
        return Not(_literal(cursor))
    if cursor.accept("("):
        inner = _proposition(cursor)
        cursor.expect(")")
        return inner
    if cursor.accept("true"):
        return Every(())
    if cursor.accept("false"):
        return Some(())
    if cursor.is_at("fault", "Fault"):
        return _fault(cursor)
    return _comparison(cursor)


def _comparison(cursor: Cursor) -> Proposition:
    place = read_place(cursor)
    differs = cursor.is_at("!=", "<>")
    if not cursor.accept("=", "==", "!=", "<>"):
        cursor.fail("`=` is expected")
    if cursor.is_at("{"):
        cursor.refuse("the comparison of a whole array")
    equal = Equal(place, _right_side(cursor, place))
    return Not(equal) if differs else equal


def _right_side(cursor: Cursor, place: Place) -> Value | Place:
    if is_at_register(cursor):
        return read_register(cursor)
    if cursor.accept("*"):
        return read_place(cursor)
    if cursor.accept("["):
        symbol = read_symbol(cursor)
        cursor.expect("]")
        return Cell(symbol)
    return read_value(cursor, place)


def _fault(cursor: Cursor) -> FaultAt:
    """Read `fault(P0)`, `fault(P0:L0,x)`, `fault(P0,x,MMU:Translation)`."""
    cursor.next()
    cursor.expect("(")
    at = cursor.at
    if cursor.token.kind is not TokenKind.PROCESSOR:
        cursor.fail("P0 is expected")
    thread = cursor.number()
    if thread != THREAD:
        cursor.refuse(f"a fault of P{thread}: only tests of one thread are run")
    label = cursor.take(TokenKind.NAME, "a label") if cursor.accept(":") else None
    symbol: Symbol | None = None
    kind: str | None = None
    if cursor.accept(","):
        if cursor.ahead(1).text != ":" and cursor.token.text != "MMU":
            symbol = read_symbol(cursor)
            if cursor.accept(","):
                kind = _fault_kind(cursor)
        else:
            kind = _fault_kind(cursor)
    if not cursor.accept(")"):
        raise LitmusError("`)` is expected after a fault", at)
    return FaultAt(label, symbol, kind)


def _fault_kind(cursor: Cursor) -> str | None:
    """Read `MMU:Translation`, `D-MMU:Permission`; None for `MMU`, which all of them are."""
    words = [cursor.take(TokenKind.NAME, "a type of fault")]
    while cursor.accept(":"):
        words.append(cursor.take(TokenKind.NAME, "a type of fault"))
    name = ":".join(words).removeprefix("D-")
    if name != "MMU" and name not in FAULT_KINDS:
        cursor.refuse(f"type of fault `{name}` (known: MMU, {', '.join(FAULT_KINDS)})")
    return None if name == "MMU" else name
