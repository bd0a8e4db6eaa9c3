"""Contiguous runs whose descriptors disagree."""

from __future__ import annotations

import pytest
from tlb_scene import HA, HD, NEW, OLD, UNMAPPED, Scene, complete
from vmsa_machine import AF, AP_READ_ONLY, CONTIGUOUS, DBM, LEAF, OUTPUT, TABLES

LEAF_AT = TABLES[3]
MEMBER = LEAF | CONTIGUOUS


def run(**changes: int) -> Scene:
    """Return a scene with 16 pages of one run; `changes` are other words: `at3=…`."""
    scene = Scene(leaf=MEMBER)
    for number in range(16):
        scene.words[LEAF_AT + 8 * number] = MEMBER + 0x1000 * number
    for name, value in changes.items():
        scene.words[LEAF_AT + 8 * int(name.removeprefix("at"))] = value
    return scene


def test_a_run_that_agrees_has_one_answer() -> None:
    scene = run()
    assert scene.answers() == [OLD]
    assert scene.answers(va=0xFABC) == [f"{OUTPUT + 0xFABC:#x}"]


def test_an_access_may_get_the_permissions_of_any_member() -> None:
    assert run(at5=(MEMBER | AP_READ_ONLY) + 0x5000).answers("write") == [OLD, "permission 3"]


def test_a_member_made_invalid_is_still_reached_through_the_others() -> None:
    scene = run().store(LEAF_AT, 0).does(*complete("tlbi vae1is"))
    assert scene.answers() == [UNMAPPED, OLD]
    for number in range(1, 16):
        where = LEAF_AT + 8 * number
        scene.store(where, scene.words[where] & ~CONTIGUOUS)
    assert scene.does(*complete("tlbi vae1is")).answers() == [UNMAPPED]


def test_an_old_value_of_another_member_counts_until_its_tlbi() -> None:
    scene = run().store(LEAF_AT, 0)
    for number in range(1, 16):
        scene.store(LEAF_AT + 8 * number, 0)
    assert scene.does("dsb ish", "isb").answers() == [UNMAPPED, OLD]
    assert scene.does("tlbi vae1is", "dsb ish", "isb").answers() == [UNMAPPED]


def test_the_output_address_is_that_of_the_run() -> None:
    scene = run(at3=MEMBER + 0x13000)
    assert scene.answers(va=0x3ABC) == [f"{OUTPUT + 0x10000 + 0x3ABC:#x}", f"{OUTPUT + 0x3ABC:#x}"]
    assert scene.answers() == [OLD, f"{OUTPUT + 0x10000 + 0xABC:#x}"]


@pytest.mark.parametrize(
    "word", [LEAF + 0x1000, MEMBER + 0x1000 & ~1, (MEMBER | AP_READ_ONLY) & ~AF, 0]
)
def test_a_neighbour_that_is_no_valid_member_has_no_say(word: int) -> None:
    assert run(at1=word).answers("write") == [OLD]


def test_a_page_outside_the_run_has_no_say() -> None:
    scene = run()
    scene.words[LEAF_AT + 8 * 16] = MEMBER | AP_READ_ONLY
    assert scene.answers("write") == [OLD]


def test_the_dirty_state_is_not_written_into_another_member() -> None:
    clean = MEMBER | DBM | AP_READ_ONLY
    scene = Scene(leaf=MEMBER, tcr=HA | HD)
    scene.words[LEAF_AT + 8] = clean + 0x1000
    assert scene.answers("write") == [OLD]
    assert NEW not in scene.answers("read")


def test_a_walk_remembers_that_it_looked_at_the_others() -> None:
    scene = run()
    assert scene.answers("write") == [OLD]
    scene.words[LEAF_AT + 8] |= AP_READ_ONLY
    assert scene.answers("write") == [OLD, "permission 3"]
