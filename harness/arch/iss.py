"""What ESR_ELx.ISS and ISS2 hold, by exception class (DDI 0487, ESR_EL1, ISS encodings).

ISS layouts are 25 bits wide, bit 0 is ESR bit 0; ISS2 layouts 24 bits, bit 0 is ESR bit 32.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.exception_classes import ExceptionClass
from harness.arch.fault_status import FAULT_STATUS_MEANINGS
from harness.arch.fields import Field, Layout, flag

ISS_WIDTH = 25
ISS2_WIDTH = 24

FSC = Field("DFSC", 5, 0, "Data fault status code", FAULT_STATUS_MEANINGS)
IFSC = Field("IFSC", 5, 0, "Instruction fault status code", FAULT_STATUS_MEANINGS)
WNR = flag("WnR", 6, "Write not Read", "read", "write")
S1PTW = flag("S1PTW", 7, "Stage 2 fault on a stage 1 walk", "no", "yes")
CM = flag("CM", 8, "Cache maintenance or address translation", "no", "yes")
EA = flag("EA", 9, "External abort type")
FNV = flag("FnV", 10, "FAR not valid", "FAR is valid", "FAR is not valid")
SET = Field(
    "SET",
    12,
    11,
    "Synchronous error type",
    {0: "recoverable", 1: "reserved", 2: "uncontainable", 3: "restartable"},
    feature="FEAT_RAS",
)
VNCR = flag("VNCR", 13, "Access through VNCR_EL2", "no", "yes", "FEAT_NV2")
AR = flag("AR", 14, "Acquire/Release", "no", "yes")
SF = flag("SF", 15, "Register width", "32 bits", "64 bits")
SRT = Field("SRT", 20, 16, "Register transferred")
SSE = flag("SSE", 21, "Sign extended", "no", "yes")
SAS = Field("SAS", 23, 22, "Access size", {0: "byte", 1: "halfword", 2: "word", 3: "doubleword"})
ISV = flag("ISV", 24, "Instruction syndrome valid", "bits 23:14 are not valid", "valid")

# fmt: off
DATA_ABORT = Layout.of(
    "ISS", "Data abort", FSC, WNR, S1PTW, CM, EA, FNV, SET, VNCR, AR, SF, SRT, SSE, SAS, ISV,
    width=ISS_WIDTH,
)
# fmt: on
DATA_ABORT_WITHOUT_ISV = Layout.of(
    "ISS", "Data abort", FSC, WNR, S1PTW, CM, EA, FNV, SET, VNCR, ISV, width=ISS_WIDTH
)
"""What it holds while ISV is 0: bits 23:14 are RES0."""
INSTRUCTION_ABORT = Layout.of(
    "ISS", "Instruction abort", IFSC, S1PTW, EA, FNV, SET, width=ISS_WIDTH
)

IMM16 = Field("imm16", 15, 0, "Immediate of the instruction")
IMMEDIATE = Layout.of("ISS", "SVC, HVC, SMC or BRK", IMM16, width=ISS_WIDTH)

DIRECTION = flag("Direction", 0, "Direction", "write (MSR)", "read (MRS)")
TRAP = Layout.of(
    "ISS",
    "Trapped MSR, MRS or system instruction",
    DIRECTION,
    Field("CRm", 4, 1, "CRm of the instruction"),
    Field("Rt", 9, 5, "Register transferred"),
    Field("CRn", 13, 10, "CRn of the instruction"),
    Field("Op1", 16, 14, "Op1 of the instruction"),
    Field("Op2", 19, 17, "Op2 of the instruction"),
    Field("Op0", 21, 20, "Op0 of the instruction"),
    width=ISS_WIDTH,
)

SERROR = Layout.of(
    "ISS",
    "SError",
    Field(
        "DFSC", 5, 0, "Data fault status code", {0: "uncategorized", 0x11: "asynchronous SError"}
    ),
    EA,
    Field("AET", 12, 10, "Asynchronous error type", feature="FEAT_RAS"),
    flag("IESB", 13, "Taken at an implicit error synchronization", "no", "yes", "FEAT_IESB"),
    flag("IDS", 24, "Bits 23:0 are", "as the architecture defines", "IMPLEMENTATION DEFINED"),
    width=ISS_WIDTH,
)

NO_SYNDROME = Layout.of("ISS", "No syndrome", width=ISS_WIDTH)
UNINTERPRETED = Layout.of(
    "ISS", "Not interpreted here", Field("ISS", 24, 0, "Syndrome"), width=ISS_WIDTH
)

_LAYOUTS: Mapping[int, Layout] = MappingProxyType(
    {
        ExceptionClass.UNKNOWN: NO_SYNDROME,
        ExceptionClass.ILLEGAL_EXECUTION_STATE: NO_SYNDROME,
        ExceptionClass.PC_ALIGNMENT: NO_SYNDROME,
        ExceptionClass.SP_ALIGNMENT: NO_SYNDROME,
        ExceptionClass.SVC_AARCH64: IMMEDIATE,
        ExceptionClass.HVC_AARCH64: IMMEDIATE,
        ExceptionClass.SMC_AARCH64: IMMEDIATE,
        ExceptionClass.BRK_AARCH64: IMMEDIATE,
        ExceptionClass.SYSTEM_REGISTER_TRAP: TRAP,
        ExceptionClass.INSTRUCTION_ABORT_LOWER: INSTRUCTION_ABORT,
        ExceptionClass.INSTRUCTION_ABORT_SAME: INSTRUCTION_ABORT,
        ExceptionClass.DATA_ABORT_LOWER: DATA_ABORT,
        ExceptionClass.DATA_ABORT_SAME: DATA_ABORT,
        ExceptionClass.SERROR: SERROR,
    }
)

XS = Field("Xs", 4, 0, "Register of ST64BV, ST64BV0", feature="FEAT_LS64_V")
DIRTY_BIT = flag("DirtyBit", 5, "Permission fault due to dirty state", "no", "yes", "FEAT_S1PIE")
OVERLAY = flag("Overlay", 6, "Permission fault due to an overlay", "no", "yes", "FEAT_S1POE")
ASSURED_ONLY = flag("AssuredOnly", 7, "Fault due to AssuredOnly", "no", "yes", "FEAT_THE")
GCS = flag("GCS", 8, "Guarded control stack access", "no", "yes", "FEAT_GCS")
TAG_ACCESS = flag("TagAccess", 9, "No tag access permission", "no", "yes", "FEAT_MTE_PERM")
TND = flag("TnD", 10, "Fault on", "data", "an allocation tag", "FEAT_MTE_CANONICAL_TAGS")
HDBSSF = flag("HDBSSF", 11, "Fault of the dirty state structure", "no", "yes", "FEAT_HDBSS")

# fmt: off
DATA_ABORT_2 = Layout.of(
    "ISS2", "Data abort", XS, DIRTY_BIT, OVERLAY, ASSURED_ONLY, GCS, TAG_ACCESS, TND, HDBSSF,
    width=ISS2_WIDTH,
)
# fmt: on
INSTRUCTION_ABORT_2 = Layout.of(
    "ISS2", "Instruction abort", DIRTY_BIT, OVERLAY, ASSURED_ONLY, HDBSSF, width=ISS2_WIDTH
)
NO_SYNDROME_2 = Layout.of("ISS2", "No syndrome", width=ISS2_WIDTH)


def iss_layout(exception_class: int, iss: int = ISV.mask) -> Layout:
    """Return what ISS holds for this class; one field of 25 bits where the harness has no table.

    `iss` itself says, by its ISV, which form a data abort's has.
    """
    layout = _LAYOUTS.get(exception_class, UNINTERPRETED)
    return DATA_ABORT_WITHOUT_ISV if layout is DATA_ABORT and not ISV.get(iss) else layout


def iss2_layout(exception_class: int) -> Layout:
    """Return what ISS2 holds for this class."""
    layout = iss_layout(exception_class)
    if layout is DATA_ABORT:
        return DATA_ABORT_2
    return INSTRUCTION_ABORT_2 if layout is INSTRUCTION_ABORT else NO_SYNDROME_2
