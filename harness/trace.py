"""What happened in a run: events in program order, plain values, the same for the same input.

`number` counts executed instructions from 1; an event of instruction n carries n. Events caused
by the harness itself before the first instruction carry 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.vmsa.access import Access


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction was about to execute."""

    number: int
    pc: VirtualAddress
    word: int
    label: str
    """`symbol+0xoffset` of the snippet, empty outside it."""
    el: int


@dataclass(frozen=True, slots=True)
class MemoryAccess:
    """A load, store or DC ZVA completed; one event for each architectural access."""

    number: int
    pc: VirtualAddress
    access: Access
    pa: PhysicalAddress
    value: int | None
    """What was read or written (little-endian, `access.size` bytes)."""


@dataclass(frozen=True, slots=True)
class FaultTaken:
    """An instruction or data abort, with the syndrome as the engine gave it."""

    number: int
    pc: VirtualAddress
    label: str
    access: Access | None
    """The access that faulted as decoded from the instruction; None where it is not known."""
    esr: int
    far: VirtualAddress
    target_el: int


@dataclass(frozen=True, slots=True)
class ExceptionEntry:
    """Any exception was taken to EL1 (aborts, SVC, BRK, undefined)."""

    number: int
    vector: VirtualAddress
    offset: int
    esr: int
    elr: VirtualAddress
    spsr: int


@dataclass(frozen=True, slots=True)
class ExceptionReturn:
    """An ERET was executed."""

    number: int
    pc: VirtualAddress
    spsr: int


class MaintenanceKind(StrEnum):
    """Instructions that order or invalidate."""

    TLBI = "tlbi"
    AT = "at"
    DC = "dc"
    IC = "ic"
    DSB = "dsb"
    DMB = "dmb"
    ISB = "isb"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A TLBI, AT, DC, IC or barrier; `operation` is its assembly without operand: `tlbi vaae1`."""

    number: int
    pc: VirtualAddress
    kind: MaintenanceKind
    operation: str
    operand: int | None
    """Value of Xt; None where the instruction has none."""
    injected: bool = False


@dataclass(frozen=True, slots=True)
class RegisterWrite:
    """An MSR to a register that translation depends on."""

    number: int
    pc: VirtualAddress
    register: str
    value: int


@dataclass(frozen=True, slots=True)
class DescriptorWrite:
    """A 64-bit word of a translation table changed.

    Or one did not that an operation of a kernel should have changed: `old` and `new` are equal,
    and `note` says why.
    """

    number: int
    address: PhysicalAddress
    old: int
    new: int
    by: str
    """`guest`; `hardware` (AF or the dirty state); or `injection N`, counted from 1 in the
    scenario's order."""
    note: str = ""


class EndReason(StrEnum):
    """Why a run ended."""

    RETURNED = "returned"
    """The snippet reached its end: `ret` to the harness, or its `end` label."""
    FAULT = "fault"
    """A fault with no handler installed."""
    EXCEPTION = "exception"
    """Another exception with no handler installed (SVC, BRK, undefined instruction)."""
    LIMIT = "limit"
    """A stated bound was reached: no verdict may follow."""
    UNSUPPORTED = "unsupported"
    """The engine cannot do what the snippet asks; `detail` names it."""


@dataclass(frozen=True, slots=True)
class End:
    """The run is over."""

    number: int
    pc: VirtualAddress
    reason: EndReason
    detail: str = ""


Event = (
    Instruction
    | MemoryAccess
    | FaultTaken
    | ExceptionEntry
    | ExceptionReturn
    | Maintenance
    | RegisterWrite
    | DescriptorWrite
    | End
)


@dataclass(frozen=True, slots=True)
class Trace:
    """One run, whole: its events, and the state that it left."""

    events: tuple[Event, ...]
    registers: Mapping[str, int]
    """x0…x30, sp, pc, pstate and the system registers written or read by the harness."""

    @property
    def end(self) -> End:
        """The last event."""
        last = self.events[-1]
        if not isinstance(last, End):
            raise TypeError("a trace ends with an End event")
        return last

    @property
    def faults(self) -> tuple[FaultTaken, ...]:
        """Every abort taken, in order."""
        return tuple(event for event in self.events if isinstance(event, FaultTaken))
