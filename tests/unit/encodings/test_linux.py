"""Linux's encodings against the values that its sources and the panic's log give."""

from __future__ import annotations

import pytest

from harness.arch.granule import Granule
from harness.encodings import StateName, WalkDecision, encoding, names

BLOCK = 0x00E8000199600705
"""The seed's 2M block before VALID was cleared: PAGE_KERNEL_TAGGED, dirty."""
CLEARED = 0x00E8000199600704
MARKED = 0x00E8000199600F04
TABLE = 0x180000009FFFF403
LEAF_LEVELS = [1, 2, 3]
BLOCK_LEVELS = [1, 2]


def test_every_version_exists_with_and_without_kpti() -> None:
    assert {"bare", "linux-7.0", "linux-7.0-kpti", "linux-7.0.1", "linux-7.0.1-kpti"} <= set(
        names()
    )


@pytest.mark.parametrize(
    ("value", "true"),
    [
        (BLOCK, {"present", "valid", "leaf", "sect", "bad", "write", "dirty", "trans_huge"}),
        (CLEARED, {"bad", "write", "dirty"}),
        (MARKED, {"present", "present_invalid", "leaf", "bad", "write", "dirty", "trans_huge",
                  "protnone"}),
        (TABLE, {"present", "valid", "table"}),
        (0, {"none", "bad"}),
    ],
)  # fmt: skip
def test_pmd_predicates_answer_as_both_kernels_do(value: int, true: set[str]) -> None:
    for name in ("linux-7.0", "linux-7.0.1"):
        answers = encoding(name).level(2).true_of(value)
        assert {question for question, answer in answers.items() if answer} == {
            f"pmd_{question}" for question in true
        }


@pytest.mark.parametrize(
    ("value", "true"),
    [
        (0x00680001996007C7, {"present", "valid", "write"}),
        (0x0068000199600707, {"present", "valid", "write", "dirty", "hw_dirty"}),
        (0x0068000199600787, {"present", "valid", "write"}),
        (0x00E0000199600787, {"present", "valid", "dirty"}),
        (0x0060000199600F86, {"present", "present_invalid", "protnone"}),
        (0x0060000199600FC6, {"present", "present_invalid"}),
        (0x0020000199600F86, {"present", "present_invalid"}),
        (0x0000000199600044, set()),
        (0, {"none"}),
    ],
)
def test_pte_predicates_answer_as_the_kernel_does(value: int, true: set[str]) -> None:
    answers = encoding("linux-7.0.1").level(3).true_of(value)
    assert {question for question, answer in answers.items() if answer} == {
        f"pte_{question}" for question in true
    }


@pytest.mark.parametrize("level", LEAF_LEVELS)
def test_linux_7_0_makes_a_leaf_invalid_by_clearing_valid_alone(level: int) -> None:
    operations = encoding("linux-7.0").level(level).operations
    for name in ("set_memory_valid_off", "set_direct_map_invalid"):
        assert operations[name](BLOCK) == CLEARED
    assert operations["set_memory_valid_on"](CLEARED) == BLOCK


@pytest.mark.parametrize("level", LEAF_LEVELS)
def test_linux_7_0_1_marks_an_invalid_leaf_as_present(level: int) -> None:
    operations = encoding("linux-7.0.1").level(level).operations
    for name in ("set_memory_valid_off", "set_direct_map_invalid"):
        assert operations[name](BLOCK) == MARKED
    assert operations["set_memory_valid_on"](MARKED) == BLOCK


def test_kpti_makes_a_restored_kernel_leaf_not_global_on_7_0_1() -> None:
    operations = encoding("linux-7.0.1-kpti").level(2).operations
    not_global = BLOCK | 1 << 11
    assert operations["set_memory_valid_off"](not_global) == MARKED
    assert operations["set_memory_valid_on"](MARKED) == not_global


def test_kpti_leaves_bit_11_of_a_leaf_made_invalid_by_7_0() -> None:
    level = encoding("linux-7.0-kpti").level(2)
    cleared = level.operations["set_memory_valid_off"](BLOCK | 1 << 11)
    assert cleared == MARKED
    assert level.true_of(cleared)["pmd_leaf"]
    assert level.walk_decision(cleared) is WalkDecision.DESCENDS


@pytest.mark.parametrize("name", ["linux-7.0", "linux-7.0.1", "linux-7.0.1-kpti"])
def test_the_direct_maps_default_is_writable_and_valid(name: str) -> None:
    read_only = 0x00E0000199600785
    off, default = (
        encoding(name).level(2).operations[f"set_direct_map_{what}"]
        for what in ("invalid", "default")
    )
    restored = default(off(read_only))
    assert restored == 0x00E8000199600705 | (1 << 11 if "kpti" in name else 0)


