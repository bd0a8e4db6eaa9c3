"""What each kind of change of a live descriptor permits without break-before-make."""

from __future__ import annotations

import pytest
from tlb_scene import NEW, NEW_LEAF, OLD, Scene, answer, complete
from vmsa_machine import AP_READ_ONLY, CONTIGUOUS, DEVICE, INNER, LEAF, NT, OUTPUT, TABLES, block

from harness.arch.features import Feature
from harness.arch.implementation import Implementation
from harness.vmsa.outcome import Fault
from harness.vmsa.tlb.choice import ChoiceKind

LEAF_AT = TABLES[3]
NOT_GLOBAL = 1 << 11
LEVEL0 = Implementation(bbm_level=0)
LEVEL1 = Implementation(bbm_level=1)
LEVEL2 = Implementation(bbm_level=2)
NO_ABORT = Implementation(bbm_level=2, bbm_no_abort=True)


def conflicts(scene: Scene) -> bool:
    """Return whether a TLB conflict abort is permitted."""
    return "tlb_conflict" in scene.answers()


@pytest.mark.parametrize(
    ("new", "needs_it"),
    [
        (NEW_LEAF, True),
        (LEAF | NOT_GLOBAL, True),
        (LEAF | CONTIGUOUS, True),
        (LEAF | DEVICE, True),
        (LEAF & ~INNER, True),
        (LEAF | AP_READ_ONLY, False),
        (LEAF | 1 << 53, False),
        (LEAF | 1 << 55, False),
        (0, False),
        (0b10, False),
    ],
)
def test_these_changes_of_a_live_page_need_break_before_make(new: int, *, needs_it: bool) -> None:
    assert conflicts(Scene(choices=LEVEL0).store(LEAF_AT, new)) is needs_it


def test_break_before_make_rules_conflicts_out() -> None:
    scene = Scene(choices=LEVEL0).store(LEAF_AT, 0).does(*complete("tlbi vae1is"))
    assert not conflicts(scene.store(LEAF_AT, NEW_LEAF))


def test_without_its_tlbi_the_old_entry_still_conflicts() -> None:
    scene = Scene(choices=LEVEL0).store(LEAF_AT, 0).does("dsb ish", "isb")
    assert conflicts(scene.store(LEAF_AT, NEW_LEAF))


@pytest.mark.rule("AArch64.BlockBBMSupportLevel")
@pytest.mark.parametrize(
    ("choices", "nt", "possible"),
    [
        (LEVEL0, 0, True),
        (LEVEL1, 0, True),
        (LEVEL1, NT, False),
        (LEVEL2, 0, True),
        (NO_ABORT, 0, False),
    ],
)
def test_a_table_that_becomes_a_block_conflicts_by_level(
    choices: Implementation, nt: int, *, possible: bool
) -> None:
    scene = Scene(choices=choices).store(TABLES[2], block() + 0x20_0000 | nt)
    assert conflicts(scene) is possible


@pytest.mark.parametrize(
    ("choices", "possible"),
    [(LEVEL0, True), (LEVEL1, True), (LEVEL2, True), (NO_ABORT, False)],
)
def test_a_new_output_address_conflicts_by_level(
    choices: Implementation, *, possible: bool
) -> None:
    assert conflicts(Scene(choices=choices).store(LEAF_AT, NEW_LEAF)) is possible


def test_without_feat_bbm_the_level_is_0() -> None:
    assert conflicts(Scene(choices=NO_ABORT).without(Feature.BBM).store(LEAF_AT, NEW_LEAF))


@pytest.mark.parametrize(("choices", "mixed"), [(LEVEL0, True), (LEVEL1, True), (LEVEL2, False)])
def test_an_amalgam_takes_the_address_of_one_and_the_rest_of_the_other(
    choices: Implementation, *, mixed: bool
) -> None:
    scene = Scene(choices=choices).store(LEAF_AT, NEW_LEAF | AP_READ_ONLY)
    amalgams = [each for each in scene.choices("write") if each.kind is ChoiceKind.AMALGAM]
    assert scene.answers("write")[:2] == ["permission 3", OLD]
    assert [answer(each) for each in amalgams] == ([NEW] if mixed else [])


def test_a_block_is_never_mixed_with_a_table() -> None:
    scene = Scene(choices=LEVEL0).store(TABLES[2], block() + 0x20_0000)
    assert {each.kind for each in scene.choices()} == {
        ChoiceKind.PRESENT,
        ChoiceKind.STALE,
        ChoiceKind.CONFLICT,
    }


def test_a_block_with_nt_is_not_cached_where_hardware_heeds_it() -> None:
    for choices, answers in ((LEVEL1, 1), (LEVEL0, 2)):
        scene = Scene(choices=choices)
        scene.words[TABLES[2]] = block() | NT
        scene.store(TABLES[2], 0).does("dsb ish", "isb")
        assert len(scene.answers()) == answers


def test_a_conflict_comes_last_and_says_what_differs() -> None:
    scene = Scene(choices=LEVEL0).store(LEAF_AT, NEW_LEAF | NOT_GLOBAL)
    last = scene.choices()[-1]
    assert last.identity == f"conflict {LEAF_AT:#x}"
    assert "global bit, output address" in last.explanation
    assert isinstance(last.outcome, Fault)
    assert last.outcome.esr & 0x3F == 0x30
    assert last.outcome.far == 0xABC


def test_nothing_conflicts_where_nothing_was_changed() -> None:
    assert Scene(choices=LEVEL0).answers() == [f"{OUTPUT + 0xABC:#x}"]
