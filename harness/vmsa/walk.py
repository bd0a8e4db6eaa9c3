"""The walk: from an input address through the tables to a leaf, the same for both stages."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from harness.arch.descriptors import d128
from harness.arch.faults import FaultKind
from harness.arch.granule import Granule
from harness.vmsa.descriptor import (
    ACCESS_FLAG,
    BLOCK,
    CONTIGUOUS,
    INVALID,
    LAST_LEVEL,
    NO_TRANSLATION,
    PAGE,
    TABLE,
    AddressFormat,
    KindsAt,
    address_of,
    kind_code,
)
from harness.vmsa.record import FaultRecord


class WalkParameters(NamedTuple):
    """All that a walk of one stage and one table base depends on."""

    stage: int
    granule_bits: int
    """log2 of the granule's bytes."""
    stride: int
    """Address bits that one level resolves."""
    entry_shift: int
    """log2 of a descriptor's bytes: 3, or 4 with 128-bit descriptors."""
    ia_bits: int
    """Size of the input address, after any clamping of TnSZ."""
    start_level: int
    base: int
    """Address of the first table, aligned to its size."""
    oa_bits: int
    """Size of output addresses (AArch64.PhysicalAddressSize)."""
    form: AddressFormat
    kinds: tuple[KindsAt, ...]
    """What bit 1 selects at levels 0 to 3; the last, which index -1 also finds, is level -1."""
    contiguous_bits: tuple[int, ...]
    """log2 of the entries of a contiguous run, by level from 0 on."""
    access_flag_faults: bool
    """No hardware update of the Access flag."""
    contiguous_faults: bool
    """The implementation faults on a contiguous block larger than the input range."""
    nt_faults: bool
    """The implementation faults on a block with nT set."""
    d128: bool
    disch: bool
    """128-bit descriptors: the start table's leaves have no contiguous bit."""


class Lookup(NamedTuple):
    """One read of a descriptor, kept when the steps of a walk are asked for."""

    parameters: WalkParameters
    level: int
    table: int
    address: int
    descriptor: int
    ia: int
    """The address being translated: the access's, or what stage 1 made of it."""


Trail = list[Lookup]
Reader = Callable[[int], int | FaultRecord | None]
"""A descriptor by its address; None where there is no memory; stage 2 may fault instead."""


class Leaf(NamedTuple):
    """Where a walk ended well."""

    descriptor: int
    address: int
    level: int
    tables: int
    """Every table descriptor on the way, or-ed: their hierarchical attributes."""
    oa: int


def walk(
    parameters: WalkParameters,
    ia: int,
    read: Reader,
    trail: Trail | None = None,
    *,
    access_flag_checked: bool = True,
) -> Leaf | FaultRecord:
    """Walk the tables for `ia`: AArch64.S1Walk, AArch64.S2Walk.

    The first entry: AArch64.S1InitialTTWState, AArch64.S2SLTTEntryAddress. From table to table:
    AArch64.S1NextWalkStateTable.

    The caller has found `ia` to be in range. A table read that has no
    memory is an external abort. `access_flag_checked`: this access takes Access flag faults.
    """
    (stage, granule_bits, stride, entry_shift, ia_bits, level, table, oa_bits, form, kinds) = (
        parameters[:10]
    )
    wide = parameters.d128
    skip = 0
    shift = granule_bits + (LAST_LEVEL - level) * stride
    index = (ia & ((1 << ia_bits) - 1)) >> shift
    address = table | index << entry_shift
    if address >> oa_bits:
        # Reported at level 0 whatever the start level is.
        return FaultRecord(FaultKind.ADDRESS_SIZE, 0, "AArch64.OAOutOfRange", stage)
    tables = 0
    disch = parameters.disch
    while True:
        found = read(address)
        if not isinstance(found, int):
            return found or FaultRecord(FaultKind.EXTERNAL_ON_WALK, level, _WALK[stage], stage)
        if trail is not None:
            trail.append(Lookup(parameters, level, table, address, found, ia))
        if wide:
            kind, skip = kind_of(parameters, found, level)
        else:
            kind = kind_code(found, kinds[level])
        if kind != TABLE:
            break
        table = address_of(found, form)
        below = level + 1 + skip
        shift = granule_bits + (LAST_LEVEL - below) * stride
        index = (ia >> shift) & ((1 << stride * (1 + skip)) - 1)
        address = table | index << entry_shift
        if address >> oa_bits:
            return FaultRecord(FaultKind.ADDRESS_SIZE, level, "AArch64.OAOutOfRange", stage)
        if skip and parameters.nt_faults and found & _NO_TRANSLATION_D128:
            return FaultRecord(FaultKind.TRANSLATION, level, "AArch64.BlocknTFaults", stage)
        tables |= found
        level = below
        disch = wide and bool(found & _DISCH)
    if kind == INVALID:
        return FaultRecord(FaultKind.TRANSLATION, level, "AArch64.DecodeDescriptorType", stage)
    checked = access_flag_checked and parameters.access_flag_faults
    oa = _leaf(parameters, ia, found, level, disch=disch, access_flag_checked=checked)
    return Leaf(found, address, level, tables, oa) if isinstance(oa, int) else oa


