"""Each property both ways: kept by a sound kernel, broken by one that errs in one rule."""

from __future__ import annotations

import pytest
from sound_kernel import (
    BLOCK,
    CONT,
    INVALID,
    OFF,
    ON,
    PAGE,
    RDONLY,
    TYPE,
    WRITE,
    changing,
    sound_kernel,
    with_operation,
    with_predicate,
    with_state,
)

from harness.encodings.checking import check
from harness.encodings.definition import Encoding, MaskChange, PresentQuestion, StateName
from harness.encodings.finding import Report, Result
from harness.encodings.logic import Truth, Value, has_all, holds, never
from harness.encodings.properties import PROPERTIES
from harness.encodings.proving import prove

NG = 1 << 11


def _valid_bit(value: Value) -> Truth:
    return has_all(value, 1)


def _valid_block(value: Value) -> Truth:
    return holds(value, TYPE, BLOCK)


def _any_nonzero(value: Value) -> Truth:
    return value != 0


BROKEN: dict[str, Encoding] = {
    "states_recognised": sound_kernel(
        level2=with_state(StateName.INVALID_LEAF, recognise=_valid_block)
    ),
    "states_told_apart": sound_kernel(level2=with_state(StateName.SWAP, recognise=_any_nonzero)),
    "swap_never_present": sound_kernel(level3=with_predicate("present", _any_nonzero)),
    "leaf_is_no_table": sound_kernel(level2=with_predicate("leaf", _any_nonzero)),
    "hardware_sees_states": sound_kernel(
        level2=with_state(StateName.INVALID_LEAF, make=MaskChange(TYPE, BLOCK))
    ),
    "validity_agrees": sound_kernel(level3=with_predicate("valid", _valid_bit)),
    "kinds_agree": sound_kernel(level2=with_predicate("table", _valid_bit)),
    "round_trip": sound_kernel(level2=with_operation(ON, MaskChange(TYPE | NG, BLOCK))),
    "round_trip_any_leaf": sound_kernel(level2=with_operation(OFF, MaskChange(TYPE | NG, INVALID))),
    "faults_between": sound_kernel(level3=with_operation(OFF, MaskChange(0, NG))),
    "invalid_keeps_answers": sound_kernel(
        level2=with_operation(OFF, MaskChange(TYPE | WRITE, INVALID))
    ),
    "change_keeps_invalid": sound_kernel(
        level2=with_operation("set_memory_ro", MaskChange(TYPE | WRITE, BLOCK | RDONLY))
    ),
    "split_keeps_state": sound_kernel(level2=changing(split=MaskChange(TYPE, PAGE))),
    "fold_keeps_state": sound_kernel(level3=with_operation("unfold", MaskChange(0, CONT))),
    "walk_edits_every_leaf": sound_kernel(level2=changing(edited_if="valid")),
    "dump_shows_every_leaf": sound_kernel(level2=changing(dumped_if="valid")),
    "page_present_is_true": sound_kernel(level2=changing(present=PresentQuestion("leaf", None))),
    "copy_usable": sound_kernel(
        level2=with_operation("copy", MaskChange(RDONLY, 0), by_walk=False)
    ),
    "copy_writable": sound_kernel(
        level2=with_operation("copy", MaskChange(TYPE, BLOCK), by_walk=False)
    ),
    "tlbi_when_cached": sound_kernel(
        level2=with_operation(OFF, MaskChange(TYPE, INVALID), flushes=False)
    ),
    "tlbi_any_leaf": sound_kernel(
        level2=with_operation("set_memory_ro", MaskChange(WRITE, RDONLY), flushes=False)
    ),
}  # fmt: skip


def _results(report: Report) -> dict[tuple[str, int], Result]:
    return {(one.property.name, one.place.level): one.result for one in report.findings}


def test_every_property_has_a_kernel_that_breaks_it() -> None:
    assert set(BROKEN) == set(PROPERTIES)


def test_a_sound_kernel_keeps_every_property_by_every_pattern_and_by_proof() -> None:
    sound = sound_kernel()
    checked, proved = check(sound), prove(sound)
    assert {one.property.name for one in checked.findings} == set(PROPERTIES)
    assert not checked.broken
    assert not proved.broken
    assert not proved.undecided
    assert _results(checked) == _results(proved)


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_kernel_that_errs_in_one_rule_breaks_its_property(name: str) -> None:
    chosen = (PROPERTIES[name],)
    checked, proved = check(BROKEN[name], chosen), prove(BROKEN[name], chosen)
    assert checked.broken
    assert [one.place.level for one in checked.broken] == [one.place.level for one in proved.broken]
    for report in (checked, proved):
        for finding in report.broken:
            assert finding.counterexamples
            assert all(example.is_broken for example in finding.counterexamples)


def test_a_property_says_nothing_where_it_does_not_apply() -> None:
    places = {
        (one.property.name, one.place.level)
        for one in check(sound_kernel(level2=changing(courses=(), copy=None))).findings
    }
    assert ("round_trip", 1) in places
    assert ("round_trip", 2) not in places
    assert ("copy_usable", 2) not in places
    assert ("states_recognised", 0) in places


def test_a_question_that_is_always_false_recognises_nothing() -> None:
    report = check(sound_kernel(level3=with_state(StateName.SWAP, recognise=never)))
    assert _results(report)["states_recognised", 3] is Result.FAILS


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_property_says_what_it_means_and_why_it_matters(name: str) -> None:
    about = PROPERTIES[name]
    assert about.name == name
    assert about.meaning.endswith(".")
    assert about.why.endswith(".")
    assert about.levels
