"""Random programs that change a live table entry, run by Unicorn: the model permits all it does.

Unicorn caches pages as long as nothing invalidates them, so that what a program sees depends on
exactly the maintenance that it has made.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from harness.execution import Execution
from harness.machine.policies import Fresh, Policy, Question, Random, Stale
from harness.oracle.judge import judge
from harness.oracle.verdict import VerdictKind
from harness.runner import Mmu, run
from harness.scenario_file import load
from harness.trace import DescriptorWrite, EndReason, MemoryAccess

SCENARIO = """
[scenario]
summary = "a random program"

[translation]
tables = "0x90000000"

[[map]]
va = "0xffff000010000000"
pa = "0x80000000"
size = "4K"
attributes = "linux-7.0:PAGE_KERNEL"

[[map]]
va = "0xffff000090000000"
pa = "0x90000000"
size = "2M"
attributes = "linux-7.0:PAGE_KERNEL"

[[memory]]
pa = "0x80000000"
size = "16K"
fill = "pattern"

[run]
snippet = "random.S"
entry = "start"
vectors = "vectors"

[run.registers]
x0 = "0xffff000010000000"
x1 = "0xffff000090004000"
x2 = "0x10000"
x10 = "0x0068000080000703"
x11 = "0x0068000080001703"
x12 = "0x0068000080000783"
x13 = "0x0068000080000702"
x14 = "0x0068000080000303"
x15 = "0"
"""
# x10 to x15: the first page, another page, read-only, invalid, Access flag clear, zero.

STATEMENTS = (
    *("ldr x4, [x0]", "ldr x4, [x0]", "ldrb w4, [x0, #9]", "str x4, [x0, #16]", "ldtr x4, [x0]"),
    *(f"str x{register}, [x1]" for register in range(10, 16)),
    *("dsb ish", "dsb ishst", "dsb ishld", "dsb nsh", "isb", "isb"),
    *("tlbi vaae1, x3", "tlbi vale1is, x3", "tlbi vmalle1", "tlbi vaae1is, x5", "tlbi aside1, x6"),
    *("dsb ish\n    tlbi vaae1is, x3\n    dsb ish\n    isb",),
)

PROGRAM = """
start:
    ubfx    x3, x0, #12, #44
    add     x5, x3, #1
    movz    x6, #0
{body}
    ret

.balign 2048
vectors:
    .rept 4
    b       .
    .balign 128
    .endr
    mrs     x23, elr_el1
    add     x23, x23, #4
    msr     elr_el1, x23
    eret
"""
TABLE_ENTRY = 0x9000_4000
LENGTH = 40
PROGRAMS = 12


def executed(
    seed: int,
    folder: Path,
    mmu: Mmu = Mmu.UNICORN,
    policy: Policy | None = None,
    translation: str = "",
) -> Execution:
    choose = random.Random(seed)  # noqa: S311 - a test's choice of statements
    body = "\n".join(f"    {choose.choice(STATEMENTS)}" for _ in range(LENGTH))
    (folder / "random.S").write_text(PROGRAM.format(body=body))
    file = folder / "random.scenario.toml"
    file.write_text(
        SCENARIO.replace('tables = "0x90000000"', f'tables = "0x90000000"{translation}')
    )
    return run(load(file), mmu=mmu, policy=policy)


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_what_unicorn_makes_of_a_random_program_is_permitted(seed: int, tmp_path: Path) -> None:
    execution = executed(seed, tmp_path)
    verdict = judge(execution)
    assert execution.trace.end.reason is EndReason.RETURNED
    assert verdict.kind is VerdictKind.AGREES, verdict.explanation
    assert verdict.judged > LENGTH


@pytest.mark.parametrize("policy", [Fresh(), Stale(), Random(1), Random(2)], ids=str)
@pytest.mark.parametrize("translation", ["", "\nTCR_EL1 = { HA = 1, HD = 1 }"], ids=["", "HA HD"])
@pytest.mark.parametrize("seed", range(PROGRAMS // 2))
def test_what_the_reference_mmu_makes_of_a_random_program_is_permitted(
    seed: int, policy: Policy, translation: str, tmp_path: Path
) -> None:
    execution = executed(seed, tmp_path, Mmu.MODEL, policy, translation)
    verdict = judge(execution)
    assert execution.trace.end.reason is EndReason.RETURNED
    assert verdict.kind is VerdictKind.AGREES, verdict.explanation


class Conflicting:
    """Takes the conflict abort wherever the architecture permits one."""

    name = "conflicting"

    def choose(self, question: Question) -> int:
        """Return it, else the present."""
        found = [each.startswith("conflict") for each in question.identities]
        return found.index(True) if True in found else 0


def test_a_conflict_abort_is_permitted_where_break_before_make_was_left_out(
    tmp_path: Path,
) -> None:
    """A new output address of a live entry, on a machine that is not promised to take no abort."""
    file = tmp_path / "random.scenario.toml"
    level_1 = SCENARIO.replace("[scenario]", '[scenario]\nprofile = "neoverse-v1"')
    (tmp_path / "random.S").write_text("start:\nldr x4, [x0]\nstr x11, [x1]\nldr x5, [x0]\nret\n")
    file.write_text(level_1.replace('vectors = "vectors"\n', ""))
    execution = run(load(file), mmu=Mmu.MODEL, policy=Conflicting())
    (fault,) = execution.trace.faults
    assert fault.esr == 0x9600_0030
    verdict = judge(execution)
    assert verdict.kind is VerdictKind.AGREES
    assert "break-before-make" in verdict.explanation
    kept_back = replace(
        execution.trace,
        events=tuple(
            each
            for each in execution.trace.events
            if not (isinstance(each, DescriptorWrite | MemoryAccess) and each.number == 2)
        ),
    )
    assert judge(replace(execution, trace=kept_back)).kind is VerdictKind.DISAGREES


def test_a_judge_that_is_told_of_other_changes_disagrees(tmp_path: Path) -> None:
    """So that the agreement above means something: the same runs, the changes kept back."""
    kinds = set()
    for seed in range(PROGRAMS):
        execution = executed(seed, tmp_path)
        written = [each for each in execution.trace.events if isinstance(each, DescriptorWrite)]
        told = tuple(
            each
            for each in execution.trace.events
            if each not in written
            and not (isinstance(each, MemoryAccess) and each.pa == TABLE_ENTRY)
        )
        kinds.add(judge(replace(execution, trace=replace(execution.trace, events=told))).kind)
    assert VerdictKind.DISAGREES in kinds
