"""What each TLBI removes, which barrier completes it, and what its operand has to say."""

from __future__ import annotations

import pytest
from tlb_scene import NEW, NEW_LEAF, OLD, OTHER_TABLE, UNMAPPED, Scene, complete
from vmsa_machine import LEAF, OUTPUT, PAGE, TABLES, VA, block

from harness.arch.features import Feature

LEAF_AT = TABLES[3]
NOT_GLOBAL = LEAF | 1 << 11
PAGE_OPERAND = VA >> 12


def removed(scene: Scene) -> bool:
    """Return whether only the present is left."""
    return len(scene.answers()) == 1


@pytest.mark.parametrize(
    "tlbi",
    [
        *("vmalle1", "vae1", "vaae1", "vale1", "vaale1"),
        *("vmalle1is", "vae1is", "vaae1is", "vale1is", "vaale1is"),
        *("vmalle1os", "vae1os", "vaae1os", "vale1os", "vaale1os"),
        *("vmalle1isnxs", "vae1isnxs", "alle1", "vmalls12e1is"),
    ],
)
def test_these_remove_a_leaf(tlbi: str) -> None:
    scene = Scene().store(LEAF_AT, 0).does(*complete(f"tlbi {tlbi}"))
    scene.does("dsb sy", "isb")
    assert removed(scene)


@pytest.mark.parametrize("tlbi", ["vae2", "alle2", "ipas2e1is"])
def test_these_are_about_other_translations(tlbi: str) -> None:
    assert not removed(Scene().store(LEAF_AT, 0).does(*complete(f"tlbi {tlbi}")))


@pytest.mark.parametrize(
    ("tlbi", "dsb", "completes"),
    [
        ("vae1", "dsb nsh", True),
        ("vae1is", "dsb nsh", False),
        ("vae1is", "dsb ish", True),
        ("vae1os", "dsb ish", False),
        ("vae1os", "dsb osh", True),
        ("vae1os", "dsb sy", True),
        ("vae1is", "dsb ishld", False),
        ("vae1is", "dsb ishst", False),
        ("vae1isnxs", "dsb ishnxs", True),
        ("vae1is", "dsb ishnxs", False),
    ],
)
def test_a_dsb_completes_a_tlbi_of_its_domain_and_only_one_of_all_types(
    tlbi: str, dsb: str, *, completes: bool
) -> None:
    scene = Scene().store(LEAF_AT, 0).does("dsb sy", f"tlbi {tlbi}", dsb, "isb")
    assert removed(scene) is completes


def test_another_page_s_tlbi_does_not_count() -> None:
    scene = Scene().store(LEAF_AT, 0).does(*complete("tlbi vae1is"), operand=PAGE_OPERAND + 1)
    assert not removed(scene)


def test_an_operand_that_was_not_shifted_names_another_page() -> None:
    scene = Scene().store(LEAF_AT + 8, 0).does(*complete("tlbi vaae1is"), operand=0x1000)
    assert scene.answers(va=0x1000) == [UNMAPPED]
    scene = Scene().store(LEAF_AT + 8, LEAF).store(LEAF_AT + 8, 0)
    assert len(scene.does(*complete("tlbi vaae1is"), operand=0x1000).answers(va=0x1000)) == 2
    assert scene.does(*complete("tlbi vaae1is"), operand=1).answers(va=0x1000) == [UNMAPPED]


def test_upper_address_bits_in_the_operand_are_read_as_a_level_hint() -> None:
    # VA >> 12 of an address in the upper half, not masked: TTL = 0b1111, level 3 of 64K.
    leaking = (0xFFFF_FF80_0000_0000 >> 12) & ((1 << 52) - 1)
    va = 0xFFFF_FF80_0000_0000 | VA
    scene = Scene().store(LEAF_AT, 0).does(*complete("tlbi vaae1is"), operand=leaking)
    assert len(scene.answers(va=va)) == 2
    masked = leaking & ((1 << 44) - 1)
    assert scene.does(*complete("tlbi vaae1is"), operand=masked).answers(va=va) == [UNMAPPED]


@pytest.mark.parametrize(
    ("ttl", "counts"), [(0b0111, True), (0b0110, False), (0b1011, False), (0b0000, True)]
)
def test_a_ttl_hint_must_state_the_granule_and_level_of_the_leaf(ttl: int, *, counts: bool) -> None:
    operand = PAGE_OPERAND | ttl << 44
    scene = Scene().store(LEAF_AT, 0).does(*complete("tlbi vae1is"), operand=operand)
    assert removed(scene) is counts


