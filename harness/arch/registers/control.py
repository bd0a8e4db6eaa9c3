"""CPACR_EL1 and SCR_EL3: what the levels around EL1 permit."""

from __future__ import annotations

from collections.abc import Mapping

from harness.arch.fields import Field, Layout, flag, res1
from harness.arch.registers.base import register

_TRAPS: Mapping[int, str] = {
    0: "trapped at EL1 and EL0",
    1: "trapped at EL0",
    2: "trapped at EL1 and EL0",
    3: "not trapped",
}
_HELD = ("trapped to EL3", "not trapped")
_TRAP = ("not trapped", "trapped to EL3")
_ROUTE = ("not to EL3", "to EL3")

FPEN = Field("FPEN", 21, 20, "Advanced SIMD and floating-point", _TRAPS)
ZEN = Field("ZEN", 17, 16, "SVE", _TRAPS, feature="FEAT_SVE")
SMEN = Field("SMEN", 25, 24, "SME", _TRAPS, feature="FEAT_SME")

CPACR_EL1 = Layout.of(
    "CPACR_EL1",
    "Architectural Feature Access Control Register",
    ZEN,
    FPEN,
    SMEN,
    flag("TTA", 28, "Trace registers", "not trapped", "trapped"),
    flag("E0POE", 29, "POR_EL0 at EL0", "trapped", "not trapped", "FEAT_S1POE"),
)

NS = flag("NS", 0, "Security state of the levels below EL3", "Secure", "Non-secure")
RW = flag("RW", 10, "The next lower level is", "AArch32", "AArch64")
HX_EN = flag("HXEn", 38, "HCRX_EL2", *_HELD, "FEAT_HCX")
TCR2_EN = flag("TCR2En", 43, "TCR2_EL1 and TCR2_EL2", *_HELD, "FEAT_TCR2")
SCTLR2_EN = flag("SCTLR2En", 44, "SCTLR2_EL1 and SCTLR2_EL2", *_HELD, "FEAT_SCTLR2")
PI_EN = flag("PIEn", 45, "PIR and POR registers", *_HELD, "FEAT_S1PIE")
D128_EN = flag("D128En", 47, "128-bit system registers", *_HELD, "FEAT_D128")

# fmt: off
SCR_EL3 = Layout.of(
    "SCR_EL3", "Secure Configuration Register",
    NS,
    flag("IRQ", 1, "Physical IRQ", *_ROUTE),
    flag("FIQ", 2, "Physical FIQ", *_ROUTE),
    flag("EA", 3, "External aborts and SError", *_ROUTE),
    res1(5, 4),
    flag("SMD", 7, "SMC", "enabled", "UNDEFINED"),
    flag("HCE", 8, "HVC", "UNDEFINED", "enabled"),
    flag("SIF", 9, "Secure fetches from Non-secure memory", "permitted", "not permitted"),
    RW,
    flag("ST", 11, "Secure timer at Secure EL1", "trapped to EL3", "not trapped"),
    flag("TWI", 12, "WFI", *_TRAP),
    flag("TWE", 13, "WFE", *_TRAP),
    flag("TLOR", 14, "LOR registers", *_TRAP, "FEAT_LOR"),
    flag("TERR", 15, "Error record registers", *_TRAP, "FEAT_RAS"),
    flag("APK", 16, "Pointer authentication keys", *_HELD, "FEAT_PAuth"),
    flag("API", 17, "Pointer authentication instructions", *_HELD, "FEAT_PAuth"),
    flag("EEL2", 18, "Secure EL2", "disabled", "enabled", "FEAT_SEL2"),
    flag("EASE", 19, "External aborts to the SError vector", "no", "yes", "FEAT_DoubleFault"),
    flag("NMEA", 20, "Non-maskable External aborts", "no", "yes", "FEAT_DoubleFault"),
    flag("FIEN", 21, "Fault injection registers", *_HELD, "FEAT_RASv1p1"),
    flag("EnSCXT", 25, "SCXTNUM registers", *_HELD, "FEAT_CSV2_2"),
    flag("ATA", 26, "Allocation tag access", "prevented", "allowed", "FEAT_MTE2"),
    flag("FGTEn", 27, "Fine-grained traps", "disabled", "enabled", "FEAT_FGT"),
    flag("ECVEn", 28, "CNTPOFF_EL2", *_HELD, "FEAT_ECV"),
    flag("TWEDEn", 29, "TWE delay", "implementation's", "TWEDEL", "FEAT_TWED"),
    Field("TWEDEL", 33, 30, "TWE delay: 2^(TWEDEL + 8) cycles", feature="FEAT_TWED"),
    flag("TME", 34, "Transactional memory", *_HELD, "FEAT_TME"),
    flag("AMVOFFEN", 35, "Activity monitor offsets", *_HELD, "FEAT_AMUv1p1"),
    flag("EnAS0", 36, "ST64BV0", *_HELD, "FEAT_LS64_ACCDATA"),
    flag("ADEn", 37, "ACCDATA_EL1", *_HELD, "FEAT_LS64_ACCDATA"),
    HX_EN,
    flag("GCSEn", 39, "Guarded control stack", "disabled", "enabled", "FEAT_GCS"),
    flag("TRNDR", 40, "RNDR and RNDRRS", *_TRAP, "FEAT_RNG_TRAP"),
    flag("EnTP2", 41, "TPIDR2_EL0", *_HELD, "FEAT_SME"),
    flag("RCWMASKEn", 42, "RCWMASK_EL1", *_HELD, "FEAT_THE"),
    TCR2_EN, SCTLR2_EN, PI_EN,
    flag("AIEn", 46, "MAIR2 and AMAIR2", *_HELD, "FEAT_AIE"),
    D128_EN,
    flag("GPF", 48, "Granule protection faults", *_ROUTE, "FEAT_RME"),
    flag("MECEn", 49, "Memory encryption contexts", *_HELD, "FEAT_MEC"),
    flag("EnFPM", 50, "FPMR", *_HELD, "FEAT_FPMR"),
    flag("TMEA", 51, "Masked External aborts", *_ROUTE, "FEAT_DoubleFault2"),
    flag("TWERR", 52, "Writes of error records", *_TRAP, "FEAT_RAS"),
    flag("PFAREn", 53, "PFAR registers", *_HELD, "FEAT_PFAR"),
    flag("NSE", 62, "With NS, the Security state", feature="FEAT_RME"),
)
# fmt: on

REGISTERS = (register(CPACR_EL1, (3, 0, 1, 0, 2)), register(SCR_EL3, (3, 6, 1, 1, 0)))
