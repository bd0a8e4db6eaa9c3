"""What the shipped encodings keep and break, place by place."""

from __future__ import annotations

import pytest

from harness.encodings import encoding, names
from harness.encodings.checking import check
from harness.encodings.definition import StateName
from harness.encodings.finding import Report
from harness.encodings.form import Form, form_named
from harness.encodings.place import Place
from harness.encodings.properties import PROPERTIES
from harness.encodings.proving import prove

K4 = form_named("4K")
FLAW = (
    "round_trip",
    "faults_between",
    "change_keeps_invalid",
    "walk_edits_every_leaf",
    "dump_shows_every_leaf",
    "page_present_is_true",
    "copy_usable",
    "split_keeps_state",
)
"""What a block that 7.0 made invalid goes through."""
ANY_LEAF = {"round_trip_any_leaf", "tlbi_any_leaf"}
SEED = 0x00E8000199600705


def _failing(report: Report, form: Form = K4) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {level: set() for level in form.levels}
    for one in report.broken:
        if one.place.form == form:
            found[one.place.level].add(one.property.name)
    return found


def test_7_0_breaks_at_pud_and_pmd_what_a_block_made_invalid_goes_through() -> None:
    failing = _failing(check(encoding("linux-7.0"), forms=[K4]))
    both = {*FLAW, "states_recognised", "round_trip_any_leaf"}
    assert failing == {
        0: set(),
        1: both,
        2: both | {"states_told_apart"},
        3: {"states_recognised", "states_told_apart", "validity_agrees", "copy_writable"},
    }


@pytest.mark.parametrize("name", ["linux-7.0.1", "linux-7.0.1-kpti"])
def test_7_0_1_keeps_them_all_and_what_it_breaks_is_known(name: str) -> None:
    failing = _failing(check(encoding(name), forms=[K4]))
    assert failing == {
        0: set(),
        1: ANY_LEAF | {"copy_writable"},
        2: ANY_LEAF | {"copy_writable", "states_told_apart"},
        3: ANY_LEAF | {"copy_writable", "states_told_apart", "validity_agrees"},
    }


def test_7_0_with_kpti_shows_the_block_in_a_dump_and_restores_it_no_more_than_without() -> None:
    failing = _failing(check(encoding("linux-7.0-kpti"), forms=[K4]))
    assert "round_trip" in failing[2]
    assert "dump_shows_every_leaf" not in failing[2]


def test_6_1_changes_pages_only_and_restores_them() -> None:
    failing = _failing(check(encoding("linux-6.1"), forms=[K4]))
    assert failing == {
        0: set(),
        1: set(),
        2: set(),
        3: {"states_recognised", "states_told_apart", "validity_agrees"},
    }


@pytest.mark.parametrize("label", ["16K", "64K", "64K lpa"])
def test_the_other_granules_have_the_flaw_at_the_pmd(label: str) -> None:
    form = form_named(label)
    old, new = (check(encoding(name), forms=[form]) for name in ("linux-7.0", "linux-7.0.1"))
    assert set(FLAW) <= _failing(old, form)[2]
    assert not set(FLAW) & _failing(new, form)[2]


@pytest.mark.parametrize("name", ["linux-7.0-lpa2", "linux-7.0.1-lpa2"])
def test_52_bit_descriptors_change_nothing_about_it(name: str) -> None:
    form = form_named("4K lpa2")
    failing = _failing(check(encoding(name), forms=[form]), form)
    assert set(failing) == {-1, 0, 1, 2, 3}
    assert set(FLAW) <= failing[2] or not set(FLAW) & failing[2]
    assert ("round_trip" in failing[2]) is (name == "linux-7.0-lpa2")


def test_hardware_keeps_every_property_of_its_own_meaning() -> None:
    assert not check(encoding("bare")).broken


