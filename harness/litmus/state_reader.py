"""Places and values, which initial states and conditions write in the same way."""

from __future__ import annotations

import re

from harness.errors import LitmusError
from harness.litmus.lexer import Cursor, TokenKind
from harness.litmus.values import (
    FIELDS,
    Aspect,
    Cell,
    Descriptor,
    Label,
    Place,
    Register,
    Symbol,
    Value,
)

THREAD = 0
"""The only thread."""

_GENERAL = re.compile(r"[XWxw](\d+)")
_HIGHEST = 30
_OF_DESCRIPTOR = frozenset({"PTE", "TTD"})
_PREFIXES = (
    ("pte_pte_", Aspect.DESCRIPTOR_OF_DESCRIPTOR),
    ("pte_", Aspect.DESCRIPTOR),
    ("phy_", Aspect.PHYSICAL),
)
_MAPS = {
    Aspect.DESCRIPTOR: Aspect.PHYSICAL,
    Aspect.DESCRIPTOR_OF_DESCRIPTOR: Aspect.DESCRIPTOR,
}
"""What a descriptor maps if it does not say otherwise."""


def read_place(cursor: Cursor) -> Place:
    """Read `0:X1`, `x`, `pte_x`, `PTE(x)`, `x[1]` or `[x]`."""
    if cursor.token.kind in {TokenKind.NUMBER, TokenKind.PROCESSOR}:
        return read_register(cursor)
    if cursor.accept("["):
        symbol = read_symbol(cursor)
        cursor.expect("]")
        return Cell(symbol)
    if cursor.accept("%"):
        cursor.refuse("a symbolic register")
    symbol = read_symbol(cursor)
    if cursor.is_at("["):
        cursor.next()
        index = cursor.number()
        cursor.expect("]")
        return Cell(symbol, index, indexed=True)
    if cursor.is_at(":"):
        cursor.refuse("a memory tag (FEAT_MTE)")
    return Cell(symbol)


def is_at_register(cursor: Cursor) -> bool:
    """Return whether `0:X1` comes next, and not a label such as `0:L1`."""
    return (
        cursor.token.kind in {TokenKind.NUMBER, TokenKind.PROCESSOR}
        and cursor.ahead(1).text == ":"
        and (cursor.ahead(2).text == "%" or _GENERAL.fullmatch(cursor.ahead(2).text) is not None)
    )


def read_register(cursor: Cursor) -> Register:
    """Read `0:X1`; UnsupportedError for registers that are not general-purpose."""
    thread = cursor.number()
    if thread != THREAD:
        cursor.refuse(f"a register of P{thread}: only tests of one thread are run")
    cursor.expect(":")
    if cursor.is_at("%"):
        cursor.refuse("a symbolic register")
    name = cursor.take(TokenKind.NAME, "a register")
    match = _GENERAL.fullmatch(name)
    if match is None or int(match[1]) > _HIGHEST:
        cursor.refuse(f"register {name}: only X0 to X30 and W0 to W30 are observed")
    return Register(f"x{int(match[1])}", is_word=name[0] in "Ww")


def read_symbol(cursor: Cursor) -> Symbol:
    """Read `x`, `pte_x`, `phy_x`, `PTE(x)`, `TTD(x)`, `PA(x)` or `PTE(PTE(x))`."""
    name = cursor.take(TokenKind.NAME, "a location")
    if name in _OF_DESCRIPTOR and cursor.accept("("):
        inner = read_symbol(cursor)
        cursor.expect(")")
        match inner.aspect:
            case Aspect.VIRTUAL:
                return Symbol(inner.name, Aspect.DESCRIPTOR)
            case Aspect.DESCRIPTOR:
                return Symbol(inner.name, Aspect.DESCRIPTOR_OF_DESCRIPTOR)
            case _:
                cursor.refuse(f"the descriptor of {inner}")
    if name == "PA" and cursor.accept("("):
        inner = read_symbol(cursor)
        cursor.expect(")")
        if inner.aspect is not Aspect.VIRTUAL:
            cursor.refuse(f"the physical address of {inner}")
        return Symbol(inner.name, Aspect.PHYSICAL)
    if name in {"tag", "TAG"} and cursor.is_at("("):
        cursor.refuse("a memory tag (FEAT_MTE)")
    for prefix, aspect in _PREFIXES:
        if name.startswith(prefix) and len(name) > len(prefix):
            return Symbol(name.removeprefix(prefix), aspect)
    return Symbol(name)


def read_value(cursor: Cursor, holder: Place) -> Value:
    """Read what `holder` is given or compared with."""
    cursor.accept("&")
    token = cursor.token
    if token.kind is TokenKind.LABEL:
        thread, _, name = cursor.next().text.partition(":")
        return _label(cursor, thread, name)
    if token.kind in {TokenKind.NUMBER, TokenKind.PROCESSOR} and cursor.ahead(1).text == ":":
        thread = str(cursor.number())
        cursor.next()
        return _label(cursor, thread, cursor.take(TokenKind.NAME, "a label"))
    if token.kind is TokenKind.NUMBER:
        return cursor.number()
    if cursor.is_at("("):
        return _read_descriptor(cursor, holder)
    symbol = read_symbol(cursor)
    if cursor.is_at(":", "["):
        cursor.refuse("a memory tag, or an address inside an array, as a value")
    return symbol


def _label(cursor: Cursor, thread: str, name: str) -> Label:
    if thread.lstrip("0"):
        cursor.refuse(f"a label of P{thread}: only tests of one thread are run")
    return Label(name)


def _read_descriptor(cursor: Cursor, holder: Place) -> Descriptor:
    """Read `(oa:phy_y, valid:0)`; without `oa` it is that of the page whose descriptor this is."""
    at = cursor.at
    cursor.expect("(")
    inner = _MAPS.get(holder.symbol.aspect) if isinstance(holder, Cell) else None
    oa = Symbol(holder.symbol.name, inner) if isinstance(holder, Cell) and inner else None
    fields: dict[str, int] = {}
    while True:
        name = cursor.take(TokenKind.NAME, "a field of a descriptor")
        if name in {"attrs", "Attrs"} or not cursor.is_at(":"):
            cursor.refuse(f"memory attributes in a descriptor ({name})")
        cursor.expect(":")
        if name == "oa":
            oa = _output_address(cursor)
        elif name in fields:
            raise LitmusError(f"field `{name}` is given twice", cursor.at)
        elif name not in FIELDS:
            cursor.refuse(f"field `{name}` of a descriptor (known: oa, {', '.join(FIELDS)})")
        else:
            fields[name] = _bit(cursor)
        if not cursor.accept(","):
            break
    cursor.expect(")")
    if oa is None:
        raise LitmusError(f"the descriptor of {holder} needs `oa`", at)
    return Descriptor(oa, **fields)


def _bit(cursor: Cursor) -> int:
    at = cursor.at
    value = cursor.number()
    if value not in {0, 1}:
        raise LitmusError(f"a field of one bit is 0 or 1, not {value}", at)
    return value


def _output_address(cursor: Cursor) -> Symbol:
    at = cursor.at
    symbol = read_symbol(cursor)
    if symbol.aspect not in {Aspect.PHYSICAL, Aspect.DESCRIPTOR}:
        raise LitmusError(f"{symbol} is no output address: PA(x) or PTE(x) is", at)
    return symbol
