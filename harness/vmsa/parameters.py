"""Registers to the parameters of stage 1: read, checked and frozen once for each TTBR's half."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from harness.arch.features import Feature, Profile
from harness.arch.fields import Field
from harness.arch.granule import Granule
from harness.arch.implementation import DeviceFetch, Misprogrammed
from harness.arch.registers import hcr, sctlr, tcr, tcr2, tcr_el2
from harness.arch.registers import ttbr as ttbr_fields
from harness.vmsa.attributes import RESERVED_AS
from harness.vmsa.descriptor import LAST_LEVEL, address_format, contiguous_bits, kinds_by_level
from harness.vmsa.geometry import (
    base_is_wide,
    effective_txsz,
    largest_txsz,
    physical_address_size,
    smallest_txsz,
    start_level,
    table_base,
)
from harness.vmsa.refusal import Refusal
from harness.vmsa.regime import Regime
from harness.vmsa.walk import WalkParameters

TG0_GRANULES = (Granule.K4, Granule.K64, Granule.K16, None)
"""By the encoding of TG0 (AArch64.S1DecodeTG0, AArch64.S2DecodeTG0); None is reserved."""
_TG1_GRANULES = (None, Granule.K16, Granule.K4, Granule.K64)


_NO_SCTLR = Refusal((sctlr.EE, "a big-endian translation table"))
_NO_TCR2 = Refusal((tcr2.AIE, "FEAT_AIE"), (tcr2.PNCH, "FEAT_THE"), (tcr2.HAFT, "FEAT_HAFT"))
_NO_TCR = Refusal((tcr.MTX0, "FEAT_MTE4"), (tcr.MTX1, "FEAT_MTE4"))
_NO_TCR_EL2 = Refusal((tcr_el2.MTX, "FEAT_MTE4"))


class _HalfFields(NamedTuple):
    """The fields of TCR_ELx that differ by TTBR."""

    txsz: Field
    granule: Field
    shareability: Field
    tbi: Field
    tbid: Field
    hpd: Field
    epd: Field
    e0pd: Field
    disch: Field


_LOWER = _HalfFields(
    tcr.T0SZ, tcr.TG0, tcr.SH0, tcr.TBI0, tcr.TBID0, tcr.HPD0, tcr.EPD0, tcr.E0PD0, tcr2.DISCH0
)
_UPPER = _HalfFields(
    tcr.T1SZ, tcr.TG1, tcr.SH1, tcr.TBI1, tcr.TBID1, tcr.HPD1, tcr.EPD1, tcr.E0PD1, tcr2.DISCH1
)


class Overlays(NamedTuple):
    """Permission overlay registers that apply, None where overlays are off (FEAT_S1POE)."""

    privileged: int | None
    unprivileged: int | None


NO_OVERLAYS = Overlays(None, None)


class Stage1Parameters(NamedTuple):
    """Everything that stage 1 of one half depends on (S1TTWParams in the manual)."""

    regime: Regime
    walk: WalkParameters | None
    """None where TnSZ is out of range and the implementation faults on that."""
    walk_disabled: bool
    """TCR_ELx.EPDn."""
    e0pd: bool
    sign: int
    """What the bits above the input address size must be: 0, or -1 in the upper half."""
    checked_bits: int
    """The bits of an address that must equal the sign, for data accesses."""
    checked_bits_fetch: int
    """The same for instruction fetches: TBID."""
    access_flag_updates: bool
    """TCR_ELx.HA."""
    dirty_updates: bool
    """TCR_ELx.HA and HD."""
    hierarchical: bool
    """Table descriptors' permissions apply: neither HPDn nor indirect permissions."""
    d128: bool
    wxn: int
    epan: int
    indirect: tuple[int, int] | None
    """PIR_ELx and PIRE0_ELx where permissions are indirect (FEAT_S1PIE)."""
    overlays: Overlays
    mair: int
    reserved_attribute: int
    """The attribute that a reserved one in `mair` is."""
    shareability: int | None
    """Of every leaf, where descriptors have no SH field (DS = 1)."""
    data_cacheable: bool
    fetch_cacheable: bool
    device_fetch_faults: bool


