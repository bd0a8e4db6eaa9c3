"""Operations of a kernel as injections: what a run records of them, and how it refuses them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness import library
from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES
from harness.errors import ScenarioError
from harness.report.text import run_text
from harness.runner import Mmu, run, run_and_judge
from harness.scenario import AtLabel, Injection, Operation, Scenario
from harness.scenario_file import load
from harness.trace import DescriptorWrite, Maintenance, MaintenanceKind

VA = VirtualAddress(0xFFFF_0000_1960_0000)
BLOCK = 0x00E8_0001_9960_0705
SHARED = 1 << 47


def shipped(name: str) -> Scenario:
    return load(library.find(name))


def sharing(version: str, injections: tuple[Injection, ...] = ()) -> Scenario:
    """Return the sharing of the buffer, or other operations in its place without expectations."""
    scenario = shipped(f"realm_share_linux_{version}")
    return replace(scenario, injections=injections, expect=None) if injections else scenario


def at_share(name: str, size: int) -> tuple[Injection, ...]:
    return (Injection(AtLabel("share"), Operation("linux-7.0.1", name, VA, size), line=7),)


@pytest.mark.parametrize(
    ("version", "values"),
    [
        ("7_0", [BLOCK, (BLOCK | SHARED) & ~1]),
        ("7_0_1", [BLOCK, (BLOCK | SHARED) & ~1 | 1 << 11, BLOCK | SHARED]),
    ],
)
def test_every_store_of_an_operation_is_in_the_trace(version: str, values: list[int]) -> None:
    events = run(sharing(version)).trace.events
    writes = [event for event in events if isinstance(event, DescriptorWrite)]
    changed = [write for write in writes if write.old != write.new]
    assert [changed[0].old, *(write.new for write in changed)] == values
    assert all(write.by == "injection 1" for write in writes)
    passed = [write.note for write in writes if write.old == write.new]
    assert passed == (["passed by, since pmd_sect is false"] if version == "7_0" else [])


def test_an_operation_issues_its_own_maintenance() -> None:
    events = run(sharing("7_0_1")).trace.events
    kinds = [event.operation for event in events if isinstance(event, Maintenance)]
    assert kinds == ["dsb ishst", "tlbi vaale1is", "dsb ish", "isb", "dsb ishst", "isb"]
    (tlbi,) = (
        event
        for event in events
        if isinstance(event, Maintenance) and event.kind is MaintenanceKind.TLBI
    )
    assert tlbi.injected
    assert tlbi.operand == VA >> 12 & (1 << 44) - 1


def test_the_report_names_the_entry_that_was_passed_by() -> None:
    text = run_text(run_and_judge(shipped("realm_share_linux_7_0")))
    assert "0x00e8800199600704 passed by, since pmd_sect is false\n" in text


def test_the_report_of_many_stores_is_cut_short() -> None:
    given = sharing("7_0_1", at_share("split", 0x1000))
    text = run_text(run_and_judge(given))
    assert "... and 519 more: --json has all\n" in text


def test_new_tables_lie_in_memory_that_holds_nothing_and_do_not_meet() -> None:
    first = Operation("linux-7.0.1", "split", VA, 0x1000)
    copy = Operation("linux-7.0.1", "hibernate_copy", VA, 2 << 20)
    moments = (Injection(AtLabel("share"), first), Injection(AtLabel("copy"), copy))
    final = run(sharing("7_0_1", moments)).final_memory
    table = final.read64(PhysicalAddress(0x40003658)) or 0
    assert table & 3 == 3
    page = final.read64(PhysicalAddress(table & ~0xFFF)) or 0
    assert page & 0xFFFF_FFFF_F000 == 0x1_9960_0000
    # The copy begins behind the table of the split; its root leads to the copy of that table.
    root = (table & ~0xFFF) + 0x1000
    assert (final.read64(PhysicalAddress(root)) or 0) & ~0xFFF == root + 0x1000


@pytest.mark.parametrize(
    ("operation", "size", "profile", "reason"),
    [
        ("set_memory_valid_off", 0x1000, "cortex-a57", "BBML2_NOABORT"),
        ("set_memory_valid_off", 0x1001, "max", "are not whole pages"),
        ("contpte_fold", 0x1_0000, "max", "its tables end at level 2"),
    ],
)
def test_an_operation_that_cannot_be_done_is_an_error_of_the_scenarios_line(
    operation: str, size: int, profile: str, reason: str
) -> None:
    given = replace(
        sharing("7_0_1", at_share(operation, size)),
        profile=PROFILES[profile],
        source=Path("x.scenario.toml"),
        memory=(),
    )
    with pytest.raises(ScenarioError, match=reason) as caught:
        run(given)
    assert str(caught.value).startswith("x.scenario.toml:7: injection 1 cannot be made: ")


def test_the_reference_mmu_does_the_same_with_every_old_translation_kept() -> None:
    from harness.machine.policies import policy_named

    for version, faults in (("7_0", 1), ("7_0_1", 0)):
        judged = run_and_judge(sharing(version), mmu=Mmu.MODEL, policy=policy_named("stale"))
        assert judged.passed
        assert len(judged.execution.trace.faults) == faults
