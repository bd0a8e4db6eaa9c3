"""Exception classes: ESR_ELx.EC, with the manual's meaning and the kernel's short form."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class ExceptionClass(IntEnum):
    """Classes that the harness produces or judges; EC_NAMES has all."""

    UNKNOWN = 0x00
    ILLEGAL_EXECUTION_STATE = 0x0E
    SVC_AARCH64 = 0x15
    HVC_AARCH64 = 0x16
    SMC_AARCH64 = 0x17
    SYSTEM_REGISTER_TRAP = 0x18
    INSTRUCTION_ABORT_LOWER = 0x20
    INSTRUCTION_ABORT_SAME = 0x21
    PC_ALIGNMENT = 0x22
    DATA_ABORT_LOWER = 0x24
    DATA_ABORT_SAME = 0x25
    SP_ALIGNMENT = 0x26
    SERROR = 0x2F
    BRK_AARCH64 = 0x3C


_CLASSES = (
    (0x00, "Unknown reason", "Unknown/Uncategorized"),
    (0x01, "Trapped WFI or WFE", "WFI/WFE"),
    (0x03, "Trapped MCR or MRC, coproc 0b1111", "CP15 MCR/MRC"),
    (0x04, "Trapped MCRR or MRRC, coproc 0b1111", "CP15 MCRR/MRRC"),
    (0x05, "Trapped MCR or MRC, coproc 0b1110", "CP14 MCR/MRC"),
    (0x06, "Trapped LDC or STC", "CP14 LDC/STC"),
    (0x07, "Access to SVE, Advanced SIMD or floating-point", "ASIMD"),
    (0x08, "Trapped VMRS of an ID register", "CP10 MRC/VMRS"),
    (0x09, "Trapped pointer authentication", "PAC"),
    (0x0A, "Trapped execution of any other instruction", "LS64"),
    (0x0C, "Trapped MRRC, coproc 0b1110", "CP14 MCRR/MRRC"),
    (0x0D, "Branch target exception", "BTI"),
    (0x0E, "Illegal execution state", "PSTATE.IL"),
    (0x11, "SVC instruction in AArch32", "SVC (AArch32)"),
    (0x12, "HVC instruction in AArch32", "HVC (AArch32)"),
    (0x13, "SMC instruction in AArch32", "SMC (AArch32)"),
    (0x14, "Trapped MSRR, MRRS or 128-bit system instruction", "SYSREG128"),
    (0x15, "SVC instruction in AArch64", "SVC (AArch64)"),
    (0x16, "HVC instruction in AArch64", "HVC (AArch64)"),
    (0x17, "SMC instruction in AArch64", "SMC (AArch64)"),
    (0x18, "Trapped MSR, MRS or system instruction", "MSR/MRS (AArch64)"),
    (0x19, "Access to SVE", "SVE"),
    (0x1A, "Trapped ERET", "ERET/ERETAA/ERETAB"),
    (0x1C, "Pointer authentication failure", "FPAC"),
    (0x1D, "Access to SME", "SME"),
    (0x1E, "Granule protection check", "Granule Protection Check"),
    (0x20, "Instruction abort from a lower exception level", "IABT (lower EL)"),
    (0x21, "Instruction abort from the current exception level", "IABT (current EL)"),
    (0x22, "PC alignment fault", "PC Alignment"),
    (0x24, "Data abort from a lower exception level", "DABT (lower EL)"),
    (0x25, "Data abort from the current exception level", "DABT (current EL)"),
    (0x26, "SP alignment fault", "SP Alignment"),
    (0x27, "Memory operation exception", "MOPS"),
    (0x28, "Trapped floating-point exception in AArch32", "FP (AArch32)"),
    (0x2C, "Trapped floating-point exception in AArch64", "FP (AArch64)"),
    (0x2D, "Guarded control stack exception", "GCS"),
    (0x2F, "SError exception", "SError"),
    (0x30, "Breakpoint from a lower exception level", "Breakpoint (lower EL)"),
    (0x31, "Breakpoint from the current exception level", "Breakpoint (current EL)"),
    (0x32, "Software step from a lower exception level", "Software Step (lower EL)"),
    (0x33, "Software step from the current exception level", "Software Step (current EL)"),
    (0x34, "Watchpoint from a lower exception level", "Watchpoint (lower EL)"),
    (0x35, "Watchpoint from the current exception level", "Watchpoint (current EL)"),
    (0x38, "BKPT instruction in AArch32", "BKPT (AArch32)"),
    (0x3A, "Vector catch in AArch32", "Vector catch (AArch32)"),
    (0x3C, "BRK instruction in AArch64", "BRK (AArch64)"),
    (0x3D, "Profiling exception", "PMU"),
)

EC_NAMES: Mapping[int, str] = MappingProxyType({code: name for code, name, _ in _CLASSES})
"""The manual's meaning of each class that is not reserved."""

LINUX_EC_NAMES: Mapping[int, str] = MappingProxyType({code: name for code, _, name in _CLASSES})
"""The short form in the kernel's `EC = 0x25: DABT (current EL), IL = 32 bits`."""
