"""Strict reading of one TOML table: every key known, every value of the stated type."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from harness.errors import Location, ScenarioError, did_you_mean
from harness.scenario_file.lines import Path

V = TypeVar("V")
D = TypeVar("D")

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0[bB][01]+(?:_[01]+)*|[0-9]+")
_SIZE = re.compile(r"([0-9]+)([KMGT])", re.IGNORECASE)
_UNITS = {"K": 10, "M": 20, "G": 30, "T": 40}
_PREFIXES = ("0x", "0X", "0b", "0B")

LEVELS = range(-1, 4)
LONGEST = 1_000_000.0
"""Seconds that a run may be given."""
LISTED = 12
"""Names that a message lists."""
SHOWN = 40
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True)
class Source:
    """The file that a table stands in, and the lines of its keys."""

    file: str
    lines: Mapping[Path, int]

    def location(self, path: Path) -> Location:
        """Return the place of a key, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return Location(self.file, self.lines.get(path, 1 if self.lines else 0))


def number_in(text: str) -> int | None:
    """Return the number that `0x1f`, `0b11` or `31` writes, None for anything else."""
    if not _NUMBER.fullmatch(text):
        return None
    return int(text, 0) if text.startswith(_PREFIXES) else int(text)


class Table:
    """One table of a scenario file; reading a key that is absent is an error that names it."""

    def __init__(
        self,
        values: Mapping[str, object],
        source: Source,
        path: Path = (),
        keys: Collection[str] | None = None,
    ) -> None:
        """Take the values; `keys` are all that may stand here, None leaves that to the caller."""
        self.values = values
        self.source = source
        self.path = path
        for key in values if keys is not None else ():
            if key not in (keys or ()):
                hint = did_you_mean(key, keys or ())
                self.fail(f"{self.title} has no key {key!r}{hint}", key)

    @property
    def title(self) -> str:
        """The table as a message calls it: `[run]`, `[[map]]`, `[[inject]].when`."""
        if not self.path:
            return "a scenario"
        first, *rest = self.path
        head = f"[[{first}]]" if rest and isinstance(rest[0], int) else f"[{first}]"
        return ".".join([head, *(part for part in rest if isinstance(part, str))])

    @property
    def line(self) -> int:
        """The line on which the table begins."""
        return self.source.location(self.path).line

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def at(self, *keys: str | int) -> Location:
        """Return the place of the table, or of a key in it."""
        return self.source.location((*self.path, *keys))

    def fail(self, reason: str, *keys: str | int) -> NoReturn:
        """Raise a ScenarioError for the whole table, or for a key in it."""
        raise ScenarioError(reason, self.at(*keys))

    def value(self, key: str) -> object:
        """Return the value as TOML has it; ScenarioError if the key is absent."""
        if key not in self.values:
            self.fail(f"{self.title} needs a key {key!r}")
        return self.values[key]

    def get(self, key: str, read: Callable[[str], V], default: D) -> V | D:
        """Return what `read` makes of the key, `default` where it is absent."""
        return read(key) if key in self.values else default

    def text(self, key: str) -> str:
        """Return a string."""
        value = self.value(key)
        if not isinstance(value, str):
            self._wrong(key, "a string")
        return value

    def integer(self, key: str) -> int:
        """Return an integer from 0 to 2**64 - 1: TOML's own, or a string such as `"0x96000046"`."""
        return self._integer(self.value(key), key)

    def integers(self, key: str) -> tuple[int, ...]:
        """Return an array of such integers."""
        value = self.value(key)
        if not isinstance(value, list):
            self._wrong(key, "an array of numbers")
        return tuple(self._integer(item, key, index) for index, item in enumerate(value))

    def level(self, key: str) -> int:
        """Return a lookup level, -1 to 3."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int) or value not in LEVELS:
            self._wrong(key, "a lookup level from -1 to 3")
        return value

    def count(self, key: str) -> int:
        """Return a number counted from 1."""
        value = self.integer(key)
        if value < 1:
            self.fail(f"{key} is counted from 1", key)
        return value

    def seconds(self, key: str) -> float:
        """Return a positive number of seconds."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong(key, "a number of seconds")
        if not 0 < value <= LONGEST:
            self.fail(f"{key} is more than 0 and at most {LONGEST:.0f}", key)
        return float(value)

    def size(self, key: str) -> int:
        """Return a size in bytes: a number, or `"4K"`, `"2M"`, `"1G"`."""
        value = self.value(key)
        unit = _SIZE.fullmatch(value) if isinstance(value, str) else None
        size = int(unit[1]) << _UNITS[unit[2].upper()] if unit else self.integer(key)
        if size == 0:
            self.fail(f"{key} is 0", key)
        return size

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self.value(key)
        if not isinstance(value, bool):
            self._wrong(key, "true or false")
        return value

    def choice(self, key: str, names: Collection[str]) -> str:
        """Return a string that is one of `names`."""
        value = self.text(key)
        self.one_of(value, names, key)
        return value

    def one_of(self, name: str, names: Collection[str], *keys: str | int) -> None:
        """Refuse a name, which stands at `keys`, that is none of `names`."""
        if name not in names:
            hint = did_you_mean(name, names)
            known = f" ({', '.join(names)})" if len(names) <= LISTED else ""
            self.fail(f"{self.title}: {keys[0]} knows no {name!r}{known}{hint}", *keys)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return an array of strings; a single string stands for an array of one."""
        value = self.value(key)
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            self._wrong(key, "an array of strings")
        return tuple(items)

    def name_or_number(self, key: str) -> str | int:
        """Return a number as it is, or a name that the caller resolves."""
        value = self.value(key)
        if isinstance(value, str) and number_in(value) is None:
            return value
        return self.integer(key)

    def table(self, key: str, keys: Collection[str] | None = None) -> Table:
        """Return a table below this one."""
        value = self.value(key)
        if not isinstance(value, dict):
            self._wrong(key, "a table")
        return Table(value, self.source, (*self.path, key), keys)

    def tables(self, key: str, keys: Collection[str]) -> tuple[Table, ...]:
        """Return an array of tables, none where the key is absent."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._wrong(key, f"an array of tables, each headed [[{key}]]")
        return tuple(
            Table(item, self.source, (*self.path, key, index), keys)
            for index, item in enumerate(value)
        )

    def _integer(self, value: object, *keys: str | int) -> int:
        if isinstance(value, str):
            number = number_in(value)
            value = value if number is None else number
        if isinstance(value, bool) or not isinstance(value, int):
            name = keys[0] if len(keys) == 1 else f"{keys[0]}[{keys[1]}]"
            self.fail(f'{name} = {_shown(value)} is not a number (16, or in quotes "0x10")', *keys)
        if not 0 <= value < 1 << 64:
            self.fail(f"{keys[0]}: {value} is not a number of 64 bits", *keys)
        return value

    def _wrong(self, key: str, wanted: str) -> NoReturn:
        self.fail(f"{key} = {_shown(self.values[key])} is not {wanted}", key)


def _shown(value: object) -> str:
    """Return the value as the file has it, cut short."""
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 3]}..."
