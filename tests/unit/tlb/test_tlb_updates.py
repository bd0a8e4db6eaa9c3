"""AF and the dirty state: compare-and-swaps of their own, seen late, made early."""

from __future__ import annotations

import pytest
from tlb_scene import HA, HD, NEW, NEW_LEAF, OLD, UNMAPPED, Scene
from vmsa_machine import AF, AP_READ_ONLY, DBM, LEAF, PAGE, TABLES

from harness.memory import PhysicalMemory
from harness.vmsa.tlb.choice import HardwareUpdate

LEAF_AT = TABLES[3]
CLEAN = LEAF | DBM | AP_READ_ONLY
DIRTY = LEAF | DBM


def found(scene: Scene, *, atomic: bool = False) -> list[int]:
    """Return what an explicit read of the leaf may find."""
    choices = scene.model.reads(scene.state, scene, LEAF_AT, atomic=atomic)
    return [choice.value for choice in choices]


def test_af_and_dirty_state_are_two_writes_in_this_order() -> None:
    scene = Scene(leaf=CLEAN & ~AF, tcr=HA | HD)
    (choice,) = scene.choices("write")
    assert choice.updates == (
        HardwareUpdate(LEAF_AT, CLEAN & ~AF, CLEAN),
        HardwareUpdate(LEAF_AT, CLEAN, DIRTY),
    )
    scene.takes(choice)
    assert scene.words[LEAF_AT] == DIRTY
    assert found(scene) == [DIRTY, CLEAN, CLEAN & ~AF]


@pytest.mark.parametrize(
    ("barrier", "seen"),
    [("dsb ish", True), ("dsb nsh", True), ("dsb ld", False), ("dsb st", False), ("isb", False)],
)
def test_only_a_full_dsb_makes_own_loads_see_an_update(barrier: str, *, seen: bool) -> None:
    scene = Scene(leaf=LEAF & ~AF, tcr=HA)
    scene.takes(scene.choices()[0]).does(barrier)
    assert found(scene) == ([LEAF] if seen else [LEAF, LEAF & ~AF])


def test_an_atomic_sees_every_update_and_an_own_store_hides_them() -> None:
    scene = Scene(leaf=LEAF & ~AF, tcr=HA)
    scene.takes(scene.choices()[0])
    assert found(scene, atomic=True) == [LEAF]
    assert found(scene.store(LEAF_AT, NEW_LEAF)) == [NEW_LEAF]


def test_once_a_load_has_seen_an_update_no_later_one_misses_it() -> None:
    scene = Scene(leaf=CLEAN & ~AF, tcr=HA | HD)
    scene.takes(scene.choices("write")[0])
    model, state = scene.model, scene.state
    newest, between, oldest = model.reads(state, scene, LEAF_AT)
    for choice, left in ((newest, 1), (between, 2), (oldest, 3)):
        after = model.choose_read(state, LEAF_AT, choice)
        assert len(model.reads(after, scene, LEAF_AT)) == left


@pytest.mark.parametrize(("tcr", "offered"), [(HA, 2), (0, 1)])
def test_af_may_be_set_without_an_access_where_hardware_manages_it(tcr: int, offered: int) -> None:
    scene = Scene(leaf=LEAF & ~AF, tcr=tcr)
    assert len(found(scene)) == offered
    update = scene.model.spontaneous(scene.state, scene, LEAF_AT)
    assert (update is not None) is (offered == 2)


@pytest.mark.parametrize(
    ("where", "word"),
    [(LEAF_AT, LEAF & ~AF & ~1), (TABLES[2], TABLES[3] | PAGE), (0x9000, LEAF & ~AF)],
)
def test_what_is_no_valid_leaf_is_not_updated(where: int, word: int) -> None:
    scene = Scene(tcr=HA)
    scene.words[where] = word
    assert scene.model.spontaneous(scene.state, scene, where) is None


