"""A machine for a case: features, choices, and registers that mostly make sense."""

from __future__ import annotations

from harness.arch.features import Feature, Profile
from harness.arch.fields import Field
from harness.arch.implementation import (
    DeviceFetch,
    Implementation,
    Misprogrammed,
    OutOfRange,
    ReservedAttribute,
    ReservedGranule,
)
from harness.arch.registers import hcr, sctlr, tcr, tcr2, tcr_el2, ttbr, vtcr
from harness.sweep.dice import Dice
from harness.sweep.recipes import COMMON, Recipe
from harness.vmsa.context import Context
from harness.vmsa.regime import Regime
from harness.vmsa.stage2_parameters import stage2_parameters

_SCTLR = 0x30D0_0800
"""Bits that are RES1 without any feature."""
_MAIR = (0xFF, 0xF4, 0x44, 0xBB, 0x4F, 0x00, 0x04, 0x08, 0x0C)
"""Normal memory of several kinds, and every kind of Device."""
_MAIR_RESERVED = 0xC0
_TG0, _TG1 = (0, 1, 2), (1, 2, 3)
"""What is not reserved."""
_TG0_RESERVED, _TG1_RESERVED = 3, 0
_RESERVED_GRANULES = 0.1
_TRIES = 30


def make_profile(dice: Dice, recipe: Recipe) -> Profile:
    """Return the features, the physical size and the choices."""
    features = COMMON | recipe.always
    for some in recipe.sometimes:
        if dice.chance(0.4):
            features |= some
    sizes = [bits for bits in recipe.pa_bits if bits <= (52 if Feature.LPA in features else 48)]
    if Feature.D128 in features:
        sizes = list(recipe.pa_bits)
    choices = _choices(dice) if recipe.choices else Implementation()
    return Profile("", features, dice.one_of(sizes), choices)


def _choices(dice: Dice) -> Implementation:
    return Implementation(
        txsz_above_max=dice.one_of(tuple(OutOfRange)),
        txsz_below_min=dice.one_of(tuple(OutOfRange)),
        contiguous_misprogrammed=dice.one_of(tuple(Misprogrammed)),
        nt_bit=dice.one_of(tuple(Misprogrammed)),
        bbm_level=dice.between(0, 2),
        af_update_on_alignment_or_permission_fault=dice.chance(0.5),
        dirty_update_on_alignment_fault=dice.chance(0.5),
        fetch_from_device=dice.one_of(tuple(DeviceFetch)),
        reserved_granule=dice.one_of(tuple(ReservedGranule)),
        reserved_memory_attribute=dice.one_of(tuple(ReservedAttribute)),
    )


def make_registers(dice: Dice, recipe: Recipe, profile: Profile) -> dict[str, int]:
    """Return every register that the translation depends on."""
    suffix = recipe.regime.suffix
    registers = {
        "SCTLR" + suffix: _sctlr(dice, recipe, profile),
        "MAIR" + suffix: _mair(dice, recipe),
        "HCR_EL2": _hcr(dice, recipe, profile),
    }
    if recipe.regime is Regime.EL2:
        registers["TCR_EL2"] = _tcr_el2(dice, recipe, profile)
    else:
        registers["TCR" + suffix] = _tcr(dice, recipe, profile)
    if profile.has(Feature.TCR2):
        registers["TCR2" + suffix] = _tcr2(dice, recipe, profile)
        registers["PIR" + suffix] = dice.bits(64)
        registers["PIRE0" + suffix] = dice.bits(64)
    if profile.has(Feature.S1POE):
        registers |= {"POR" + suffix: dice.bits(64), "POR_EL0": dice.bits(64)}
    if recipe.stage2:
        registers |= _stage2(dice, recipe, profile, registers["HCR_EL2"])
    context = Context(profile, registers, recipe.regime)
    for number in range(2 if recipe.regime.has_unprivileged else 1):
        # An address of each half: bit 55 selects it.
        parameters = context.stage1(number << 55)
        size = parameters.walk.oa_bits if parameters.walk else profile.pa_bits
        if recipe.stage2 and context.stage2.walk:
            size = min(size, context.stage2.walk.ia_bits)
        registers[f"TTBR{number}{suffix}"] = _base(dice, size, d128=parameters.d128)
    return registers


