"""The headers that change what a test means: `TTHM`, `Variant`, `EL0`. Others are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.arch.features import Feature
from harness.errors import LitmusError, Location, UnsupportedError

_SAYS_NOTHING = frozenset(
    {
        *("Align", "Author", "Com", "Comment", "Cycle", "Date", "Doc", "Generator", "Hash", "Kind"),
        *("Mach", "Mapping", "Orig", "Origin", "Prefetch", "Ref", "Relax", "Safe", "Source"),
        "Stable",
    }
)
_SEPARATORS = re.compile(r"[\s,]+")
_ENDS_THREAD = frozenset(
    {"fatal", "precise", "synchronous", "sync", "handled", "imprecise", "asynchronous", "async"}
)
"""How a fault goes on: to the handler, without one to the end of the thread."""
_NO_CHANGE = frozenset({"vmsa", "kvm", "default"})
_FEATURES = {"ets": Feature.ETS2, "ets2": Feature.ETS2, "ets3": Feature.ETS3}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the headers ask for."""

    hardware_af: bool = False
    """TCR_EL1.HA: hardware sets the access flag."""
    hardware_dirty: bool = False
    """TCR_EL1.HD: hardware sets the dirty state; implies the access flag."""
    el: int = 1
    features: frozenset[Feature] = frozenset()
    """Beyond the profile."""


def read_headers(headers: Mapping[str, tuple[str, int]], file: str) -> Settings:
    """Return the settings; UnsupportedError names a header or a variant that is not known."""
    hardware: set[str] = set()
    features: set[Feature] = set()
    el = 1
    for key, (value, line) in headers.items():
        at = Location(file, line)
        words = [word for word in _SEPARATORS.split(value) if word]
        if key == "TTHM":
            hardware |= {_hardware(word, at) for word in words}
        elif key == "Variant":
            features |= {feature for word in words for feature in _variant(word, at)}
        elif key == "EL0":
            el = _el0(words, at)
        elif key not in _SAYS_NOTHING:
            raise UnsupportedError(f"{at}: header `{key}`")
    dirty = "HD" in hardware
    return Settings(dirty or "HA" in hardware, dirty, el, frozenset(features))


def _hardware(word: str, at: Location) -> str:
    """Read `HA`, `HD`, `SW` or the same of the thread: `P0:HA`."""
    name = word.removeprefix("P0:").upper()
    if name not in {"HA", "HD", "SW"}:
        raise UnsupportedError(f"{at}: TTHM={word} (known: HA, HD, SW)")
    return name


def _variant(word: str, at: Location) -> tuple[Feature, ...]:
    name = word.lower()
    if name in _ENDS_THREAD or name in _NO_CHANGE:
        return ()
    if name not in _FEATURES:
        raise UnsupportedError(f"{at}: Variant={word}")
    return (_FEATURES[name],)


def _el0(words: list[str], at: Location) -> int:
    """Return the exception level of P0: 0 where it is one of the threads named."""
    other = next((word for word in words if word != "P0"), None)
    if other is not None:
        raise LitmusError(f"EL0={other}: P0 is the only thread", at)
    return 0 if words else 1
