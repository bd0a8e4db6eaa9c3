"""Counterexamples are run: stores through the entries in live tables, and the model's word."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sound_kernel import INVALID, OFF, TYPE, sound_kernel, with_operation

from harness.encodings import encoding
from harness.encodings.checking import check
from harness.encodings.definition import MaskChange
from harness.encodings.finding import Counterexample
from harness.encodings.form import Form, form_named
from harness.encodings.logic import always
from harness.encodings.properties import PROPERTIES
from harness.regress import Observation, confirm
from harness.regress.scene import scenario_of
from harness.scenario import Edit


def _broken(name: str, of: str, form: str, level: int) -> Counterexample:
    stage = 2 if name.startswith("kvm") else 1
    forms: list[Form] = [form_named(form, stage=stage)]
    (finding,) = check(encoding(name), (PROPERTIES[of],), forms, [level]).broken
    return finding.counterexamples[0]


def _seen(observations: tuple[Observation, ...]) -> list[tuple[str | None, str]]:
    return [(one.machine, one.model) for one in observations]


@pytest.mark.parametrize(("granule", "level"), [("4K", 1), ("4K", 2), ("16K", 2), ("64K", 2)])
def test_the_panic_comes_out_of_the_proof_a_store_faults_after_the_block_was_restored(
    granule: str, level: int
) -> None:
    result = confirm(_broken("linux-7.0", "round_trip", granule, level))
    fault = f"translation fault, level {level}"
    assert result.confirmed
    assert result.explanation == "run on the machine and in the model, which agree"
    assert _seen(result.observations) == [
        ("no fault", "no fault"),
        (fault, fault),
        (fault, fault),
        ("no fault", "no fault"),
    ]


def test_a_resume_cannot_write_through_the_copy_of_an_invalid_block() -> None:
    result = confirm(_broken("linux-7.0", "copy_usable", "4K", 2))
    assert result.confirmed
    assert result.observations[-1].machine == "translation fault, level 2"


def test_splitting_an_invalid_block_opens_its_pages() -> None:
    result = confirm(_broken("linux-7.0", "split_keeps_state", "4K", 2))
    assert result.confirmed
    assert [one.machine for one in result.observations] == [
        "translation fault, level 2",
        "no fault",
    ]


@pytest.mark.parametrize(
    ("name", "of", "form", "level"),
    [
        ("linux-7.0-lpa2", "round_trip", "4K lpa2", 2),
        ("linux-7.0-lpa2", "round_trip", "16K lpa2", 2),
        ("linux-7.0", "round_trip", "64K lpa", 2),
        ("kvm-stage2", "validity_agrees", "4K", 3),
        ("kvm-stage2", "validity_agrees", "16K", 1),
        ("kvm-stage2", "validity_agrees", "64K", 1),
    ],
)
def test_tables_that_no_machine_walks_are_run_in_the_model_alone(
    name: str, of: str, form: str, level: int
) -> None:
    result = confirm(_broken(name, of, form, level))
    assert result.confirmed
    assert {one.machine for one in result.observations} == {None}
    assert f"translation fault, level {level}" in {one.model for one in result.observations}
    assert "in the reference model alone" in result.explanation


def test_where_the_machines_walker_departs_the_model_decides_and_the_departure_is_named() -> None:
    result = confirm(_broken("linux-7.0.1", "validity_agrees", "16K", 1))
    assert result.confirmed
    assert result.observations[0].divergence == "illegal-block-level"
    assert "illegal-block-level" in result.explanation


def test_without_its_tlbi_the_old_entry_may_be_used_still_or_not() -> None:
    broken = sound_kernel(level2=with_operation(OFF, MaskChange(TYPE, INVALID), flushes=False))
    (finding,) = check(broken, (PROPERTIES["tlbi_when_cached"],), levels=[2]).broken
    result = confirm(finding.counterexamples[0])
    before, after = result.observations
    assert result.confirmed
    assert before.machine == before.model == "no fault"
    assert after.machine in {"no fault", "translation fault, level 2"}
    assert set(after.model.split(" or ")) == {"no fault", "translation fault, level 2"}


def test_a_claim_that_is_true_of_the_entry_is_not_confirmed() -> None:
    example = _broken("linux-7.0", "round_trip", "4K", 2)
    true = replace(example, claim=replace(example.claim, holds=always))
    assert not confirm(true).confirmed


def test_an_entry_that_is_not_what_it_is_said_to_be_is_not_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    example = _broken("linux-7.0", "round_trip", "4K", 2)
    monkeypatch.setattr("harness.encodings.place.kind_code", lambda value, _kinds: value & 0)
    result = confirm(example)
    assert not result.confirmed
    assert result.explanation == "what was run is not what the counterexample says"


def test_the_scenario_writes_every_entry_up_to_the_moment_with_full_maintenance() -> None:
    scenario = scenario_of(_broken("linux-7.0", "round_trip", "4K", 2), 2)
    edits = [one.edit for one in scenario.injections if isinstance(one.edit, Edit)]
    assert len(edits) == len(scenario.injections)
    assert [one.descriptor for one in edits] == [
        0x0040000000000401,
        0x0040000000000400,
        0x0040000000000400,
    ]
    assert {one.level for one in edits} == {2}
    assert {one.maintenance for one in scenario.injections} == {("tlbi vmalle1", "dsb ish", "isb")}
