"""Sizes: which TnSZ are in range, where a walk starts, how large an address may be."""

from __future__ import annotations

from harness.arch.features import Feature, Profile
from harness.arch.granule import Granule
from harness.arch.implementation import OutOfRange
from harness.errors import UnsupportedError
from harness.vmsa.descriptor import LAST_LEVEL

PHYSICAL_SIZES = (32, 36, 40, 42, 44, 48, 52, 56)
"""Bits, by the encoding of TCR_ELx.IPS, PS and VTCR_EL2.PS."""

_PS_52_BITS = 0b110


def physical_address_size(profile: Profile, ps: int, granule: Granule, *, d128: bool) -> int:
    """Return the bits of output addresses (AArch64.PhysicalAddressSize)."""
    if d128:
        largest = profile.pa_bits
    elif granule is Granule.K64:
        largest = min(52 if Feature.LPA in profile.features else 48, profile.pa_bits)
    else:
        largest = min(52 if Feature.LPA2 in profile.features else 48, profile.pa_bits)
    return min(PHYSICAL_SIZES[ps], largest)


def largest_txsz(profile: Profile, granule: Granule) -> int:
    """Return the largest TnSZ in range (AArch64.MaxTxSZ)."""
    if Feature.TTST not in profile.features:
        return 39
    return 47 if granule is Granule.K64 else 48


def smallest_txsz(
    profile: Profile, granule: Granule, *, ds: bool, d128: bool, unprivileged: bool
) -> int:
    """Return the smallest TnSZ in range at stage 1 (AArch64.S1MinTxSZ)."""
    if d128 and Feature.LVA3 in profile.features:
        return 9 if unprivileged else 8
    if ds or (granule is Granule.K64 and Feature.LVA in profile.features):
        return 12
    return 16


def smallest_stage2_txsz(profile: Profile, granule: Granule, *, ds: bool, d128: bool) -> int:
    """Return the smallest T0SZ in range at stage 2 (AArch64.S2MinTxSZ)."""
    if d128:
        return 64 - profile.pa_bits
    short = Feature.LPA in profile.features and granule is not Granule.K64 and not ds
    return 64 - min(48 if short else 52, profile.pa_bits)


def effective_txsz(
    profile: Profile, txsz: int, smallest: int, largest: int, *, below_always_faults: bool
) -> int | None:
    """Return the TnSZ that the walk uses, None where it faults instead.

    AArch64.S1TxSZFaults, AArch64.S2TxSZFaults; clamping: AArch64.S1Translate, AArch64.S2Translate.
    `below_always_faults`: FEAT_LVA at stage 1, FEAT_LPA at stage 2.
    """
    choices = profile.implementation
    if txsz < smallest:
        if below_always_faults or choices.txsz_below_min is OutOfRange.FAULT:
            return None
        return smallest
    if txsz > largest:
        return None if choices.txsz_above_max is OutOfRange.FAULT else largest
    return txsz


def start_level(ia_bits: int, granule_bits: int, stride: int, skl: int = 0) -> int:
    """Return the level of the first lookup, `skl` levels below the one that the size gives.

    AArch64.S1StartLevel; AArch64.S2StartLevel with 128-bit descriptors. A TTBR that skips every
    level is refused: the manual leaves it open.
    """
    level = LAST_LEVEL - (ia_bits - 1 - granule_bits) // stride + skl
    if level > LAST_LEVEL:
        raise UnsupportedError("a TTBR whose SKL skips every level of the walk is not modelled")
    return level


def table_base(
    ttbr: int,
    first_shift: int,
    ia_bits: int,
    entry_shift: int,
    *,
    wide: bool,
    d128: bool,
) -> int:
    """Return the address of the first table (AArch64.S1TTBaseAddress, AArch64.S2TTBaseAddress).

    `first_shift`: lowest input address bit that indexes it; `wide`: bits 5:2 hold bits 51:48.
    The base is aligned to the size of the table, whatever the register holds below.
    """
    size = ia_bits - first_shift + entry_shift
    if d128:
        address = (ttbr >> 80 & 0xFF) << 48 | ttbr & 0xFFFF_FFFF_FFE0
        size = max(size, 5)
    elif wide:
        address = (ttbr >> 2 & 0xF) << 48 | ttbr & 0xFFFF_FFFF_FFC0
        size = max(size, 6)
    else:
        address = ttbr & 0xFFFF_FFFF_FFFE
    return address >> size << size


def base_is_wide(profile: Profile, ps: int, granule: Granule, *, ds: bool) -> bool:
    """Return whether a TTBR holds a 52-bit address (AArch64.S1TTBaseAddress)."""
    lpa = granule is Granule.K64 and Feature.LPA in profile.features
    return ds or (lpa and ps == _PS_52_BITS)