_DISCH = d128.DISCH.mask
_CONTIGUOUS_D128 = d128.CONTIGUOUS.mask
_NO_TRANSLATION_D128 = d128.NT.mask
_ALL_SKIPPED = 3
_WALK = ("", "AArch64.S1Walk", "AArch64.S2Walk")
"""The rule, by stage."""
_GRANULE_4K = Granule.K4.bits


def kind_of(parameters: WalkParameters, descriptor: int, level: int) -> tuple[int, int]:
    """Return the number of the type, and how many levels a table descriptor skips."""
    if not parameters.d128:
        return kind_code(descriptor, parameters.kinds[level]), 0
    return _kind_d128(parameters.granule_bits, descriptor, level)


def _kind_d128(granule_bits: int, descriptor: int, level: int) -> tuple[int, int]:
    """AArch64.DecodeDescriptorType for 128-bit descriptors: SKL says how far down this one is."""
    skip = d128.SKL.get(descriptor)
    if not descriptor & 1 or (granule_bits != _GRANULE_4K and skip == _ALL_SKIPPED):
        return INVALID, 0
    if level + skip > LAST_LEVEL:
        return INVALID, 0
    if level + skip == LAST_LEVEL:
        return (PAGE if level == LAST_LEVEL else BLOCK), 0
    return TABLE, skip


def _leaf(
    parameters: WalkParameters,
    ia: int,
    descriptor: int,
    level: int,
    *,
    disch: bool,
    access_flag_checked: bool,
) -> int | FaultRecord:
    """Check a leaf in the manual's order and return its output address."""
    stage = parameters.stage
    marked = bool(descriptor & (_CONTIGUOUS_D128 if parameters.d128 else CONTIGUOUS)) and not disch
    low_bits = leaf_bits(parameters, level, marked=marked)
    if marked and parameters.contiguous_faults and low_bits > parameters.ia_bits:
        return FaultRecord(FaultKind.TRANSLATION, level, "AArch64.ContiguousBitFaults", stage)
    if parameters.nt_faults and level < LAST_LEVEL:
        nt = _NO_TRANSLATION_D128 if parameters.d128 else NO_TRANSLATION
        if descriptor & nt:
            return FaultRecord(FaultKind.TRANSLATION, level, "AArch64.BlocknTFaults", stage)
    offset = (1 << low_bits) - 1
    oa = (address_of(descriptor, parameters.form) & ~offset) | (ia & offset)
    if oa >> parameters.oa_bits:
        return FaultRecord(FaultKind.ADDRESS_SIZE, level, "AArch64.OAOutOfRange", stage)
    if access_flag_checked and not descriptor & ACCESS_FLAG:
        return FaultRecord(FaultKind.ACCESS_FLAG, level, _WALK[stage], stage)
    return oa


def leaf_bits(parameters: WalkParameters, level: int, *, marked: bool) -> int:
    """Return how many low bits of the output address the input address supplies (AArch64.LeafBase).

    `marked`: one of a contiguous run, which supplies the bits of the whole run.
    """
    bits = parameters.granule_bits + (LAST_LEVEL - level) * parameters.stride
    return bits + parameters.contiguous_bits[level] if marked else bits
