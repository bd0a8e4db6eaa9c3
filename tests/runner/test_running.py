"""Scenarios run on the real machine: where they end, when injections fire, what is recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES
from harness.arch.granule import Granule
from harness.errors import EngineMissingError, ScenarioError
from harness.execution import Execution
from harness.oracle.verdict import VerdictKind
from harness.runner import run, run_and_judge
from harness.scenario import (
    AtAccess,
    AtFault,
    AtInstruction,
    AtLabel,
    Edit,
    Half,
    Injection,
    Limits,
    Map,
    Run,
    Scenario,
    TranslationSetup,
    When,
)
from harness.trace import DescriptorWrite, EndReason, MemoryAccess
from harness.vmsa.access import AccessKind

VA = VirtualAddress(0xFFFF_0000_1960_0000)
PA = PhysicalAddress(0x1_9960_0000)
KERNEL = 0x0068_0000_0000_0700
HANDLER = """
copy:   str x1, [x0]
        str x1, [x0, #8]
        ret
        .balign 2048
vectors:
        nop
        .balign 0x200
        add x5, x5, #1
        ldr x6, [x2]
        orr x6, x6, #1
        str x6, [x2]
        dsb ish
        isb
        eret
"""


def scenario(text: str, *injections: Injection, el: int = 1, **registers: int) -> Scenario:
    """Return a scenario with a 2M block at VA, whose address is in x0."""
    half = Half(Granule.K4, 48)
    block = Map(VA, PA, 2 << 20, KERNEL, "kernel", shape="block")
    return Scenario(
        "test",
        "a test",
        PROFILES["max"],
        TranslationSetup(half, half),
        (block,),
        Run(text=text, el=el, registers={"x0": VA, **registers}),
        injections=injections,
    )


def invalidate(when: When, *maintenance: str, va: int = VA) -> Injection:
    """Return an injection that clears the valid bit."""
    return Injection(when, Edit(VirtualAddress(va), clear_bits=1), maintenance)


def fired_at(execution: Execution) -> list[int]:
    """Return the instructions before which injections changed a descriptor."""
    return [
        event.number
        for event in execution.trace.events
        if isinstance(event, DescriptorWrite) and event.by.startswith("injection")
    ]


@pytest.mark.parametrize(
    ("text", "reason", "instructions"),
    [
        ("nop\nret\n", EndReason.RETURNED, 2),
        ("b end\nnop\nend: nop\n", EndReason.RETURNED, 1),
        ("nop\n", EndReason.RETURNED, 1),
        ("str x1, [x9]\n", EndReason.FAULT, 1),
        ("svc #1\n", EndReason.EXCEPTION, 1),
        ("start: b start\n", EndReason.LIMIT, 20),
    ],
)
def test_a_run_ends_for_a_reason(text: str, reason: EndReason, instructions: int) -> None:
    given = scenario(text)
    limited = replace(given, run=replace(given.run, limits=Limits(instructions=20)))
    end = run(limited).trace.end
    assert (end.reason, end.number) == (reason, instructions)


def test_a_run_out_of_time_is_incomplete_too() -> None:
    given = scenario("start: b start\n")
    limited = replace(given, run=replace(given.run, limits=Limits(10**9, 0.1)))
    judged = run_and_judge(limited)
    assert judged.execution.trace.end.reason is EndReason.LIMIT
    assert judged.verdict.kind is VerdictKind.INCOMPLETE


def test_the_execution_has_the_image_before_and_the_memory_after() -> None:
    execution = run(scenario("str x1, [x0]\nret\n", x1=7))
    assert execution.memory.read64(PA) == 0
    assert execution.final_memory.read64(PA) == 7
    assert execution.trace.registers["x1"] == 7
    assert execution.system_registers["TCR_EL1"] == execution.trace.registers["TCR_EL1"]
    assert execution.engine.startswith("unicorn 2.1")


def test_a_store_at_el0_is_checked_as_one() -> None:
    judged = run_and_judge(scenario("str x1, [x0]\nret\n", el=0))
    (fault,) = judged.execution.trace.faults
    assert fault.esr == 0x9200_004E, "a lower level's data abort: permission, level 2, write"
    assert judged.verdict.kind is VerdictKind.AGREES


@pytest.mark.parametrize(
    ("when", "numbers"),
    [
        (AtLabel("loop"), [2]),
        (AtLabel("loop", 2), [6]),
        (AtInstruction(4), [4]),
        (AtAccess(VA, 8), [2]),
        (AtAccess(VA, 8, AccessKind.WRITE, 2), [6]),
        (AtAccess(VA, 8, AccessKind.READ), [3]),
        (AtAccess(VirtualAddress(VA + 8), 8), []),
        (AtInstruction(11), []),
        (AtFault(1), []),
    ],
)
def test_an_injection_fires_once_before_its_instruction(when: When, numbers: list[int]) -> None:
    text = """
        mov x3, #2
    loop:
        str x1, [x0]
        ldr x4, [x0]
        subs x3, x3, #1
        b.ne loop
        ret
    """
    unused = Edit(VirtualAddress(VA + (2 << 20)), level=2, descriptor=0x10)
    execution = run(scenario(text, Injection(when, unused)))
    assert execution.trace.end.number == 10
    assert fired_at(execution) == numbers


def test_an_edit_without_maintenance_leaves_the_cached_translation() -> None:
    text = "ldr x1, [x0]\nagain: ldr x2, [x0]\nret\n"
    stale = run_and_judge(scenario(text, invalidate(AtLabel("again"))))
    assert stale.execution.trace.faults == ()
    assert stale.verdict.kind is VerdictKind.AGREES
    assert len(stale.verdict.findings) == 0


def test_an_edit_with_maintenance_ends_the_cached_translation() -> None:
    text = "ldr x1, [x0]\nagain: ldr x2, [x0]\nret\n"
    maintenance = ("dsb ishst", "tlbi vaae1is", "dsb ish", "isb")
    fresh = run_and_judge(scenario(text, invalidate(AtLabel("again"), *maintenance)))
    (fault,) = fresh.execution.trace.faults
    assert fault.label == "again"
    assert fresh.verdict.kind is VerdictKind.AGREES
    assert len(fresh.verdict.permitted) == 1, "after TLBI, DSB, ISB only the fault is left"


def test_a_handler_repairs_the_descriptor_and_the_store_is_done_again() -> None:
    pool = 0x4000_0000
    given = scenario(HANDLER, invalidate(AtInstruction(2), "tlbi vmalle1", "dsb ish", "isb"))
    tables = Map(VirtualAddress(pool), PhysicalAddress(pool), 2 << 20, KERNEL, "tables")
    given = replace(given, maps=(*given.maps, tables), table_pool=PhysicalAddress(pool))
    entry = next(
        event.address
        for event in run(given).trace.events
        if isinstance(event, DescriptorWrite) and event.by == "injection 1"
    )
    handled = replace(given.run, vectors="vectors", registers={"x0": VA, "x1": 5, "x2": entry})
    judged = run_and_judge(replace(given, run=handled))
    assert judged.execution.trace.end.reason is EndReason.RETURNED
    assert len(judged.execution.trace.faults) == 1
    assert judged.execution.trace.registers["x5"] == 1
    assert judged.execution.final_memory.read64(PhysicalAddress(PA + 8)) == 5
    assert judged.verdict.kind is VerdictKind.AGREES
    repairs = [
        event
        for event in judged.execution.trace.events
        if isinstance(event, DescriptorWrite) and event.by == "guest"
    ]
    assert [(event.address, event.new & 1) for event in repairs] == [(entry, 1)]


def test_a_store_through_one_address_is_read_through_its_alias() -> None:
    page = Map(VirtualAddress(0x10_0000), PA, 4096, KERNEL, "k")
    given = replace(scenario("str x1, [x0]\nldr x2, [x3]\nret\n", x1=9, x3=0x10_0000), maps=())
    given = replace(given, maps=(*scenario("").maps, page))
    assert run(given).trace.registers["x2"] == 9


def test_an_injection_that_finds_no_descriptor_is_refused_by_its_place() -> None:
    edit = Edit(VirtualAddress(0x4000), level=3, clear_bits=1)
    with pytest.raises(ScenarioError, match="injection 1 cannot be made"):
        run(scenario("nop\nret\n", Injection(AtInstruction(1), edit)))


def test_two_runs_of_one_scenario_are_equal() -> None:
    given = scenario("ldr x1, [x0]\nstr x1, [x0, #8]\nret\n", invalidate(AtInstruction(2)))
    one, other = run_and_judge(given), run_and_judge(given)
    assert one.execution.trace == other.execution.trace
    assert one.execution.final_memory == other.execution.final_memory
    assert one.verdict == other.verdict


def test_words_need_no_assembler() -> None:
    given = scenario("")
    words = replace(given, run=replace(given.run, text="", words=(0xF900_0001, 0xD65F_03C0)))
    trace = run(words).trace
    assert trace.end.reason is EndReason.RETURNED
    accesses = [event for event in trace.events if isinstance(event, MemoryAccess)]
    assert [(event.access.va, event.pa) for event in accesses] == [(VA, PA)]


def test_an_assembler_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineMissingError, match="aarch64"):
        run(scenario("nop // nowhere else assembled\nret\n"), assembler="gnu")
