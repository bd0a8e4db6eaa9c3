"""PSTATE of AArch64 in the positions of SPSR_ELx, as the kernel prints it too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.fields import Field, Layout, flag

MODES: Mapping[int, str] = MappingProxyType(
    {
        0b0000: "EL0t",
        0b0100: "EL1t",
        0b0101: "EL1h",
        0b1000: "EL2t",
        0b1001: "EL2h",
        0b1100: "EL3t",
        0b1101: "EL3h",
    }
)
"""M[3:0]: the exception level, and whether SP is SP_EL0 (t) or SP_ELx (h)."""

_MASK = ("not masked", "masked")

SP = flag("SP", 0, "Stack pointer", "SP_EL0", "SP_ELx")
"""Bit 0 of M, where only the stack pointer is asked for."""
EL = Field("EL", 3, 2, "Exception level")
"""Bits 3:2 of M, where only the exception level is asked for."""
M = Field("M", 3, 0, "Mode", {code: MODES.get(code, "reserved") for code in range(16)})
M4 = flag("M[4]", 4, "Execution state", "AArch64", "AArch32")
F = flag("F", 6, "FIQ mask", *_MASK)
I = flag("I", 7, "IRQ mask", *_MASK)  # noqa: E741 - the manual's name
A = flag("A", 8, "SError mask", *_MASK)
D = flag("D", 9, "Debug exception mask", *_MASK)
BTYPE = Field("BTYPE", 11, 10, "Branch type", feature="FEAT_BTI")
SSBS = flag("SSBS", 12, "Speculative store bypass", "not permitted", "permitted", "FEAT_SSBS")
ALLINT = flag("ALLINT", 13, "All interrupts mask", *_MASK, "FEAT_NMI")
IL = flag("IL", 20, "Illegal execution state", "no", "yes")
SS = flag("SS", 21, "Software step", "inactive", "active-not-pending")
PAN = flag("PAN", 22, "Privileged access to EL0's memory", "permitted", "faults", "FEAT_PAN")
UAO = flag("UAO", 23, "LDTR and STTR access as", "EL0", "this EL", "FEAT_UAO")
DIT = flag("DIT", 24, "Data independent timing", "no", "yes", "FEAT_DIT")
TCO = flag("TCO", 25, "Tag check override", "checked", "unchecked", "FEAT_MTE2")
V = flag("V", 28, "Overflow flag")
C = flag("C", 29, "Carry flag")
Z = flag("Z", 30, "Zero flag")
N = flag("N", 31, "Negative flag")

FIELDS = (M, M4, F, I, A, D, BTYPE, SSBS, ALLINT, IL, SS, PAN, UAO, DIT, TCO, V, C, Z, N)

PSTATE = Layout.of("PSTATE", "Process state, in SPSR's positions", *FIELDS)

M_MASK = M4.mask | M.mask
"""The whole of the mode: M[4:0]."""

_KERNEL_BTYPES = ("--", "jc", "-c", "j-")


def mode_name(pstate: int) -> str | None:
    """Return `EL1h` and the like, or `AArch32`; None for a reserved mode."""
    return "AArch32" if M4.get(pstate) else MODES.get(M.get(pstate))


def kernel_flags(pstate: int) -> str:
    """Return the flags as the kernel prints them: `nZCv daIf +PAN -UAO -TCO -DIT -SSBS BTYPE=--`.

    A letter in upper case, or a plus sign, is a bit that is set.
    """
    letters = "".join(
        part.name.upper() if part.get(pstate) else part.name.lower()
        for part in (N, Z, C, V, D, A, I, F)
    )
    signs = " ".join(
        ("+" if part.get(pstate) else "-") + part.name for part in (PAN, UAO, TCO, DIT, SSBS)
    )
    return f"{letters[:4]} {letters[4:]} {signs} BTYPE={_KERNEL_BTYPES[BTYPE.get(pstate)]}"


def describe_pstate(pstate: int) -> str:
    """Return the mode and the flags in one line."""
    mode = mode_name(pstate) or f"reserved mode {pstate & M_MASK:#04x}"
    return f"{mode}: {kernel_flags(pstate)}"