def _mair(dice: Dice, recipe: Recipe) -> int:
    kinds = (*_MAIR, _MAIR_RESERVED) if recipe.choices else _MAIR
    return int.from_bytes(bytes(dice.one_of(kinds) for _ in range(8)), "little")


def _sctlr(dice: Dice, recipe: Recipe, profile: Profile) -> int:
    checked = 0.3 if recipe.misaligned else 0.03
    often: dict[Field, float] = {
        sctlr.M: 0.9 if recipe.stage2 else 0.98,
        sctlr.C: 0.95,
        sctlr.I: 0.9,
        sctlr.A: checked,
        sctlr.WXN: 0.2,
    }
    if profile.has(Feature.LSE2):
        often[sctlr.NAA] = 0.5
    if profile.has(Feature.PAN3):
        often[sctlr.EPAN] = 0.5
    return _SCTLR | dice.flags(often)


def _txsz(dice: Dice, recipe: Recipe, profile: Profile) -> int:
    if dice.chance(recipe.out_of_range):
        return dice.bits(6)
    least = 12 if profile.has(Feature.LVA) and dice.chance(0.4) else 16
    if profile.has(Feature.D128):
        least = 10
    return dice.between(least, 47 if profile.has(Feature.TTST) else 39)


def _ps(dice: Dice, profile: Profile) -> int:
    return dice.one_of((5, 5, 6, dice.between(0, 7 if profile.has(Feature.D128) else 6)))


def _tcr(dice: Dice, recipe: Recipe, profile: Profile) -> int:
    value = dice.fields(
        tcr.SH0, tcr.SH1, tcr.IRGN0, tcr.IRGN1, tcr.ORGN0, tcr.ORGN1, tcr.A1, tcr.AS
    )
    value = tcr.T0SZ.set(value, _txsz(dice, recipe, profile))
    value = tcr.T1SZ.set(value, _txsz(dice, recipe, profile))
    reserved = recipe.choices and dice.chance(_RESERVED_GRANULES)
    value = tcr.TG0.set(value, _TG0_RESERVED if reserved else dice.one_of(_TG0))
    value = tcr.TG1.set(value, _TG1_RESERVED if reserved else dice.one_of(_TG1))
    value = tcr.IPS.set(value, _ps(dice, profile))
    hardware = 0.6 if profile.has(Feature.HAFDBS) else 0.05
    return value | dice.flags(
        {
            tcr.TBI0: 0.4, tcr.TBI1: 0.4, tcr.TBID0: 0.3, tcr.TBID1: 0.3,
            tcr.EPD0: 0.03, tcr.EPD1: 0.03, tcr.HPD0: 0.2, tcr.HPD1: 0.2,
            tcr.HA: hardware, tcr.HD: hardware, tcr.E0PD0: 0.2, tcr.E0PD1: 0.2,
            tcr.DS: 0.6 if profile.has(Feature.LPA2) else 0.02,
        }
    )  # fmt: skip


def _tcr_el2(dice: Dice, recipe: Recipe, profile: Profile) -> int:
    value = dice.fields(tcr_el2.SH0, tcr_el2.IRGN0, tcr_el2.ORGN0)
    value = tcr_el2.T0SZ.set(value, _txsz(dice, recipe, profile))
    value = tcr_el2.TG0.set(value, dice.one_of(_TG0))
    value = tcr_el2.PS.set(value, min(6, _ps(dice, profile)))
    hardware = 0.6 if profile.has(Feature.HAFDBS) else 0.05
    return value | dice.flags(
        {
            tcr_el2.TBI: 0.4, tcr_el2.TBID: 0.3, tcr_el2.HPD: 0.2,
            tcr_el2.HA: hardware, tcr_el2.HD: hardware,
            tcr_el2.DS: 0.6 if profile.has(Feature.LPA2) else 0.02,
        }
    )  # fmt: skip


