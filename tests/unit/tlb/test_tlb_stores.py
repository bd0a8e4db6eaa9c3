"""When an old descriptor may still be used after the PE's own store."""

from __future__ import annotations

import pytest
from tlb_scene import NEW, NEW_LEAF, OLD, OTHER_TABLE, UNMAPPED, Scene, complete
from vmsa_machine import AF, LEAF, OUTPUT, PAGE, TABLES, TCR, VA

from harness.arch.features import Feature
from harness.vmsa.tlb.choice import ChoiceKind, Source

LEAF_AT = TABLES[3]
_SMALLER_OUTPUT = (TCR & ~(7 << 32) | 2 << 32) - TCR
"""What makes IPS 40 bits."""


def test_only_memory_counts_where_nothing_was_changed() -> None:
    assert Scene().answers() == [OLD]


def test_both_values_are_permitted_right_after_the_store() -> None:
    assert Scene().store(LEAF_AT, NEW_LEAF).answers() == [NEW, OLD]


@pytest.mark.parametrize("barrier", ["dsb ish", "dsb ishst", "dsb sy", "dsb st", "dsb nsh"])
def test_a_new_mapping_is_certain_after_a_dsb_for_stores_and_an_isb(barrier: str) -> None:
    scene = Scene(leaf=0).store(LEAF_AT, LEAF)
    assert scene.answers() == [OLD, UNMAPPED]
    assert scene.does(barrier).answers() == [OLD, UNMAPPED]
    assert scene.does("isb").answers() == [OLD]


@pytest.mark.parametrize("maintenance", [("dsb ishld", "isb"), ("isb", "dsb ish"), ("isb",)])
def test_a_new_mapping_is_not_certain_without_dsb_then_isb(maintenance: tuple[str, ...]) -> None:
    assert Scene(leaf=0).store(LEAF_AT, LEAF).does(*maintenance).answers() == [OLD, UNMAPPED]


def test_a_valid_old_descriptor_stays_until_its_tlbi_is_complete() -> None:
    scene = Scene().store(LEAF_AT, 0)
    for step in ("dsb ish", "isb", "tlbi vae1is", "dsb ish"):
        assert scene.does(step).answers() == [UNMAPPED, OLD], step
    assert scene.does("isb").answers() == [UNMAPPED]


def test_a_tlbi_before_the_store_is_complete_removes_nothing_for_certain() -> None:
    scene = Scene().store(LEAF_AT, 0).does("tlbi vae1is", "dsb ish", "isb")
    assert scene.answers() == [UNMAPPED, OLD]


def test_the_middle_of_break_before_make_is_gone_in_the_end() -> None:
    scene = Scene().store(LEAF_AT, 0).does("dsb ish", "tlbi vae1is", "dsb ish")
    scene.store(LEAF_AT, NEW_LEAF)
    assert scene.answers() == [NEW, UNMAPPED, OLD]
    assert scene.does("dsb ish", "isb").answers() == [NEW]


def test_a_descriptor_that_faults_is_never_cached() -> None:
    without_access_flag = Scene(leaf=LEAF & ~AF).store(LEAF_AT, NEW_LEAF).does("dsb ish", "isb")
    assert without_access_flag.answers() == [NEW]
    beyond_the_output_size = Scene(leaf=LEAF | 1 << 47, tcr=_SMALLER_OUTPUT)
    beyond_the_output_size.store(LEAF_AT, NEW_LEAF).does("dsb ish", "isb")
    assert beyond_the_output_size.answers() == [NEW]


def test_a_descriptor_with_a_permission_fault_may_be_cached() -> None:
    scene = Scene(leaf=LEAF | 1 << 7).store(LEAF_AT, LEAF).does("dsb ish", "isb")
    assert scene.answers("write") == [OLD, "permission 3"]


def test_an_old_table_descriptor_may_be_used_with_either_leaf_below_it() -> None:
    scene = Scene().store(TABLES[2], OTHER_TABLE | PAGE).store(LEAF_AT, LEAF + 0x5000)
    third = f"{OUTPUT + 0x5000 + VA:#x}"
    assert scene.answers() == [NEW, third, OLD]


def test_an_old_table_leads_to_what_its_memory_holds_now_even_from_a_tlb() -> None:
    scene = Scene().store(TABLES[2], OTHER_TABLE | PAGE).does("dsb ish", "isb")
    assert scene.answers() == [NEW, OLD]
    scene.store(LEAF_AT, 0).does("dsb ish", "isb")
    assert scene.answers() == [NEW, UNMAPPED, OLD]


