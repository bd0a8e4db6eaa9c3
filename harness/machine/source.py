"""Assembly text as statements: comments gone, labels on their own, each with its place.

Comments are `//` and `/* */` anywhere, and `#` at the start of a line; `;` ends a statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.errors import AssemblyError, Location

_LABEL = re.compile(r"\s*([A-Za-z_.$\\][\w.$\\@()]*|\d+)\s*:")
_COMMENT_OR_STRING = re.compile(
    r"""(?P<keep>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])')|//[^\n]*|/\*.*?\*/|(?P<open>/\*)""",
    re.DOTALL,
)
_STRING_OR_END = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])')|;""")
_HASH_LINE = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_ENGINE = re.compile(r"(?://|#|/?\*)\s*assembler:\s*(\w+)\s*(?:\*/)?\s*$")


@dataclass(frozen=True, slots=True)
class Statement:
    """One label (`name:`), directive or instruction, as written or as a macro gave it."""

    text: str
    at: Location
    within: str = ""
    """The macro that it comes from, for messages; `at` is then where the macro was used."""

    def error(self, reason: str) -> AssemblyError:
        """Return the error of this statement: place, reason, text."""
        within = f", in macro {self.within}" if self.within else ""
        return AssemblyError(f"{reason}: `{self.text}`{within}", self.at)

    @property
    def word(self) -> str:
        """The first word in lower case: a directive or a mnemonic."""
        return self.text.split(None, 1)[0].lower()

    @property
    def operands(self) -> str:
        """All after the first word."""
        return (self.text.split(None, 1)[1:] or [""])[0]

    def with_text(self, text: str) -> Statement:
        """Return the same place with another text."""
        return replace(self, text=text)


def split_statements(text: str, file: str) -> Iterator[Statement]:
    """Yield the statements of `text` in order; lines count from 1."""
    for number, line in enumerate(_without_comments(text, file).split("\n"), start=1):
        for piece in _split_at_semicolons(line):
            yield from _with_labels_apart(Statement(piece, Location(file, number)))


def split_operands(text: str) -> list[str]:
    """Split at commas that stand outside brackets, braces, parentheses and quotes."""
    pieces, depth, start, quote = [], 0, 0, ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote and text[index - 1] != "\\" else quote
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and not depth:
            pieces.append(text[start:index].strip())
            start = index + 1
    last = text[start:].strip()
    return [*pieces, last] if pieces or last else []


def requested_assembler(text: str) -> str | None:
    """Return NAME of a comment line `// assembler: NAME` before the first statement."""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith(("//", "#", "/*", "*")):
            return None
        match = _ENGINE.match(stripped)
        if match:
            return match[1].lower()
    return None


def _without_comments(text: str, file: str) -> str:
    def blank(match: re.Match[str]) -> str:
        if match["open"]:
            line = text.count("\n", 0, match.start()) + 1
            raise AssemblyError("a comment that does not end: /*", Location(file, line))
        return match["keep"] or "\n" * match[0].count("\n") or " "

    return _HASH_LINE.sub("", _COMMENT_OR_STRING.sub(blank, text))


def _split_at_semicolons(line: str) -> Iterator[str]:
    start = 0
    for match in _STRING_OR_END.finditer(line):
        if match[0] == ";":
            yield line[start : match.start()]
            start = match.end()
    yield line[start:]


def _with_labels_apart(statement: Statement) -> Iterator[Statement]:
    text = statement.text.strip()
    while match := _LABEL.match(text):
        yield statement.with_text(f"{match[1]}:")
        text = text[match.end() :].strip()
    if text:
        yield statement.with_text(text)
