"""PAR_EL1: what an AT instruction found; one form for success, one for a fault, each in two sizes.

Sources: the manual's PAR_EL1; AArch64.EncodePAR.
"""

from __future__ import annotations

from harness.arch.fault_status import FAULT_STATUS_MEANINGS
from harness.arch.fields import Field, Kind, Layout, flag, res1
from harness.arch.registers.base import SHAREABILITY, register
from harness.arch.registers.mair import ATTRIBUTE_MEANINGS

F = flag("F", 0, "The translation", "succeeded", "failed")
SH = Field("SH", 8, 7, "Shareability", SHAREABILITY)
NS = flag("NS", 9, "Physical address space", "Secure", "Non-secure")
PA = Field("PA", 51, 12, "Output address, bits 51:12", address_lsb=12)
PA_D128 = Field("PA", 119, 76, "Output address, bits 55:12", address_lsb=12)
ATTR = Field("ATTR", 63, 56, "Memory attributes", ATTRIBUTE_MEANINGS)
D128 = flag("D128", 64, "Form of the register", "64 bits", "128 bits", "FEAT_D128")

FST = Field("FST", 6, 1, "Fault status code", FAULT_STATUS_MEANINGS)
PTW = flag("PTW", 8, "Stage 2 fault on a stage 1 walk", "no", "yes")
S = flag("S", 9, "Stage that aborted", "stage 1", "stage 2")
ASSURED_ONLY = flag("AssuredOnly", 12, "Fault due to AssuredOnly", "no", "yes", "FEAT_THE")
TOP_LEVEL = flag("TopLevel", 13, "Fault due to TopLevel", "no", "yes", "FEAT_THE")
OVERLAY = flag("Overlay", 14, "Fault due to an overlay", "no", "yes", "FEAT_S1POE")
DIRTY_BIT = flag("DirtyBit", 15, "Fault due to dirty state", "no", "yes", "FEAT_S1PIE")

_IMPLEMENTATION_DEFINED = Field("IMP DEF", 10, 10, "IMPLEMENTATION DEFINED", kind=Kind.IGNORED)
_SUCCESS = (F, SH, NS, _IMPLEMENTATION_DEFINED, res1(11), ATTR)
_FAILURE = (
    F,
    FST,
    PTW,
    S,
    res1(11),
    ASSURED_ONLY,
    TOP_LEVEL,
    OVERLAY,
    DIRTY_BIT,
    Field("IMP DEF", 63, 48, "IMPLEMENTATION DEFINED", kind=Kind.IGNORED),
)

PAR_EL1 = Layout.of("PAR_EL1", "Physical Address Register, success", *_SUCCESS, PA)
PAR_EL1_FAULT = Layout.of("PAR_EL1", "Physical Address Register, fault", *_FAILURE)
PAR_EL1_D128 = Layout.of(
    "PAR_EL1", "Physical Address Register, 128 bits, success", *_SUCCESS, D128, PA_D128, width=128
)
PAR_EL1_D128_FAULT = Layout.of(
    "PAR_EL1", "Physical Address Register, 128 bits, fault", *_FAILURE, D128, width=128
)

REGISTERS = (register(PAR_EL1, (3, 0, 7, 4, 0), layout_d128=PAR_EL1_D128),)


def par_layout(value: int) -> Layout:
    """Return the form that `value` itself says it has, by F and D128."""
    if D128.get(value):
        return PAR_EL1_D128_FAULT if F.get(value) else PAR_EL1_D128
    return PAR_EL1_FAULT if F.get(value) else PAR_EL1
