"""A small address space for the oracle's tests: 4K, 48 bits, one walk at VA, by its four words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES, Profile
from harness.arch.granule import Granule
from harness.execution import Execution
from harness.memory import PhysicalMemory, Region
from harness.scenario import Half, Run, Scenario, TranslationSetup
from harness.trace import (
    DescriptorWrite,
    End,
    EndReason,
    Event,
    Instruction,
    Maintenance,
    MaintenanceKind,
    MemoryAccess,
    Trace,
)
from harness.vmsa.access import Access, AccessKind

PROFILE = PROFILES["neoverse-n1"]
PC = VirtualAddress(0xFFFF_0000_0000_1000)
"""Of the code, mapped by a page of its own."""
VA = VirtualAddress(0xFFFF_0000_1960_0000)
PA = PhysicalAddress(0x8_8000_0000)
OTHER_PA = PhysicalAddress(0x8_8020_0000)

L0, L1, L2, L3 = (PhysicalAddress(0x8000_0000 + 0x1000 * level) for level in range(4))
L2_WORD = PhysicalAddress(L2 + 8 * (VA >> 21 & 0x1FF))
L1_WORD = PhysicalAddress(L1 + 8 * (VA >> 30 & 0x1FF))
OTHER_L2 = PhysicalAddress(0x8000_4000)

KERNEL = 1 << 54 | 1 << 10 | 3 << 8
BLOCK = PA | KERNEL | 0b01
OTHER_BLOCK = OTHER_PA | KERNEL | 0b01
READ_ONLY = BLOCK | 1 << 7
NON_GLOBAL = BLOCK | 1 << 11
INVALID = BLOCK & ~1
OLD = BLOCK & ~(1 << 10)
"""A valid block whose Access flag is clear."""

REGISTERS: Mapping[str, int] = {
    "SCTLR_EL1": 0x30D0_1805,
    "TCR_EL1": 16 | 16 << 16 | 0b10 << 30 | 0b101 << 32 | 1 << 36,
    "MAIR_EL1": 0xFF,
    "TTBR0_EL1": 0,
    "TTBR1_EL1": L0,
    "VBAR_EL1": 0,
}


def memory(leaf: int = BLOCK) -> PhysicalMemory:
    """Return tables that map VA by the level 2 descriptor `leaf`, and the code's page."""
    image = PhysicalMemory(
        [
            Region(PhysicalAddress(0x8000_0000), 0x1_0000),
            Region(PhysicalAddress(0), 0x1000),
            Region(PA, 0x40_0000),
        ]
    )
    image.write64(L0, L1 | 0b11)
    image.write64(L1_WORD, L2 | 0b11)
    image.write64(L2_WORD, leaf)
    image.write64(L2, L3 | 0b11)
    image.write64(PhysicalAddress(L3 + 8), 0x8000_8000 | 1 << 54 | 1 << 10 | 3 << 8 | 0b11)
    return image


def instruction(number: int = 1, pc: VirtualAddress = PC) -> Instruction:
    """Return an instruction that was fetched from the code's page."""
    return Instruction(number, pc, 0xD503201F, "start", 1)


def access(kind: AccessKind = AccessKind.READ, va: VirtualAddress = VA, size: int = 8) -> Access:
    """Return an access at EL1."""
    return Access(va, kind, size)


def completed(
    made: Access | None = None, pa: PhysicalAddress = PA, number: int = 1
) -> MemoryAccess:
    """Return an access, else a load from VA, that reached `pa`."""
    return MemoryAccess(number, PC, made or access(), pa, 0)


def write(new: int, address: PhysicalAddress = L2_WORD) -> DescriptorWrite:
    """Return a change of the level 2 descriptor, or of another word, by the guest."""
    return DescriptorWrite(1, address, 0, new, "guest")


def maintain(*operations: str, asid: int = 0) -> list[Event]:
    """Return maintenance instructions; a TLBI by address names VA and `asid`."""
    return [_maintenance(operation, asid) for operation in operations]


def _maintenance(operation: str, asid: int) -> Maintenance:
    kind = MaintenanceKind(operation.split(maxsplit=1)[0])
    operand = None
    if kind is MaintenanceKind.TLBI and operation != "tlbi vmalle1":
        operand = (VA >> 12) & ((1 << 44) - 1) | asid << 48
    if kind in {MaintenanceKind.DC, MaintenanceKind.IC}:
        operand = VA
    return Maintenance(1, PC, kind, operation, operand)


def execution(
    events: Sequence[Event],
    image: PhysicalMemory | None = None,
    *,
    registers: Mapping[str, int] = REGISTERS,
    end: EndReason = EndReason.RETURNED,
    engine: str = "unicorn 2.1.4, its own MMU",
    profile: Profile = PROFILE,
) -> Execution:
    """Return a run that consists of `events`."""
    image = image or memory()
    half = Half(Granule.K4, 48)
    scenario = Scenario(
        "scene", "for a test", profile, TranslationSetup(half, half), (), Run(snippet=Path("x.S"))
    )
    trace = Trace((*events, End(len(events), PC, end, "said so")), {})
    return Execution(scenario, engine, registers, image, trace, image)
