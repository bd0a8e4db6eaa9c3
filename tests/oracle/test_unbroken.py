"""What a live entry changed without break-before-make permits, and until when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES
from harness.execution import Execution
from harness.oracle.unbroken import UnbrokenChanges
from harness.runner import run
from harness.scenario_file import parse
from harness.trace import (
    DescriptorWrite,
    Event,
    ExceptionEntry,
    ExceptionReturn,
    Maintenance,
    MaintenanceKind,
    MemoryAccess,
    RegisterWrite,
)
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.tlb.choice import ChoiceKind

VA = VirtualAddress(0xFFFF_0000_1000_0000)
ENTRY = PhysicalAddress(0x9000_4000)
OLD, NEW = 0x0068_0000_8000_0703, 0x0068_0000_8000_1703
READ = Access(VA, AccessKind.READ)
SCENARIO = """
[scenario]
summary = "one page"
profile = "neoverse-v1"
[translation]
tables = "0x90000000"
[[map]]
va = "0xffff000010000000"
pa = "0x80000000"
size = "4K"
attributes = "linux-7.0:PAGE_KERNEL"
[run]
words = ["0xd503201f"]
"""
PC = VirtualAddress(0xFFFF_8000_0000_0000)


@pytest.fixture(scope="module")
def execution() -> Execution:
    """Return a run with one page, that changes nothing."""
    return run(parse(SCENARIO, Path("one.scenario.toml")))


def written(old: int, new: int, by: str = "guest") -> DescriptorWrite:
    return DescriptorWrite(1, ENTRY, old, new, by)


def maintained(operation: str, operand: int | None = None) -> Maintenance:
    kind = MaintenanceKind(operation.split(maxsplit=1)[0])
    return Maintenance(1, PC, kind, operation, operand)


CHANGE = written(OLD, NEW)
MAINTAINED = (maintained("dsb ishst"), maintained("tlbi vmalle1"), maintained("dsb ish"))
ENTERED = ExceptionEntry(1, VirtualAddress(0), 0x200, 0, PC, 0)


def kinds(execution: Execution, *events: Event) -> set[ChoiceKind]:
    changes = UnbrokenChanges(execution, PROFILES["neoverse-v1"])
    for event in events:
        changes.note(event)
    return {choice.kind for choice in changes.outcomes(READ)}


def test_a_new_output_address_permits_a_conflict_until_the_maintenance_is_complete(
    execution: Execution,
) -> None:
    assert kinds(execution) == set()
    assert ChoiceKind.CONFLICT in kinds(execution, CHANGE)
    assert ChoiceKind.CONFLICT in kinds(execution, CHANGE, *MAINTAINED)
    for synchronising in (maintained("isb"), ENTERED, ExceptionReturn(1, PC, 0)):
        assert kinds(execution, CHANGE, *MAINTAINED, synchronising) == set()


def test_break_before_make_leaves_nothing_of_both_values(execution: Execution) -> None:
    broken = (written(OLD, 0), *MAINTAINED, maintained("isb"), written(0, NEW))
    assert kinds(execution, *broken) == set()


def test_an_update_by_hardware_is_no_change_that_needs_it(execution: Execution) -> None:
    clear = OLD & ~(1 << 10)
    assert kinds(execution, written(OLD, clear), written(clear, OLD, "hardware")) == set()


def test_a_register_write_is_followed_and_other_events_are_not(execution: Execution) -> None:
    moved = RegisterWrite(1, PC, "TTBR1_EL1", 0x9000_8000)
    access = MemoryAccess(1, PC, READ, PhysicalAddress(0), 0)
    assert kinds(execution, access, maintained("dmb ish")) == set()
    changes = UnbrokenChanges(execution, PROFILES["neoverse-v1"])
    changes.note(CHANGE)
    changes.note(moved)
    assert changes.outcomes(READ)
    changes.note(maintained("isb"))
    for event in (*MAINTAINED, maintained("isb")):
        changes.note(event)
    assert changes.outcomes(READ) == ()


def test_each_event_is_followed_once_however_often_it_is_asked(execution: Execution) -> None:
    changes = UnbrokenChanges(execution, PROFILES["neoverse-v1"])
    changes.note(CHANGE)
    first = changes.outcomes(READ)
    assert first == changes.outcomes(READ)
    assert changes.outcomes(replace(READ, kind=AccessKind.WRITE)) != first