@pytest.mark.parametrize("level", BLOCK_LEVELS)
def test_the_walk_of_7_0_does_not_restore_a_block_that_it_made_invalid(level: int) -> None:
    meaning = encoding("linux-7.0").level(level)
    assert meaning.walk_decision(BLOCK) is WalkDecision.EDITS
    invalid = meaning.apply("set_memory_valid_off", BLOCK)
    assert invalid == CLEARED
    assert meaning.walk_decision(invalid) is WalkDecision.DESCENDS
    assert meaning.apply("set_memory_valid_on", invalid) == CLEARED


@pytest.mark.parametrize("level", BLOCK_LEVELS)
def test_the_walk_of_7_0_1_restores_a_block_that_it_made_invalid(level: int) -> None:
    meaning = encoding("linux-7.0.1").level(level)
    invalid = meaning.apply("set_memory_valid_off", BLOCK)
    assert meaning.walk_decision(invalid) is WalkDecision.EDITS
    assert meaning.apply("set_memory_valid_on", invalid) == BLOCK


@pytest.mark.parametrize("name", ["linux-7.0", "linux-7.0.1"])
def test_the_walk_restores_a_page_on_both_kernels(name: str) -> None:
    meaning = encoding(name).level(3)
    page = BLOCK | 0b11
    assert meaning.apply("set_memory_valid_on", meaning.apply("set_memory_valid_off", page)) == page


@pytest.mark.parametrize("name", ["linux-7.0", "linux-7.0.1"])
def test_the_walk_goes_on_below_a_table_and_skips_nothing_at_all(name: str) -> None:
    meaning = encoding(name).level(2)
    assert meaning.walk_decision(TABLE) is WalkDecision.DESCENDS
    assert meaning.walk_decision(0) is WalkDecision.SKIPS


@pytest.mark.parametrize("level", BLOCK_LEVELS)
def test_an_invalid_block_is_in_no_state_on_7_0_and_in_one_on_7_0_1(level: int) -> None:
    old, new = (encoding(name).level(level) for name in ("linux-7.0", "linux-7.0.1"))
    for meaning, expected in ((old, ()), (new, (StateName.INVALID_LEAF,))):
        made = meaning.apply("set_memory_valid_off", BLOCK)
        assert (
            tuple(state for state in meaning.state_of(made) if state is not StateName.PROT_NONE)
            == expected
        )


@pytest.mark.parametrize(
    ("value", "state"),
    [(0, StateName.NONE), (TABLE, StateName.TABLE), (BLOCK, StateName.VALID_LEAF)],
)
def test_other_states_are_told_apart(value: int, state: StateName) -> None:
    assert encoding("linux-7.0.1").level(2).state_of(value) == (state,)


def test_the_upper_levels_know_tables_only() -> None:
    for level in (-1, 0):
        meaning = encoding("linux-7.0").level(level)
        assert meaning.state_of(TABLE) == (StateName.TABLE,)
        assert meaning.state_of(0) == (StateName.NONE,)
        assert meaning.state_of(BLOCK) == ()
        assert not meaning.operations


def test_7_0_says_why_the_seeds_entry_stays_invalid() -> None:
    assert encoding("linux-7.0").describe(CLEARED, 2, Granule.K4) == (
        "pmd_present, pmd_leaf, pmd_sect and pmd_table are all false. The walk that changes page "
        "attributes asks pmd_sect: it takes the entry for a table and goes on below, so VALID is "
        "not set again."
    )


def test_7_0_1_says_what_the_seeds_entry_would_be_if_it_had_made_it() -> None:
    assert "would be 0x00e8000199600f04" in encoding("linux-7.0.1").describe(CLEARED, 2, Granule.K4)


def test_7_0_1_recognises_the_entry_that_it_makes_invalid() -> None:
    told = encoding("linux-7.0.1").describe(MARKED, 2, Granule.K4)
    assert told.startswith("pmd_present and pmd_leaf are both true; ")
    assert "A 2M leaf made invalid, and known as one" in told
    assert told.endswith("set_memory_valid(on) makes it 0x00e8000199600705.")


@pytest.mark.parametrize(
    ("value", "level", "words"),
    [
        (0, 2, "pmd_none: nothing is mapped here."),
        (TABLE, 1, "A table of the next level."),
        (BLOCK, 2, "A valid 2M leaf: the walk that changes page attributes asks pmd_sect"),
        (BLOCK | 2, 3, "A valid 4K leaf: the walk that changes page attributes edits every pte."),
        (0x00E8000199600706, 3, "Not present: a swap or migration entry, or a 4K leaf"),
        (0x0068000199600F06, 3, "A 4K leaf made invalid, and known as one"),
        (TABLE, 0, "At p4d this kernel knows tables only; this is a table."),
        (BLOCK, 0, "this is not a table"),
    ],
)  # fmt: skip
def test_other_entries_are_put_in_words(value: int, level: int, words: str) -> None:
    assert words in encoding("linux-7.0").describe(value, level, Granule.K4)
