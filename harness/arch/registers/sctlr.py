"""SCTLR_EL1 and SCTLR_EL2: the MMU's and the caches' master switches, alignment, WXN, EPAN."""

from __future__ import annotations

from collections.abc import Mapping

from harness.arch.fields import Field, Layout, flag, res1
from harness.arch.registers.base import register

_TAG_CHECK: Mapping[int, str] = {
    0: "no effect",
    1: "synchronous exception",
    2: "asynchronously accumulated",
    3: "synchronous on reads, asynchronous on writes",
}
_TRAP = ("trapped", "not trapped")
_PAUTH = ("disabled", "enabled", "FEAT_PAuth")

M = flag("M", 0, "Stage 1 address translation", "disabled", "enabled")
A = flag("A", 1, "Alignment check", "disabled", "enabled")
C = flag("C", 2, "Data accesses are cacheable", "no", "as the attributes say")
SA = flag("SA", 3, "SP alignment check at this EL", "disabled", "enabled")
SA0 = flag("SA0", 4, "SP alignment check at EL0", "disabled", "enabled")
CP15BEN = flag("CP15BEN", 5, "AArch32 CP15 barriers at EL0", "UNDEFINED", "enabled")
NAA = flag("nAA", 6, "Unaligned LDAPR-class accesses", "fault", "may be done", "FEAT_LSE2")
ITD = flag("ITD", 7, "AArch32 IT disable at EL0", "enabled", "disabled")
SED = flag("SED", 8, "AArch32 SETEND disable at EL0", "enabled", "disabled")
UMA = flag("UMA", 9, "DAIF at EL0", *_TRAP)
EN_RCTX = flag("EnRCTX", 10, "Restriction by context at EL0", *_TRAP, "FEAT_SPECRES")
EOS = flag("EOS", 11, "Exception exit synchronises context", "no", "yes", "FEAT_ExS")
I = flag("I", 12, "Fetches are cacheable", "no", "as the attributes say")  # noqa: E741 - the manual's name
EN_DB = flag("EnDB", 13, "Pointer authentication, data key B", *_PAUTH)
DZE = flag("DZE", 14, "DC ZVA at EL0", *_TRAP)
UCT = flag("UCT", 15, "CTR_EL0 at EL0", *_TRAP)
NTWI = flag("nTWI", 16, "WFI at EL0", *_TRAP)
NTWE = flag("nTWE", 18, "WFE at EL0", *_TRAP)
WXN = flag("WXN", 19, "Write permission implies execute-never", "no", "yes")
TSCXT = flag("TSCXT", 20, "SCXTNUM_EL0 at EL0", "not trapped", "trapped", "FEAT_CSV2_2")
IESB = flag("IESB", 21, "Implicit error synchronization", "disabled", "enabled", "FEAT_IESB")
EIS = flag("EIS", 22, "Exception entry synchronises context", "no", "yes", "FEAT_ExS")
SPAN = flag("SPAN", 23, "PSTATE.PAN on exception entry", "set to 1", "unchanged", "FEAT_PAN")
E0E = flag("E0E", 24, "Endianness of data at EL0", "little-endian", "big-endian")
EE = flag("EE", 25, "Endianness of data and of walks", "little-endian", "big-endian")
UCI = flag("UCI", 26, "Cache maintenance at EL0", *_TRAP)
EN_DA = flag("EnDA", 27, "Pointer authentication, data key A", *_PAUTH)
NTLSMD = flag("nTLSMD", 28, "AArch32 LDM/STM to Device", *_TRAP, "FEAT_LSMAOC")
LSMAOE = flag("LSMAOE", 29, "AArch32 LDM/STM ordering", "none", "as defined", "FEAT_LSMAOC")
EN_IB = flag("EnIB", 30, "Pointer authentication, instruction key B", *_PAUTH)
EN_IA = flag("EnIA", 31, "Pointer authentication, instruction key A", *_PAUTH)
CMOW = flag("CMOW", 32, "IC/DC at EL0 needs write permission", "no", "yes", "FEAT_CMOW")
MSCEN = flag("MSCEn", 33, "Memory copy and set at EL0", "UNDEFINED", "enabled", "FEAT_MOPS")
EN_FPM = flag("EnFPM", 34, "FPMR at EL0", *_TRAP, "FEAT_FPMR")
BT0 = flag("BT0", 35, "PACIASP at EL0 as branch target", "as BTI jc", "as BTI c", "FEAT_BTI")
BT1 = flag("BT1", 36, "PACIASP as branch target", "as BTI jc", "as BTI c", "FEAT_BTI")
BT = flag("BT", 36, "PACIASP as branch target", "as BTI jc", "as BTI c", "FEAT_BTI")
ITFSB = flag("ITFSB", 37, "Entry synchronises tag check faults", "no", "yes", "FEAT_MTE2")
TCF0 = Field("TCF0", 39, 38, "Tag check fault at EL0", _TAG_CHECK, feature="FEAT_MTE2")
TCF = Field("TCF", 41, 40, "Tag check fault at this EL", _TAG_CHECK, feature="FEAT_MTE2")
ATA0 = flag("ATA0", 42, "Allocation tag access at EL0", "prevented", "allowed", "FEAT_MTE2")
ATA = flag("ATA", 43, "Allocation tag access at this EL", "prevented", "allowed", "FEAT_MTE2")
DSSBS = flag("DSSBS", 44, "PSTATE.SSBS on exception entry", "0", "1", "FEAT_SSBS")
TWEDEN = flag("TWEDEn", 45, "TWE delay", "implementation's", "TWEDEL", "FEAT_TWED")
TWEDEL = Field("TWEDEL", 49, 46, "TWE delay: 2^(TWEDEL + 8) cycles", feature="FEAT_TWED")
TMT0 = flag("TMT0", 50, "Trivial transactional memory at EL0", "no", "yes", "FEAT_TME")
TMT = flag("TMT", 51, "Trivial transactional memory", "no", "yes", "FEAT_TME")
TME0 = flag("TME0", 52, "Transactional memory at EL0", *_TRAP, "FEAT_TME")
TME = flag("TME", 53, "Transactional memory", *_TRAP, "FEAT_TME")
EN_ASR = flag("EnASR", 54, "ST64BV at EL0", *_TRAP, "FEAT_LS64_V")
EN_AS0 = flag("EnAS0", 55, "ST64BV0 at EL0", *_TRAP, "FEAT_LS64_ACCDATA")
EN_ALS = flag("EnALS", 56, "LD64B and ST64B at EL0", *_TRAP, "FEAT_LS64")
EPAN = flag("EPAN", 57, "PAN also counts EL0 execute permission", "no", "yes", "FEAT_PAN3")
TCSO0 = flag("TCSO0", 58, "Tag checking of stores only at EL0", "no", "yes", "FEAT_MTE_STORE_ONLY")
TCSO = flag("TCSO", 59, "Tag checking of stores only", "no", "yes", "FEAT_MTE_STORE_ONLY")
EN_TP2 = flag("EnTP2", 60, "TPIDR2_EL0 at EL0", *_TRAP, "FEAT_SME")
NMI = flag("NMI", 61, "Non-maskable interrupts", "disabled", "enabled", "FEAT_NMI")
SPINTMASK = flag("SPINTMASK", 62, "PSTATE.SP masks interrupts", "no", "yes", "FEAT_NMI")
TIDCP = flag("TIDCP", 63, "IMPLEMENTATION DEFINED at EL0", "not trapped", "trapped", "FEAT_TIDCP1")