def test_a_last_level_tlbi_leaves_the_old_table_in_use() -> None:
    scene = Scene().store(TABLES[2], OTHER_TABLE | PAGE).does(*complete("tlbi vale1is"))
    assert scene.answers() == [NEW, OLD]
    assert scene.does(*complete("tlbi vae1is")).answers() == [NEW]


def test_a_last_level_tlbi_suffices_where_only_the_leaf_changed() -> None:
    assert Scene().store(LEAF_AT, NEW_LEAF).does(*complete("tlbi vale1is")).answers() == [NEW]


def test_a_leaf_cached_through_an_old_table_outlives_the_table_entry() -> None:
    # ASIDE1 takes what is held under the ASID, table entries too, but no global leaf.
    scene = Scene().store(TABLES[2], OTHER_TABLE | PAGE).does(*complete("tlbi aside1is"))
    assert scene.answers() == [NEW, OLD]
    not_global = LEAF | 1 << 11
    scene = Scene(leaf=not_global).store(TABLES[2], OTHER_TABLE | PAGE)
    assert scene.does(*complete("tlbi aside1is"), operand=0).answers() == [NEW]


def test_nothing_below_a_removed_table_is_reached() -> None:
    scene = Scene().store(TABLES[2], 0).does("dsb ish", "isb")
    assert scene.answers() == ["translation 2", OLD]
    assert scene.does(*complete("tlbi vae1is")).answers() == ["translation 2"]


def test_an_old_table_reaches_an_invalid_leaf_and_faults_at_its_level() -> None:
    scene = Scene(leaf=0).store(TABLES[2], OTHER_TABLE | PAGE).does("dsb ish", "isb")
    assert scene.answers() == [NEW, UNMAPPED]


def test_a_store_of_the_same_value_changes_nothing() -> None:
    assert Scene().store(LEAF_AT, LEAF).state == Scene().state


def test_a_value_that_is_back_counts_as_the_present_one() -> None:
    scene = Scene().store(LEAF_AT, NEW_LEAF).store(LEAF_AT, LEAF)
    assert scene.answers() == [OLD, NEW]


def test_an_exception_synchronises_like_an_isb() -> None:
    scene = Scene(leaf=0).store(LEAF_AT, LEAF).does("dsb ish")
    entered = scene.model.after_exception_entry(scene.state)
    returned = scene.model.after_exception_return(scene.state)
    assert entered == returned == scene.model.after_isb(scene.state) != scene.state


def test_choices_say_what_they_use_and_why() -> None:
    scene = Scene().store(LEAF_AT, NEW_LEAF)
    present, old = scene.choices()
    assert (present.identity, present.kind, present.age) == ("present", ChoiceKind.PRESENT, 0)
    assert old.identity == f"{LEAF_AT:#x}={LEAF:#x}/earlier"
    assert "may have come before the store" in old.explanation
    assert old.reads[-1].source is Source.EARLIER
    old = scene.does("dsb ish", "isb").choices()[1]
    assert old.identity == f"{LEAF_AT:#x}={LEAF:#x}/tlb"
    assert "a TLB may still hold it" in old.explanation
    assert "TLB maintenance" in old.rule


def test_the_younger_value_comes_first() -> None:
    scene = Scene().store(LEAF_AT, NEW_LEAF).store(LEAF_AT, 0)
    assert scene.answers() == [UNMAPPED, NEW, OLD]
    assert [choice.age for choice in scene.choices()] == [0, 1, 2]


def test_with_ets2_a_fault_means_that_earlier_stores_were_seen() -> None:
    assert Scene(Feature.ETS2, leaf=0).store(LEAF_AT, LEAF).answers() == [OLD]


def test_with_ets2_a_dsb_alone_orders_later_walks() -> None:
    scene = Scene(Feature.ETS2, leaf=LEAF | 1 << 7, tcr=0).store(LEAF_AT, LEAF)
    assert scene.answers("write") == [OLD, "permission 3"]
    assert scene.choices("write")[1].reads[-1].source is Source.EARLIER
    scene.does("dsb ish")
    assert scene.choices("write")[1].reads[-1].source is Source.TLB


def test_with_ets2_a_cached_table_may_still_lead_to_a_fault() -> None:
    scene = Scene(Feature.ETS2, leaf=0).store(TABLES[2], OTHER_TABLE | PAGE)
    assert scene.answers() == [NEW, UNMAPPED]
