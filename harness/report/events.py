"""What reports read off a trace: names of events, injections and their effects, where it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.execution import Execution
from harness.scenario import AtAccess, AtFault, AtInstruction, AtLabel, When
from harness.trace import (
    DescriptorWrite,
    End,
    Event,
    ExceptionEntry,
    ExceptionReturn,
    FaultTaken,
    Instruction,
    Maintenance,
    MemoryAccess,
    RegisterWrite,
)

_NAMES: Mapping[type, str] = MappingProxyType(
    {
        Instruction: "instruction",
        MemoryAccess: "access",
        FaultTaken: "fault",
        ExceptionEntry: "exception_entry",
        ExceptionReturn: "exception_return",
        Maintenance: "maintenance",
        RegisterWrite: "register_write",
        DescriptorWrite: "descriptor_write",
        End: "end",
    }
)


@dataclass(frozen=True, slots=True)
class InjectionRecord:
    """One injection of the scenario: its moment in words, and the descriptors that it changed."""

    number: int
    when: str
    writes: tuple[DescriptorWrite, ...]
    """Empty: its moment did not come."""


def event_name(event: Event) -> str:
    """Return the kind of an event, as documents call it."""
    return _NAMES[type(event)]


def injections_of(execution: Execution) -> tuple[InjectionRecord, ...]:
    """Return every injection of the scenario, in its order."""
    writes = [event for event in execution.trace.events if isinstance(event, DescriptorWrite)]
    return tuple(
        InjectionRecord(
            number,
            moment(injection.when),
            tuple(write for write in writes if write.by == f"injection {number}"),
        )
        for number, injection in enumerate(execution.scenario.injections, 1)
    )


def moment(when: When) -> str:
    """Return a moment in words."""
    match when:
        case AtLabel(label, hit):
            return f"before {label} executes" + _times(hit)
        case AtInstruction(number):
            return f"before instruction {number}"
        case AtAccess(va, size, kind, hit):
            return f"before the {kind or 'access'} at {va:#x}+{size:#x}" + _times(hit)
        case AtFault(number):
            return f"after fault {number}"


def label_at_end(execution: Execution) -> str:
    """Return the label of the last instruction, where the run ended at one of the snippet."""
    end = execution.trace.end
    for event in reversed(execution.trace.events):
        if isinstance(event, Instruction | FaultTaken) and event.pc == end.pc:
            return event.label
    return ""


def _times(hit: int) -> str:
    return "" if hit == 1 else f", time {hit}"