def test_kvm_tells_owners_and_locked_entries_from_mappings_at_stage_2() -> None:
    report = check(encoding("kvm-stage2"))
    assert {one.property.name for one in report.broken} == {"validity_agrees"}
    assert {one.place.form.stage for one in report.findings} == {2}


def test_16k_stage_2_tables_have_no_level_0_without_lpa2() -> None:
    forms = {form.label: form.levels.start for form in encoding("kvm-stage2").forms}
    assert forms == {"4K": 0, "16K": 1, "64K": 1}


@pytest.mark.parametrize(
    ("name", "smallest"), [("linux-7.0.1", 0x801), ("linux-7.0.1-kpti", 0x001)]
)
def test_a_restored_block_has_the_kernels_ng_whatever_it_had(name: str, smallest: int) -> None:
    chosen = (PROPERTIES["round_trip_any_leaf"],)
    (finding,) = prove(encoding(name), chosen, [K4], [2]).broken
    example = finding.counterexamples[0]
    assert example.value == smallest
    restored = example.moments[2].value
    assert restored == smallest ^ 1 << 11
    assert not prove(encoding(name), (PROPERTIES["round_trip"],), [K4], [2]).broken


def test_the_walk_sees_the_seeds_block_on_7_0_1_alone_and_numbers_agree_with_the_proof() -> None:
    for name, restored in (("linux-7.0", SEED & ~1), ("linux-7.0.1", SEED)):
        level = encoding(name).level(2)
        off = level.apply("set_memory_valid_off", SEED)
        assert level.apply("set_memory_valid_on", off) == restored


def test_a_realms_sharing_sets_the_top_address_bit_and_gives_the_block_back() -> None:
    for label, bit in (("4K", 47), ("64K lpa", 15)):
        form = form_named(label)
        level = encoding("linux-7.0.1").level(2, form)
        block = level.states[StateName.VALID_LEAF].make(0)
        shared = level.apply("realm_make_valid", level.apply("realm_share", block))
        assert shared == block | 1 << bit
        assert level.apply("realm_make_valid", level.apply("realm_unshare", shared)) == block


@pytest.mark.parametrize("granule", ["16K", "64K"])
def test_blocks_of_a_pud_are_for_the_4k_granule(granule: str) -> None:
    level = encoding("linux-7.0.1").level(1, form_named(granule))
    assert set(level.states) == {StateName.NONE, StateName.TABLE}
    assert not level.operations


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (5 << 12 | 3 << 6, StateName.SWAP),
        (5 << 12 | 3 << 6 | 1 << 2, StateName.SWAP),
        (5 << 12 | 3 << 6 | 1 << 3, StateName.SWAP_WRITE_PROTECTED),
        (5 << 12 | 21 << 6, StateName.POISONED),
        (5 << 12 | 23 << 6, StateName.MIGRATION),
        (5 << 12 | 25 << 6, StateName.DEVICE_PRIVATE),
        (31 << 6, StateName.MARKER),
    ],
)
def test_an_entry_that_is_not_present_is_known_by_its_type(value: int, state: StateName) -> None:
    also = {StateName.SWAP} if state is StateName.SWAP_WRITE_PROTECTED else set()
    assert set(encoding("linux-7.0").level(3).state_of(value)) == {state} | also


def test_what_hardware_makes_of_an_entry_is_the_reference_models_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Place(encoding("bare"), K4, 2)
    assert place.hardware_of(1) == "leaf"
    monkeypatch.setattr("harness.encodings.place.kind_code", lambda value, _kinds: value & 0)
    assert place.hardware_of(1) == "invalid"


@pytest.mark.long
@pytest.mark.parametrize("name", names())
def test_a_proof_over_every_value_finds_what_a_check_finds(name: str) -> None:
    checked, proved = check(encoding(name)), prove(encoding(name))
    assert not proved.undecided
    broken = [
        [
            (one.property.name, one.place.form, one.place.level, len(one.counterexamples))
            for one in report.broken
        ]
        for report in (checked, proved)
    ]
    assert broken[0] == broken[1]