# fmt: off
_BOTH = (
    M, A, C, SA, NAA, EOS, I, EN_DB, WXN, IESB, EIS, EE, EN_DA, EN_IB, EN_IA, ITFSB, TCF, ATA,
    DSSBS, TCSO, NMI, SPINTMASK,
)
_EL0 = (
    SA0, CP15BEN, ITD, SED, EN_RCTX, DZE, UCT, NTWI, NTWE, TSCXT, SPAN, E0E, UCI, NTLSMD,
    LSMAOE, CMOW, MSCEN, EN_FPM, BT0, TCF0, ATA0, TWEDEN, TWEDEL, EN_ASR, EN_AS0, EN_ALS,
    EPAN, TCSO0, EN_TP2, TIDCP,
)
# fmt: on

SCTLR_EL1 = Layout.of(
    "SCTLR_EL1", "System Control Register (EL1)", *_BOTH, *_EL0, UMA, BT1, TMT0, TMT, TME0, TME
)
SCTLR_EL2 = Layout.of(
    "SCTLR_EL2",
    "System Control Register (EL2)",
    *_BOTH,
    BT,
    *(res1(bit) for bit in (4, 5, 16, 18, 23, 28, 29)),
)
SCTLR_EL2_E2H = Layout.of("SCTLR_EL2", "System Control Register (EL2), E2H = 1", *_BOTH, *_EL0, BT)

REGISTERS = (
    register(SCTLR_EL1, (3, 0, 1, 0, 0)),
    register(SCTLR_EL2, (3, 4, 1, 0, 0), layout_e2h=SCTLR_EL2_E2H),
)
