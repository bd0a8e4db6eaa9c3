"""Lists of expected kinds: one test a line, `NAME Allowed|Forbidden|Required`."""

from __future__ import annotations

from pathlib import Path

from harness.errors import LitmusError, Location
from harness.litmus.judge import Kind

_BY_NAME = {
    **{kind.value.lower(): kind for kind in Kind},
    "allow": Kind.ALLOWED,
    "forbid": Kind.FORBIDDEN,
    "require": Kind.REQUIRED,
}


def read_kinds(path: Path) -> dict[str, Kind]:
    """Return the kind of each test by its name; LitmusError names file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LitmusError(f"cannot be read: {error.strerror}", Location(str(path))) from None
    except UnicodeDecodeError:
        raise LitmusError("is not UTF-8 text", Location(str(path))) from None
    kinds: dict[str, Kind] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        at = Location(str(path), number)
        kind = _BY_NAME.get(words[-1].lower())
        if len(words) != 2 or kind is None:  # noqa: PLR2004 — a name and a kind
            raise LitmusError(f"not `NAME Allowed|Forbidden|Required`: `{line.strip()}`", at)
        if kinds.setdefault(words[0], kind) is not kind:
            raise LitmusError(f"{words[0]} is given two kinds", at)
    return kinds
