"""What one descriptor is, and which addresses it holds.

Everything here that looks at a descriptor is arithmetic without branches on it, so that the walk,
a proof over bit vectors and an array of a million descriptors evaluate one definition. What
depends on the level or the format is found once, as plain numbers, and handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from harness.arch.descriptors import fields as bits
from harness.arch.descriptors.formats import DescriptorType
from harness.arch.granule import Granule

ACCESS_FLAG = bits.AF.mask
NO_TRANSLATION = bits.NT.mask
CONTIGUOUS = bits.CONTIGUOUS.mask
DIRTY_BIT_MODIFIER = bits.DBM.mask
NOT_DIRTY = bits.NDIRTY.mask
"""Stage 1: the same bit as AP[2], read-only, where permissions are direct."""
DIRTY_STAGE2 = bits.DIRTY.mask
"""Stage 2: the same bit as S2AP[1], writable, where permissions are direct."""

LAST_LEVEL = 3


INVALID, BLOCK, TABLE, PAGE = range(4)
"""Types as numbers, so that a type can be computed."""

TYPES = (DescriptorType.INVALID, DescriptorType.BLOCK, DescriptorType.TABLE, DescriptorType.PAGE)
"""By those numbers."""


class KindsAt(NamedTuple):
    """What a valid descriptor of one level is, by its bit 1."""

    bit1_clear: int
    bit1_set: int


def kinds_at(level: int, first_block_level: int) -> KindsAt:
    """Return what bit 1 selects at `level` (AArch64.DecodeDescriptorType, 64-bit descriptors)."""
    if level == LAST_LEVEL:
        return KindsAt(INVALID, PAGE)
    if level >= first_block_level:
        return KindsAt(BLOCK, TABLE)
    return KindsAt(INVALID, TABLE)


@cache
def kinds_by_level(granule: Granule, ds: bool, pa_bits: int) -> tuple[KindsAt, ...]:  # noqa: FBT001 - the cache keys on it
    """Return what bit 1 selects at levels 0 to 3, then at level -1, which index -1 finds too."""
    lowest = first_block_level(granule, ds=ds, pa_bits=pa_bits)
    return tuple(kinds_at(level, lowest) for level in (0, 1, 2, 3, -1))


def kind_code(descriptor: int, kinds: KindsAt) -> int:
    """Return the number of the type of a 64-bit descriptor (also of an array of them)."""
    bit1 = (descriptor >> 1) & 1
    return (descriptor & 1) * (bit1 * kinds.bit1_set + (bit1 ^ 1) * kinds.bit1_clear)


def first_block_level(granule: Granule, *, ds: bool, pa_bits: int) -> int:
    """Return the lowest level that has blocks (AArch64.BlockDescSupported).

    `ds` is the effective TCR_ELx.DS or VTCR_EL2.DS; `pa_bits` what the machine implements.
    """
    if granule is Granule.K4:
        return 0 if ds else 1
    if granule is Granule.K16:
        return 1 if ds else 2
    return 1 if pa_bits >= _PA_BITS_OF_LPA else 2


_PA_BITS_OF_LPA = 52


def classify(
    descriptor: int, level: int, granule: Granule, *, ds: bool = False, pa_bits: int = 48
) -> DescriptorType:
    """Return what a 64-bit descriptor is to hardware at `level` (AArch64.DecodeDescriptorType)."""
    lowest = first_block_level(granule, ds=ds, pa_bits=pa_bits)
    return TYPES[kind_code(descriptor, kinds_at(level, lowest))]


class AddressFormat(NamedTuple):
    """Where a descriptor keeps its output or next-table address.

    `in_place` bits stand where they belong; the bits of `high` belong `high_shift` further up.
    """

    in_place: int
    high: int
    high_shift: int


def _ones(msb: int, lsb: int) -> int:
    return (1 << (msb + 1)) - (1 << lsb)


@cache
def address_format(granule: Granule, *, ds: bool, lpa: bool, d128: bool) -> AddressFormat:
    """Return the format (AArch64.NextTableBase, AArch64.LeafBase).

    `ds`: effective DS (FEAT_LPA2); `lpa`: FEAT_LPA; `d128`: 128-bit descriptors with 56-bit PAs.
    """
    lowest = granule.bits
    if d128:
        return AddressFormat(_ones(55, lowest), 0, 0)
    if lpa and granule is Granule.K64:
        return AddressFormat(_ones(47, lowest), _ones(15, 12), 36)
    if ds:
        return AddressFormat(_ones(49, lowest), _ones(9, 8), 42)
    return AddressFormat(_ones(47, lowest), 0, 0)


def address_of(descriptor: int, form: AddressFormat) -> int:
    """Return the address in a table or page descriptor; a block's low bits are not yet cleared."""
    return (descriptor & form.in_place) | (descriptor & form.high) << form.high_shift


# Contiguous runs: log2 of the number of entries, at levels 0 to 3 (ContiguousSize); 0 where the
# bit has no meaning (AArch64.ContiguousBit).
_CONTIGUOUS_64: Mapping[Granule, tuple[int, ...]] = MappingProxyType(
    {Granule.K4: (0, 4, 4, 4), Granule.K16: (0, 0, 5, 7), Granule.K64: (0, 0, 5, 5)}
)
_CONTIGUOUS_128: Mapping[Granule, tuple[int, ...]] = MappingProxyType(
    {Granule.K4: (0, 2, 4, 4), Granule.K16: (0, 2, 4, 6), Granule.K64: (0, 0, 6, 4)}
)


def contiguous_bits(granule: Granule, *, d128: bool) -> tuple[int, ...]:
    """Return log2 of the entries of a contiguous run at levels 0 to 3, 0 where there is none."""
    return (_CONTIGUOUS_128 if d128 else _CONTIGUOUS_64)[granule]
