"""Bytes of a log, a mail or a terminal's capture, as plain lines.

What is undone: UTF-8, UTF-16 and ISO-8859-1, quoted-printable, no-break spaces, every kind of line
end, terminal colours. What remains of control characters is written as an escape, so that a log
can be shown again without doing anything to the terminal.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable

from harness.errors import Location, ReportError
from harness.oops.lines import RawLine

MAX_BYTES = 64 << 20
"""A larger log is refused: a whole boot of a big machine is about one megabyte."""

MAX_LINE = 20_000
"""Characters kept of one line; no line of a fault report comes near it."""

_QUOTED_PRINTABLE = re.compile(rb"\b(?:ESR|EC|SET|EA|ISV|CM|pgdp|pgd) ?=3D")
_SOFT_BREAK = re.compile(rb"=[ \t]*$")
_OCTET = re.compile(rb"=([0-9A-F]{2})")
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINE_END = re.compile(rb"\r*\n|\r+")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TAB = 8


def decode_lines(data: bytes, name: str) -> tuple[RawLine, ...]:
    """Return the lines of `data`; ReportError if it is larger than MAX_BYTES."""
    if len(data) > MAX_BYTES:
        raise ReportError(f"larger than {MAX_BYTES >> 20} MiB, not a kernel log", Location(name))
    if data.startswith(_UTF16_MARKS):
        data = data.decode("utf-16", errors="replace").encode()
    pieces = _LINE_END.split(data)
    ended = len(pieces) - 1
    numbered = [(number, piece) for number, piece in enumerate(pieces, start=1)]
    if _QUOTED_PRINTABLE.search(data):
        numbered = _unquote(numbered)
    decode = _decoder(b"\n".join(piece for _, piece in numbered))
    lines = (
        RawLine(number, _plain(decode(piece)), ended=number <= ended) for number, piece in numbered
    )
    return tuple(line for line in lines if line.text or line.ended)


def _unquote(numbered: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Undo quoted-printable (RFC 2045, 6.7); a joined line keeps the number of its first piece."""
    joined: list[tuple[int, bytes]] = []
    open_line = False
    for number, piece in numbered:
        soft = _SOFT_BREAK.search(piece)
        content = piece[: soft.start()] if soft else piece
        content = _OCTET.sub(lambda octet: bytes([int(octet[1], 16)]), content)
        if open_line:
            first, before = joined[-1]
            joined[-1] = (first, before + content)
        else:
            joined.append((number, content))
        open_line = soft is not None
    return joined


def _decoder(data: bytes) -> Callable[[bytes], str]:
    """Return the decoder for all of the log: UTF-8 if all of it is, else ISO-8859-1."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return lambda piece: piece.decode("latin-1")
    return lambda piece: piece.decode("utf-8")


def _plain(text: str) -> str:
    text = _COLOUR.sub("", text[:MAX_LINE])
    if text.isascii() and text.isprintable():
        return text.rstrip()
    return "".join(_plain_character(character) for character in text).rstrip()


def _plain_character(character: str) -> str:
    """Return a space for any space, nothing for zero-width marks, an escape for control codes."""
    if character == "\t":
        return " " * _TAB
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if character in "\ufeff\u200b\u200c\u200d\u2060":
        return ""
    if category in {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co"}:
        return character.encode("unicode_escape").decode("ascii")
    return character
