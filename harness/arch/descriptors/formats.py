"""Which formats and types there are, and the place in a walk that decides a layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from harness.arch.granule import Granule


class DescriptorType(StrEnum):
    """What a descriptor can be (DecodeDescriptorType in the manual's pseudocode)."""

    INVALID = "invalid"
    TABLE = "table"
    BLOCK = "block"
    PAGE = "page"


class OutputFormat(StrEnum):
    """How a descriptor holds its address, and how wide that is."""

    VMSA48 = "vmsa48"
    """48 bits, in place."""
    LPA = "lpa"
    """64K granule, 52 bits: OA[51:48] in bits 15:12 (FEAT_LPA)."""
    LPA2 = "lpa2"
    """4K and 16K granules, 52 bits: OA[51:50] in bits 9:8, no SH field (FEAT_LPA2, DS = 1)."""
    D128 = "d128"
    """128-bit descriptors, 56 bits, in place (FEAT_D128)."""

    @property
    def address_bits(self) -> int:
        """Bits of the widest address that it holds."""
        return {"vmsa48": 48, "lpa": 52, "lpa2": 52, "d128": 56}[self.value]


LAST_LEVEL = 3

BLOCK_LEVELS: Mapping[tuple[Granule, OutputFormat], tuple[int, ...]] = MappingProxyType(
    {
        (Granule.K4, OutputFormat.VMSA48): (1, 2),
        (Granule.K4, OutputFormat.LPA2): (0, 1, 2),
        (Granule.K4, OutputFormat.D128): (0, 1, 2),
        (Granule.K16, OutputFormat.VMSA48): (2,),
        (Granule.K16, OutputFormat.LPA2): (1, 2),
        (Granule.K16, OutputFormat.D128): (1, 2),
        (Granule.K64, OutputFormat.VMSA48): (2,),
        (Granule.K64, OutputFormat.LPA): (1, 2),
        (Granule.K64, OutputFormat.D128): (1, 2),
    }
)
"""Levels at which a block can be; its keys are the formats that each granule has."""


def has_level(granule: Granule, output: OutputFormat, level: int) -> bool:
    """Return whether tables of `level` exist: each level resolves what one table can index."""
    entry_bits = 4 if output is OutputFormat.D128 else 3
    lowest_bit = granule.bits + (LAST_LEVEL - level) * (granule.bits - entry_bits)
    return level <= LAST_LEVEL and lowest_bit < output.address_bits


@dataclass(frozen=True, slots=True)
class View:
    """Where a descriptor lies and how its bits are to be read.

    ValueError where the granule has no such format or level. `indirect`: PIIndex in place of AP,
    DBM, PXN and UXN (FEAT_S1PIE, FEAT_S2PIE; always so with D128). `overlay`: POIndex (FEAT_S1POE).
    """

    granule: Granule
    level: int
    stage: int = 1
    output: OutputFormat = OutputFormat.VMSA48
    indirect: bool = False
    overlay: bool = False

    def __post_init__(self) -> None:
        if (self.granule, self.output) not in BLOCK_LEVELS:
            raise ValueError(
                f"the {self.granule.label} granule has no {self.output.value} descriptors"
            )
        if not has_level(self.granule, self.output, self.level):
            raise ValueError(
                f"the {self.granule.label} granule has no level {self.level} "
                f"with {self.output.value} descriptors"
            )

    def allows(self, descriptor_type: DescriptorType) -> bool:
        """Return whether a descriptor of this type can be at the level."""
        possible = {
            DescriptorType.INVALID: True,
            DescriptorType.TABLE: self.level < LAST_LEVEL,
            DescriptorType.BLOCK: self.level in BLOCK_LEVELS[self.granule, self.output],
            DescriptorType.PAGE: self.level == LAST_LEVEL,
        }
        return possible[descriptor_type]
