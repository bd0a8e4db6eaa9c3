"""TCR_EL1, and TCR_EL2 while HCR_EL2.E2H is 1: both halves of the address range.

TCR_EL2 with E2H clear has other positions: `harness.arch.registers.tcr_el2`.
"""

from __future__ import annotations

from harness.arch.fields import Field, Layout, flag
from harness.arch.registers.base import (
    CACHEABILITY,
    PHYSICAL_SIZE,
    SHAREABILITY,
    TG0_GRANULE,
    register,
)
from harness.arch.registers.tcr_el2 import TCR_EL2 as TCR_EL2_LAYOUT
from harness.arch.registers.tcr_el2 import TCR_EL2_ENCODING

T0SZ = Field("T0SZ", 5, 0, "Size offset of the TTBR0 region: 2^(64-T0SZ) bytes")
EPD0 = flag("EPD0", 7, "TTBR0 walk disable", "walk on a TLB miss", "a TLB miss faults")
IRGN0 = Field("IRGN0", 9, 8, "Inner cacheability of TTBR0 walks", CACHEABILITY)
ORGN0 = Field("ORGN0", 11, 10, "Outer cacheability of TTBR0 walks", CACHEABILITY)
SH0 = Field("SH0", 13, 12, "Shareability of TTBR0 walks", SHAREABILITY)
TG0 = Field("TG0", 15, 14, "Granule of TTBR0", TG0_GRANULE)
T1SZ = Field("T1SZ", 21, 16, "Size offset of the TTBR1 region: 2^(64-T1SZ) bytes")
A1 = flag("A1", 22, "Which TTBR holds the ASID", "TTBR0.ASID", "TTBR1.ASID")
EPD1 = flag("EPD1", 23, "TTBR1 walk disable", "walk on a TLB miss", "a TLB miss faults")
IRGN1 = Field("IRGN1", 25, 24, "Inner cacheability of TTBR1 walks", CACHEABILITY)
ORGN1 = Field("ORGN1", 27, 26, "Outer cacheability of TTBR1 walks", CACHEABILITY)
SH1 = Field("SH1", 29, 28, "Shareability of TTBR1 walks", SHAREABILITY)
TG1 = Field("TG1", 31, 30, "Granule of TTBR1", {0: "reserved", 1: "16KB", 2: "4KB", 3: "64KB"})
IPS = Field("IPS", 34, 32, "Intermediate physical address size", PHYSICAL_SIZE)
AS = flag("AS", 36, "ASID size", "8 bits", "16 bits")
TBI0 = flag("TBI0", 37, "Top byte ignored, TTBR0", "used", "ignored")
TBI1 = flag("TBI1", 38, "Top byte ignored, TTBR1", "used", "ignored")
HA = flag("HA", 39, "Hardware Access flag update", "disabled", "enabled", "FEAT_HAFDBS")
HD = flag("HD", 40, "Hardware management of dirty state", "disabled", "enabled", "FEAT_HAFDBS")
_HPD = ("APTable, PXNTable, UXNTable apply", "hierarchical permissions disabled", "FEAT_HPDS")
HPD0 = flag("HPD0", 41, "Hierarchical permission disables, TTBR0", *_HPD)
HPD1 = flag("HPD1", 42, "Hierarchical permission disables, TTBR1", *_HPD)
_HWU = ("not for hardware", "hardware may use it if HPD is set", "FEAT_HPDS2")
HWU059 = flag("HWU059", 43, "Hardware use of leaf bit 59, TTBR0", *_HWU)
HWU060 = flag("HWU060", 44, "Hardware use of leaf bit 60, TTBR0", *_HWU)
HWU061 = flag("HWU061", 45, "Hardware use of leaf bit 61, TTBR0", *_HWU)
HWU062 = flag("HWU062", 46, "Hardware use of leaf bit 62, TTBR0", *_HWU)
HWU159 = flag("HWU159", 47, "Hardware use of leaf bit 59, TTBR1", *_HWU)
HWU160 = flag("HWU160", 48, "Hardware use of leaf bit 60, TTBR1", *_HWU)
HWU161 = flag("HWU161", 49, "Hardware use of leaf bit 61, TTBR1", *_HWU)
HWU162 = flag("HWU162", 50, "Hardware use of leaf bit 62, TTBR1", *_HWU)
_TBID = ("instructions and data", "data accesses only", "FEAT_PAuth")
TBID0 = flag("TBID0", 51, "TBI0 applies to", *_TBID)
TBID1 = flag("TBID1", 52, "TBI1 applies to", *_TBID)
_NFD = ("normal", "non-fault unprivileged accesses fault", "FEAT_SVE")
NFD0 = flag("NFD0", 53, "Non-fault translation disable, TTBR0", *_NFD)
NFD1 = flag("NFD1", 54, "Non-fault translation disable, TTBR1", *_NFD)
_E0PD = ("EL0 may access", "an access made as EL0 faults", "FEAT_E0PD")
E0PD0 = flag("E0PD0", 55, "Unprivileged access to the TTBR0 region", *_E0PD)
E0PD1 = flag("E0PD1", 56, "Unprivileged access to the TTBR1 region", *_E0PD)
_TCMA = ("tag checked", "unchecked", "FEAT_MTE2")
TCMA0 = flag("TCMA0", 57, "Accesses with logical tag 0b0000, VA[55] = 0", *_TCMA)
TCMA1 = flag("TCMA1", 58, "Accesses with logical tag 0b1111, VA[55] = 1", *_TCMA)
DS = flag("DS", 59, "52-bit descriptors for 4KB and 16KB", "48-bit", "52-bit (LPA2)", "FEAT_LPA2")
_MTX = ("disabled", "VA[59:56] holds a tag, not an address", "FEAT_MTE4")
MTX0 = flag("MTX0", 60, "Extended memory tag checking, TTBR0", *_MTX)
MTX1 = flag("MTX1", 61, "Extended memory tag checking, TTBR1", *_MTX)

# fmt: off
FIELDS = (
    T0SZ, EPD0, IRGN0, ORGN0, SH0, TG0, T1SZ, A1, EPD1, IRGN1, ORGN1, SH1, TG1, IPS, AS,
    TBI0, TBI1, HA, HD, HPD0, HPD1, HWU059, HWU060, HWU061, HWU062, HWU159, HWU160, HWU161,
    HWU162, TBID0, TBID1, NFD0, NFD1, E0PD0, E0PD1, TCMA0, TCMA1, DS, MTX0, MTX1,
)
# fmt: on

TCR_EL1 = Layout.of("TCR_EL1", "Translation Control Register (EL1)", *FIELDS)
TCR_EL2_E2H = Layout.of("TCR_EL2", "Translation Control Register (EL2), E2H = 1", *FIELDS)

REGISTERS = (
    register(TCR_EL1, (3, 0, 2, 0, 2)),
    register(TCR_EL2_LAYOUT, TCR_EL2_ENCODING, layout_e2h=TCR_EL2_E2H),
)
