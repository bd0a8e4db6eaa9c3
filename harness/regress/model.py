"""The reference model on a descriptor at its place, for every kind of tables."""

from __future__ import annotations

from harness.arch.addresses import VirtualAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.features import PROFILES
from harness.arch.granule import Granule
from harness.encodings.finding import Moment
from harness.encodings.form import STAGE_2, Form
from harness.memory import WordMemory
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.outcome import Outcome
from harness.vmsa.translate import Mmu

_ROOT = 0x1_0000_0000
_STEP = 0x10_0000
_TABLE = 3
_TG0 = {Granule.K4: 0, Granule.K64: 1, Granule.K16: 2}
_SL0 = {Granule.K4: 2, Granule.K16: 2, Granule.K64: 2}
"""VTCR_EL2.SL0 for the highest start level without FEAT_LPA2: 0 with 4K, else 1."""
_NARROW, _WIDE = 48, 52
_PS_48, _PS_52 = 5, 6
_SCTLR_M = 1
_HCR_VM, _HCR_RW = 1, 1 << 31
_DS = 1 << 59
_EPD1 = 1 << 23


def outcome_of(moment: Moment) -> Outcome:
    """Return what a store does whose walk meets the descriptor of `moment`, tables above it.

    Of the first address of the input range; the memory holds nothing else.
    """
    form, level = moment.place.form, moment.place.level
    words = {}
    table = _ROOT
    for above in range(form.levels.start, level):
        words[table] = (table + _STEP) | _TABLE
        table += _STEP
        del above
    words[table] = moment.value
    profile = PROFILES["neoverse-v1" if form.output is OutputFormat.VMSA48 else "max"]
    mmu = Mmu(profile, _stage2(form) if form.stage == STAGE_2 else _stage1(form))
    return mmu.translate(WordMemory(words), Access(VirtualAddress(0), AccessKind.WRITE, el=1))


def _stage1(form: Form) -> dict[str, int]:
    wide = form.output is not OutputFormat.VMSA48
    size = 64 - (_WIDE if wide else _NARROW)
    control = size | _TG0[form.granule] << 14 | (_PS_52 if wide else _PS_48) << 32 | _EPD1
    if form.output is OutputFormat.LPA2:
        control |= _DS
    return {"SCTLR_EL1": _SCTLR_M, "TCR_EL1": control, "TTBR0_EL1": _ROOT, "MAIR_EL1": 0xFF}


def _stage2(form: Form) -> dict[str, int]:
    control = (64 - _NARROW) | _SL0[form.granule] << 6 | _TG0[form.granule] << 14 | _PS_48 << 16
    return {"HCR_EL2": _HCR_VM | _HCR_RW, "VTCR_EL2": control, "VTTBR_EL2": _ROOT}
