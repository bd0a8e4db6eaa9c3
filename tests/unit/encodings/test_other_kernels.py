"""Linux 6.1 and KVM's stage 2, against the values that their sources give."""

from __future__ import annotations

import pytest

from harness.arch.granule import Granule
from harness.encodings import StateName, bits_named, encoding
from harness.encodings.form import form_named

BLOCK = 0x0068000199600705
PROT_NONE, PRESENT_INVALID = 1 << 58, 1 << 59


def test_6_1_has_bits_of_its_own_for_prot_none_and_for_a_pmd_made_invalid() -> None:
    assert bits_named("linux-6.1:PROT_NONE") == PROT_NONE
    assert bits_named("linux-6.1:PMD_PRESENT_INVALID") == PRESENT_INVALID
    assert "PRESENT_INVALID" not in encoding("linux-6.1").bits


@pytest.mark.parametrize(
    ("value", "true"),
    [
        (BLOCK, {"present", "valid", "leaf", "sect", "bad", "write", "dirty", "trans_huge"}),
        (BLOCK & ~1, {"bad", "write", "dirty"}),
        (BLOCK & ~1 | PRESENT_INVALID,
         {"present", "present_invalid", "leaf", "bad", "write", "dirty", "trans_huge"}),
        (BLOCK & ~1 | PROT_NONE,
         {"present", "protnone", "leaf", "bad", "write", "dirty", "trans_huge"}),
        (0x180000003 | PRESENT_INVALID, {"present", "present_invalid", "valid", "table"}),
    ],
)  # fmt: skip
def test_pmd_predicates_of_6_1_answer_as_the_kernel_does(value: int, true: set[str]) -> None:
    answers = encoding("linux-6.1").level(2).true_of(value)
    assert {question for question, answer in answers.items() if answer} == {
        f"pmd_{question}" for question in true
    }


def test_6_1_makes_a_user_block_invalid_by_bit_59_and_changes_attributes_of_pages_only() -> None:
    level = encoding("linux-6.1").level(2)
    assert level.apply("pmd_mkinvalid", BLOCK) == BLOCK & ~1 | PRESENT_INVALID
    assert set(level.operations) == {"hibernate_copy", "pmd_mkinvalid"}
    page = encoding("linux-6.1").level(3)
    assert page.apply("set_memory_valid_off", BLOCK | 3) == BLOCK & ~1 | 2


@pytest.mark.parametrize(
    ("value", "level", "words"),
    [
        (BLOCK, 2, "A valid 2M leaf: this kernel changes the attributes of pages only."),
        (BLOCK & ~1, 2, "Not valid, and this kernel changes the attributes of pages only."),
        (BLOCK & ~1 | 2, 3, "Not present: a swap or migration entry, or a 4K leaf made invalid"),
    ],
)
def test_6_1_says_what_it_makes_of_an_entry(value: int, level: int, words: str) -> None:
    assert words in encoding("linux-6.1").describe(value, level, Granule.K4)


@pytest.mark.parametrize("granule", ["16K", "64K"])
def test_6_1_has_no_blocks_of_a_pud_with_other_granules(granule: str) -> None:
    level = encoding("linux-6.1").level(1, form_named(granule))
    assert set(level.states) == {StateName.NONE, StateName.TABLE}


@pytest.mark.parametrize(
    ("value", "level", "states", "words"),
    [
        (0, 2, {StateName.NONE}, "2M not mapped, owned by the host."),
        (1 << 2, 2, {StateName.OWNED}, "2M not mapped, annotated with owner 1."),
        (0xFF << 2, 3, {StateName.OWNED}, "4K not mapped, annotated with owner 255."),
        (1 << 10, 2, {StateName.LOCKED}, "Locked: another walker is between break and make."),
        (0x199600403, 2, {StateName.TABLE}, "A table of the next level."),
        (0x1996007FD, 2, {StateName.VALID_LEAF}, "A 2M leaf, page state owned."),
        (0x1996007FF, 3, {StateName.VALID_LEAF}, "A 4K leaf, page state owned."),
        (0x1996007FF | 1 << 55, 3, {StateName.VALID_LEAF}, "page state shared, owned."),
        (0x1996007FF | 1 << 56, 3, {StateName.VALID_LEAF}, "page state shared, borrowed."),
        (0x1996007FF | 3 << 55, 3, {StateName.VALID_LEAF}, "page state reserved."),
    ],
)
def test_kvm_reads_owners_locks_and_page_states_at_stage_2(
    value: int, level: int, states: set[StateName], words: str
) -> None:
    stage2 = encoding("kvm-stage2")
    assert set(stage2.level(level).state_of(value)) == states
    assert words in stage2.describe(value, level, Granule.K4)


def test_kvm_takes_a_page_away_in_three_ways() -> None:
    level = encoding("kvm-stage2").level(3)
    page = 0x1996007FF
    assert level.apply("unmap", page) == 0
    assert level.apply("set_owner", page) == 1 << 2
    assert level.apply("break", page) == 1 << 10
