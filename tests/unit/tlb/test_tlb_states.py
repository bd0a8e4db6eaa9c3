"""States: equal when the same is permitted from then on, small when all is done."""

from __future__ import annotations

import pytest
from tlb_scene import NEW_LEAF, Scene, complete
from vmsa_machine import LEAF, PAGE, TABLES, VA, make_access

from harness.arch.addresses import PhysicalAddress
from harness.errors import LimitError, UnsupportedError
from harness.memory import PhysicalMemory, Region
from harness.vmsa.tlb.effects import initial_state

LEAF_AT = TABLES[3]


def test_a_correct_sequence_leaves_nothing_behind() -> None:
    scene = Scene().store(LEAF_AT, 0).does(*complete("tlbi vmalle1is"))
    assert scene.state == Scene().state
    assert hash(scene.state) == hash(Scene().state)
    assert scene.state.is_settled


def test_a_new_mapping_leaves_nothing_behind() -> None:
    assert Scene(leaf=0).store(LEAF_AT, LEAF).does("dsb ish", "isb").state == Scene().state


def test_tlbis_that_nothing_waits_for_are_forgotten() -> None:
    assert Scene().does("tlbi vae1is", "tlbi vmalle1", "dsb ish").state == Scene().state


def test_earlier_tlbis_do_not_keep_equal_states_apart() -> None:
    plain = Scene().store(LEAF_AT, 0).does("dsb ish", "isb")
    after = Scene().does("tlbi vae1is", "isb").store(LEAF_AT, 0).does("dsb ish", "isb")
    assert plain.state == after.state


def test_a_tlbi_that_matters_keeps_states_apart() -> None:
    plain = Scene().store(LEAF_AT, 0).does("dsb ish", "isb").state
    assert Scene().store(LEAF_AT, 0).does(*complete("tlbi vae1is")).state != plain


def test_states_differ_by_each_pending_step() -> None:
    seen = {Scene().state}
    scene = Scene().store(LEAF_AT, 0)
    for step in ("dsb ish", "tlbi vae1is", "dsb ish", "isb"):
        assert scene.state not in seen
        seen.add(scene.state)
        scene.does(step)
    assert len(seen) == 5


def test_the_same_question_gets_the_same_answer_and_a_changed_memory_another() -> None:
    scene = Scene()
    first = scene.choices()
    assert scene.choices() is first
    scene.words[LEAF_AT] = NEW_LEAF
    assert scene.choices() != first
    scene.words[LEAF_AT] = LEAF
    assert scene.choices() == first


def test_too_many_combinations_are_refused() -> None:
    scene = Scene()
    for value in range(40):
        scene.store(LEAF_AT, LEAF + 0x1000 * value)
        scene.store(TABLES[2], TABLES[3] | PAGE | value << 55)
    with pytest.raises(LimitError, match="1024 combinations"):
        scene.choices()


def test_a_changed_stage_2_descriptor_is_refused_and_an_unchanged_one_is_not() -> None:
    scene = Scene(HCR_EL2=1 << 31 | 1, VTCR_EL2=0x8000_0000 | 25 | 1 << 6, VTTBR_EL2=0x8000)
    scene.words |= {0x8000: 0x1 | 1 << 10 | 0b11 << 6 | 0xF << 2}
    scene.words[0x8008] = 0x4000_0000 | scene.words[0x8000]
    assert len(scene.choices()) == 1
    scene.store(0x8008, scene.words[0x8008] | 1 << 55)
    with pytest.raises(UnsupportedError, match="stage 2"):
        scene.choices()


def test_registers_that_were_never_given_read_as_zero() -> None:
    assert initial_state({}).register("MAIR_EL1") == 0


def test_a_walk_that_meets_no_memory_is_an_external_abort_with_a_cacheable_prefix() -> None:
    memory = PhysicalMemory([Region(PhysicalAddress(0x1000), 0x1000)])
    memory.write64(PhysicalAddress(0x1000), 0x2000 | PAGE)
    scene = Scene()
    (choice,) = scene.model.permitted(scene.state, memory, make_access(VA))
    assert choice.outcome.updates == {}
    old = scene.model.after_store(scene.state, 0x1000, 0x2000 | PAGE, 0)
    memory.write64(PhysicalAddress(0x1000), 0)
    old = scene.model.after_isb(scene.model.after_dsb(old, "dsb ish"))
    assert len(scene.model.permitted(old, memory, make_access(VA))) == 2
