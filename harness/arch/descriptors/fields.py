"""Fields of 64-bit descriptors, at the place that they have in every granule and level.

Sources: DDI 0487, D8.3.1, VMSAv8-64 descriptor formats; D8.4, D8.5 and D8.6 for the meanings.
"""

from __future__ import annotations

from harness.arch.fields import Field, Kind, flag

VALID = flag("Valid", 0, "Valid descriptor", "no: hardware ignores all other bits", "yes")
TYPE_TABLE = flag("Type", 1, "Descriptor type", "block", "table")
TYPE_LAST = flag("Type", 1, "Descriptor type", "reserved", "page")
"""Bit 1 at level 3."""

# Stage 1 leaf, lower attributes.
ATTR_INDX = Field("AttrIndx", 4, 2, "Memory attributes: index into MAIR_ELx")
NS = Field("NS", 5, 5, "Non-secure; RES0 outside Secure and Realm state", kind=Kind.RES0)
AP = Field(
    "AP[2:1]",
    7,
    6,
    "Data access permissions",
    {
        0: "EL1 read/write, EL0 none",
        1: "EL1 and EL0 read/write",
        2: "EL1 read-only, EL0 none",
        3: "EL1 and EL0 read-only",
    },
)
SH = Field(
    "SH",
    9,
    8,
    "Shareability",
    {0: "Non-shareable", 1: "reserved", 2: "Outer Shareable", 3: "Inner Shareable"},
)
AF = flag("AF", 10, "Access flag", "an access faults, or sets it (HA)", "accessed")
NG = flag("nG", 11, "Not global", "all ASIDs", "one ASID only")
NT = flag("nT", 16, "Block translation entry", "may be cached", "may not be cached", "FEAT_BBM")

# Stage 1 leaf, upper attributes.
GP = flag("GP", 50, "Guarded page", "no", "indirect branches need BTI", "FEAT_BTI")
DBM = flag(
    "DBM", 51, "Dirty bit modifier", "AP[2] as it is", "a write clears AP[2] (HD)", "FEAT_HAFDBS"
)
CONTIGUOUS = flag("Contiguous", 52, "One of a contiguous run of entries", "no", "yes")
PXN = flag("PXN", 53, "Privileged execute-never", "executable at EL1", "not executable at EL1")
UXN = flag("UXN", 54, "Unprivileged execute-never", "executable at EL0", "not executable at EL0")
SOFTWARE = Field("Software", 58, 55, "Reserved for software use", kind=Kind.SOFTWARE)
PBHA = Field(
    "PBHA",
    62,
    59,
    "Page-based hardware attributes, if enabled",
    kind=Kind.IGNORED,
    feature="FEAT_HPDS2",
)
TOP_SOFTWARE = Field("Software", 63, 63, "Reserved for software use", kind=Kind.SOFTWARE)

# Stage 1 leaf with indirect permissions.
PI_INDEX_0 = Field("PIIndex[0]", 6, 6, "Permission index into PIR, bit 0", feature="FEAT_S1PIE")
PI_INDEX_1 = Field("PIIndex[1]", 51, 51, "Permission index into PIR, bit 1", feature="FEAT_S1PIE")
PI_INDEX_32 = Field(
    "PIIndex[3:2]", 54, 53, "Permission index into PIR, bits 3:2", feature="FEAT_S1PIE"
)
NDIRTY = flag("nDirty", 7, "Not dirty", "dirty: writable", "clean: a write faults or clears it")
PO_INDEX = Field("POIndex", 62, 60, "Overlay index into POR", feature="FEAT_S1POE")
BIT_59 = Field("PBHA[0]", 59, 59, "Page-based hardware attribute, if enabled", kind=Kind.IGNORED)

# Stage 1 table.
AF_TABLE = flag("AF", 10, "Access flag, if TCR2.HAFT", "not accessed", "accessed", "FEAT_HAFT")
PXN_TABLE = flag("PXNTable", 59, "PXN of all leaves below", "as they say", "PXN")
UXN_TABLE = flag("UXNTable", 60, "UXN of all leaves below", "as they say", "UXN")
AP_TABLE = Field(
    "APTable",
    62,
    61,
    "Data access permissions of all leaves below",
    {0: "as they say", 1: "no EL0 access", 2: "read-only", 3: "read-only, no EL0 access"},
)
NS_TABLE = Field("NSTable", 63, 63, "Non-secure tables below, in Secure state", kind=Kind.IGNORED)

# Stage 2 leaf.
MEM_ATTR = Field("MemAttr", 5, 2, "Memory attributes, combined as HCR_EL2.FWB says")
S2AP = Field(
    "S2AP",
    7,
    6,
    "Data access permissions",
    {0: "none", 1: "read-only", 2: "write-only", 3: "read/write"},
)
FNXS = flag("FnXS", 11, "XS attribute", "as stage 1 says", "0", "FEAT_XS")
XN_STAGE2 = Field(
    "XN[1:0]",
    54,
    53,
    "Execute-never; bit 53 is RES0 without FEAT_XNX",
    {
        0: "executable at EL1 and EL0",
        1: "executable at EL0 only",
        2: "not executable",
        3: "executable at EL1 only",
    },
)
DBM_STAGE2 = flag(
    "DBM", 51, "Dirty bit modifier", "S2AP[1] as it is", "a write sets S2AP[1] (HD)", "FEAT_HAFDBS"
)
DIRTY = flag("Dirty", 7, "Dirty state", "clean", "dirty")
NS_STAGE2 = Field("NS", 55, 55, "Non-secure in Realm state, else ignored", kind=Kind.IGNORED)
SOFTWARE_STAGE2 = Field("Software", 58, 56, "Reserved for software use", kind=Kind.SOFTWARE)
PO_INDEX_STAGE2 = Field("POIndex", 62, 59, "Overlay index into S2POR_EL1", feature="FEAT_S2POE")

# Output addresses that do not stand in place.
OA_LPA = Field(
    "OA[51:48]", 15, 12, "Output address, bits 51:48", feature="FEAT_LPA", address_lsb=48
)
NLTA_LPA = Field(
    "NLTA[51:48]", 15, 12, "Next-level table address", feature="FEAT_LPA", address_lsb=48
)
OA_LPA2 = Field(
    "OA[51:50]", 9, 8, "Output address, bits 51:50", feature="FEAT_LPA2", address_lsb=50
)
NLTA_LPA2 = Field(
    "NLTA[51:50]", 9, 8, "Next-level table address", feature="FEAT_LPA2", address_lsb=50
)


def address(msb: int, lsb: int, *, next_table: bool = False) -> Field:
    """Return the part of the address that stands in place: bits msb:lsb of the descriptor."""
    if next_table:
        return Field(f"NLTA[{msb}:{lsb}]", msb, lsb, "Next-level table address", address_lsb=lsb)
    return Field(f"OA[{msb}:{lsb}]", msb, lsb, "Output address", address_lsb=lsb)
