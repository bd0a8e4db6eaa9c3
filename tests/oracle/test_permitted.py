"""The set of permitted outcomes of an access, as changes and maintenance go by."""

from __future__ import annotations

import pytest
from scenes import (
    BLOCK,
    INVALID,
    L1_WORD,
    L2,
    NON_GLOBAL,
    OLD,
    OTHER_BLOCK,
    OTHER_L2,
    OTHER_PA,
    PA,
    PC,
    PROFILE,
    READ_ONLY,
    REGISTERS,
    VA,
    access,
    maintain,
    memory,
    write,
)

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.errors import HarnessError, LimitError
from harness.memory import PhysicalMemory
from harness.oracle.choosing import Read, ReplayMemory
from harness.oracle.history import Candidate, History, Hold
from harness.oracle.permitted import PermittedOutcome, PermittedOutcomes
from harness.trace import Event, RegisterWrite
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.outcome import Fault, Translation

STORE = access(AccessKind.WRITE)


def after(
    *events: Event, image: PhysicalMemory | None = None, **registers: int
) -> tuple[History, PermittedOutcomes]:
    history = History(PROFILE, image or memory(), {**REGISTERS, **registers})
    for event in events:
        history.feed(event)
    return history, PermittedOutcomes(PROFILE, history)


def names(outcomes: tuple[PermittedOutcome, ...]) -> list[str]:
    """Return each outcome in a word: where the access goes, or the fault."""
    return [_name(outcome) for outcome in outcomes]


def _name(permitted: PermittedOutcome) -> str:
    outcome = permitted.outcome
    if isinstance(outcome, Translation):
        return {PA: "old place", OTHER_PA: "other place"}.get(outcome.pa, hex(outcome.pa))
    return f"{outcome.kind.value} {outcome.level}"


def permitted(
    *events: Event,
    image: PhysicalMemory | None = None,
    made: Access | None = None,
    **registers: int,
) -> list[str]:
    _, outcomes = after(*events, image=image, **registers)
    return names(outcomes.of(made or access()))


def test_without_a_change_there_is_one_outcome() -> None:
    assert permitted() == ["old place"]
    assert permitted(image=memory(INVALID)) == ["translation 2"]


def test_after_the_valid_bit_is_cleared_both_outcomes_are_permitted() -> None:
    assert permitted(write(INVALID)) == ["translation 2", "old place"]
    assert permitted(write(INVALID), *maintain("dsb ish", "isb")) == ["translation 2", "old place"]


def test_after_the_whole_sequence_only_the_fault_is_permitted() -> None:
    sequence = maintain("dsb ishst", "tlbi vaae1is", "dsb ish", "isb")
    assert permitted(write(INVALID), *sequence) == ["translation 2"]


@pytest.mark.parametrize("left_out", range(4))
def test_each_instruction_of_the_sequence_is_needed(left_out: int) -> None:
    sequence = maintain("dsb ishst", "tlbi vaae1is", "dsb ish", "isb")
    del sequence[left_out]
    assert permitted(write(INVALID), *sequence) == ["translation 2", "old place"]


def test_an_invalid_descriptor_made_valid_needs_no_tlbi() -> None:
    image = memory(INVALID)
    assert permitted(write(BLOCK), image=image) == ["old place", "translation 2"]
    assert permitted(write(BLOCK), *maintain("dsb ish", "isb"), image=image) == ["old place"]


def test_a_descriptor_that_faults_for_its_access_flag_is_never_cached() -> None:
    image = memory(OLD)
    assert permitted(write(BLOCK), image=image) == ["old place", "access_flag 2"]
    assert permitted(write(BLOCK), *maintain("dsb ish", "isb"), image=image) == ["old place"]


def test_a_descriptor_beyond_the_output_size_is_never_cached() -> None:
    small = REGISTERS["TCR_EL1"] & ~(7 << 32) | 0b001 << 32
    image = memory(BLOCK | 1 << 40)
    events = (write(BLOCK), *maintain("dsb ish", "isb"))
    assert permitted(write(BLOCK), image=image, TCR_EL1=small) == ["old place", "address_size 2"]
    assert permitted(*events, image=image, TCR_EL1=small) == ["old place"]


