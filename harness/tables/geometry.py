"""The shape of one half of an address space: levels, indices, sizes, and where addresses go.

What DDI 0487 D8 says of granules, lookup levels and sizes, as arithmetic. `harness.vmsa` has its
own: neither may lean on the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.addresses import VirtualAddress
from harness.arch.descriptors import BLOCK_LEVELS, LAST_LEVEL, OutputFormat
from harness.arch.granule import Granule
from harness.errors import MappingError, UnsupportedError

__all__ = ["TABLE_ALIGNMENT", "Geometry", "OutputFormat"]

TABLE_ALIGNMENT = 64
"""Least alignment of a root of fewer than 8 descriptors, where TTBR holds 52-bit addresses."""

_CONTIGUOUS_RUN = {
    (Granule.K4, 1): 16,
    (Granule.K4, 2): 16,
    (Granule.K4, 3): 16,
    (Granule.K16, 2): 32,
    (Granule.K16, 3): 128,
    (Granule.K64, 2): 32,
    (Granule.K64, 3): 32,
}
"""Entries that the Contiguous bit joins (AArch64.ContiguousBit); other levels have none."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The half of the address space that one TTBR translates.

    `ia_bits` is 64 - TCR.TnSZ; `high` selects TTBR1's half, whose addresses have every bit above
    `ia_bits` set. MappingError when granule and format do not go together or the size of the
    input range is none that the architecture has; UnsupportedError for D128.
    """

    granule: Granule
    ia_bits: int
    high: bool
    format: OutputFormat = OutputFormat.VMSA48

    def __post_init__(self) -> None:
        if self.format is OutputFormat.D128:
            raise UnsupportedError("FEAT_D128: tables of 128-bit descriptors are not built")
        if (self.granule, self.format) not in BLOCK_LEVELS:
            raise MappingError(
                f"the {self.granule.label} granule has no {self.format.value} descriptors"
            )
        wide = self.granule is Granule.K64 or self.format is OutputFormat.LPA2
        largest = 52 if wide else 48
        smallest = 17 if self.granule is Granule.K64 else 16
        if not smallest <= self.ia_bits <= largest:
            raise MappingError(
                f"an input range of {self.ia_bits} bits is outside {smallest} to {largest} bits "
                f"of the {self.granule.label} granule with {self.format.value} descriptors"
            )

    @property
    def start_level(self) -> int:
        """The initial lookup level: -1 to 3."""
        levels = -(-(self.ia_bits - self.granule.value) // self.granule.stride)
        return LAST_LEVEL + 1 - levels

    def has_leaf(self, level: int) -> bool:
        """Return whether a page or block descriptor exists at `level` of these tables."""
        levels = (*BLOCK_LEVELS[self.granule, self.format], LAST_LEVEL)
        return level in levels and level >= self.start_level

    def contiguous_run(self, level: int) -> int | None:
        """Return how many entries the Contiguous bit joins at `level`, None where it cannot.

        A run larger than the whole input range is a programming error
        (AArch64.ContiguousBitFaults).
        """
        count = _CONTIGUOUS_RUN.get((self.granule, level))
        if count is None or not self.has_leaf(level) or self.entries(level) < count:
            return None
        return count

    def entries(self, level: int) -> int:
        """Return the number of descriptors in a table of `level`; the root may have fewer."""
        if level == self.start_level:
            return 1 << (self.ia_bits - self.granule.level_shift(level))
        return 1 << self.granule.stride

    def index(self, ia: int, level: int) -> int:
        """Return the index of the descriptor for `ia` in its table of `level`."""
        return (ia >> self.granule.level_shift(level)) & (self.entries(level) - 1)

    @property
    def root_size(self) -> int:
        """Bytes of the root table."""
        return self.table_size(self.start_level)

    @property
    def root_alignment(self) -> int:
        """Bytes to which TTBR's table must be aligned: its size, and 64 at least."""
        return max(TABLE_ALIGNMENT, self.root_size)

    def table_size(self, level: int) -> int:
        """Return the bytes of a table of `level`."""
        return 8 * self.entries(level)

    @property
    def first(self) -> VirtualAddress:
        """The lowest address of the half."""
        return VirtualAddress((1 << 64) - (1 << self.ia_bits) if self.high else 0)

    @property
    def size(self) -> int:
        """Bytes of the half."""
        return 1 << self.ia_bits

    def contains(self, ia: int, size: int = 1) -> bool:
        """Return whether every address of the range belongs to this half (no tag allowed)."""
        return self.first <= ia and ia + size <= self.first + self.size
