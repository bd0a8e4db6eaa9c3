"""ID_AA64MMFR0_EL1 to ID_AA64MMFR4_EL1: what the memory system implements."""

from __future__ import annotations

from harness.arch.fields import Field, Layout
from harness.arch.registers.base import register


def _feature(name: str, lsb: int, feature: str) -> Field:
    """Return a field that says whether one feature is there."""
    return Field(name, lsb + 3, lsb, feature, {0: "not implemented", 1: "implemented"})


def _ladder(name: str, lsb: int, long_name: str, *meanings: str) -> Field:
    """Return a field whose values 0, 1, 2… mean `meanings`."""
    return Field(name, lsb + 3, lsb, long_name, dict(enumerate(meanings)))


PARANGE = Field(
    "PARange",
    3,
    0,
    "Physical address range",
    {
        0: "32 bits",
        1: "36 bits",
        2: "40 bits",
        3: "42 bits",
        4: "44 bits",
        5: "48 bits",
        6: "52 bits",
        7: "56 bits",
    },
)
_ASID = {0: "8 bits", 2: "16 bits"}
_TGRAN4 = {0: "supported", 1: "supported, 52 bits", 15: "not supported"}
_TGRAN16 = {0: "not supported", 1: "supported", 2: "supported, 52 bits"}
_TGRAN64 = {0: "supported", 15: "not supported"}
_STAGE2 = {0: "as at stage 1", 1: "not supported", 2: "supported", 3: "supported, 52 bits"}