def _tcr2(dice: Dice, recipe: Recipe, profile: Profile) -> int:
    if recipe.regime is Regime.EL2:
        return dice.flags({tcr2.PIE: 0.7})
    often: dict[Field, float] = {tcr2.PIE: 0.8}
    if profile.has(Feature.S1POE):
        often |= {tcr2.POE: 0.7, tcr2.E0POE: 0.7, tcr2.PIE: 0.5}
    if profile.has(Feature.D128):
        often |= {tcr2.D128: 0.95, tcr2.DISCH0: 0.2, tcr2.DISCH1: 0.2}
    return dice.flags(often)


def _base(dice: Dice, size: int, *, d128: bool) -> int:
    """Return a TTBR or VTTBR: an address of `size` bits mostly, aligned to 64 bytes at least."""
    address = dice.bits(size if dice.chance(0.97) else 56) & ~0x3F
    # Small tables are rare, so that a base is seldom cut to the alignment of a large one.
    if dice.chance(0.8):
        address &= ~0xFFF
    low, high = address & (1 << 48) - 1, address >> 48
    if d128:
        skip = ttbr.SKL.set(0, dice.one_of((0, 0, 0, 1, 2)))
        return high << 80 | dice.bits(16) << 48 | low | skip
    return dice.bits(16) << 48 | low | (high & 0xF) << 2 | dice.bits(1)


def _hcr(dice: Dice, recipe: Recipe, profile: Profile) -> int:
    value = hcr.RW.mask
    if recipe.stage2:
        often = {hcr.VM: 0.95, hcr.DC: 0.05, hcr.PTW: 0.3, hcr.CD: 0.05, hcr.ID: 0.05}
        if profile.has(Feature.S2FWB):
            often[hcr.FWB] = 0.5
        return value | dice.flags(often)
    if recipe.regime is Regime.EL20:
        return value | hcr.E2H.mask | dice.flags({hcr.TGE: 0.9, hcr.VM: 0.1})
    return value | (dice.flags({hcr.VM: 0.1}) if recipe.regime is Regime.EL2 else 0)


def _stage2(dice: Dice, recipe: Recipe, profile: Profile, hypervisor: int) -> dict[str, int]:
    """Return VTCR_EL2 and VTTBR_EL2, mostly with a start level that fits T0SZ."""
    found: dict[str, int] = {}
    sensible = dice.chance(0.95)
    for _ in range(_TRIES):
        value = dice.fields(vtcr.SL0, vtcr.SH0, vtcr.IRGN0, vtcr.ORGN0, vtcr.VS)
        value = vtcr.T0SZ.set(value, _txsz(dice, recipe, profile))
        value = vtcr.TG0.set(value, dice.one_of(_TG0))
        value = vtcr.PS.set(value, _ps(dice, profile))
        hardware = 0.6 if profile.has(Feature.HAFDBS) else 0.05
        value |= dice.flags(
            {
                vtcr.HA: hardware, vtcr.HD: hardware,
                vtcr.DS: 0.6 if profile.has(Feature.LPA2) else 0.02,
                vtcr.SL2: 0.3 if profile.has(Feature.LPA2) else 0.0,
                vtcr.S2PIE: 0.7 if profile.has(Feature.S2PIE) else 0.0,
            }
        )  # fmt: skip
        found = {"VTCR_EL2": value}
        if profile.has(Feature.S2PIE):
            found["S2PIR_EL2"] = dice.bits(64)
        walk = stage2_parameters(profile, {**found, "HCR_EL2": hypervisor}).walk
        size = walk.oa_bits if walk else profile.pa_bits
        found["VTTBR_EL2"] = _base(dice, size, d128=False)
        if walk or not sensible:
            break
    return found
