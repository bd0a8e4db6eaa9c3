"""Registers to the parameters of stage 2: VTCR_EL2, VTTBR_EL2, HCR_EL2, S2PIR_EL2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from harness.arch.features import Feature, Profile
from harness.arch.granule import Granule
from harness.arch.implementation import DeviceFetch
from harness.arch.registers import hcr, ttbr, vtcr
from harness.vmsa.descriptor import LAST_LEVEL, address_format, contiguous_bits, kinds_by_level
from harness.vmsa.geometry import (
    base_is_wide,
    effective_txsz,
    largest_txsz,
    physical_address_size,
    smallest_stage2_txsz,
    start_level,
    table_base,
)
from harness.vmsa.parameters import (
    TG0_GRANULES,
    contiguous_faults,
    nt_faults,
    reserved_granule,
)
from harness.vmsa.refusal import Refusal
from harness.vmsa.walk import WalkParameters


class Stage2Parameters(NamedTuple):
    """Everything that stage 2 depends on (S2TTWParams in the manual)."""

    walk: WalkParameters | None
    d128: bool
    """128-bit descriptors (FEAT_D128)."""
    invalid_by: str
    """The function that finds T0SZ or SL0 invalid, where `walk` is None."""
    device_walk_faults: bool
    """HCR_EL2.PTW: a stage 1 walk that stage 2 maps to Device memory faults."""
    forced_write_back: bool
    """HCR_EL2.FWB."""
    access_flag_updates: bool
    dirty_updates: bool
    indirect: int | None
    """S2PIR_EL2 where permissions are indirect (FEAT_S2PIE)."""
    execute_never_by_el: bool
    """FEAT_XNX: bit 53 of a leaf counts."""
    shareability: int | None
    """Of every leaf, where descriptors have no SH field (DS = 1)."""
    data_non_cacheable: bool
    """HCR_EL2.CD."""
    fetch_non_cacheable: bool
    """HCR_EL2.ID."""
    device_fetch_faults: bool


# Start level by SL2:SL0 (4KB) or SL0 (AArch64.S2StartLevel).
_START_LEVELS: Mapping[Granule, tuple[int, ...]] = {
    Granule.K4: (2, 1, 0, 3, -1),
    Granule.K16: (3, 2, 1, 0),
    Granule.K64: (3, 2, 1),
}
_LARGEST_CONCATENATION = 4
"""log2 of the tables that may stand side by side at the start level."""

_NO_VTCR = Refusal(
    (vtcr.S2POE, "FEAT_S2POE"),
    (vtcr.ASSURED_ONLY, "FEAT_THE"),
    (vtcr.TL0, "FEAT_THE"),
    (vtcr.TL1, "FEAT_THE"),
    (vtcr.HAFT, "FEAT_HAFT"),
    (vtcr.HDBSS, "FEAT_HDBSS"),
)


def stage2_parameters(profile: Profile, registers: Mapping[str, int]) -> Stage2Parameters:
    """Read and check the registers of the Non-secure stage 2 (AArch64.NSS2TTWParams)."""
    control = registers.get("VTCR_EL2", 0)
    hypervisor = registers.get("HCR_EL2", 0)
    _NO_VTCR.check("VTCR_EL2", control)
    granule = TG0_GRANULES[vtcr.TG0.get(control)] or reserved_granule(profile)
    d128 = bool(Feature.D128 in profile.features and vtcr.D128.get(control))
    ds = bool(
        Feature.LPA2 in profile.features
        and granule is not Granule.K64
        and not d128
        and vtcr.DS.get(control)
    )
    hardware = Feature.HAFDBS in profile.features
    ha = bool(hardware and vtcr.HA.get(control))
    indirect = d128 or (Feature.S2PIE in profile.features and vtcr.S2PIE.get(control))
    walk, invalid_by = _walk_parameters(
        profile, registers, granule, ds=ds, d128=d128, access_flag_faults=not ha
    )
    return Stage2Parameters(
        walk=walk,
        d128=d128,
        invalid_by=invalid_by,
        device_walk_faults=bool(hcr.PTW.get(hypervisor) and not hcr.TGE.get(hypervisor)),
        forced_write_back=bool(Feature.S2FWB in profile.features and hcr.FWB.get(hypervisor)),
        access_flag_updates=ha,
        dirty_updates=ha and bool(vtcr.HD.get(control)),
        indirect=registers.get("S2PIR_EL2", 0) if indirect else None,
        execute_never_by_el=Feature.XNX in profile.features,
        shareability=vtcr.SH0.get(control) if ds else None,
        data_non_cacheable=bool(hcr.CD.get(hypervisor)),
        fetch_non_cacheable=bool(hcr.ID.get(hypervisor)),
        device_fetch_faults=profile.implementation.fetch_from_device is DeviceFetch.FAULT,
    )


def _walk_parameters(
    profile: Profile,
    registers: Mapping[str, int],
    granule: Granule,
    *,
    ds: bool,
    d128: bool,
    access_flag_faults: bool,
) -> tuple[WalkParameters | None, str]:
    """Return the walk, or the name of the function that refuses it."""
    control, base = registers.get("VTCR_EL2", 0), registers.get("VTTBR_EL2", 0)
    txsz = effective_txsz(
        profile,
        vtcr.T0SZ.get(control),
        smallest_stage2_txsz(profile, granule, ds=ds, d128=d128),
        largest_txsz(profile, granule),
        below_always_faults=Feature.LPA in profile.features,
    )
    if txsz is None:
        return None, "AArch64.S2TxSZFaults"
    ia_bits = 64 - txsz
    entry_shift = 4 if d128 else 3
    stride = granule.bits - entry_shift
    if d128:
        level = start_level(ia_bits, granule.bits, stride, ttbr.SKL.get(base))
    else:
        selected = _start_level(profile, control, granule, ds=ds)
        if selected is None:
            return None, "AArch64.S2InvalidSL"
        level = selected
    shift = granule.bits + (LAST_LEVEL - level) * stride
    if not d128 and not shift < ia_bits <= shift + stride + _LARGEST_CONCATENATION:
        return None, "AArch64.S2InconsistentSL"
    ps = vtcr.PS.get(control)
    return (
        WalkParameters(
            stage=2,
            granule_bits=granule.bits,
            stride=stride,
            entry_shift=entry_shift,
            ia_bits=ia_bits,
            start_level=level,
            base=table_base(
                base,
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
            disch=False,
        ),
        "",
    )


def _start_level(profile: Profile, control: int, granule: Granule, *, ds: bool) -> int | None:
    """AArch64.S2StartLevel; None where AArch64.S2InvalidSL."""
    selector = vtcr.SL0.get(control)
    if granule is Granule.K4 and ds:
        selector |= vtcr.SL2.get(control) << 2
    levels = _START_LEVELS[granule]
    if selector >= len(levels):
        return None
    level = levels[selector]
    if granule is Granule.K16:
        invalid = (level == 0 and not ds) or (level == 1 and profile.pa_bits < 42)  # noqa: PLR2004
    elif granule is Granule.K4:
        small_tables = Feature.TTST in profile.features
        invalid = (level == 0 and profile.pa_bits < 44) or (  # noqa: PLR2004
            level == LAST_LEVEL and not small_tables
        )
    else:
        invalid = level == 1 and profile.pa_bits < 44  # noqa: PLR2004
    return None if invalid else level
