"""What a property is made of: claims about every descriptor that software can write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.encodings.definition import Hardware
from harness.encodings.logic import Operation, Predicate
from harness.encodings.place import Place


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment of a counterexample: a descriptor, and what software has it for.

    `value` makes it of the claim's subject. `place`: where it lies; None where the claim does.
    `meant` None: software has no opinion.
    """

    label: str
    value: Operation
    meant: Hardware | None = None
    place: Place | None = None
    stale: bool = False
    """It follows the entry before it without a TLBI, so that the old one may be used still."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`holds` is true of `subject(x)`, for every 64-bit value x.

    `scenes`: what a counterexample looks like, in its order. `text` says the claim, `otherwise`
    what is wrong where it does not hold.
    """

    text: str
    otherwise: str
    subject: Operation
    holds: Predicate
    scenes: tuple[Scene, ...]


@dataclass(frozen=True, slots=True)
class Property:
    """A rule that an encoding keeps or breaks.

    `claims(place)` gives what it says at one place, nothing where it does not apply.
    """

    name: str
    meaning: str
    why: str
    levels: str
    """Where it applies, in words."""
    claims: Callable[[Place], Iterator[Claim]]
