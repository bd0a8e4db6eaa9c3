"""Real instructions explored on the machine with the reference MMU."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from harness import library
from harness.errors import HarnessError, LimitError, UnsupportedError
from harness.explore.explorer import Bounds, explore
from harness.explore.machine_program import Watched
from harness.explore.replay import replay
from harness.explore.results import Exploration
from harness.explore.scenario_program import scenario_program
from harness.machine.policies import Witness
from harness.runner import Mmu, run
from harness.scenario import Scenario
from harness.scenario_file import load, parse

OLD, NEW = 0x1111, 0x2222

TABLES = """
[scenario]
summary = "a descriptor under change"
{profile}
[translation]
tables = "0x90000000"
{translation}
[[map]]
va = "0xffff000010000000"
pa = "0x80000000"
size = "8K"
as = "page"
attributes = "linux-7.0:PAGE_KERNEL"
[[map]]
va = "0xffff000090000000"
pa = "0x90000000"
size = "2M"
attributes = "linux-7.0:PAGE_KERNEL"
[[memory]]
pa = "0x80000000"
words = ["0x1111"]
[[memory]]
pa = "0x80005000"
words = ["0x2222"]
[run]
words = [{words}]
[run.registers]
x0 = "0xffff000010000000"
x1 = "0xffff000090004000"
x2 = "0x0068000080005703"
{more}
"""
STR, LDR_X3, LDR_X4 = 0xF900_0022, 0xF940_0003, 0xF940_0004
NOP, RET, B_SELF = 0xD503_201F, 0xD65F_03C0, 0x1400_0000


def scenario(*words: int, more: str = "", translation: str = "", profile: str = "") -> Scenario:
    text = TABLES.format(
        words=", ".join(f'"{word:#x}"' for word in (*words, RET)),
        more=more,
        translation=translation,
        profile=profile,
    )
    return parse(text, Path("explored.scenario.toml"))


def explored(
    given: Scenario, bounds: Bounds | None = None, watched: Watched | None = None
) -> Exploration:
    with scenario_program(given, watched=watched) as program:
        return explore(program, bounds)


def loads(found: Exploration) -> set[tuple[int, ...]]:
    return {tuple(value for _, value in each.state.registers) for each in found.outcomes}


X3_X4 = Watched(registers=("x3", "x4"), memory={})


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("load_without_maintenance", {NEW, OLD}),
        ("load_without_dsb", {0, OLD}),
        ("load_without_isb", {0, OLD}),
        ("load_after_full_maintenance", {0}),
        ("break_before_make", {NEW}),
        ("split_block", {OLD}),
    ],
)
def test_a_shipped_snippet_has_just_the_outcomes_that_its_maintenance_leaves(
    name: str, second: set[int]
) -> None:
    found = explored(load(library.find(name)), watched=Watched(registers=("x5",), memory={}))
    assert found.complete
    assert {value for (value,) in loads(found)} == second


def test_each_load_chooses_for_itself() -> None:
    found = explored(scenario(STR, LDR_X3, LDR_X4), watched=X3_X4)
    assert loads(found) == {(NEW, NEW), (NEW, OLD), (OLD, NEW), (OLD, OLD)}
    assert (found.executions, found.followed) == (4, 4)


def test_prefixes_are_shared_and_equal_states_merged() -> None:
    found = explored(scenario(*(NOP,) * 10, STR, LDR_X3, LDR_X3, LDR_X3, NOP, NOP), watched=X3_X4)
    assert (found.executions, len(found.outcomes)) == (8, 2)
    assert found.merged == 2
    assert found.steps == 30


def test_every_witness_leads_to_its_outcome_again() -> None:
    given = scenario(STR, LDR_X3, LDR_X4)
    for outcome in explored(given, watched=X3_X4).outcomes:
        with scenario_program(given, watched=X3_X4) as program:
            assert replay(program, outcome.witness, limit=100) == outcome.state
        execution = run(given, mmu=Mmu.MODEL, policy=Witness(outcome.witness))
        seen = tuple((name, execution.trace.registers[name]) for name in ("x3", "x4"))
        assert seen == outcome.state.registers


def test_two_explorations_find_the_same_in_the_same_order() -> None:
    given = scenario(STR, LDR_X3, LDR_X4)
    assert explored(given) == explored(given)


def test_faults_and_the_end_are_part_of_the_state() -> None:
    found = explored(load(library.find("load_without_isb")))
    ends = {
        (each.state.end, *(fault.kind for fault in each.state.faults)) for each in found.outcomes
    }
    assert ends == {("fault", "translation"), ("returned",)}


def test_changed_memory_is_part_of_the_state() -> None:
    (outcome,) = explored(scenario(STR)).outcomes
    assert outcome.state.memory == (("0x90004000", 0x0068_0000_8000_5703),)
    named = Watched(registers=(), memory={"entry": 0x9000_4000, "data": 0x8000_0000})
    (outcome,) = explored(scenario(STR), watched=named).outcomes
    assert outcome.state.memory == (("data", OLD), ("entry", 0x0068_0000_8000_5703))


INJECTED = """
[[inject]]
when = { instruction = 2 }
edit = { va = "0xffff000010000000", clear = "VALID" }
"""


def test_an_injection_acts_in_every_execution_once() -> None:
    found = explored(scenario(NOP, LDR_X3, LDR_X4, more=INJECTED), watched=X3_X4)
    assert loads(found) == {(0, 0), (OLD, 0), (OLD, OLD)}


HARDWARE = "TCR_EL1 = { HA = 1 }"
EXPECTED = '[expect]\nmemory = { "0x90004008" = "0x0" }'
CLEAR_AF = """
[[inject]]
when = { instruction = 1 }
edit = { va = "0xffff000010001000", clear = "AF" }
"""


def test_hardware_may_set_the_access_flag_of_what_is_watched_until_the_end() -> None:
    af = 1 << 10
    given = scenario(NOP, more=CLEAR_AF + EXPECTED, translation=HARDWARE)
    words = [
        dict(each.state.memory).get("0x90004008", af) & af for each in explored(given).outcomes
    ]
    assert sorted(words) == [0, af]
    assert len(explored(scenario(NOP, more=CLEAR_AF, translation=HARDWARE)).outcomes) == 1


def test_a_bound_makes_it_incomplete() -> None:
    endless = explored(scenario(B_SELF), Bounds(instructions=20))
    assert endless.incomplete == ("20 instructions of one execution",)
    assert endless.outcomes == ()


def test_what_is_not_modelled_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="FEAT_MTE"):
        explored(scenario(0xD920_0800))


def test_a_vector_that_faults_itself_for_ever_is_a_limit() -> None:
    given = scenario(0xF940_0003 | 6 << 5)  # ldr x3, [x6], which is 0
    with scenario_program(given) as program:
        program._machine.write_register("VBAR_EL1", 0xFFFF_0000_5000_0800)
        with pytest.raises(LimitError, match="faults itself"):
            program.advance(100)


def test_a_snapshot_of_something_else_is_refused() -> None:
    with scenario_program(scenario(NOP)) as program, pytest.raises(HarnessError, match="another"):
        program.restore(None)


def test_the_speed_of_exploration(capsys: pytest.CaptureFixture[str]) -> None:
    """Shown, and not held to anything."""
    loads_ = [0xF940_0000 | register for register in range(3, 13)]
    given = scenario(*(NOP,) * 5, STR, *loads_, *(NOP,) * 3)
    with scenario_program(given) as program:
        begin = time.process_time()
        found = explore(program)
        seconds = time.process_time() - begin
    assert found.complete
    assert found.executions == 1 << len(loads_)
    begin = time.process_time()
    for _ in range(20):
        run(given, mmu=Mmu.MODEL)
    again = (time.process_time() - begin) / 20
    with capsys.disabled():
        sys.stdout.write(
            f"\n{found.followed} executions of 20 instructions explored in {seconds:.2f} s: "
            f"{found.followed / seconds:.0f} a second, {found.steps / seconds:.0f} steps a second; "
            f"one run from the beginning: {1000 * again:.1f} ms\n"
        )
