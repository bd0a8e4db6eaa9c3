"""Unicorn's own MMU against the reference model over the cases answered by Arm's specification.

Every disagreement is one of the named divergences of `harness/oracle/divergences.toml`, or the
test fails and names the case.
"""

from __future__ import annotations

from functools import cache

import pytest
from shared_data import shared_data

from harness.cases import read_cases
from harness.oracle.comparison import Comparison, compare_translators
from harness.oracle.translator import ModelTranslator
from harness.oracle.unicorn_translator import UnicornTranslator

CASES = 1500
ASKED_IN_FULL = ("basic", "align", "priv", "hafdbs", "at")
ASKED_IN_PART = ("atomic", "choices", "lpa2", "pie", "poe")
NOT_ASKED = ("el2", "el20", "s2", "s2at", "d128")
NEVER_IN_BASIC = ("no-hardware-update", "no-e0pd", "no-alignment-check")


@cache
def unicorn() -> UnicornTranslator:
    return UnicornTranslator()


@cache
def compared(category: str) -> Comparison:
    cases = read_cases(str(shared_data() / "spec" / f"{category}.jsonl.gz"))
    return compare_translators(cases, ModelTranslator(), unicorn())


@pytest.mark.parametrize("category", ASKED_IN_FULL + ASKED_IN_PART + NOT_ASKED)
def test_every_disagreement_with_unicorn_is_a_named_divergence(category: str) -> None:
    found = compared(category)
    assert found.cases == CASES
    assert not found.disagreeing, "\n".join(str(each) for each in found.disagreeing)
    counted = found.agreements + found.divergences.total() + found.unsupported.total()
    assert counted == CASES


@pytest.mark.parametrize("category", ASKED_IN_FULL)
def test_unicorn_is_asked_about_every_case_of_plain_stage_1(category: str) -> None:
    assert not compared(category).unsupported
    assert compared(category).agreements > CASES // 2


@pytest.mark.parametrize("category", ASKED_IN_PART)
def test_what_the_core_lacks_is_refused_with_its_reason(category: str) -> None:
    found = compared(category)
    assert 0 < found.unsupported.total() < CASES
    assert all(reason for reason in found.unsupported)


@pytest.mark.parametrize("category", NOT_ASKED)
def test_no_case_of_another_regime_stage_or_descriptor_size_is_guessed_at(category: str) -> None:
    assert compared(category).unsupported.total() == CASES


def test_plain_cases_need_none_of_the_later_divergences() -> None:
    names = {name for key in compared("basic").divergences for name in key.split("+")}
    assert names.isdisjoint(NEVER_IN_BASIC)
    assert "no-address-size-fault" in names


def test_the_table_of_a_comparison_adds_up() -> None:
    assert sum(count for _, count in compared("priv").table()) == CASES
