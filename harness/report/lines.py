"""One event of a trace as one line of text."""

from __future__ import annotations

from harness.machine.disassembler import disassemble
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


def event_line(event: Event) -> str:
    """Return the event, its instruction's number first."""
    return f"{event.number:>6}  {_what(event)}"


def _what(event: Event) -> str:  # noqa: PLR0911 - one line for each kind of event
    match event:
        case Instruction():
            text = disassemble(event.word, event.pc)
            return f"EL{event.el} {event.pc:#018x}  {event.label:<16}  {text}"
        case MemoryAccess(access=access):
            value = "" if event.value is None else f" = {event.value:#0{2 * access.size + 2}x}"
            return f"  {access.kind} {access.size} at {access.va:#018x} -> {event.pa:#x}{value}"
        case FaultTaken():
            return f"  fault: ESR_EL1 {event.esr:#x}, FAR_EL1 {event.far:#018x}"
        case ExceptionEntry():
            return (
                f"  exception to {event.vector:#x} (vector {event.offset:#x}): "
                f"ESR_EL1 {event.esr:#x}, ELR_EL1 {event.elr:#x}, SPSR_EL1 {event.spsr:#x}"
            )
        case ExceptionReturn():
            return f"  exception return: SPSR_EL1 {event.spsr:#x}"
        case Maintenance():
            operand = "" if event.operand is None else f", {event.operand:#x}"
            origin = " (injected)" if event.injected else ""
            return f"  {event.operation}{operand}{origin}"
        case RegisterWrite():
            return f"  {event.register} = {event.value:#x}"
        case DescriptorWrite():
            return (
                f"  {event.by}: descriptor at {event.address:#x}: {event.old:#018x} -> "
                f"{event.new:#018x}"
            ) + (f" ({event.note})" if event.note else "")
        case End():
            return f"end: {event.reason}" + (f", {event.detail}" if event.detail else "")
