"""HCR_EL2 and HCRX_EL2: what EL2 traps, and which translation its guests get."""

from __future__ import annotations

from harness.arch.fields import Field, Layout, flag
from harness.arch.registers.base import register

_OFF = ("disabled", "enabled")
_TRAP = ("not trapped", "trapped to EL2")
_HELD = ("trapped to EL2", "not trapped")

VM = flag("VM", 0, "Stage 2 of EL1&0", *_OFF)
SWIO = flag("SWIO", 1, "Set/way invalidation acts as clean and invalidate", "no", "yes")
PTW = flag("PTW", 2, "A stage 1 walk to stage 2 Device memory", "is done", "faults")
FMO = flag("FMO", 3, "Physical FIQ routing", "not to EL2", "to EL2")
IMO = flag("IMO", 4, "Physical IRQ routing", "not to EL2", "to EL2")
AMO = flag("AMO", 5, "SError routing", "not to EL2", "to EL2")
VF = flag("VF", 6, "Virtual FIQ", "not pending", "pending")
VI = flag("VI", 7, "Virtual IRQ", "not pending", "pending")
VSE = flag("VSE", 8, "Virtual SError", "not pending", "pending")
FB = flag("FB", 9, "Force broadcast of TLBI and IC", "no", "yes")
BSU = Field(
    "BSU",
    11,
    10,
    "Least shareability of barriers",
    {0: "no effect", 1: "Inner Shareable", 2: "Outer Shareable", 3: "full system"},
)
DC = flag("DC", 12, "Default cacheability: stage 1 off gives Normal WB", "no", "yes")
TWI = flag("TWI", 13, "WFI", *_TRAP)
TWE = flag("TWE", 14, "WFE", *_TRAP)
TID0 = flag("TID0", 15, "ID group 0", *_TRAP)
TID1 = flag("TID1", 16, "ID group 1", *_TRAP)
TID2 = flag("TID2", 17, "ID group 2", *_TRAP)
TID3 = flag("TID3", 18, "ID group 3", *_TRAP)
TSC = flag("TSC", 19, "SMC", *_TRAP)
TIDCP = flag("TIDCP", 20, "IMPLEMENTATION DEFINED registers", *_TRAP)
TACR = flag("TACR", 21, "Auxiliary control registers", *_TRAP)
TSW = flag("TSW", 22, "Cache maintenance by set/way", *_TRAP)
TPCP = flag("TPCP", 23, "Cache maintenance to coherency or persistence", *_TRAP)
TPU = flag("TPU", 24, "Cache maintenance to unification", *_TRAP)
TTLB = flag("TTLB", 25, "TLB maintenance", *_TRAP)
TVM = flag("TVM", 26, "Writes of virtual memory controls", *_TRAP)
TGE = flag("TGE", 27, "Exceptions of EL0 go to", "EL1", "EL2")
TDZ = flag("TDZ", 28, "DC ZVA", *_TRAP)
HCD = flag("HCD", 29, "HVC", "enabled", "UNDEFINED")
TRVM = flag("TRVM", 30, "Reads of virtual memory controls", *_TRAP)
RW = flag("RW", 31, "EL1 is", "AArch32", "AArch64")
CD = flag("CD", 32, "Stage 2 data accesses are forced Non-cacheable", "no", "yes")
ID = flag("ID", 33, "Stage 2 fetches are forced Non-cacheable", "no", "yes")
E2H = flag("E2H", 34, "EL2 Host: the EL2&0 regime", *_OFF, "FEAT_VHE")
TLOR = flag("TLOR", 35, "LOR registers", *_TRAP, "FEAT_LOR")
TERR = flag("TERR", 36, "Error record registers", *_TRAP, "FEAT_RAS")
TEA = flag("TEA", 37, "Synchronous External aborts go to EL2", "no", "yes", "FEAT_RAS")
MIOCNCE = flag("MIOCNCE", 38, "Mismatched cacheability may lose coherency", "no", "yes")
TME = flag("TME", 39, "Transactional memory", *_HELD, "FEAT_TME")
APK = flag("APK", 40, "Pointer authentication keys", *_HELD, "FEAT_PAuth")
API = flag("API", 41, "Pointer authentication instructions", *_HELD, "FEAT_PAuth")
NV = flag("NV", 42, "Nested virtualization", *_OFF, "FEAT_NV")
NV1 = flag("NV1", 43, "Nested virtualization, EL1 registers", *_OFF, "FEAT_NV")
AT = flag("AT", 44, "AT instructions", *_TRAP, "FEAT_NV")
NV2 = flag("NV2", 45, "Nested virtualization through memory", *_OFF, "FEAT_NV2")
FWB = flag("FWB", 46, "Stage 2 memory type", "combined", "forced write-back", "FEAT_S2FWB")
FIEN = flag("FIEN", 47, "Fault injection registers", *_HELD, "FEAT_RASv1p1")
GPF = flag("GPF", 48, "Granule protection faults go to EL2", "no", "yes", "FEAT_RME")
TID4 = flag("TID4", 49, "ID group 4", *_TRAP, "FEAT_EVT")
TICAB = flag("TICAB", 50, "IC IALLUIS", *_TRAP, "FEAT_EVT")
AMVOFFEN = flag("AMVOFFEN", 51, "Activity monitor offsets", *_OFF, "FEAT_AMUv1p1")
TOCU = flag("TOCU", 52, "Cache maintenance to unification by VA", *_TRAP, "FEAT_EVT")
EN_SCXT = flag("EnSCXT", 53, "SCXTNUM registers", *_HELD, "FEAT_CSV2_2")
TTLBIS = flag("TTLBIS", 54, "TLB maintenance, Inner Shareable", *_TRAP, "FEAT_EVT")
TTLBOS = flag("TTLBOS", 55, "TLB maintenance, Outer Shareable", *_TRAP, "FEAT_EVT")
ATA = flag("ATA", 56, "Allocation tag access", *_HELD, "FEAT_MTE2")
DCT = flag("DCT", 57, "Default cacheability is tagged", "no", "yes", "FEAT_MTE2")
TID5 = flag("TID5", 58, "ID group 5", *_TRAP, "FEAT_MTE2")
TWEDEN = flag("TWEDEn", 59, "TWE delay", "implementation's", "TWEDEL", "FEAT_TWED")
TWEDEL = Field("TWEDEL", 63, 60, "TWE delay: 2^(TWEDEL + 8) cycles", feature="FEAT_TWED")