def test_a_dirty_update_is_promised_only_where_hardware_makes_one() -> None:
    promised = {
        (tcr, leaf): any(
            choice.promise for choice in scene.model.reads(scene.state, scene, LEAF_AT)
        )
        for tcr in (HA, HA | HD)
        for leaf in (CLEAN, DIRTY, LEAF | AP_READ_ONLY)
        for scene in [Scene(leaf=leaf, tcr=tcr)]
    }
    assert [key for key, value in promised.items() if value] == [(HA | HD, CLEAN)]


def promising() -> Scene:
    """Return a scene in which a load has found the dirty update of a store still to come."""
    scene = Scene(leaf=CLEAN, tcr=HA | HD)
    choice = scene.model.reads(scene.state, scene, LEAF_AT)[-1]
    assert choice.update is not None
    scene.words[LEAF_AT] = choice.update.new
    scene.state = scene.model.choose_read(scene.state, LEAF_AT, choice)
    return scene


def test_a_promise_is_kept_by_a_store_and_by_nothing_else() -> None:
    scene = promising()
    assert scene.model.is_possible(scene.state)
    assert not scene.model.is_possible(scene.state, ended=True)
    loaded = promising().takes(scene.choices("read")[0])
    assert not loaded.model.is_possible(loaded.state, ended=True)
    stored = promising().takes(scene.choices("write")[0])
    assert stored.model.is_possible(stored.state, ended=True)


def test_a_promise_is_broken_by_synchronisation_and_by_a_dependency() -> None:
    scene = promising()
    assert not scene.model.is_possible(scene.model.after_isb(scene.state))
    assert not scene.model.is_possible(scene.model.after_dependency(scene.state))
    assert scene.model.is_possible(scene.model.after_dsb(scene.state, "dsb ish"))
    free = Scene()
    assert free.model.after_dependency(free.state) is free.state


def test_an_update_may_come_before_a_plain_store_that_replaced_the_descriptor() -> None:
    scene = Scene(leaf=CLEAN, tcr=HA | HD).store(LEAF_AT, NEW_LEAF).does("dsb ish")
    new, old = scene.choices("write")
    assert old.updates == (HardwareUpdate(LEAF_AT, CLEAN, DIRTY, in_past=True),)
    assert old.memory_updates == ()
    scene.takes(old)
    assert scene.words[LEAF_AT] == NEW_LEAF
    assert found(scene) == [NEW_LEAF]
    # The dirty descriptor stood there, so that a TLB may have it now.
    scene.does("isb")
    assert [choice.updates for choice in scene.choices("write")] == [(), ()]
    assert new.updates == ()


def test_an_update_comes_not_between_the_read_and_the_write_of_an_atomic() -> None:
    scene = Scene(leaf=CLEAN, tcr=HA | HD).store(LEAF_AT, CLEAN & ~1, atomic=True)
    assert scene.answers("write") == [UNMAPPED]
    assert scene.answers("read") == [UNMAPPED, OLD]


def test_what_only_a_tlb_holds_is_never_written_back() -> None:
    scene = Scene(leaf=CLEAN, tcr=HA | HD).store(LEAF_AT, NEW_LEAF).does("dsb ish", "isb")
    assert scene.answers("write") == [NEW]
    assert scene.answers("read") == [NEW, OLD]


def test_an_old_descriptor_was_used_with_af_set_where_hardware_sets_it() -> None:
    scene = Scene(leaf=LEAF & ~AF, tcr=HA).store(LEAF_AT, 0).does("dsb ish", "isb")
    assert scene.answers() == [UNMAPPED, OLD]
    atomic = Scene(leaf=LEAF & ~AF, tcr=HA).store(LEAF_AT, 0, atomic=True).does("dsb ish", "isb")
    assert atomic.answers() == [UNMAPPED]
    by_software = Scene(leaf=LEAF & ~AF).store(LEAF_AT, 0).does("dsb ish", "isb")
    assert by_software.answers() == [UNMAPPED]


def test_a_word_that_does_not_exist_offers_nothing() -> None:
    scene = Scene()

    nothing = PhysicalMemory()
    assert scene.model.reads(scene.state, nothing, LEAF_AT) == ()
    assert scene.model.spontaneous(scene.state, nothing, LEAF_AT) is None