def stage1_parameters(
    profile: Profile, registers: Mapping[str, int], regime: Regime, *, upper: bool
) -> Stage1Parameters:
    """Read and check the registers of one half.

    AArch64.S1TTWParamsEL10, AArch64.S1TTWParamsEL20, AArch64.S1TTWParamsEL2.
    """
    read = registers.get
    features = profile.features
    suffix = regime.suffix
    control = read("SCTLR" + suffix, 0)
    value = read("TCR" + suffix, 0)
    extended = read("TCR2" + suffix, 0) if Feature.TCR2 in features else 0
    _NO_SCTLR.check("SCTLR" + suffix, control)
    _NO_TCR2.check("TCR2" + suffix, extended)
    (_NO_TCR if regime.has_unprivileged else _NO_TCR_EL2).check("TCR" + suffix, value)
    half = _UPPER if upper else _LOWER
    ttbr = read(f"TTBR{int(upper)}" + suffix, 0)
    positions = _COMMON if _wide_layout(regime, read("HCR_EL2", 0)) else _COMMON_EL2
    d128 = bool(Feature.D128 in features and regime.has_unprivileged and extended & tcr2.D128.mask)
    granule = _granule(profile, half.granule.get(value), upper=upper)
    ds = bool(Feature.LPA2 in features and granule is not Granule.K64 and value & positions.ds.mask)
    hardware = Feature.HAFDBS in features
    ha = bool(hardware and value & positions.ha.mask)
    indirect = None
    if d128 or (Feature.S1PIE in features and extended & tcr2.PIE.mask):
        indirect = (read("PIR" + suffix, 0), read("PIRE0" + suffix, 0))
    walk = _walk_parameters(
        profile, granule, half.txsz.get(value), positions.ps.get(value), ttbr, ds=ds, d128=d128,
        unprivileged=regime.has_unprivileged, access_flag_faults=not ha,
        disch=d128 and bool(extended & half.disch.mask),
    )  # fmt: skip
    ia_bits = walk.ia_bits if walk else 64
    top, fetch_top = address_tops(value, regime, upper=upper)
    hpd = half.hpd if regime.has_unprivileged else tcr_el2.HPD
    return Stage1Parameters(
        regime=regime,
        walk=walk,
        walk_disabled=bool(regime.has_unprivileged and value & half.epd.mask),
        e0pd=bool(regime.has_unprivileged and Feature.E0PD in features and value & half.e0pd.mask),
        sign=-1 if upper else 0,
        checked_bits=bits_above(ia_bits, top),
        checked_bits_fetch=bits_above(ia_bits, fetch_top),
        access_flag_updates=ha,
        dirty_updates=ha and bool(value & positions.hd.mask),
        hierarchical=indirect is None and not (Feature.HPDS in features and value & hpd.mask),
        d128=d128,
        wxn=sctlr.WXN.get(control),
        epan=int(Feature.PAN3 in features) and sctlr.EPAN.get(control),
        indirect=indirect,
        overlays=_overlays(profile, registers, regime, extended),
        mair=read("MAIR" + suffix, 0),
        reserved_attribute=RESERVED_AS[profile.implementation.reserved_memory_attribute],
        shareability=half.shareability.get(value) if ds and not d128 else None,
        data_cacheable=bool(control & sctlr.C.mask),
        fetch_cacheable=bool(control & sctlr.I.mask),
        device_fetch_faults=profile.implementation.fetch_from_device is DeviceFetch.FAULT,
    )


def address_tops(tcr_value: int, regime: Regime, *, upper: bool) -> tuple[int, int]:
    """Return how many low bits of an address count, for data accesses and for fetches.

    AddrTop; TBID takes fetches out of TBI.
    """
    half = _UPPER if upper else _LOWER
    tbi, tbid = (half.tbi, half.tbid) if regime.has_unprivileged else (tcr_el2.TBI, tcr_el2.TBID)
    top = 56 if tcr_value & tbi.mask else 64
    return top, 64 if tcr_value & tbid.mask else top


class _CommonFields(NamedTuple):
    """Fields of TCR_ELx for both halves, whose positions depend on HCR_EL2.E2H."""

    ps: Field
    ha: Field
    hd: Field
    ds: Field