# fmt: off
HCR_EL2 = Layout.of(
    "HCR_EL2", "Hypervisor Configuration Register",
    VM, SWIO, PTW, FMO, IMO, AMO, VF, VI, VSE, FB, BSU, DC, TWI, TWE, TID0, TID1, TID2, TID3,
    TSC, TIDCP, TACR, TSW, TPCP, TPU, TTLB, TVM, TGE, TDZ, HCD, TRVM, RW, CD, ID, E2H, TLOR,
    TERR, TEA, MIOCNCE, TME, APK, API, NV, NV1, AT, NV2, FWB, FIEN, GPF, TID4, TICAB, AMVOFFEN,
    TOCU, EN_SCXT, TTLBIS, TTLBOS, ATA, DCT, TID5, TWEDEN, TWEDEL,
)

TCR2_EN = flag("TCR2En", 14, "TCR2_EL1", *_HELD, "FEAT_TCR2")
SCTLR2_EN = flag("SCTLR2En", 15, "SCTLR2_EL1", *_HELD, "FEAT_SCTLR2")
D128_EN = flag("D128En", 17, "128-bit system registers", *_HELD, "FEAT_D128")

HCRX_EL2 = Layout.of(
    "HCRX_EL2", "Extended Hypervisor Configuration Register",
    flag("EnAS0", 0, "ST64BV0 at EL0", *_HELD, "FEAT_LS64_ACCDATA"),
    flag("EnALS", 1, "LD64B and ST64B", *_HELD, "FEAT_LS64"),
    flag("EnASR", 2, "ST64BV", *_HELD, "FEAT_LS64_V"),
    flag("FnXS", 3, "TLBI and DSB act as nXS", "no", "yes", "FEAT_XS"),
    flag("FGTnXS", 4, "Fine-grained traps for nXS", "as without nXS", "none", "FEAT_XS"),
    flag("SMPME", 5, "Streaming priority mapping", *_OFF, "FEAT_SME"),
    flag("TALLINT", 6, "MSR ALLINT", *_TRAP, "FEAT_NMI"),
    flag("VINMI", 7, "Virtual IRQ is NMI", "no", "yes", "FEAT_NMI"),
    flag("VFNMI", 8, "Virtual FIQ is NMI", "no", "yes", "FEAT_NMI"),
    flag("CMOW", 9, "IC/DC need write permission at stage 2", "no", "yes", "FEAT_CMOW"),
    flag("MCE2", 10, "Memory copy exceptions go to EL2", "no", "yes", "FEAT_MOPS"),
    flag("MSCEn", 11, "Memory copy and set", "UNDEFINED", "enabled", "FEAT_MOPS"),
    TCR2_EN, SCTLR2_EN,
    flag("PTTWI", 16, "Walks may be incoherent", "no", "yes", "FEAT_THE"),
    D128_EN,
    flag("EnSNERR", 18, "SNERR", *_OFF, "FEAT_ANERR"),
    flag("TMEA", 19, "Masked External aborts go to EL2", "no", "yes", "FEAT_DoubleFault2"),
    flag("EnSDERR", 20, "SDERR", *_OFF, "FEAT_ADERR"),
    flag("EnIDCP128", 21, "IMPLEMENTATION DEFINED 128-bit registers", *_HELD, "FEAT_SYSREG128"),
    flag("GCSEn", 22, "Guarded control stack", *_OFF, "FEAT_GCS"),
    flag("EnFPM", 23, "FPMR", *_HELD, "FEAT_FPMR"),
    flag("PACMEn", 24, "PACM", *_OFF, "FEAT_PAuth_LR"),
)
# fmt: on

REGISTERS = (register(HCR_EL2, (3, 4, 1, 1, 0)), register(HCRX_EL2, (3, 4, 1, 2, 2)))
