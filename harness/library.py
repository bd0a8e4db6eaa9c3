"""The scenarios that are shipped: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError, Location, ScenarioError, did_you_mean
from harness.scenario_file import SUFFIX

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE / "_asm", _PACKAGE.parent / "asm")
"""Where an installed wheel has them, and where a checkout does."""


def folder() -> Path:
    """Return the folder of the shipped scenarios; HarnessError if the installation lacks it."""
    for place in _PLACES:
        if place.is_dir():
            return place
    raise HarnessError(f"the shipped scenarios are missing: neither {_PLACES[0]} nor {_PLACES[1]}")


def names() -> Sequence[str]:
    """Return the names of the shipped scenarios, in order."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder().glob(f"*{SUFFIX}"))


def find(name: str) -> Path:
    """Return the file of a scenario given as a path, or by the name of a shipped one."""
    path = Path(name)
    if path.name.endswith(SUFFIX) or len(path.parts) != 1:
        return path
    if name in names():
        return folder() / f"{name}{SUFFIX}"
    if path.is_file():
        raise ScenarioError(f"a scenario file is called NAME{SUFFIX}", Location(name))
    hint = did_you_mean(name, names()) or "; `mmu-harness run --list` lists them"
    raise ScenarioError(
        f"no shipped scenario is called {name!r}, and a file is called NAME{SUFFIX}{hint}"
    )