_COMMON = _CommonFields(tcr.IPS, tcr.HA, tcr.HD, tcr.DS)
_COMMON_EL2 = _CommonFields(tcr_el2.PS, tcr_el2.HA, tcr_el2.HD, tcr_el2.DS)


def _wide_layout(regime: Regime, hcr_el2: int) -> bool:
    return regime is not Regime.EL2 or bool(hcr.E2H.get(hcr_el2))


def bits_above(lowest: int, end: int) -> int:
    """Return the bits from `lowest` up to, not including, `end`."""
    return (1 << end) - (1 << lowest) if end > lowest else 0


def _granule(profile: Profile, encoding: int, *, upper: bool) -> Granule:
    """AArch64.S1DecodeTG1 for the upper half, AArch64.S1DecodeTG0 for the lower one."""
    found = (_TG1_GRANULES if upper else TG0_GRANULES)[encoding]
    return reserved_granule(profile) if found is None else found


def reserved_granule(profile: Profile) -> Granule:
    """Return what a reserved encoding of TG0 or TG1 selects."""
    return Granule.from_label(profile.implementation.reserved_granule.value)


def _walk_parameters(  # noqa: PLR0913 - each is one field of S1TTWParams
    profile: Profile,
    granule: Granule,
    txsz: int,
    ps: int,
    ttbr: int,
    *,
    ds: bool,
    d128: bool,
    unprivileged: bool,
    access_flag_faults: bool,
    disch: bool,
) -> WalkParameters | None:
    smallest = smallest_txsz(profile, granule, ds=ds, d128=d128, unprivileged=unprivileged)
    txsz_used = effective_txsz(
        profile,
        txsz,
        smallest,
        largest_txsz(profile, granule),
        below_always_faults=Feature.LVA in profile.features,
    )
    if txsz_used is None:
        return None
    ia_bits = 64 - txsz_used
    entry_shift = 4 if d128 else 3
    granule_bits = granule.bits
    stride = granule_bits - entry_shift
    level = start_level(ia_bits, granule_bits, stride, ttbr_fields.SKL.get(ttbr) if d128 else 0)
    shift = granule_bits + (LAST_LEVEL - level) * stride
    return WalkParameters(
        stage=1,
        granule_bits=granule_bits,
        stride=stride,
        entry_shift=entry_shift,
        ia_bits=ia_bits,
        start_level=level,
        base=table_base(
            ttbr,
            shift,
            ia_bits,
            entry_shift,
            wide=base_is_wide(profile, ps, granule, ds=ds),
            d128=d128,
        ),
        oa_bits=physical_address_size(profile, ps, granule, d128=d128),
        form=address_format(granule, ds=ds, lpa=Feature.LPA in profile.features, d128=d128),
        kinds=kinds_by_level(granule, ds, profile.pa_bits),
        contiguous_bits=contiguous_bits(granule, d128=d128),
        access_flag_faults=access_flag_faults,
        contiguous_faults=contiguous_faults(profile),
        nt_faults=nt_faults(profile),
        d128=d128,
        disch=disch,
    )


def contiguous_faults(profile: Profile) -> bool:
    """Return the choice of AArch64.ContiguousBitFaults."""
    return profile.implementation.contiguous_misprogrammed is Misprogrammed.FAULT


def nt_faults(profile: Profile) -> bool:
    """Return whether a block with nT faults (AArch64.BlocknTFaults)."""
    choices = profile.implementation
    return (
        choices.nt_bit is Misprogrammed.FAULT
        and choices.bbm_level > 0
        and Feature.BBM in profile.features
    )


def _overlays(
    profile: Profile, registers: Mapping[str, int], regime: Regime, extended: int
) -> Overlays:
    """AArch64.S1POEnabled, AArch64.S1E0POEnabled, AArch64.S1POR."""
    if Feature.S1POE not in profile.features:
        return NO_OVERLAYS
    unprivileged = regime.has_unprivileged and tcr2.E0POE.get(extended)
    return Overlays(
        registers.get("POR" + regime.suffix, 0) if tcr2.POE.get(extended) else None,
        registers.get("POR_EL0", 0) if unprivileged else None,
    )
