"""One definition for integers, arrays and the prover; what happens without them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.encodings import encoding
from harness.encodings.checking import check
from harness.encodings.finding import Counterexample, Result
from harness.encodings.form import form_named
from harness.encodings.logic import select
from harness.encodings.patterns import FILLINGS, patterns
from harness.encodings.place import Place
from harness.encodings.properties import PROPERTIES
from harness.encodings.properties.claim import Claim
from harness.encodings.proving import Prover, prove
from harness.errors import EngineMissingError, HarnessError, LimitError, ValueSyntaxError

WORDS = st.integers(0, (1 << 64) - 1)
NAMES = ("bare", "linux-6.1-kpti", "linux-7.0", "linux-7.0.1-kpti", "kvm-stage2")
PLACE = Place(encoding("bare"), form_named("4K"), 2)


def _number(term: object) -> int:
    plain = z3.simplify(term)
    return int(z3.is_true(plain) if z3.is_bool(plain) else plain.as_long())


@settings(max_examples=6, deadline=None, derandomize=True)
@given(WORDS)
def test_predicates_states_and_operations_mean_the_same_for_all_three(word: int) -> None:
    array, vector = np.array([word], dtype=np.uint64), z3.BitVecVal(word, 64)
    for name in NAMES:
        for level in encoding(name).levels.values():
            asked: list[Callable[[Any], Any]] = [*level.predicates.values()]
            asked += [state.recognise for state in level.states.values()]
            asked += [state.make for state in level.states.values()]
            asked += [operation.change for operation in level.operations.values()]
            for function in asked:
                number = function(word)
                assert function(array)[0] == number
                assert _number(function(vector)) == number


@given(WORDS, WORDS)
def test_a_value_is_chosen_by_a_truth_without_a_branch(one: int, other: int) -> None:
    assert select(True, one, other) == one
    assert select(False, one, other) == other


def test_hardwares_kind_means_the_same_for_all_three() -> None:
    kinds = [PLACE.hardware_of(value) for value in range(4)]
    assert kinds == ["invalid", "leaf", "invalid", "table"]
    for value, kind in enumerate(kinds):
        vector = z3.BitVecVal(value, 64)
        assert _number(PLACE.hardware_is(kind, vector)) == 1


def test_an_operation_of_the_walk_is_not_decided_by_comparing_text() -> None:
    level = encoding("linux-7.0").level(2)
    value = z3.BitVec("value", 64)
    applied = level.apply("set_memory_valid_off", value)
    solver = z3.Solver()
    solver.add(applied != value)
    assert solver.check() == z3.sat


def _claim(bound: int) -> Claim:
    return Claim(
        "small", "large", lambda value: value & 0xFFFF, lambda value: value & bound == 0, ()
    )


@given(st.integers(1, 0xFFFF))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_the_provers_counterexample_is_the_smallest_there_is(bound: int) -> None:
    found = Prover(10).refute(_claim(bound), PLACE)
    assert isinstance(found, Counterexample)
    assert found.value == bound & -bound


def test_the_prover_says_that_a_claim_holds_or_that_it_gave_up() -> None:
    assert Prover(10).refute(_claim(1 << 20), PLACE) is Result.HOLDS
    primes = Claim(
        "no factors", "factors", lambda value: value,
        lambda value: ((value >> 32 & 0xFFFFFFFF) * (value & 0xFFFFFFFF)) != 0xDEAD_BEEF_F00D_CAFD,
        (),
    )  # fmt: skip
    assert Prover(0.001).refute(primes, PLACE) is Result.UNKNOWN


def test_a_definition_that_means_another_thing_to_the_prover_is_an_error_of_the_harness() -> None:
    signed = Claim("sign", "", lambda value: value, lambda value: value >> 63 != (1 << 64) - 1, ())
    with pytest.raises(HarnessError, match="do not mean the same"):
        Prover(10).refute(signed, PLACE)


def test_what_the_prover_gives_up_on_is_unknown_and_names_the_claim(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Prover, "refute", lambda *_: Result.UNKNOWN)
    report = prove(encoding("linux-7.0.1"), (PROPERTIES["round_trip"],), levels=[3])
    assert not report.broken
    assert len(report.undecided) == len(report.findings)
    first = report.undecided[0]
    assert first.claims == len(first.undecided)
    assert "after set_memory_valid off, on" in first.undecided[0]


def test_patterns_are_every_pattern_of_the_meaningful_bits_with_four_fillings() -> None:
    tried = {int(value) for value in patterns(0b101)}
    assert len(tried) == 4 * len(FILLINGS)
    assert {value & 0b101 for value in tried} == {0, 1, 4, 5}
    assert {value & ~0b101 for value in tried} == {filling & ~0b101 for filling in FILLINGS}


def test_more_bits_than_can_be_tried_are_refused_by_name() -> None:
    with pytest.raises(LimitError, match="23 meaningful bits"):
        patterns((1 << 23) - 1)


def test_without_z3_a_proof_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    with pytest.raises(EngineMissingError, match=r"arm64-mmu-harness\[prove\]"):
        prove(encoding("bare"))


def test_without_numpy_a_check_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(EngineMissingError, match=r"arm64-mmu-harness\[fast\]"):
        check(encoding("bare"))


def test_tables_are_named_by_granule_and_format() -> None:
    assert form_named("64K lpa").label == "64K lpa"
    with pytest.raises(ValueSyntaxError, match="4K lpa2"):
        form_named("8K")
