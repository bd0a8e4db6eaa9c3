"""MIDR_EL1, CTR_EL0 and DCZID_EL0: which core, and how large its cache lines and zeroed blocks."""

from __future__ import annotations

from harness.arch.fields import Field, Layout, flag, res1
from harness.arch.registers.base import register

DZP = flag("DZP", 4, "DC ZVA", "permitted", "prohibited")
BS = Field("BS", 3, 0, "log2 of the block of DC ZVA, in words of 4 bytes")

MIDR_EL1 = Layout.of(
    "MIDR_EL1",
    "Main ID Register",
    Field("Revision", 3, 0, "Minor revision"),
    Field("PartNum", 15, 4, "Primary part number"),
    Field("Architecture", 19, 16, "Architecture", {15: "as the ID registers say"}),
    Field("Variant", 23, 20, "Major revision"),
    Field("Implementer", 31, 24, "Implementer", {0x41: "Arm", 0x61: "Apple", 0x51: "Qualcomm"}),
)
CTR_EL0 = Layout.of(
    "CTR_EL0",
    "Cache Type Register",
    Field("IminLine", 3, 0, "log2 of the smallest instruction cache line, in words"),
    Field("L1Ip", 15, 14, "Level 1 instruction cache", {1: "reserved", 2: "VIPT", 3: "PIPT"}),
    Field("DminLine", 19, 16, "log2 of the smallest data cache line, in words"),
    Field("ERG", 23, 20, "log2 of the exclusives reservation granule, in words"),
    Field("CWG", 27, 24, "log2 of the cache write-back granule, in words"),
    flag("IDC", 28, "Data cache clean for coherency of fetches", "required", "not required"),
    flag("DIC", 29, "Instruction cache invalidation for them", "required", "not required"),
    res1(31),
    Field("TminLine", 37, 32, "log2 of the smallest tag line, in words", feature="FEAT_MTE2"),
)
DCZID_EL0 = Layout.of("DCZID_EL0", "Data Cache Zero ID Register", BS, DZP)

REGISTERS = (
    register(MIDR_EL1, (3, 0, 0, 0, 0)),
    register(CTR_EL0, (3, 3, 0, 0, 1)),
    register(DCZID_EL0, (3, 3, 0, 0, 7)),
)
