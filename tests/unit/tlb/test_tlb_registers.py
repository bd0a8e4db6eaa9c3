"""MSRs to translation registers, and ASIDs."""

from __future__ import annotations

import pytest
from tlb_scene import NEW, NEW_LEAF, OLD, UNMAPPED, Scene, answer, complete
from vmsa_machine import LEAF, MAIR, PAGE, SCTLR, TABLES, TCR, VA

from harness.arch.features import Feature
from harness.vmsa.outcome import Translation
from harness.vmsa.tlb.choice import RegisterRead, Source

LEAF_AT = TABLES[3]
NOT_GLOBAL = LEAF | 1 << 11
SECOND_ROOT = 0x1_1000
WXN = 1 << 19
TBI0 = 1 << 37


def two_spaces(leaf: int = NOT_GLOBAL, asid: int = 1) -> Scene:
    """Return a scene with a second address space, where VA is at NEW."""
    scene = Scene(leaf=leaf, asid=asid)
    scene.words |= {
        SECOND_ROOT: SECOND_ROOT + 0x1000 | PAGE,
        SECOND_ROOT + 0x1000: SECOND_ROOT + 0x2000 | PAGE,
        SECOND_ROOT + 0x2000: leaf + 0x1000,
    }
    return scene


def test_an_msr_may_take_effect_at_any_time_until_an_isb() -> None:
    scene = two_spaces().msr("TTBR0_EL1", SECOND_ROOT | 2 << 48)
    assert scene.answers() == [NEW, OLD]
    assert scene.does("dsb ish").answers() == [NEW, OLD]
    assert scene.does("isb").answers() == [NEW]


def test_a_new_asid_needs_no_tlbi_but_the_same_one_does() -> None:
    other = two_spaces().msr("TTBR0_EL1", SECOND_ROOT | 2 << 48).does("isb")
    assert other.answers() == [NEW]
    same = two_spaces().msr("TTBR0_EL1", SECOND_ROOT | 1 << 48).does("isb")
    assert same.answers() == [NEW, OLD]
    assert same.does(*complete("tlbi aside1is"), operand=1 << 48).answers() == [NEW]


def test_a_global_leaf_of_the_old_space_matches_under_the_new_asid() -> None:
    scene = two_spaces(leaf=LEAF).msr("TTBR0_EL1", SECOND_ROOT | 2 << 48).does("isb")
    assert scene.answers() == [NEW, OLD]
    assert scene.does(*complete("tlbi vmalle1is")).answers() == [NEW]


def test_what_was_cached_under_an_asid_is_there_when_the_asid_returns() -> None:
    first, second = TABLES[1] | 1 << 48, TABLES[1] | 2 << 48
    scene = Scene(leaf=NOT_GLOBAL, asid=1).msr("TTBR0_EL1", second).does("isb")
    scene.store(LEAF_AT, 0).does(*complete("tlbi vae1is"), operand=VA >> 12 | 2 << 48)
    assert scene.answers() == [UNMAPPED]
    scene.msr("TTBR0_EL1", first).does("isb")
    assert scene.answers() == [UNMAPPED, OLD]


def test_what_never_stood_under_an_asid_is_not_cached_under_it() -> None:
    first, second = TABLES[1] | 1 << 48, TABLES[1] | 2 << 48
    scene = Scene(leaf=0, asid=1).msr("TTBR0_EL1", second).does("isb")
    scene.store(LEAF_AT, NOT_GLOBAL).does("dsb ish", "isb").store(LEAF_AT, 0)
    scene.does("dsb ish", "isb")
    assert scene.answers() == [UNMAPPED, OLD]
    assert scene.msr("TTBR0_EL1", first).does("isb").answers() == [UNMAPPED]


@pytest.mark.parametrize("a1", [0, 1])
def test_the_asid_is_in_the_register_that_a1_names(a1: int) -> None:
    scene = Scene(leaf=NOT_GLOBAL, tcr=a1 << 22, asid=5, TTBR1_EL1=TABLES[1] | 6 << 48)
    scene.store(LEAF_AT, 0).does(*complete("tlbi aside1is"), operand=5 << 48)
    assert len(scene.answers()) == (2 if a1 else 1)


def test_a_memory_type_that_was_cached_needs_a_tlbi() -> None:
    scene = Scene().msr("MAIR_EL1", MAIR & ~0xFF).does("isb")
    types = [
        choice.outcome.attributes.type
        for choice in scene.choices()
        if isinstance(choice.outcome, Translation) and choice.outcome.attributes
    ]
    assert types == ["Device", "Normal"]
    assert len(scene.does(*complete("tlbi vmalle1is")).choices()) == 1


def test_an_old_memory_type_is_in_leaf_entries_only() -> None:
    scene = Scene().msr("MAIR_EL1", MAIR & ~0xFF).does("isb", "dsb ish", "tlbi vale1is")
    assert len(scene.does("dsb ish", "isb").choices()) == 1


def test_tcr_fields_that_were_cached_need_a_tlbi() -> None:
    scene = Scene().msr("TCR_EL1", TCR & ~0x3F | 24).does("isb")
    # One level more: the second walk starts at level 0, where TABLES[1] holds no such tables.
    assert OLD in scene.answers()
    assert OLD not in scene.does(*complete("tlbi vmalle1is")).answers()


def test_of_sctlr_only_wxn_is_cached() -> None:
    off = Scene().msr("SCTLR_EL1", SCTLR & ~1)
    assert off.answers() == [f"{VA:#x}", OLD]
    assert off.does("isb").answers() == [f"{VA:#x}"]
    wxn = Scene().msr("SCTLR_EL1", SCTLR | WXN).does("isb")
    assert wxn.answers("fetch") == ["permission 3", OLD]
    assert wxn.does(*complete("tlbi vae1is")).answers("fetch") == ["permission 3"]


def test_overlays_are_not_cached() -> None:
    scene = Scene(
        Feature.TCR2, Feature.S1POE, Feature.S1PIE,
        leaf=NEW_LEAF | 1 << 60, TCR2_EL1=0b1010, PIR_EL1=0x5555_5555_5555_5555, POR_EL1=0x77,
    )  # fmt: skip
    before = scene.answers()
    scene.msr("POR_EL1", 0)
    assert len(scene.answers()) == 2
    assert before != scene.does("isb").answers()
    assert len(scene.answers()) == 1


def test_a_register_that_translation_does_not_use_is_ignored() -> None:
    scene = Scene()
    assert scene.model.after_msr(scene.state, "VBAR_EL1", 0x1000) is scene.state


def test_a_register_that_returns_to_its_value_is_as_before_but_for_the_one_between() -> None:
    scene = two_spaces().msr("TTBR0_EL1", SECOND_ROOT | 1 << 48)
    scene.msr("TTBR0_EL1", TABLES[1] | 1 << 48)
    assert scene.answers() == [OLD, NEW]


def test_an_old_register_is_named_in_the_choice() -> None:
    scene = two_spaces().msr("TTBR0_EL1", SECOND_ROOT | 1 << 48)
    old = scene.choices()[1]
    value = TABLES[1] | 1 << 48
    assert old.registers == (RegisterRead("TTBR0_EL1", value, Source.EARLIER),)
    assert old.identity == f"TTBR0_EL1={value:#x}/earlier"
    assert "no context synchronisation event has followed" in old.explanation
    assert "entry made under it" in scene.does("isb").choices()[1].explanation
    assert answer(old) == OLD
