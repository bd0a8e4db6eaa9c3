"""Translation granules and the geometry that follows from them (DDI 0487, D8.2)."""

from __future__ import annotations

from enum import Enum


class Granule(Enum):
    """A translation granule; its value is log2 of its size in bytes."""

    __hash__ = object.__hash__  # Enum's own is written in Python: these are looked up all the time.

    K4 = 12
    K16 = 14
    K64 = 16

    def __init__(self, bits: int) -> None:
        self.bits = bits
        """log2 of the size in bytes: the value, as an attribute that is read without a call."""

    @property
    def label(self) -> str:
        """The manual's name: 4KB is written 4K here and in scenario files."""
        return f"{self.size >> 10}K"

    @property
    def size(self) -> int:
        """Bytes of a page, and of a full translation table."""
        return 1 << self.value

    @property
    def stride(self) -> int:
        """Address bits that one level of 64-bit descriptors resolves."""
        return self.value - 3

    def level_shift(self, level: int) -> int:
        """Return the lowest address bit that indexes the table of `level` (64-bit descriptors)."""
        return self.value + (3 - level) * self.stride

    def level_size(self, level: int) -> int:
        """Return the bytes that one entry of a table of `level` maps."""
        return 1 << self.level_shift(level)

    @classmethod
    def from_label(cls, label: str) -> Granule:
        """Return the granule written as `4K`, `16K` or `64K`, else raise ValueError."""
        for granule in cls:
            if granule.label == label.upper():
                return granule
        raise ValueError(f"no granule is called {label!r} (4K, 16K, 64K)")
