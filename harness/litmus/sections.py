"""The parts of a litmus file: name, headers, initial state, code, condition.

Comments, `(* ... *)` and nested, become blanks, so that every part keeps its lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import LitmusError, Location, UnsupportedError

ARCHITECTURE = "AArch64"

_FIRST_LINE = re.compile(r"\s*(\w+)[ \t]+([\w/.+\-\[\]]+)[ \t]*(.*)")
_HEADER = re.compile(r"[ \t]*([A-Za-z][\w/.-]*)[ \t]*=[ \t]*(.*)")
_WORD = re.compile(r"[A-Za-z_][\w/.-]*|~[ \t]*exists|.", re.DOTALL)
_CONDITION_WORDS = frozenset(
    {"exists", "forall", "final", "observed", "Observed", "locations", "filter", "cases", "not"}
)
_DOCUMENTATION = re.compile(r'[ \t]*"[^"]*"[ \t]*')


@dataclass(frozen=True, slots=True)
class Part:
    """Text of one part and the line, from 1, that it begins on."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Sections:
    """A litmus file, cut up; nothing of its parts is read yet."""

    file: str
    name: str
    headers: Mapping[str, tuple[str, int]]
    """Key to value and line: `TTHM` to `HA HD`."""
    init: Part
    code: Part
    condition: Part


def split_sections(text: str, file: str) -> Sections:
    """Cut `text` up; LitmusError with file and line, UnsupportedError for another architecture."""
    text = _without_comments(text.replace("\r\n", "\n"), file)
    first = _FIRST_LINE.match(text)
    if first is None:
        raise LitmusError("the first line is not `AArch64 NAME`", Location(file, 1))
    if first[1] != ARCHITECTURE:
        raise UnsupportedError(f"{file}: a test of {first[1]}, not of {ARCHITECTURE}")
    opened = text.find("{", first.end())
    if opened < 0:
        raise LitmusError("there is no initial state `{ ... }`", Location(file, 1))
    closed = _closing_brace(text, opened, file)
    condition = _condition_start(text, closed + 1)
    return Sections(
        file=file,
        name=first[2],
        headers=_headers(text, first.end(), opened, file),
        init=_part(text, opened + 1, closed),
        code=_part(text, closed + 1, condition),
        condition=_part(text, condition, len(text)),
    )


def _part(text: str, start: int, end: int) -> Part:
    return Part(text[start:end], _line(text, start))


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _without_comments(text: str, file: str) -> str:
    pieces: list[str] = []
    depth, opened_at = 0, 0
    for match in re.finditer(r"\(\*|\*\)|\n|.", text):
        piece = match[0]
        if piece == "(*":
            opened_at = opened_at if depth else match.start()
            depth += 1
        elif piece == "*)" and depth:
            depth -= 1
        elif not depth or piece == "\n":
            pieces.append(piece)
    if depth:
        raise LitmusError("a comment that does not end: (*", Location(file, _line(text, opened_at)))
    return "".join(pieces)


def _headers(text: str, start: int, end: int, file: str) -> Mapping[str, tuple[str, int]]:
    """Read `key=value` lines; text in double quotes and lines before the headers say nothing."""
    headers: dict[str, tuple[str, int]] = {}
    line = _line(text, start)
    for number, content in enumerate(text[start:end].split("\n"), start=line):
        match = _HEADER.fullmatch(content)
        if match is not None:
            if match[1] in headers:
                raise LitmusError(f"header `{match[1]}` is given twice", Location(file, number))
            headers[match[1]] = (match[2].strip(), number)
        elif content.strip(" \t;") and not _DOCUMENTATION.fullmatch(content):
            raise LitmusError(f"not a header: `{content.strip()}`", Location(file, number))
    return headers


def _closing_brace(text: str, opened: int, file: str) -> int:
    depth = 0
    for position in range(opened, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if not depth:
            return position
    raise LitmusError("the initial state does not end: {", Location(file, _line(text, opened)))


def _condition_start(text: str, start: int) -> int:
    """Return where the code ends: the first word that only a condition begins with."""
    for match in _WORD.finditer(text, start):
        word = match[0]
        if word in _CONDITION_WORDS or word.startswith("~"):
            return match.start()
    return len(text)
