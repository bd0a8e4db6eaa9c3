"""`mmu-harness explore` at a shell: outcomes, claims, advice, bounds, JSON, exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.cli.main import main
from harness.explore import explored

Capture = pytest.CaptureFixture[str]
LACKING = ("load_without_dsb", "load_without_isb")
"""Shipped scenarios in which the old page may still be read, and need not be."""


def document(capsys: Capture, *words: str, code: int = 0) -> dict[str, Any]:
    """Explore with `--json` and return the document; the exit code must be `code`."""
    assert main(["explore", "--json", *words]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def text(capsys: Capture, *words: str, code: int = 0) -> str:
    """Explore and return what is printed; the exit code must be `code`."""
    assert main(["explore", *words]) == code
    return capsys.readouterr().out


def test_break_before_make_has_one_outcome_only(capsys: Capture) -> None:
    found = document(capsys, "break_before_make")
    assert (found["complete"], found["executions"]) == (True, 1)
    (outcome,) = found["outcomes"]
    assert outcome["state"]["registers"]["x5"] == "0x2222"
    assert (outcome["faults"], outcome["count"], outcome["witness"]) == ([], 1, [])


def test_full_maintenance_leaves_only_the_fault(capsys: Capture) -> None:
    (outcome,) = document(capsys, "load_after_full_maintenance")["outcomes"]
    assert [(each["kind"], each["label"]) for each in outcome["faults"]] == [
        ("translation", "full_again")
    ]


@pytest.mark.parametrize("scenario", LACKING)
def test_a_sequence_that_lacks_a_barrier_has_both_outcomes(scenario: str, capsys: Capture) -> None:
    found = document(capsys, scenario)
    fault, stale = found["outcomes"]
    assert (found["complete"], found["executions"]) == (True, 2)
    assert [each["kind"] for each in fault["faults"]] == ["translation"]
    assert (stale["faults"], stale["state"]["registers"]["x5"]) == ([], "0x1111")
    assert stale["state"]["memory"] == {"0x90004000": "0x0"}
    assert stale["witness"] == ["0x90004000=0x68000080000703/tlb"]


def test_the_report_tells_both_outcomes_in_words(capsys: Capture) -> None:
    lines = text(capsys, "load_without_dsb").splitlines()
    assert lines[1] == "complete: 2 executions, 2 distinct outcomes"
    assert "outcome 1: 1 execution, ends at a fault without a handler" in lines
    assert "outcome 2: 1 execution, reaches its end" in lines
    assert "    registers: x3 = 0xff000010000, x4 = 0x1111, x5 = 0x0" in lines
    assert "    registers: x3 = 0xff000010000, x4 = 0x1111, x5 = 0x1111" in lines
    assert lines.count("    memory: [0x90004000] = 0x0000000000000000") == 2
    assert lines[-1].strip() == (
        "the descriptor at 0x90004000 as 0x68000080000703, not 0x0: a TLB may still hold it"
    )


def test_the_fault_is_told_with_level_access_and_address(capsys: Capture) -> None:
    told = text(capsys, "load_after_full_maintenance")
    assert "translation fault, level 3, on a read at 0xffff800000000068 (full_again)" in told
    assert "FAR_EL1 0xffff000010000000" in told
    assert "nothing to choose" in told


def test_a_forbidden_outcome_that_is_permitted_is_a_finding(capsys: Capture) -> None:
    told = text(capsys, "load_without_isb", "--forbid", "x5 == 0x1111", code=1)
    assert "BROKEN: forbid x5 == 0x1111\n    outcome 2 is permitted" in told
    found = document(capsys, "load_without_isb", "--forbid", "x5 == 0x1111", code=1)
    (broken,) = found["broken"]
    assert broken["claim"] == "forbid x5 == 0x1111"
    assert broken["witness"] == ["0x90004000=0x68000080000703/tlb"]
    assert "(without_isb_again), read of 0xffff000010000000" in broken["choices"][0]["place"]


def test_an_outcome_without_what_is_required_is_a_finding(capsys: Capture) -> None:
    (broken,) = document(capsys, "load_without_isb", "--require", "fault == translation", code=1)[
        "broken"
    ]
    assert (broken["claim"], broken["faults"]) == ("require fault == translation", [])


@pytest.mark.parametrize(
    ("scenario", "claims"),
    [
        ("break_before_make", ("--forbid", "fault or x5 != 0x2222", "--require", "x4 == 0x1111")),
        ("load_after_full_maintenance", ("--require", "fault at full_again")),
        ("load_without_dsb", ("--forbid", "x5 == 0x2222", "--require", "[0x90004000] == 0")),
    ],
)
def test_claims_that_all_outcomes_keep_are_no_finding(
    scenario: str, claims: tuple[str, ...], capsys: Capture
) -> None:
    assert document(capsys, scenario, *claims)["broken"] == []


def test_words_that_no_execution_writes_are_as_they_were(capsys: Capture) -> None:
    document(capsys, "break_before_make", "--require", "[0x80001000] == 0x2222")
    document(capsys, "break_before_make", "--forbid", "[0x80001000] == 0x2222", code=1)


@pytest.mark.parametrize(
    ("scenario", "missing"),
    [("load_without_dsb", ["dsb ish", "isb"]), ("load_without_isb", ["isb"])],
)
def test_the_missing_barrier_is_advised(scenario: str, missing: list[str], capsys: Capture) -> None:
    found = document(capsys, scenario, "--forbid", "not fault", "--advise", code=1)
    assert {tuple(each["insert"]) for each in found["advice"]} == {tuple(missing)}
    told = text(capsys, scenario, "--forbid", "not fault", "--advise", code=1)
    assert f"missing before {scenario.removeprefix('load_')}" in told


def test_advice_keeps_to_what_was_executed(capsys: Capture) -> None:
    words = ("load_without_isb", "--forbid", "not fault", "--advise")
    labels = {each["before"].split("+")[0] for each in document(capsys, *words, code=1)["advice"]}
    assert labels <= {"without_isb", "without_isb_again"}


def test_what_no_insertion_mends_is_said(capsys: Capture) -> None:
    words = ("break_before_make", "--forbid", "x5 == 0x2222", "--advise")
    assert "no single insertion" in text(capsys, *words, code=1)
    assert document(capsys, *words, code=1)["advice"] == []


def test_nothing_is_advised_where_no_claim_is_broken(capsys: Capture) -> None:
    assert document(capsys, "break_before_make", "--forbid", "fault", "--advise")["advice"] is None


@pytest.mark.parametrize(
    ("bound", "reason"),
    [
        (("--limit-executions", "1"), "1 executions"),
        (("--limit-instructions", "3"), "3 instructions of one execution"),
    ],
)
def test_a_bound_that_is_reached_is_said_and_nothing_is_proved(
    bound: tuple[str, str], reason: str, capsys: Capture
) -> None:
    words = ("load_without_dsb", *bound, "--forbid", "x5 == 0x1111")
    found = document(capsys, *words, code=4)
    assert (found["complete"], found["incomplete"]) == (False, [reason])
    told = text(capsys, *words, code=4)
    assert "INCOMPLETE" in told
    assert f"bound reached: {reason}" in told


def test_what_was_found_before_a_bound_is_a_finding_all_the_same(capsys: Capture) -> None:
    words = ("load_without_dsb", "--limit-executions", "1", "--forbid", "fault")
    assert document(capsys, *words, code=1)["complete"] is False


def test_of_many_outcomes_the_first_are_told_and_those_that_break_a_claim(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explored, "EXPLAINED", 2)
    words = ("invalid_page_64k", "--forbid", "not fault")
    found = document(capsys, *words, code=1)
    assert len(found["outcomes"]) == 17
    told = [at for at, each in enumerate(found["outcomes"]) if each["choices"] is not None]
    broken = [each["witness"] for each in found["broken"]]
    assert [found["outcomes"][at]["witness"] for at in told[2:]] == broken
    assert told[:2] == [0, 1]
    assert len(told) == 3
    assert "14 more outcomes: --json shows them all" in text(capsys, *words, code=1)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_output_is_the_same_every_time(form: tuple[str, ...], capsys: Capture) -> None:
    words = ("handler_repairs_page", "--forbid", "fault", *form)
    assert text(capsys, *words, code=1) == text(capsys, *words, code=1)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("break_before_make", "--forbid", "x5 = 1"), "column 4"),
        (("break_before_make", "--forbid", "x31 == 1"), "is no register"),
        (("break_before_make", "--require", "[0x123450] == 1"), "no memory at 0x123450"),
        (("no_such_scenario",), "no_such_scenario"),
    ],
)
def test_bad_input_is_one_clear_error(words: tuple[str, ...], reason: str, capsys: Capture) -> None:
    assert main(["explore", *words]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert reason in told.err


@pytest.mark.parametrize(
    "words", [("break_before_make", "--advise"), ("break_before_make", "--limit-states", "0")]
)
def test_wrong_usage_is_refused(words: tuple[str, ...], capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["explore", *words])
    assert "usage:" in capsys.readouterr().err
