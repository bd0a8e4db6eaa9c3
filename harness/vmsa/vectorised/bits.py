"""The bits of a descriptor that count, packed side by side into a small number and back."""

from __future__ import annotations

from typing import NamedTuple, cast

from harness.vmsa.vectorised.words import Words


class _Run(NamedTuple):
    """Neighbouring bits, from `lsb` of the descriptor to `at` of the packed number."""

    lsb: int
    ones: int
    at: int


class Selection:
    """The bits of `mask`, in their order."""

    __slots__ = ("_runs", "width")

    def __init__(self, mask: int) -> None:
        runs: list[_Run] = []
        self.width = 0
        lsb = 0
        while mask >> lsb:
            rest = mask >> lsb
            if not rest & 1:
                lsb += (rest & -rest).bit_length() - 1
                continue
            length = (~rest & rest + 1).bit_length() - 1
            runs.append(_Run(lsb, (1 << length) - 1, self.width))
            self.width += length
            lsb += length
        self._runs = tuple(runs)

    def pack(self, descriptors: Words) -> Words:
        """Return the bits of each descriptor, packed."""
        packed = descriptors & 0
        for lsb, ones, at in self._runs:
            packed |= (descriptors >> lsb & ones) << at
        return cast("Words", packed)

    def unpack(self, packed: int) -> int:
        """Return the descriptor that has these bits, and no others."""
        return sum((packed >> at & ones) << lsb for lsb, ones, at in self._runs)
