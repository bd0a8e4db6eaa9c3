"""Unicorn's own MMU against the reference model over the cases answered by Arm's specification.

Every disagreement is one of the named divergences of `harness/oracle/divergences.toml`, or the
test fails and names the case.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest
from shared_data import shared_data

from harness.arch.addresses import VirtualAddress
from harness.arch.features import PROFILES, Profile
from harness.cases import Case, read_cases
from harness.oracle.comparison import Comparison, compare_translators
from harness.oracle.translator import ModelTranslator
from harness.oracle.unicorn_translator import UnicornTranslator

CASES = 1500
SCTLR_BITS = (0, 1, 2, 6, 12, 19, 57)
VA_BITS = (0, 1, 12, 39, 47, 55, 56, 60, 63)
SOMETIMES = 0.3
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


def _mutated(case: Case, profile: Profile, choose: random.Random) -> Case:
    """Return the case on another machine, with a bit or two of it turned over."""
    registers, memory, access = dict(case.registers), dict(case.memory), case.access
    register, bits = choose.choice((("SCTLR_EL1", SCTLR_BITS), ("TCR_EL1", tuple(range(59)))))
    registers[register] = registers.get(register, 0) ^ 1 << choose.choice(bits)
    if memory and choose.random() < SOMETIMES:
        memory[choose.choice(list(memory))] ^= 1 << choose.randrange(64)
    if choose.random() < SOMETIMES:
        va = VirtualAddress(access.va ^ 1 << choose.choice(VA_BITS))
        access = replace(access, va=va, pan=not access.pan, uao=choose.random() < SOMETIMES)
    return replace(case, profile=profile, registers=registers, memory=memory, access=access)


@pytest.mark.parametrize("profile", PROFILES)
def test_no_mutated_case_of_a_named_machine_shows_an_unknown_divergence(profile: str) -> None:
    choose = random.Random(profile)  # noqa: S311 - a test's choice of bits
    cases = [
        _mutated(case, PROFILES[profile], choose)
        for category in ("basic", "align", "at", "atomic")
        for case in islice(read_cases(str(shared_data() / "spec" / f"{category}.jsonl.gz")), 400)
    ]
    found = compare_translators(cases, ModelTranslator(), unicorn())
    assert found.cases == 1600
    assert not found.disagreeing, "\n".join(str(each) for each in found.disagreeing)
    assert found.agreements > 0
    assert found.divergences.total() > 0


def test_plain_cases_need_none_of_the_later_divergences() -> None:
    names = {name for key in compared("basic").divergences for name in key.split("+")}
    assert names.isdisjoint(NEVER_IN_BASIC)
    assert "no-address-size-fault" in names


def test_the_table_of_a_comparison_adds_up() -> None:
    assert sum(count for _, count in compared("priv").table()) == CASES
