"""Seeded choices: the same seed gives the same case, on every machine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from harness.arch.fields import Field

_Item = TypeVar("_Item")


class Dice:
    """Throws that depend on nothing but `seed`."""

    __slots__ = ("_random",)

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - test data, no secret

    def chance(self, probability: float) -> bool:
        """Return True this often, of 1."""
        return self._random.random() < probability

    def bits(self, width: int) -> int:
        """Return a number of `width` bits."""
        return self._random.getrandbits(width) if width > 0 else 0

    def between(self, least: int, most: int) -> int:
        """Return a number from `least` to `most`, both included."""
        return self._random.randint(least, most)

    def one_of(self, items: Sequence[_Item]) -> _Item:
        """Return one of the items."""
        return self._random.choice(items)

    def some_of(self, mask: int, probability: float) -> int:
        """Return `mask` with each of its bits kept this often."""
        kept = 0
        while mask:
            lowest = mask & -mask
            mask ^= lowest
            if self.chance(probability):
                kept |= lowest
        return kept

    def fields(self, *fields: Field) -> int:
        """Return a register value whose `fields` are random, and nothing else set."""
        return sum(self.bits(field.width) << field.lsb for field in fields)

    def flags(self, often: dict[Field, float]) -> int:
        """Return a register value in which each of these bits is set as often as said."""
        return sum(field.mask for field, probability in often.items() if self.chance(probability))
