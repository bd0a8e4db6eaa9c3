"""Lines that a mailer or a terminal broke, put together again.

A continuation is told by what it lacks: the prefix that every line of the log begins with, or, in
a log without prefixes, the start of any known line. Where a number was broken, its printed width
says that the two parts belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from harness.oops.fields import Kind, Recogniser, recogniser_of
from harness.oops.lines import LogLine

MAX_PIECES = 60
"""Lines joined into one: a list of modules is the longest that occurs."""

MAX_UNSTAMPED_PIECES = 4
"""The same in a log without prefixes, where a continuation is less certain."""

_HYPHEN = re.compile(r"[0-9A-Za-z]-$")
_OPEN_NUMBER = re.compile(r"(?:^|[^0-9A-Za-z?])(?:0x)?([0-9a-f]{1,15})$")
_NUMBER_REST = re.compile(r"([0-9a-f]{1,15})(?![0-9A-Za-z])")


def unwrap(lines: Iterable[LogLine]) -> tuple[LogLine, ...]:
    """Return the lines as the kernel printed them; a joined line has its first piece's number."""
    numbered = tuple(lines)
    stamped = _is_stamped(numbered)
    out: list[LogLine] = []
    known: Recogniser | None = None
    pieces = 0
    for line in numbered:
        own = recogniser_of(line.text)
        if _continues(line, own, known, pieces, stamped=stamped) and out:
            out[-1] = replace(out[-1], text=_join(out[-1].text, line.text, known), ended=line.ended)
            known = known or recogniser_of(out[-1].text)
            pieces += 1
            continue
        out.append(line)
        known = own
        pieces = 1 if line.stamped or own else 0
    return tuple(line for line in out if line.text)


def _is_stamped(lines: tuple[LogLine, ...]) -> bool:
    """Return whether the log's lines have prefixes: whether half of the known ones do."""
    known = [line.stamped for line in lines if line.stamped or recogniser_of(line.text)]
    return 2 * sum(known) >= len(known) > 0


def _continues(
    line: LogLine, own: Recogniser | None, known: Recogniser | None, pieces: int, *, stamped: bool
) -> bool:
    """Return whether `line` is the rest of the one before, of kind `known` and so many pieces."""
    if not line.text or line.stamped or own or not pieces:
        return False
    if stamped:
        return pieces < MAX_PIECES
    return known is not None and known.kind is not Kind.CALL_TRACE and pieces < MAX_UNSTAMPED_PIECES


def _join(before: str, after: str, known: Recogniser | None) -> str:
    if not before:
        return after
    if _HYPHEN.search(before) and after[0].isalnum():
        return before + after
    widths = known.widths if known else ()
    head = _OPEN_NUMBER.search(before)
    rest = _NUMBER_REST.match(after)
    if head and rest and len(head[1]) + len(rest[1]) in widths:
        return before + after
    return f"{before} {after}"
