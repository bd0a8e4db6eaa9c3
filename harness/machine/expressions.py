"""Constant expressions of assembler directives, with the precedence of GNU as.

From tightest to loosest: unary `- ~ !`; `* / % << >>`; `| & ^`; `+ - == != < <= > >=`; `&&`;
`||`. (That `|` binds tighter than `+` is GNU's, not C's: write parentheses.)
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)|(?P<character>'(?:\\.|[^'\\])')"
    r"|(?P<name>[A-Za-z_.$][\w.$]*)|(?P<operator><<|>>|==|!=|<=|>=|&&|\|\||[-+*/%|&^<>~!()]))"
)
_ESCAPES = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\", "'": "'"}


def _truth(compare: Callable[[int, int], bool]) -> Callable[[int, int], int]:
    return lambda left, right: -1 if compare(left, right) else 0


def _divide(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_LEVELS: tuple[Mapping[str, Callable[[int, int], int]], ...] = (
    {"||": lambda left, right: int(bool(left or right))},
    {"&&": lambda left, right: int(bool(left and right))},
    {
        "+": operator.add,
        "-": operator.sub,
        "==": _truth(operator.eq),
        "!=": _truth(operator.ne),
        "<": _truth(operator.lt),
        "<=": _truth(operator.le),
        ">": _truth(operator.gt),
        ">=": _truth(operator.ge),
    },
    {"|": operator.or_, "&": operator.and_, "^": operator.xor},
    {
        "*": operator.mul,
        "/": _divide,
        "%": lambda left, right: left - right * _divide(left, right),
        "<<": lambda left, right: left << min(right, 64),
        ">>": operator.rshift,
    },
)

_UNARY: Mapping[str, Callable[[int], int]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
    "!": lambda value: int(not value),
}


def evaluate(text: str, constants: Mapping[str, int]) -> int:
    """Return the value of `text`; ValueError, with the reason, if it is no constant."""
    tokens = _tokens(text)
    value, rest = _binary(tokens, 0, constants)
    if rest:
        raise ValueError(f"unexpected `{rest[0]}`")
    return value


def check_syntax(text: str) -> None:
    """Raise ValueError, with the reason, if `text` is no expression; any name is taken."""
    evaluate(text, _ANY_NAME)


class _AnyName(dict[str, int]):
    """Constants among which every name is found."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __missing__(self, name: str) -> int:
        return 1


_ANY_NAME = _AnyName()


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"unexpected `{text[position:].strip()}`")
        tokens.append(match[0].strip())
        position = match.end()
    return tokens


def _binary(tokens: list[str], level: int, constants: Mapping[str, int]) -> tuple[int, list[str]]:
    if level == len(_LEVELS):
        return _unary(tokens, constants)
    value, rest = _binary(tokens, level + 1, constants)
    while rest and rest[0] in _LEVELS[level]:
        apply = _LEVELS[level][rest[0]]
        right, rest = _binary(rest[1:], level + 1, constants)
        try:
            value = apply(value, right)
        except ZeroDivisionError:
            raise ValueError("division by zero") from None
    return value, rest


def _unary(tokens: list[str], constants: Mapping[str, int]) -> tuple[int, list[str]]:
    if not tokens:
        raise ValueError("an operand is missing")
    first, *rest = tokens
    if first in _UNARY:
        value, rest = _unary(rest, constants)
        return _UNARY[first](value), rest
    if first == "(":
        value, rest = _binary(rest, 0, constants)
        if rest[:1] != [")"]:
            raise ValueError("`)` is missing")
        return value, rest[1:]
    return _operand(first, constants), rest


def _operand(token: str, constants: Mapping[str, int]) -> int:
    if token[0] == "'":
        body = token[1:-1]
        return ord(_ESCAPES.get(body[1:], body[1:]) if body[0] == "\\" else body)
    if token[0].isdigit():
        is_octal = len(token) > 1 and token.isdigit() and token[0] == "0"
        return int(token, 8 if is_octal else 0)
    if token not in constants:
        raise ValueError(f"`{token}` is no constant here")
    return constants[token]