ID_AA64MMFR0_EL1 = Layout.of(
    "ID_AA64MMFR0_EL1",
    "AArch64 Memory Model Feature Register 0",
    PARANGE,
    Field("ASIDBits", 7, 4, "ASID size", _ASID),
    _ladder("BigEnd", 8, "Mixed-endian", "not supported", "supported"),
    _ladder("SNSMem", 12, "Secure and Non-secure memory", "no distinction", "distinguished"),
    _ladder("BigEndEL0", 16, "Mixed-endian at EL0 only", "not supported", "supported"),
    Field("TGran16", 23, 20, "16KB granule", _TGRAN16),
    Field("TGran64", 27, 24, "64KB granule", _TGRAN64),
    Field("TGran4", 31, 28, "4KB granule", _TGRAN4),
    Field("TGran16_2", 35, 32, "16KB granule at stage 2", _STAGE2),
    Field("TGran64_2", 39, 36, "64KB granule at stage 2", _STAGE2),
    Field("TGran4_2", 43, 40, "4KB granule at stage 2", _STAGE2),
    _feature("ExS", 44, "FEAT_ExS"),
    _ladder("FGT", 56, "Fine-grained traps", "not implemented", "FEAT_FGT", "FEAT_FGT2"),
    _ladder("ECV", 60, "Counter virtualization", "not implemented", "FEAT_ECV", "CNTPOFF_EL2"),
)
ID_AA64MMFR1_EL1 = Layout.of(
    "ID_AA64MMFR1_EL1",
    "AArch64 Memory Model Feature Register 1",
    _ladder(
        "HAFDBS",
        0,
        "Hardware updates of Access flag and dirty state",
        "not implemented",
        "Access flag",
        "Access flag and dirty state",
        "and Access flag of tables (FEAT_HAFT)",
        "and dirty state tracking structure (FEAT_HDBSS)",
    ),
    Field("VMIDBits", 7, 4, "VMID size", _ASID),
    _feature("VH", 8, "FEAT_VHE"),
    _ladder("HPDS", 12, "Hierarchical permission disables", "no", "FEAT_HPDS", "FEAT_HPDS2"),
    _feature("LO", 16, "FEAT_LOR"),
    _ladder(
        "PAN", 20, "Privileged access never", "no", "FEAT_PAN", "FEAT_PAN2", "FEAT_PAN3 (EPAN)"
    ),
    _ladder("SpecSEI", 24, "SError on a speculative access", "never", "may be"),
    _feature("XNX", 28, "FEAT_XNX"),
    _feature("TWED", 32, "FEAT_TWED"),
    _ladder("ETS", 36, "Enhanced translation sync", "no", "no", "FEAT_ETS2", "FEAT_ETS3"),
    _feature("HCX", 40, "FEAT_HCX"),
    _feature("AFP", 44, "FEAT_AFP"),
    _feature("nTLBPA", 48, "FEAT_nTLBPA"),
    _feature("TIDCP1", 52, "FEAT_TIDCP1"),
    _feature("CMOW", 56, "FEAT_CMOW"),
    _feature("ECBHB", 60, "FEAT_ECBHB"),
)
ID_AA64MMFR2_EL1 = Layout.of(
    "ID_AA64MMFR2_EL1",
    "AArch64 Memory Model Feature Register 2",
    _feature("CnP", 0, "FEAT_TTCNP"),
    _feature("UAO", 4, "FEAT_UAO"),
    _feature("LSM", 8, "FEAT_LSMAOC"),
    _feature("IESB", 12, "FEAT_IESB"),
    _ladder("VARange", 16, "Virtual address range", "48 bits", "52 bits", "56 bits"),
    _ladder("CCIDX", 20, "Format of CCSIDR_EL1", "32 bits", "64 bits"),
    _ladder("NV", 24, "Nested virtualization", "no", "FEAT_NV", "FEAT_NV2"),
    _ladder("ST", 28, "Small translation tables", "TnSZ to 39", "TnSZ to 48, or 47 (FEAT_TTST)"),
    _feature("AT", 32, "FEAT_LSE2"),
    _ladder("IDS", 36, "ID register traps", "EC 0x00", "EC 0x18 (FEAT_IDST)"),
    _feature("FWB", 40, "FEAT_S2FWB"),
    _feature("TTL", 48, "FEAT_TTL"),
    _ladder("BBM", 52, "Break-before-make", "level 0", "level 1", "level 2"),
    _ladder("EVT", 56, "Enhanced virtualization traps", "no", "some", "all (FEAT_EVT)"),
    _feature("E0PD", 60, "FEAT_E0PD"),
)
ID_AA64MMFR3_EL1 = Layout.of(
    "ID_AA64MMFR3_EL1",
    "AArch64 Memory Model Feature Register 3",
    _feature("TCRX", 0, "FEAT_TCR2"),
    _feature("SCTLRX", 4, "FEAT_SCTLR2"),
    _feature("S1PIE", 8, "FEAT_S1PIE"),
    _feature("S2PIE", 12, "FEAT_S2PIE"),
    _feature("S1POE", 16, "FEAT_S1POE"),
    _feature("S2POE", 20, "FEAT_S2POE"),
    _feature("AIE", 24, "FEAT_AIE"),
    _feature("MEC", 28, "FEAT_MEC"),
    _feature("D128", 32, "FEAT_D128"),
    _feature("D128_2", 36, "FEAT_D128 at stage 2"),
    Field("SNERR", 43, 40, "Synchronous Normal memory read errors"),
    Field("ANERR", 47, 44, "Asynchronous Normal memory read errors"),
    Field("SDERR", 55, 52, "Synchronous Device read errors"),
    Field("ADERR", 59, 56, "Asynchronous Device read errors"),
    _feature("Spec_FPACC", 60, "FEAT_FPACC_SPEC"),
)
ID_AA64MMFR4_EL1 = Layout.of(
    "ID_AA64MMFR4_EL1",
    "AArch64 Memory Model Feature Register 4",
    _feature("PoPS", 0, "FEAT_PoPS"),
    Field("EIESB", 7, 4, "Early implicit error synchronization"),
    _feature("ASID2", 8, "FEAT_ASID2"),
    _feature("HACDBS", 12, "FEAT_HACDBS"),
    _feature("FGWTE3", 16, "FEAT_FGWTE3"),
    _ladder("NV_frac", 20, "Nested virtualization", "NV and NV2", "NV2 only", "FEAT_NV2p1"),
    Field("E2H0", 27, 24, "HCR_EL2.E2H = 0", {0: "supported", 14: "no; NV1 RES0", 15: "no"}),
    _feature("RMEGDI", 28, "FEAT_RME_GDI"),
    _feature("E3DSE", 36, "FEAT_E3DSE"),
    _feature("SRMASK", 44, "FEAT_SRMASK"),
)

REGISTERS = (
    register(ID_AA64MMFR0_EL1, (3, 0, 0, 7, 0)),
    register(ID_AA64MMFR1_EL1, (3, 0, 0, 7, 1)),
    register(ID_AA64MMFR2_EL1, (3, 0, 0, 7, 2)),
    register(ID_AA64MMFR3_EL1, (3, 0, 0, 7, 3)),
    register(ID_AA64MMFR4_EL1, (3, 0, 0, 7, 4)),
)
