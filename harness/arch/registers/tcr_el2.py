"""TCR_EL2 while HCR_EL2.E2H is 0: one range, other positions than TCR_EL1."""

from __future__ import annotations

from harness.arch.fields import Field, Layout, flag, res1
from harness.arch.registers.base import CACHEABILITY, PHYSICAL_SIZE, SHAREABILITY, TG0_GRANULE

T0SZ = Field("T0SZ", 5, 0, "Size offset of the region: 2^(64-T0SZ) bytes")
IRGN0 = Field("IRGN0", 9, 8, "Inner cacheability of walks", CACHEABILITY)
ORGN0 = Field("ORGN0", 11, 10, "Outer cacheability of walks", CACHEABILITY)
SH0 = Field("SH0", 13, 12, "Shareability of walks", SHAREABILITY)
TG0 = Field("TG0", 15, 14, "Granule", TG0_GRANULE)
PS = Field("PS", 18, 16, "Physical address size", PHYSICAL_SIZE)
TBI = flag("TBI", 20, "Top byte ignored", "used", "ignored")
HA = flag("HA", 21, "Hardware Access flag update", "disabled", "enabled", "FEAT_HAFDBS")
HD = flag("HD", 22, "Hardware management of dirty state", "disabled", "enabled", "FEAT_HAFDBS")
HPD = flag(
    "HPD",
    24,
    "Hierarchical permission disables",
    "APTable, XNTable apply",
    "hierarchical permissions disabled",
    "FEAT_HPDS",
)
_HWU = ("not for hardware", "hardware may use it if HPD is set", "FEAT_HPDS2")
HWU59 = flag("HWU59", 25, "Hardware use of leaf bit 59", *_HWU)
HWU60 = flag("HWU60", 26, "Hardware use of leaf bit 60", *_HWU)
HWU61 = flag("HWU61", 27, "Hardware use of leaf bit 61", *_HWU)
HWU62 = flag("HWU62", 28, "Hardware use of leaf bit 62", *_HWU)
TBID = flag(
    "TBID", 29, "TBI applies to", "instructions and data", "data accesses only", "FEAT_PAuth"
)
TCMA = flag("TCMA", 30, "Accesses with logical tag 0b0000", "tag checked", "unchecked", "FEAT_MTE2")
DS = flag("DS", 32, "52-bit descriptors for 4KB and 16KB", "48-bit", "52-bit (LPA2)", "FEAT_LPA2")
MTX = flag(
    "MTX",
    33,
    "Extended memory tag checking",
    "disabled",
    "VA[59:56] holds a tag, not an address",
    "FEAT_MTE4",
)

# fmt: off
TCR_EL2 = Layout.of(
    "TCR_EL2", "Translation Control Register (EL2)",
    T0SZ, IRGN0, ORGN0, SH0, TG0, PS, TBI, HA, HD, res1(23), HPD, HWU59, HWU60, HWU61, HWU62,
    TBID, TCMA, res1(31), DS, MTX,
)
# fmt: on

TCR_EL2_ENCODING = (3, 4, 2, 0, 2)
