"""VTCR_EL2: the walk of stage 2."""

from __future__ import annotations

from harness.arch.fields import Field, Layout, flag, res1
from harness.arch.registers.base import (
    CACHEABILITY,
    PHYSICAL_SIZE,
    SHAREABILITY,
    TG0_GRANULE,
    register,
)

_OFF = ("disabled", "enabled")

T0SZ = Field("T0SZ", 5, 0, "Size offset of the IPA range: 2^(64-T0SZ) bytes")
SL0 = Field("SL0", 7, 6, "Starting level, by granule")
IRGN0 = Field("IRGN0", 9, 8, "Inner cacheability of walks", CACHEABILITY)
ORGN0 = Field("ORGN0", 11, 10, "Outer cacheability of walks", CACHEABILITY)
SH0 = Field("SH0", 13, 12, "Shareability of walks", SHAREABILITY)
TG0 = Field("TG0", 15, 14, "Granule", TG0_GRANULE)
PS = Field("PS", 18, 16, "Physical address size", PHYSICAL_SIZE)
VS = flag("VS", 19, "VMID size", "8 bits", "16 bits", "FEAT_VMID16")
HA = flag("HA", 21, "Hardware Access flag update", *_OFF, "FEAT_HAFDBS")
HD = flag("HD", 22, "Hardware management of dirty state", *_OFF, "FEAT_HAFDBS")
_HWU = ("not for hardware", "hardware may use it", "FEAT_HPDS2")
HWU59 = flag("HWU59", 25, "Hardware use of leaf bit 59", *_HWU)
HWU60 = flag("HWU60", 26, "Hardware use of leaf bit 60", *_HWU)
HWU61 = flag("HWU61", 27, "Hardware use of leaf bit 61", *_HWU)
HWU62 = flag("HWU62", 28, "Hardware use of leaf bit 62", *_HWU)
NSW = flag("NSW", 29, "Non-secure stage 2 walks", "Secure PA", "Non-secure PA", "FEAT_SEL2")
NSA = flag("NSA", 30, "Non-secure stage 2 output", "Secure PA", "Non-secure PA", "FEAT_SEL2")
DS = flag("DS", 32, "52-bit descriptors for 4KB and 16KB", "48-bit", "52-bit (LPA2)", "FEAT_LPA2")
SL2 = flag("SL2", 33, "Starting level -1 for 4KB with DS", "as SL0", "level -1", "FEAT_LPA2")
ASSURED_ONLY = flag("AssuredOnly", 34, "AssuredOnly attribute of leaves", *_OFF, "FEAT_THE")
TL1 = flag("TL1", 35, "TopLevel check for TTBR1", *_OFF, "FEAT_THE")
S2PIE = flag("S2PIE", 36, "Permissions of leaves", "direct", "indirect", "FEAT_S2PIE")
S2POE = flag("S2POE", 37, "Permission overlays", *_OFF, "FEAT_S2POE")
D128 = flag("D128", 38, "Descriptor size", "64 bits", "128 bits", "FEAT_D128")
GCSH = flag("GCSH", 40, "Assured translations for guarded control stacks", *_OFF, "FEAT_THE")
TL0 = flag("TL0", 41, "TopLevel check for TTBR0", *_OFF, "FEAT_THE")
HAFT = flag("HAFT", 44, "Hardware Access flag in tables", *_OFF, "FEAT_HAFT")
HDBSS = flag("HDBSS", 45, "Hardware dirty state tracking structure", *_OFF, "FEAT_HDBSS")

# fmt: off
VTCR_EL2 = Layout.of(
    "VTCR_EL2", "Virtualization Translation Control Register",
    T0SZ, SL0, IRGN0, ORGN0, SH0, TG0, PS, VS, HA, HD, HWU59, HWU60, HWU61, HWU62, NSW, NSA,
    res1(31), DS, SL2, ASSURED_ONLY, TL1, S2PIE, S2POE, D128, GCSH, TL0, HAFT, HDBSS,
)
# fmt: on

REGISTERS = (register(VTCR_EL2, (3, 4, 2, 1, 2)),)