def test_without_the_feature_a_ttl_hint_is_ignored() -> None:
    scene = Scene().without(Feature.TTL).store(LEAF_AT, 0)
    assert removed(scene.does(*complete("tlbi vae1is"), operand=PAGE_OPERAND | 0b1011 << 44))


@pytest.mark.parametrize(("page", "counts"), [(0x1FF, True), (0x200, False)])
def test_a_tlbi_for_any_address_of_a_block_removes_it(page: int, *, counts: bool) -> None:
    scene = Scene()
    scene.words[TABLES[2]] = block()
    scene.store(TABLES[2], 0)
    assert removed(scene.does(*complete("tlbi vae1is"), operand=page)) is counts


def test_pages_below_a_table_that_became_a_block_each_need_their_tlbi() -> None:
    scene = Scene().store(TABLES[2], 0).does(*complete("tlbi vae1is"), operand=0x1FF)
    assert scene.answers() == ["translation 2", OLD]


def range_operand(
    base: int, *, num: int = 0, scale: int = 0, ttl: int = 0, tg: int = 1, asid: int = 0
) -> int:
    """Return the operand of a range TLBI; `base` in pages."""
    return base | ttl << 37 | num << 39 | scale << 44 | tg << 46 | asid << 48


@pytest.mark.parametrize(
    ("operand", "covered"),
    [
        (range_operand(0), True),
        (range_operand(1), False),
        (range_operand(0, ttl=3), True),
        (range_operand(0, ttl=2), False),
        (range_operand(0, tg=2), False),
        (range_operand(0, tg=0), False),
        (range_operand(0, asid=7), True),
    ],
)
def test_a_range_must_hold_the_page(operand: int, *, covered: bool) -> None:
    scene = Scene().store(LEAF_AT, 0).does(*complete("tlbi rvae1is"), operand=operand)
    assert removed(scene) is covered


@pytest.mark.parametrize(
    ("page", "num", "scale", "covered"),
    [(1, 0, 0, True), (2, 0, 0, False), (3, 1, 0, True), (63, 0, 1, True), (64, 0, 1, False)],
)
def test_a_range_covers_num_plus_one_shifted_by_its_scale(
    page: int, num: int, scale: int, *, covered: bool
) -> None:
    where = LEAF_AT + 8 * page
    scene = Scene().store(where, LEAF).store(where, 0)
    scene.does(*complete("tlbi rvaae1is"), operand=range_operand(0, num=num, scale=scale))
    assert (len(scene.answers(va=page << 12)) == 1) is covered


@pytest.mark.parametrize(("tlbi", "counts"), [("rvae1is", True), ("rvale1is", False)])
def test_a_last_level_range_leaves_tables(tlbi: str, *, counts: bool) -> None:
    scene = Scene().store(TABLES[2], OTHER_TABLE | PAGE)
    scene.does(*complete(f"tlbi {tlbi}"), operand=range_operand(0))
    assert removed(scene) is counts


@pytest.mark.parametrize("asid", [5, 6])
def test_a_tlbi_by_asid_counts_for_entries_of_that_asid(asid: int) -> None:
    operand = PAGE_OPERAND | asid << 48
    for tlbi in ("tlbi vae1is", "tlbi aside1is"):
        scene = Scene(leaf=NOT_GLOBAL, asid=5).store(LEAF_AT, 0)
        assert removed(scene.does(*complete(tlbi), operand=operand)) is (asid == 5), tlbi


def test_a_global_entry_goes_with_any_asid_by_address_but_not_by_asid() -> None:
    operand = PAGE_OPERAND | 9 << 48
    assert removed(Scene(asid=5).store(LEAF_AT, 0).does(*complete("tlbi vae1is"), operand=operand))
    by_asid = Scene(asid=5).store(LEAF_AT, 0).does(*complete("tlbi aside1is"), operand=5 << 48)
    assert not removed(by_asid)


def test_a_tlbi_for_any_asid_ignores_the_field() -> None:
    operand = PAGE_OPERAND | 9 << 48
    scene = Scene(leaf=NOT_GLOBAL, asid=5).store(LEAF_AT, 0)
    assert removed(scene.does(*complete("tlbi vaae1is"), operand=operand))


def test_only_the_dsb_after_the_last_tlbi_counts_for_it() -> None:
    scene = Scene().store(LEAF_AT, NEW_LEAF)
    scene.does("dsb ish", "tlbi vale1is", "dsb ish", "tlbi vae1is", "isb")
    assert scene.answers() == [NEW]
    scene = Scene().store(TABLES[2], OTHER_TABLE | PAGE)
    scene.does("dsb ish", "tlbi vale1is", "dsb ish", "tlbi vae1is", "isb")
    assert scene.answers() == [NEW, OLD]
    assert int(OLD, 16) == OUTPUT + VA
