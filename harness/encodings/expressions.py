"""Predicates as text: `VALID or (MARK and not VALID)`, `TYPE == 1`, over named bits.

A name is a bit, which asks whether all of it is set, or another predicate. What comes of it is
built of `harness.encodings.logic` alone, and so serves integers, arrays and a prover.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import reduce
from operator import and_, or_

from harness.encodings.logic import Predicate, Truth, Value, always, has_all, holds, negate, never
from harness.errors import ValueSyntaxError, did_you_mean

ZERO = "zero"
"""The predicate that nothing is set."""


def predicate(text: str, bits: Mapping[str, int], known: Mapping[str, Predicate]) -> Predicate:
    """Return the predicate that `text` says; ValueSyntaxError where it says none.

    `known`: predicates that it may name.
    """
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise ValueSyntaxError(f"{text!r} is no expression: {error.msg}") from None
    return _Reader(text, bits, known).read(tree.body)


class _Reader:
    def __init__(self, text: str, bits: Mapping[str, int], known: Mapping[str, Predicate]) -> None:
        self._text = text
        self._bits = bits
        self._known = known

    def read(self, node: ast.expr) -> Predicate:
        match node:
            case ast.BoolOp(op=operator, values=values):
                return _joined([self.read(each) for each in values], isinstance(operator, ast.And))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _opposite(self.read(operand))
            case ast.Compare(
                left=ast.Name(id=name), ops=[ast.Eq() | ast.NotEq() as sign], comparators=[content]
            ):
                equal = self._equal(name, content)
                return equal if isinstance(sign, ast.Eq) else _opposite(equal)
            case ast.Constant(value=bool() as answer):
                return always if answer else never
            case ast.Name(id=name):
                return self._named(name)
            case _:
                raise ValueSyntaxError(
                    f"{self._text!r}: only names, and, or, not, == and != make a predicate, not "
                    f"{ast.unparse(node)!r}"
                )

    def _named(self, name: str) -> Predicate:
        if name == ZERO:
            return lambda value: value == 0
        if name in self._known:
            return self._known[name]
        mask = self._mask(name)
        return lambda value: has_all(value, mask)

    def _equal(self, name: str, content: ast.expr) -> Predicate:
        mask = self._mask(name)
        match content:
            case ast.Constant(value=int() as number) if not isinstance(number, bool):
                placed = number * (mask & -mask)
            case _:
                raise ValueSyntaxError(f"{self._text!r}: {name} is compared with a number only")
        if placed & ~mask:
            raise ValueSyntaxError(f"{self._text!r}: {number} does not fit {name}")
        return lambda value: holds(value, mask, placed)

    def _mask(self, name: str) -> int:
        if name not in self._bits:
            known = [*self._known, *self._bits]
            raise ValueSyntaxError(
                f"{self._text!r}: no bit or predicate is called {name!r}{did_you_mean(name, known)}"
            )
        return self._bits[name]


def _joined(parts: list[Predicate], both: bool) -> Predicate:  # noqa: FBT001 - and, or or
    operator = and_ if both else or_

    def ask(value: Value) -> Truth:
        return reduce(operator, (part(value) for part in parts))

    return ask


def _opposite(ask: Predicate) -> Predicate:
    return lambda value: negate(ask(value))
