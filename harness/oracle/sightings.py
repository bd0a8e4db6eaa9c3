"""The accesses that a trace tells of, in the order in which the PE made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.syndromes import decode_abort
from harness.errors import UnsupportedError
from harness.memory import PAGE_SIZE
from harness.oracle.seen import Aborted, Completed, Seen
from harness.trace import (
    DescriptorWrite,
    Event,
    FaultTaken,
    Instruction,
    Maintenance,
    MaintenanceKind,
    MemoryAccess,
)
from harness.vmsa.access import Access, AccessKind, Operation

_BY_ADDRESS = ("vac", "vau", "vap", "vadp")
"""How the names of DC and IC operations by virtual address end."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One access of a run, and what was seen of it."""

    number: int
    """Of the instruction that made it."""
    pc: VirtualAddress
    label: str
    access: Access
    seen: Seen


def sightings(events: Iterable[Event], el: int) -> Iterator[tuple[Event, Sighting | None]]:
    """Yield every event with the access that it tells of; `el` is that of the first instruction.

    UnsupportedError for a fault whose access can be read neither off the event nor its syndrome.
    """
    ordered = list(_fetches_first(events))
    label = ""
    for index, event in enumerate(ordered):
        sighting = None
        if isinstance(event, Instruction):
            el, label = event.el, event.label
            if not _fetch_faults(ordered, index):
                access = Access(event.pc, AccessKind.FETCH, 4, el)
                sighting = Sighting(event.number, event.pc, label, access, Completed(None))
        elif isinstance(event, MemoryAccess):
            seen = Completed(_location(event))
            sighting = Sighting(event.number, event.pc, label, event.access, seen)
        elif isinstance(event, FaultTaken):
            sighting = _fault(event)
        elif isinstance(event, Maintenance) and _is_by_address(event):
            sighting = _maintenance(event, label, el)
        yield event, sighting


def moved(pa: PhysicalAddress, va: VirtualAddress) -> PhysicalAddress:
    """Return where `va` lies in the page of `pa`: no translation changes the offset."""
    return PhysicalAddress(pa & ~(PAGE_SIZE - 1) | va % PAGE_SIZE)


def _fetches_first(events: Iterable[Event]) -> Iterator[Event]:
    """Put each instruction before the injections that were made when it was to execute.

    It had been fetched by then: an injection acts between fetch and execution.
    """
    held: list[DescriptorWrite | Maintenance] = []
    for event in events:
        if _is_injected(event):
            held.append(event)
            continue
        own = []
        if isinstance(event, Instruction):
            own = [injected for injected in held if injected.number == event.number]
        yield from (injected for injected in held if injected not in own)
        yield event
        yield from own
        held = []


def _is_injected(event: Event) -> TypeGuard[DescriptorWrite | Maintenance]:
    if isinstance(event, DescriptorWrite):
        return event.by.startswith("injection")
    return isinstance(event, Maintenance) and event.injected


def _fetch_faults(events: Sequence[Event], index: int) -> bool:
    """Return whether the instruction that was about to execute could not be fetched."""
    following = index + 1
    while isinstance(events[following], DescriptorWrite | Maintenance):
        following += 1
    event = events[following]
    if not isinstance(event, FaultTaken):
        return False
    abort = decode_abort(event.esr)
    return abort is not None and abort.fetch and event.number == events[index].number


def _location(event: MemoryAccess) -> PhysicalAddress:
    """Return where the address that is translated lies; the bytes of DC ZVA begin below it."""
    if event.access.operation is Operation.DC_ZVA:
        return moved(event.pa, event.access.va)
    return event.pa


def _fault(event: FaultTaken) -> Sighting:
    seen = Aborted(event.esr, event.far)
    access = event.access or _access_of(seen)
    if access is None:
        raise UnsupportedError(
            f"the fault at {event.pc:#x} with ESR {event.esr:#x} reports no abort that is "
            "modelled, or not the access that it depends on"
        )
    return Sighting(event.number, event.pc, event.label, access, seen)


def _access_of(seen: Aborted) -> Access | None:
    """Return the access that a syndrome tells of, None where it does not tell enough."""
    abort = seen.abort
    if abort is None or abort.kind is FaultKind.ALIGNMENT:
        return None
    if abort.fetch:
        kind, size = AccessKind.FETCH, 4
    else:
        kind, size = (AccessKind.WRITE if abort.write else AccessKind.READ), 1
    operation = Operation.CACHE_MAINTENANCE if abort.cache_maintenance else Operation.PLAIN
    return Access(seen.far, kind, size, 0 if abort.lower_el else 1, operation=operation)


def _is_by_address(event: Maintenance) -> bool:
    """Return whether a DC or IC names an address (DC ZVA is a MemoryAccess)."""
    return event.kind in {MaintenanceKind.DC, MaintenanceKind.IC} and event.operation.endswith(
        _BY_ADDRESS
    )


def _maintenance(event: Maintenance, label: str, el: int) -> Sighting:
    operand = VirtualAddress(event.operand or 0)
    access = Access(operand, AccessKind.READ, 1, el, operation=Operation.CACHE_MAINTENANCE)
    return Sighting(event.number, event.pc, label, access, Completed(None))