def test_a_descriptor_without_the_permission_may_be_cached() -> None:
    image = memory(READ_ONLY)
    events = (write(BLOCK), *maintain("dsb ish", "isb"))
    assert permitted(*events, image=image, made=STORE) == ["old place", "permission 2"]
    assert permitted(*events, *maintain("tlbi vmalle1", "dsb ish", "isb"), made=STORE) == [
        "old place"
    ]


def test_a_new_output_address_leaves_both_places() -> None:
    assert permitted(write(OTHER_BLOCK)) == ["other place", "old place"]


def test_an_old_table_is_combined_with_what_its_entries_hold_now() -> None:
    """The old level 1 entry points to a table whose entry changed since."""
    image = memory()
    image.write64(PhysicalAddress(OTHER_L2 + (0x1960_0000 >> 21) * 8), OTHER_BLOCK)
    events = (
        write(OTHER_L2 | 0b11, L1_WORD),
        *maintain("dsb ish", "isb"),
        write(INVALID),
        *maintain("dsb ish", "isb"),
    )
    assert permitted(*events, image=image) == ["other place", "translation 2", "old place"]


def test_a_tlbi_of_the_last_level_leaves_an_old_table_entry() -> None:
    image = memory()
    image.write64(PhysicalAddress(OTHER_L2 + (0x1960_0000 >> 21) * 8), OTHER_BLOCK)
    change = write(OTHER_L2 | 0b11, L1_WORD)
    leaf_only = maintain("dsb ish", "tlbi vaale1", "dsb ish", "isb")
    whole = maintain("dsb ish", "tlbi vaae1", "dsb ish", "isb")
    assert permitted(change, *leaf_only, image=image) == ["other place", "old place"]
    assert permitted(change, *whole, image=image) == ["other place"]


def test_a_tlbi_of_the_last_level_is_enough_for_a_leaf() -> None:
    leaf_only = maintain("dsb ish", "tlbi vaale1", "dsb ish", "isb")
    assert permitted(write(INVALID), *leaf_only) == ["translation 2"]


def test_a_tlbi_of_another_asid_leaves_a_non_global_leaf_only() -> None:
    other = maintain("dsb ish", "tlbi vae1", "dsb ish", "isb", asid=7)
    own = maintain("dsb ish", "tlbi vae1", "dsb ish", "isb", asid=0)
    image = memory(NON_GLOBAL)
    assert permitted(write(INVALID), *other, image=image) == ["translation 2", "old place"]
    assert permitted(write(INVALID), *own, image=image) == ["translation 2"]
    assert permitted(write(INVALID), *other) == ["translation 2"]


def test_a_table_descriptor_that_leads_out_of_memory_may_be_cached() -> None:
    image = memory()
    image.write64(L1_WORD, 0x7000_0000 | 0b11)
    events = (write(L2 | 0b11, L1_WORD), *maintain("dsb ish", "isb"))
    assert permitted(*events, image=image) == ["old place", "external_on_walk 2"]
    leaf_only = maintain("tlbi vaale1", "dsb ish", "isb")
    assert permitted(*events, *leaf_only, image=image) == ["old place", "external_on_walk 2"]


def test_only_changes_that_the_walk_reads_matter() -> None:
    _, outcomes = after(write(INVALID))
    elsewhere = access(va=VirtualAddress(VA + (1 << 21)))
    assert names(outcomes.of(elsewhere)) == ["translation 2"]


def test_an_access_across_pages_takes_each_page_from_its_own_past() -> None:
    """Two blocks: the first ends where the second, whose change is pending, begins."""
    image = memory()
    second = PhysicalAddress(L2 + 8 * ((VA >> 21 & 0x1FF) + 1))
    image.write64(second, OTHER_BLOCK)
    across = access(va=VirtualAddress(VA + (1 << 21) - 4))
    history, outcomes = after(write(0, second), image=image)
    found = outcomes.of(across)
    assert [type(each.outcome) for each in found] == [Fault, Translation]
    assert isinstance(found[0].outcome, Fault)
    assert found[0].outcome.far == VA + (1 << 21)
    for event in maintain("dsb ish", "tlbi vaae1", "dsb ish", "isb"):
        history.feed(event)
    assert len(outcomes.of(across)) == 2, "the TLBI names the first block only"
    for event in maintain("tlbi vmalle1", "dsb ish", "isb"):
        history.feed(event)
    assert len(outcomes.of(across)) == 1


