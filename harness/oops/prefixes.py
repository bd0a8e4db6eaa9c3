"""What stands before the kernel's own text in a line, taken off from the outside in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.oops.lines import LogLine, RawLine


@dataclass(frozen=True, slots=True)
class Prefix:
    """One kind of prefix; `stamp` says that a line which has it begins a kernel message."""

    name: str
    pattern: re.Pattern[str]
    stamp: bool


def _prefix(name: str, pattern: str, *, stamp: bool = True) -> Prefix:
    return Prefix(name, re.compile(pattern), stamp)


_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
_ISO = rf"\d{{4}}-\d\d-\d\d[T ]{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?"
_SENDER = r"\S+ (?:kernel|\S+\[\d+\]): ?"

PREFIXES = (
    _prefix("mail quotation", r"\s*(?:>|\|(?=\s))", stamp=False),
    _prefix("escaped line end", r"\\x0a", stamp=False),
    _prefix("syslog", rf"\s*(?:<\d+>)?{_MONTH} [ \d]\d {_CLOCK} {_SENDER}"),
    _prefix("syslog, ISO date", rf"\s*(?:<\d+>)?(?:\d )?{_ISO} {_SENDER}"),
    _prefix("date of a serial logger", rf"\s*\[?(?:{_ISO}|{_CLOCK})\]?(?=\s)"),
    _prefix("dmesg --decode", r"\s*\w{2,8} *: *\w{2,8} *: (?=\[)"),
    _prefix("priority", r"\s*<\d{1,3}>"),
    _prefix("seconds since boot", r"\s*\[ *\d+\.\d{3,9}\]"),
    _prefix("dmesg -T", rf"\s*\[(?:\w{{3}}) {_MONTH} [ \d]\d {_CLOCK} \d{{4}}\]"),
    _prefix("caller", r"\s?\[ *(?P<caller>[TC]\d+)\]"),
    _prefix("function", r"\s*(?:mem_abort_decode|data_abort_decode|show_pte): "),
)
"""In the order in which they may follow one another; each may occur more than once."""

_FENCE = re.compile(r"\s*(?:```|~~~)\w*$")
_MAX_PREFIXES = 40


def strip_prefixes(line: RawLine) -> LogLine:
    """Return the kernel's text of `line`, without its indentation."""
    text = "" if _FENCE.match(line.text) else line.text
    stamped = False
    caller = ""
    for _ in range(_MAX_PREFIXES):
        found = _first_prefix(text)
        if found is None:
            break
        prefix, match = found
        stamped = stamped or prefix.stamp
        caller = match.groupdict().get("caller") or caller
        text = text[match.end() :]
    return LogLine(line.number, text.strip(), stamped, caller, line.ended)


def _first_prefix(text: str) -> tuple[Prefix, re.Match[str]] | None:
    for prefix in PREFIXES:
        match = prefix.pattern.match(text)
        if match and match.end():
            return prefix, match
    return None
