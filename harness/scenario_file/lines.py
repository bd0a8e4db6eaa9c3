"""Lines of keys in a TOML text: what `tomllib` does not tell, and an error message needs.

The text is one that `tomllib` has accepted, so that finding keys needs a scan, not a second
parser: strings, comments and brackets are recognised, values are skipped.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Where a key stands in the document: `("map", 0, "va")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]*")
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"((?:\\.|[^"\\\n])*)"'),
    re.compile(r"'([^'\n]*)'"),
)
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([btnfr"\\]))')
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def key_lines(text: str) -> Mapping[Path, int]:
    """Return the line, counted from 1, on which each key, table and array element first stands."""
    return _Scan(text).document()


class _Scan:
    """One pass over a valid document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends = [place for place, character in enumerate(text) if character == "\n"]
        self._lines: dict[Path, int] = {}
        self._elements: dict[Path, int] = {}
        """Elements seen so far of each array of tables."""

    def document(self) -> Mapping[Path, int]:
        table: Path = ()
        while self._skip_blank():
            if self._take("[["):
                name = self._key()
                array = (*self._inside((), name[:-1]), name[-1])
                self._elements[array] = self._elements.get(array, 0) + 1
                table = self._inside((), name)
                self._note(table)
                self._take("]]")
            elif self._take("["):
                table = self._inside((), self._key())
                self._note(table)
                self._take("]")
            else:
                self._pair(table)
        return self._lines

    def _pair(self, table: Path) -> None:
        name = self._key()
        path = self._inside(table, name)
        self._note(path)
        self._take("=")
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip_blank()
        self._note(path)
        if self._take("{"):
            while not self._take("}"):
                self._pair(path)
                self._take(",")
        elif self._take("["):
            index = 0
            while not self._take("]"):
                self._value((*path, index))
                self._take(",")
                index += 1
        elif self._string() is None:
            plain = _PLAIN_VALUE.match(self._text, self._at)
            self._at = plain.end() if plain else self._at

    def _key(self) -> tuple[str, ...]:
        parts = [self._key_part()]
        while self._take("."):
            parts.append(self._key_part())
        return tuple(parts)

    def _key_part(self) -> str:
        self._skip_blank()
        quoted = self._string()
        if quoted is not None:
            return quoted
        bare = _BARE_KEY.match(self._text, self._at)
        if bare is None:
            raise ValueError(f"no key at line {self._line()}: the text is not valid TOML")
        self._at = bare.end()
        return bare.group()

    def _string(self) -> str | None:
        """Skip a string and return it; escapes are undone, as keys need, for one-line strings."""
        for pattern in _STRINGS:
            found = pattern.match(self._text, self._at)
            if found:
                self._at = found.end()
                content = found.group(1) if pattern.groups else ""
                return _ESCAPE.sub(_unescape, content) if found.group()[0] == '"' else content
        return None

    def _inside(self, table: Path, name: tuple[str, ...]) -> Path:
        """Return the path of `name` below `table`; arrays of tables stand for their last one."""
        path = table
        for part in name:
            path = (*path, part)
            self._note(path)
            if path in self._elements:
                path = (*path, self._elements[path] - 1)
        return path

    def _note(self, path: Path) -> None:
        self._lines.setdefault(path, self._line())

    def _line(self) -> int:
        return bisect.bisect_left(self._ends, self._at) + 1

    def _skip_blank(self) -> bool:
        """Skip blanks, newlines and comments; return whether text is left."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _take(self, token: str) -> bool:
        self._skip_blank()
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        return True


def _unescape(found: re.Match[str]) -> str:
    code = found.group(1) or found.group(2)
    return chr(int(code, 16)) if code else _ESCAPED[found.group(3)]