def test_a_register_write_is_optional_until_a_context_synchronisation_event() -> None:
    off = RegisterWrite(1, PC, "SCTLR_EL1", REGISTERS["SCTLR_EL1"] & ~1)
    assert permitted(off) == ["address_size 0", "old place"]
    assert permitted(off, *maintain("isb")) == ["address_size 0"]


def test_what_was_cached_under_old_tables_stays_with_the_same_asid() -> None:
    image = memory()
    image.write64(PhysicalAddress(0x8000_5000), 0)
    switch = RegisterWrite(1, PC, "TTBR1_EL1", 0x8000_5000)
    assert permitted(switch, *maintain("isb"), image=image) == ["translation 0", "old place"]
    removed = maintain("isb", "tlbi vaae1", "dsb ish", "isb")
    assert permitted(switch, *removed, image=image) == ["translation 0"]
    leaf_only = maintain("isb", "tlbi vaale1", "dsb ish", "isb")
    assert permitted(switch, *leaf_only, image=image) == ["translation 0", "old place"]


def test_with_another_asid_only_global_entries_of_the_old_tables_stay() -> None:
    a1 = REGISTERS["TCR_EL1"] | 1 << 22
    switch = RegisterWrite(1, PC, "TTBR1_EL1", 0x8000_5000 | 9 << 48)
    events = (switch, *maintain("isb"))
    assert permitted(*events, TCR_EL1=a1) == ["translation 0", "old place"]
    assert permitted(*events, image=memory(NON_GLOBAL), TCR_EL1=a1) == ["translation 0"]


def test_a_walk_that_fails_at_once_under_old_tables_was_not_cached() -> None:
    switch = RegisterWrite(1, PC, "TTBR1_EL1", REGISTERS["TTBR1_EL1"])
    events = (switch, *maintain("isb"))
    assert permitted(*events, TTBR1_EL1=0x8000_5000) == ["old place"]


def test_an_old_permission_register_stays_cached_but_an_old_enable_bit_does_not() -> None:
    wxn = RegisterWrite(1, PC, "SCTLR_EL1", REGISTERS["SCTLR_EL1"] | 1 << 19)
    fetch = access(AccessKind.FETCH, size=4)
    image = memory(BLOCK & ~(1 << 54) | 1 << 54)
    both = permitted(wxn, *maintain("isb"), image=memory(BLOCK & ~(3 << 53)), made=fetch)
    assert both == ["permission 2", "old place"]
    on = RegisterWrite(1, PC, "SCTLR_EL1", REGISTERS["SCTLR_EL1"])
    assert permitted(on, *maintain("isb"), image=image, SCTLR_EL1=0x30D0_1804) == ["old place"]


def test_a_pending_change_that_makes_no_difference_gives_no_second_outcome() -> None:
    other_half = RegisterWrite(1, PC, "TTBR0_EL1", 0x8000_6000)
    assert permitted(other_half) == ["old place"]
    software_bit = write(BLOCK | 1 << 55)
    assert permitted(software_bit) == ["old place"]


def test_a_walk_is_only_replayed_as_it_was_made() -> None:
    read = Read(L1_WORD, Candidate(3, Hold.CURRENT), 0, 1, 3)
    memory = ReplayMemory((read,))
    with pytest.raises(HarnessError, match="when first made"):
        memory.read64(L2)
    assert ReplayMemory(()).read64(L2) is None


def test_the_outcome_of_the_present_comes_first_and_says_so() -> None:
    _, outcomes = after(write(INVALID))
    first, second = outcomes.of(access())
    assert first.is_current
    assert not second.is_current
    assert [(old.value, old.current, old.cached) for old in second.old_words] == [
        (BLOCK, INVALID, False)
    ]


def test_the_steps_of_an_outcome_are_those_of_its_own_walk() -> None:
    _, outcomes = after(write(INVALID))
    made = access()
    now, before = outcomes.of(made)
    assert [step.descriptor for step in outcomes.steps(made, now)][2] == INVALID
    assert [step.descriptor for step in outcomes.steps(made, before)][2] == BLOCK


def test_too_many_pending_changes_are_refused() -> None:
    history, outcomes = after()
    for number in range(1100):
        history.feed(write(BLOCK + (number << 21)))
    with pytest.raises(LimitError, match="combinations"):
        outcomes.of(access())


def test_faults_keep_their_kind() -> None:
    _, outcomes = after(write(INVALID))
    fault = outcomes.of(access())[0].outcome
    assert isinstance(fault, Fault)
    assert fault.kind is FaultKind.TRANSLATION
