"""Turns an executed instruction, and what the engine showed of it, into events of the trace.

The engine reports the physical addresses of its own loads and stores, which are not those of the
architecture (DC ZVA is 65 of one byte). The architectural accesses are decoded from the word; the
engine's tell where they went and whether they happened at all (a store-exclusive that failed
did not).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.arch import pstate
from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.system_instructions import SystemInstruction, SystemInstructionKind
from harness.machine.accesses import footprint
from harness.memory import PAGE_SIZE
from harness.trace import (
    DescriptorWrite,
    Event,
    ExceptionReturn,
    Maintenance,
    MaintenanceKind,
    MemoryAccess,
    RegisterWrite,
)
from harness.vmsa.access import Access, AccessKind

ReadMemory = Callable[[int, int], bytes | None]
"""(physical address, size) to bytes, None where there is no memory."""

TRANSLATION_REGISTERS = frozenset(
    {
        *("SCTLR_EL1", "TCR_EL1", "TCR2_EL1", "TTBR0_EL1", "TTBR1_EL1", "MAIR_EL1", "MAIR2_EL1"),
        *("CONTEXTIDR_EL1", "PIR_EL1", "PIRE0_EL1", "POR_EL0", "POR_EL1", "PAN", "UAO"),
    }
)
"""Registers whose MSR is an event."""

_MAINTENANCE = frozenset(kind.value for kind in MaintenanceKind)
_PSTATE_OF_IMMEDIATE = {"msr pan": pstate.PAN, "msr uao": pstate.UAO}


@dataclass(slots=True)  # not frozen: one is made for each instruction, in half the time
class Executing:
    """An instruction that began to execute, with the registers as they were before it."""

    number: int
    pc: VirtualAddress
    label: str
    word: int
    system: SystemInstruction | None
    operand: int | None
    """Value of Xt of a system instruction that has one."""
    spsr: int | None
    """SPSR_EL1, for an ERET."""
    accesses: tuple[Access, ...]


@dataclass(slots=True)
class Observed:
    """What the engine reported since the instruction began: ranges of physical memory."""

    reads: list[tuple[int, int]] = field(default_factory=list)
    writes: list[tuple[int, int]] = field(default_factory=list)
    old_words: dict[int, int] = field(default_factory=dict)
    """Words of translation tables before they were written."""


def completed(executing: Executing, observed: Observed, read: ReadMemory) -> Iterator[Event]:
    """Yield the events of an instruction that completed."""
    if executing.system is not None:
        yield from system_events(executing, executing.system)
    for access in executing.accesses:
        pa = _where(access, observed)
        if pa is not None:
            value = _value(access, pa, observed, read)
            yield MemoryAccess(executing.number, executing.pc, access, pa, value)
    yield from descriptor_writes(executing.number, observed, read)


def descriptor_writes(number: int, observed: Observed, read: ReadMemory) -> Iterator[Event]:
    """Yield the words of tables that changed; also for an instruction that faulted half way."""
    for address in sorted(observed.old_words):
        old, new = observed.old_words[address], int.from_bytes(read(address, 8) or b"", "little")
        if old != new:
            yield DescriptorWrite(number, PhysicalAddress(address), old, new, "guest")


def system_events(executing: Executing, system: SystemInstruction) -> Iterator[Event]:
    """Yield what a system instruction is told as, once it has completed."""
    number, pc = executing.number, executing.pc
    kind = system.kind
    if kind is SystemInstructionKind.ERET:
        yield ExceptionReturn(number, pc, executing.spsr or 0)
    elif kind is SystemInstructionKind.MSR:
        if system.register in TRANSLATION_REGISTERS:
            yield RegisterWrite(number, pc, system.register, executing.operand or 0)
    elif kind is SystemInstructionKind.MSR_IMMEDIATE:
        part = _PSTATE_OF_IMMEDIATE.get(system.name)
        if part is not None:
            value = part.set(0, (system.immediate or 0) & 1)
            yield RegisterWrite(number, pc, part.name, value)
    elif kind.value in _MAINTENANCE:
        operation = MaintenanceKind(kind.value)
        yield Maintenance(number, pc, operation, system.name, executing.operand)


def pages_of(access: Access) -> Iterator[tuple[VirtualAddress, int]]:
    """Yield the parts of an access in each page: first address and bytes."""
    va, size = footprint(access)
    while size:
        length = min(size, PAGE_SIZE - va % PAGE_SIZE)
        yield va, length
        va, size = VirtualAddress((va + length) & (1 << 64) - 1), size - length


def access_at(accesses: Sequence[Access], va: int) -> Access | None:
    """Return the access that touches `va`: the one that a fault there is of."""
    for access in accesses:
        start, size = footprint(access)
        if va == access.va or (va - start) & (1 << 64) - 1 < max(size, 1):
            return access
    return None


def virtual_of(accesses: Sequence[Access], pa: int) -> tuple[Access, VirtualAddress] | None:
    """Return the access, and the address in it, that an engine's access at `pa` belongs to.

    Translation keeps the offset in a page; no instruction touches one offset of two pages.
    """
    for access in accesses:
        for va, length in pages_of(access):
            distance = (pa - va) % PAGE_SIZE
            if distance < length:
                return access, VirtualAddress(va + distance)
    return None


def _seen(access: Access, observed: Observed) -> list[tuple[int, int]]:
    """Return the engine's accesses in the direction that proves this one to have happened."""
    match access.kind:
        case AccessKind.READ | AccessKind.READ_WRITE:
            return observed.reads
        case AccessKind.WRITE:
            return observed.writes
        case AccessKind.FETCH | AccessKind.AT:
            return []


def _where(access: Access, observed: Observed) -> PhysicalAddress | None:
    """Return the physical address of the access's first byte, None if it did not happen."""
    va, length = next(pages_of(access))
    return _physical(va, length, _seen(access, observed))


def _physical(va: int, length: int, seen: list[tuple[int, int]]) -> PhysicalAddress | None:
    for pa, _ in seen:
        if (pa - va) % PAGE_SIZE < length:
            return PhysicalAddress(pa & -PAGE_SIZE | va % PAGE_SIZE)
    return None


def _value(access: Access, pa: PhysicalAddress, observed: Observed, read: ReadMemory) -> int | None:
    """Return what memory holds after the instruction: what was read, or what was written."""
    start, size = footprint(access)
    first = PAGE_SIZE - start % PAGE_SIZE
    if size <= first:
        data = read(pa, size)
        return None if data is None else int.from_bytes(data, "little")
    parts = []
    for va, length in pages_of(access):
        address = _physical(va, length, _seen(access, observed))
        part = None if address is None else read(address, length)
        if part is None:
            return None
        parts.append(part)
    return int.from_bytes(b"".join(parts), "little")
