"""Tokens of initial states and conditions, each with its line, and a cursor over them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import NoReturn

from harness.errors import LitmusError, Location, UnsupportedError
from harness.litmus.sections import Part


class TokenKind(Enum):
    """What a token is."""

    NAME = auto()
    NUMBER = auto()
    PROCESSOR = auto()
    """`P0`: text holds the number."""
    LABEL = auto()
    """`label:"P0:L0"`: text holds `0:L0`."""
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token."""

    kind: TokenKind
    text: str
    line: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | label:"P?(?P<label>\d+:[^"]+)"
      | (?P<instruction>instr:"[^"]*")
      | P(?P<processor>\d+)(?![\w/.-])
      | (?P<number>0[xX][0-9a-fA-F]+|-?\d+)
      | (?P<name>_{0,2}[A-Za-z.$][\w/.-]*)
      | (?P<symbol>/\\|\\/|=>|==|!=|<>|[=,;:+*&~(){}\[\]%])
    """,
    re.VERBOSE | re.ASCII,
)
_MOST_DIGITS = 20
"""More do not fit 64 bits."""
_LOWEST, _HIGHEST = -(1 << 63), (1 << 64) - 1


def tokens(part: Part, file: str) -> list[Token]:
    """Return the tokens of `part`, an END at last; LitmusError for what is none."""
    found: list[Token] = []
    position, line = 0, part.line
    while position < len(part.text):
        match = _TOKEN.match(part.text, position)
        if match is None:
            raise LitmusError(f"unexpected character {part.text[position]!r}", Location(file, line))
        if match["instruction"]:
            raise UnsupportedError(f"{Location(file, line)}: an instruction as a value")
        for kind, group in (
            (TokenKind.LABEL, "label"),
            (TokenKind.PROCESSOR, "processor"),
            (TokenKind.NUMBER, "number"),
            (TokenKind.NAME, "name"),
            (TokenKind.SYMBOL, "symbol"),
        ):
            if match[group] is not None:
                found.append(Token(kind, match[group], line))
        line += match[0].count("\n")
        position = match.end()
    return [*found, Token(TokenKind.END, "", line)]


class Cursor:
    """Reads tokens one after another; every complaint names the line of the present one."""

    def __init__(self, part: Part, file: str) -> None:
        self._tokens = tokens(part, file)
        self._file = file
        self._index = 0

    @property
    def token(self) -> Token:
        """The present token."""
        return self._tokens[self._index]

    @property
    def at(self) -> Location:
        """The place of the present token."""
        return Location(self._file, self.token.line)

    def ahead(self, distance: int) -> Token:
        """Return a later token, END beyond the last."""
        return self._tokens[min(self._index + distance, len(self._tokens) - 1)]

    def next(self) -> Token:
        """Return the present token and go on."""
        token = self.token
        self._index = min(self._index + 1, len(self._tokens) - 1)
        return token

    def accept(self, *texts: str) -> bool:
        """Go past the present token if it is one of these names or symbols."""
        found = self.is_at(*texts)
        if found:
            self.next()
        return found

    def is_at(self, *texts: str) -> bool:
        """Return whether the present token is one of these names or symbols."""
        token = self.token
        return token.text in texts and token.kind in {TokenKind.NAME, TokenKind.SYMBOL}

    def expect(self, text: str) -> None:
        """Go past `text`, or complain."""
        if not self.accept(text):
            self.fail(f"`{text}` is expected")

    def take(self, kind: TokenKind, what: str) -> str:
        """Return the text of a token of `kind` and go past it, or complain that `what` lacks."""
        if self.token.kind is not kind:
            self.fail(f"{what} is expected")
        return self.next().text

    def number(self) -> int:
        """Return the decimal or hexadecimal number that comes next, of 64 bits, and go past it."""
        if self.token.kind not in {TokenKind.NUMBER, TokenKind.PROCESSOR}:
            self.fail("a number is expected")
        text = self.token.text
        if len(text.lower().lstrip("-0x")) > _MOST_DIGITS or not (
            _LOWEST <= (value := int(text, 16 if "x" in text.lower() else 10)) <= _HIGHEST
        ):
            raise LitmusError(f"{text[:_MOST_DIGITS]}… has more than 64 bits", self.at)
        self.next()
        return value

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.token.kind is TokenKind.END

    def fail(self, reason: str) -> NoReturn:
        """Raise LitmusError for the present token."""
        found = "the end of the part" if self.is_done else f"`{self.token.text}`"
        raise LitmusError(f"{reason}, not {found}", self.at)

    def refuse(self, what: str) -> NoReturn:
        """Raise UnsupportedError for what is written at the present token."""
        raise UnsupportedError(f"{self.at}: {what}")
