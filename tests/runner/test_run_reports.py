"""Reports of a run: the JSON document, the text, JUnit; pure functions of the judged run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from runs import FAR, LEAF, PC, STORE, end, execution, fault, judged, judgment, scenario

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.errors import ExitCode
from harness.oracle.seen import Aborted
from harness.oracle.verdict import VerdictKind
from harness.report.document import run_document, to_json
from harness.report.events import moment
from harness.report.junit import junit_text
from harness.report.lines import event_line
from harness.report.text import run_text, verdict_line
from harness.report.walk import walk_lines
from harness.runner.judged import JudgedRun
from harness.scenario import (
    AtAccess,
    AtFault,
    AtInstruction,
    AtLabel,
    Edit,
    Expect,
    Injection,
    When,
)
from harness.trace import (
    DescriptorWrite,
    End,
    EndReason,
    Event,
    ExceptionEntry,
    ExceptionReturn,
    Instruction,
    Maintenance,
    MaintenanceKind,
    MemoryAccess,
    RegisterWrite,
)
from harness.vmsa.access import AccessKind

INJECTION = Injection(AtLabel("store_pair"), Edit(FAR, clear_bits=1))
PA = PhysicalAddress(0x1_9960_0000)
EVERY_EVENT: Sequence[Event] = (
    Instruction(3, PC, 0xA900_0801, "store_pair", 1),
    MemoryAccess(3, PC, STORE, PA, 0x12),
    fault(),
    ExceptionEntry(3, VirtualAddress(0x1200), 0x200, 0x9600_0046, PC, 0x3C5),
    ExceptionReturn(4, VirtualAddress(0x1204), 0x3C5),
    Maintenance(5, PC, MaintenanceKind.TLBI, "tlbi vaae1", 0x1960_0, injected=True),
    Maintenance(6, PC, MaintenanceKind.ISB, "isb", None),
    RegisterWrite(7, PC, "TCR_EL1", 0x10),
    DescriptorWrite(8, PhysicalAddress(0x1000), 1, 2, "guest"),
    End(8, PC, EndReason.LIMIT, "8 instructions"),
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (VerdictKind.AGREES, ExitCode.EXPECTED),
        (VerdictKind.KNOWN_DIVERGENCE, ExitCode.EXPECTED),
        (VerdictKind.DISAGREES, ExitCode.FINDING),
        (VerdictKind.UNSUPPORTED, ExitCode.CANNOT_JUDGE),
        (VerdictKind.INCOMPLETE, ExitCode.CANNOT_JUDGE),
    ],
)
def test_the_exit_code_follows_the_verdict(kind: VerdictKind, code: ExitCode) -> None:
    assert judged(kind).exit_code is code
    assert judged(kind).passed is (code is ExitCode.EXPECTED)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (VerdictKind.AGREES, ExitCode.FINDING),
        (VerdictKind.UNSUPPORTED, ExitCode.FINDING),
        (VerdictKind.INCOMPLETE, ExitCode.CANNOT_JUDGE),
    ],
)
def test_a_missed_expectation_is_a_finding_unless_the_run_is_incomplete(
    kind: VerdictKind, code: ExitCode
) -> None:
    assert judged(kind, missed=("x0 was expected",)).exit_code is code


def test_the_document_has_what_outside_checkers_rely_on() -> None:
    document = run_document(judged())
    assert document["schema"] == "mmu-harness/run/1"
    assert document["verdict"] == "agrees"
    assert document["divergence"] is None
    (seen,) = document["faults"]
    wanted = {
        "outcome": "fault",
        "fault": "translation",
        "stage": 1,
        "level": 2,
        "target_el": 1,
        "esr": "0x96000046",
        "far": "0xffff000019600000",
        "pc": "0xffff800000000008",
        "label": "store_pair",
    }
    assert {key: seen[key] for key in wanted} == wanted
    assert document["walk"] == [
        {
            "stage": 1,
            "level": 2,
            "table": "0x44002000",
            "index": 203,
            "address": "0x44002658",
            "descriptor": "0x68000199600700",
            "decision": "bit 0 clear: Invalid descriptor",
            "rule": "AArch64.DecodeDescriptorType",
        }
    ]
    now, past = document["permitted"]
    assert (now["outcome"], now["fault"], now["current"]) == ("fault", "translation", True)
    assert (past["outcome"], past["pa"], past["current"]) == ("ok", "0x199600000", False)
    assert past["old_registers"] == ["TTBR1_EL1"]
    assert document["end"]["reason"] == "fault"
    assert document["end"]["label"] == "store_pair"
    assert document["registers"] == {"x0": "0x1"}


def test_a_fault_without_a_level_has_none_in_the_document() -> None:
    run = judged()
    (said,) = run.verdict.faults
    alignment = replace(said, seen=Aborted(0x9600_0061, FAR))
    verdict = replace(run.verdict, faults=(alignment,))
    (seen,) = run_document(replace(run, verdict=verdict))["faults"]
    assert seen["fault"] == "alignment"
    assert "level" not in seen


def test_the_document_says_what_injections_did() -> None:
    given = scenario(injections=(INJECTION, Injection(AtFault(2), INJECTION.edit)))
    fired, waiting = run_document(judged(given=given))["injections"]
    assert fired["fired"] is True
    assert fired["changes"] == [
        {
            "number": 3,
            "address": "0x44002658",
            "old": "0x68000199600701",
            "new": "0x68000199600700",
        }
    ]
    assert waiting == {"when": "after fault 2", "fired": False, "changes": []}


def test_the_document_has_the_trace_only_when_asked() -> None:
    run = JudgedRun(execution(*EVERY_EVENT), judged().verdict, ())
    assert "trace" not in run_document(run)
    trace = run_document(run, trace=True)["trace"]
    assert [event["event"] for event in trace] == [
        "instruction",
        "access",
        "fault",
        "exception_entry",
        "exception_return",
        "maintenance",
        "maintenance",
        "register_write",
        "descriptor_write",
        "end",
    ]
    assert trace[0]["number"] == 3
    assert trace[0]["word"] == "0xa9000801"
    assert trace[1]["access"]["type"] == "write"
    assert trace[6]["operand"] is None


def test_a_document_is_json_and_the_same_each_time() -> None:
    one, other = (to_json(run_document(judged(), trace=True)) for _ in range(2))
    assert one == other
    assert json.loads(one)["summary"] == "a store"


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (judged(), "agrees"),
        (judged(VerdictKind.KNOWN_DIVERGENCE, divergence="no-lpa2"), "known divergence: no-lpa2"),
        (judged(VerdictKind.DISAGREES), "DISAGREES"),
        (judged(VerdictKind.UNSUPPORTED), "unsupported"),
        (judged(VerdictKind.INCOMPLETE), "incomplete"),
    ],
)
def test_the_verdict_is_a_word_or_two(run: JudgedRun, words: str) -> None:
    assert verdict_line(run) == words
    assert f"\n  verdict  {words}\n" in run_text(run)


def test_the_text_shows_fault_walk_rule_and_what_is_permitted() -> None:
    text = run_text(judged(given=scenario(injections=(INJECTION,))))
    assert text.startswith("store: a store\n")
    assert "1. fault at 0xffff800000000008 (store_pair), instruction 3" in text
    assert "ESR_EL1  0x0000000096000046  Data abort from the current exception level" in text
    assert "FAR_EL1  0xffff000019600000" in text
    assert "level 2   0x44002000[203] = 0x0068000199600700  bit 0 clear" in text
    assert "[AArch64.DecodeDescriptorType]" in text
    assert "completed at 0x199600000, by a walk of the past" in text
    assert ">      3  EL1 0xffff800000000008  store_pair        stp x1, x2, [x0]" in text
    assert "before store_pair executes: at instruction 3, 0x44002658: 0x0068000199600701" in text
    assert "ended at a fault, no handler installed, at 0xffff800000000008 (store_pair)" in text


def test_a_walk_names_its_stages_where_stage_2_takes_part() -> None:
    (alone,) = walk_lines([LEAF])
    assert alone.startswith("level 2   0x44002000[203] = ")
    first, second = walk_lines([LEAF, replace(LEAF, stage=2)])
    assert first.startswith("stage 1 level 2   0x44002000[203] = ")
    assert second.startswith("stage 2 level 2   0x44002000[203] = ")


def test_one_of_a_thing_is_named_in_the_singular() -> None:
    run = judged()
    assert "after 3 instructions\n5 accesses judged" in run_text(run)
    short = replace(
        run,
        execution=execution(replace(end(), number=1)),
        verdict=replace(run.verdict, judged=1),
    )
    assert "after 1 instruction\n1 access judged" in run_text(short)


def test_the_text_shows_a_completed_access_that_is_not_permitted() -> None:
    said = judgment(VerdictKind.DISAGREES, faulted=False)
    verdict = replace(judged(VerdictKind.DISAGREES).verdict, faults=(), findings=(said,))
    text = run_text(JudgedRun(execution(*EVERY_EVENT[:2], end()), verdict, ()))
    assert "1. access at 0xffff800000000008 (store_pair), instruction 3" in text
    assert "ESR_EL1" not in text


def test_the_text_shows_the_first_ten_faults_and_counts_the_others() -> None:
    run = judged()
    faults = tuple(replace(judgment(), pc=VirtualAddress(4 * each)) for each in range(12))
    text = run_text(replace(run, verdict=replace(run.verdict, faults=faults)))
    assert "\n10. fault at" in text
    assert "\n11. fault at" not in text
    assert "... and 2 more: --json has them all" in text


def test_the_text_shows_a_fault_that_is_taken_again_once_with_a_count() -> None:
    run = judged()
    same = tuple(replace(judgment(), number=each) for each in range(12))
    text = run_text(replace(run, verdict=replace(run.verdict, faults=same)))
    assert "(store_pair), instruction 0, taken 12 times\n" in text
    assert "\n2. fault at" not in text
    assert "more: --json" not in text
    other = replace(judgment(), pc=VirtualAddress(0x8000))
    text = run_text(replace(run, verdict=replace(run.verdict, faults=(same[0], other))))
    assert "\n2. fault at 0x8000" in text
    assert "taken" not in text


def test_the_text_says_whether_expectations_were_met() -> None:
    stated = scenario(Expect(no_fault=True))
    assert "expect" not in run_text(judged())
    assert "\n  expect   met\n" in run_text(judged(given=stated))
    missed = run_text(judged(given=stated, missed=("no fault was expected",)))
    assert "\n  expect   MISSED: no fault was expected\n" in missed


def test_the_text_names_an_injection_whose_moment_did_not_come() -> None:
    given = scenario(injections=(INJECTION, Injection(AtInstruction(99), INJECTION.edit)))
    assert "2. before instruction 99: its moment did not come" in run_text(judged(given=given))


def test_the_whole_trace_replaces_the_part_around_the_fault() -> None:
    text = run_text(JudgedRun(execution(*EVERY_EVENT), judged().verdict, ()), trace=True)
    assert "\ntrace\n" in text
    assert ">      3" not in text
    assert "ended at a limit: 8 instructions" in text


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (EVERY_EVENT[0], "     3  EL1 0xffff800000000008  store_pair        stp x1, x2, [x0]"),
        (EVERY_EVENT[1], "write 16 at 0xffff000019600000 -> 0x199600000 = 0x000000000000000000"),
        (MemoryAccess(3, PC, STORE, PA, None), "write 16 at 0xffff000019600000 -> 0x199600000"),
        (EVERY_EVENT[2], "fault: ESR_EL1 0x96000046, FAR_EL1 0xffff000019600000"),
        (EVERY_EVENT[3], "exception to 0x1200 (vector 0x200): ESR_EL1 0x96000046"),
        (EVERY_EVENT[4], "exception return: SPSR_EL1 0x3c5"),
        (EVERY_EVENT[5], "tlbi vaae1, 0x19600 (injected)"),
        (EVERY_EVENT[6], "     6    isb"),
        (EVERY_EVENT[7], "TCR_EL1 = 0x10"),
        (EVERY_EVENT[8], "guest: descriptor at 0x1000: 0x0000000000000001 -> 0x0000000000000002"),
        (EVERY_EVENT[9], "end: limit, 8 instructions"),
        (end(EndReason.RETURNED), "end: returned"),
    ],
)
def test_an_event_is_one_line(event: Event, words: str) -> None:
    line = event_line(event)
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (AtLabel("copy"), "before copy executes"),
        (AtLabel("copy", 3), "before copy executes, time 3"),
        (AtInstruction(7), "before instruction 7"),
        (AtAccess(FAR, 8), "before the access at 0xffff000019600000+0x8"),
        (AtAccess(FAR, 8, AccessKind.READ, 2), "before the read at 0xffff000019600000+0x8, time 2"),
        (AtFault(1), "after fault 1"),
    ],
)
def test_a_moment_in_words(when: When, words: str) -> None:
    assert moment(when) == words


def parsed(text: str) -> ET.Element:
    """Return the XML that the harness itself wrote."""
    return ET.fromstring(text)  # noqa: S314 - our own text


def test_junit_counts_findings_as_failures_and_what_cannot_be_judged_as_errors() -> None:
    runs = [
        judged(),
        judged(VerdictKind.KNOWN_DIVERGENCE, divergence="no-lpa2"),
        judged(VerdictKind.DISAGREES),
        judged(missed=("x0 was expected",)),
        judged(VerdictKind.INCOMPLETE),
    ]
    suite = parsed(junit_text(runs))
    assert {key: suite.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "5",
        "failures": "2",
        "errors": "1",
    }
    kinds = [child.tag for case in suite for child in case]
    assert kinds == ["system-out", "system-out", "failure", "failure", "error"]
    messages = [child.get("message") for case in suite for child in case]
    assert messages == [None, None, "DISAGREES", "x0 was expected", "incomplete"]
    assert junit_text(runs) == junit_text(runs)


def test_junit_holds_only_characters_that_xml_has() -> None:
    run = judged(missed=("a \x1b[31m bell \x07",))
    suite = parsed(junit_text([run]))
    assert suite[0][0].get("message") == "a \\x1b[31m bell \\x07"
