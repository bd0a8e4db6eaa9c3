"""TCR2_EL1 and TCR2_EL2: the extensions of TCR (FEAT_TCR2)."""

from __future__ import annotations

from harness.arch.fields import Layout, flag
from harness.arch.registers.base import register

PNCH = flag("PnCH", 0, "Leaf bit 52 means", "Contiguous", "Protected", "FEAT_THE")
PIE = flag("PIE", 1, "Leaf permissions", "direct", "indirect: PIIndex into PIR", "FEAT_S1PIE")
E0POE = flag("E0POE", 2, "Permission overlays for EL0 accesses", "off", "on", "FEAT_S1POE")
POE = flag("POE", 3, "Permission overlays for privileged accesses", "off", "on", "FEAT_S1POE")
AIE = flag("AIE", 4, "Leaf memory attributes", "MAIR", "MAIR and MAIR2", "FEAT_AIE")
D128 = flag("D128", 5, "Descriptor size", "64 bits", "128 bits", "FEAT_D128")
PTTWI = flag("PTTWI", 10, "Walks may be incoherent", "no", "yes", "FEAT_THE")
HAFT = flag("HAFT", 11, "Hardware Access flag in tables", "disabled", "enabled", "FEAT_HAFT")
AMEC0 = flag("AMEC0", 12, "Descriptors' AMEC bit, TTBR0", "RES0", "used", "FEAT_MEC")
AMEC1 = flag("AMEC1", 13, "Descriptors' AMEC bit, TTBR1", "RES0", "used", "FEAT_MEC")
_DISCH = ("used", "ignored", "FEAT_D128")
DISCH0 = flag("DisCH0", 14, "Contiguous bit in the start table of TTBR0", *_DISCH)
DISCH1 = flag("DisCH1", 15, "Contiguous bit in the start table of TTBR1", *_DISCH)
A2 = flag("A2", 16, "ASIDs in use", "one, chosen by TCR.A1", "one for each TTBR", "FEAT_ASID2")
_FNG = ("nG as in the leaf", "every entry is non-global", "FEAT_ASID2")
FNG0 = flag("FNG0", 17, "Force non-global, TTBR0", *_FNG)
FNG1 = flag("FNG1", 18, "Force non-global, TTBR1", *_FNG)
_FNGNA = ("nG as in the leaf", "unassured entries are non-global", "FEAT_THE")
FNGNA0 = flag("FNGNA0", 20, "Force non-global for unassured translations, TTBR0", *_FNGNA)
FNGNA1 = flag("FNGNA1", 21, "Force non-global for unassured translations, TTBR1", *_FNGNA)

_COMMON = (PNCH, PIE, E0POE, POE, AIE, D128, PTTWI, HAFT, DISCH0, DISCH1, A2, FNG0, FNG1)

TCR2_EL1 = Layout.of(
    "TCR2_EL1", "Extended Translation Control Register (EL1)", *_COMMON, FNGNA0, FNGNA1
)
TCR2_EL2 = Layout.of(
    "TCR2_EL2", "Extended Translation Control Register (EL2)", *_COMMON, AMEC0, AMEC1
)

REGISTERS = (register(TCR2_EL1, (3, 0, 2, 0, 3)), register(TCR2_EL2, (3, 4, 2, 0, 3)))
