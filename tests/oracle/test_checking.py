"""`walk --check`: what an answer is to its case's expectation, and why an engine departs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from vmsa_machine import LEAF, OUTPUT, SCTLR, TABLES, TCR, VA, Machine

from harness.arch.addresses import VirtualAddress
from harness.cases import Answer, Case, answer_document, case_line
from harness.cli.main import main
from harness.memory import PAGE_SIZE
from harness.oracle.checking import Finding, check_case
from harness.oracle.translator import ModelTranslator
from harness.oracle.unicorn_translator import UnicornTranslator
from harness.vmsa.access import Access, AccessKind

CHECKED = Machine(sctlr=SCTLR | 0b10)
"""SCTLR_EL1.A is set: Unicorn checks no alignment."""


@dataclass(frozen=True)
class Answering:
    """A translator made of a function."""

    name: str
    answer: Callable[[Case], Answer]


@pytest.fixture(scope="module")
def unicorn() -> UnicornTranslator:
    return UnicornTranslator()


def case(
    machine: Machine,
    va: int = VA,
    **changes: Any,  # noqa: ANN401 - whatever JSON holds
) -> Case:
    """Return a load of 4 bytes that expects the model's answer, with `changes`."""
    context = machine.mmu().context
    access = Access(VirtualAddress(va), AccessKind.READ, 4)
    words = machine.memory().words
    asked = Case("one", context.profile, context.regime, context.registers, words, access)
    expect = answer_document("one", ModelTranslator().answer(asked))
    return replace(asked, expect={**expect, **changes})


def test_what_an_engine_does_not_tell_is_no_disagreement(unicorn: UnicornTranslator) -> None:
    asked = case(Machine())
    assert asked.expect is not None
    assert asked.expect["attributes"]
    assert check_case(asked, unicorn).finding is Finding.AGREES


def test_a_known_divergence_is_named_with_what_differs(unicorn: UnicornTranslator) -> None:
    checked = check_case(case(CHECKED, VA + 1), unicorn)
    assert checked.finding is Finding.KNOWN
    assert str(checked).startswith(
        'known divergence no-alignment-check: outcome: expected "fault", found "ok"'
    )
    assert "updates" not in checked.detail


def test_a_divergence_excuses_no_wrong_expectation(unicorn: UnicornTranslator) -> None:
    asked = case(CHECKED, VA + 1, esr="0x0")
    assert check_case(asked, unicorn).finding is Finding.DISAGREES


def test_a_wrong_expectation_of_attributes_is_a_disagreement(unicorn: UnicornTranslator) -> None:
    checked = check_case(case(Machine(), attributes={"type": "none"}), unicorn)
    assert checked.finding is Finding.DISAGREES
    assert str(checked).startswith("attributes: expected")


def test_an_unexplained_answer_of_the_engine_is_a_disagreement(unicorn: UnicornTranslator) -> None:
    def elsewhere(asked: Case) -> Answer:
        moved = {**asked.memory, TABLES[3]: LEAF + PAGE_SIZE}
        return unicorn.answer(replace(asked, memory=moved))

    checked = check_case(case(Machine()), Answering(unicorn.name, elsewhere))
    assert checked.finding is Finding.DISAGREES
    place, moved = hex(OUTPUT + VA), hex(OUTPUT + PAGE_SIZE + VA)
    assert str(checked) == f'pa: expected "{place}", found "{moved}"'


def test_the_divergences_of_an_engine_excuse_no_other_translator(
    unicorn: UnicornTranslator,
) -> None:
    another = Answering("another", unicorn.answer)
    assert check_case(case(CHECKED, VA + 1), another).finding is Finding.DISAGREES


def test_what_the_model_cannot_follow_is_unsupported(unicorn: UnicornTranslator) -> None:
    """SCTLR_EL1.A stops the model before it looks at TCR_EL1.MTX0, but not Unicorn."""
    tagged = case(Machine(sctlr=SCTLR | 0b10, tcr=TCR | 1 << 60), VA + 1)
    checked = check_case(tagged, unicorn)
    assert checked.finding is Finding.UNSUPPORTED
    assert "MTX0" in str(checked)


def test_a_case_that_the_model_refuses_is_not_judged_by_the_engine(
    unicorn: UnicornTranslator,
) -> None:
    tagged = case(Machine(tcr=TCR | 1 << 60))
    assert tagged.expect is not None
    assert tagged.expect["outcome"] == "unsupported"
    assert check_case(tagged, unicorn).finding is Finding.UNSUPPORTED


def test_walk_counts_divergences_and_fails_for_the_unexplained_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cases.jsonl"
    walk = ["walk", "--engine", "unicorn", "--check", "--cases", str(file)]
    lines = [case_line(case(Machine())), case_line(case(CHECKED, VA + 1))]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert main(walk) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "2 cases with an expectation: 1 agree, 1 disagree, 0 unsupported",
        "       1  known divergence no-alignment-check",
        "       0  unexplained",
    ]
    lines.append(case_line(case(Machine(), pa="0x0")))
    file.write_text("\n".join(lines), encoding="utf-8")
    assert main(walk) == 1
    assert capsys.readouterr().out.endswith("       1  unexplained\n")
