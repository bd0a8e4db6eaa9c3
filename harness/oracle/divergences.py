"""Known departures of an engine's walker from the architecture: named, explained, detected.

The list is `divergences.toml`; how one is recognised is the predicate of the same name in
`harness.oracle.departures`. There is no catch-all: what no predicate recognises is a disagreement.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from harness.errors import HarnessError
from harness.oracle.departures import DEPARTURES, Disagreement, departures_behind

OWN_MMU = "its own MMU"
"""How the name of what translates ends where the engine does it itself."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """One departure. `engine` is the first word of the name of the engines that have it."""

    id: str
    engine: str
    what: str
    why: str
    rule: str
    """The manual's pseudocode function or section that says otherwise."""
    detected: str
    """In words: what the predicate looks for."""


@cache
def divergences() -> tuple[Divergence, ...]:
    """Return the list, in the order of the file; each has a predicate and each predicate a line."""
    document = tomllib.loads(files(__package__).joinpath("divergences.toml").read_text("utf-8"))
    found = tuple(Divergence(**entry) for entry in document["divergence"])
    named = [divergence.id for divergence in found]
    if sorted(named) != sorted(DEPARTURES):
        odd = sorted(set(named) ^ set(DEPARTURES)) or named
        raise HarnessError(f"divergences.toml and the predicates differ in {', '.join(odd)}")
    return found


def divergence_named(name: str) -> Divergence:
    """Return one by its id; KeyError if there is none."""
    return {divergence.id: divergence for divergence in divergences()}[name]


def has_its_own_mmu(engine: str) -> bool:
    """Return whether the engine of that name translates itself, so that it can depart."""
    return engine.endswith(OWN_MMU)


def explain_by_divergences(
    engine: str, disagreement: Disagreement
) -> tuple[Divergence, ...] | None:
    """Return the departures of `engine` that together account for `disagreement`, else None.

    `engine` is the name of what translated; an engine whose accesses the reference model
    translates has none.
    """
    named = departures_behind(disagreement)
    if named is None:
        return None
    found = tuple(divergence_named(name) for name in named)
    known = has_its_own_mmu(engine) and all(engine.startswith(each.engine) for each in found)
    return found if known else None


def joined(found: tuple[Divergence, ...]) -> str:
    """Return the id of one divergence, or the ids of several joined by `+`."""
    return "+".join(each.id for each in found)
