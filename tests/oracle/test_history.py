"""Which values a walk may still see, event by event."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES
from harness.arch.granule import Granule
from harness.memory import PhysicalMemory, Region
from harness.oracle.history import Candidate, History, Hold
from harness.trace import (
    DescriptorWrite,
    Event,
    ExceptionEntry,
    ExceptionReturn,
    Maintenance,
    MaintenanceKind,
    MemoryAccess,
    RegisterWrite,
)
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.tlb.invalidation import CachedEntry

PC = VirtualAddress(0x1000)
WORD = PhysicalAddress(0x8000_0018)
VA = VirtualAddress(0xFFFF_0000_1960_0000)
VALID = 0x00E8_0001_9960_0705
INVALID = VALID & ~1
OTHER = VALID ^ 1 << 7
LEAF = CachedEntry(VA, 0, Granule.K4, 2, leaf=True, is_global=True)

TLBI_ALL = "tlbi vmalle1"
TLBI_VA = "tlbi vaae1is"


def history(word: int = VALID, **registers: int) -> History:
    memory = PhysicalMemory(
        [
            Region(PhysicalAddress(0x8000_0000), 0x2000),
            Region(PhysicalAddress(0x9000_0000), 0x1000, alias_of=PhysicalAddress(0x8000_0000)),
        ]
    )
    memory.write64(WORD, word)
    return History(PROFILES["max"], memory, registers)


def write(new: int, address: PhysicalAddress = WORD) -> DescriptorWrite:
    return DescriptorWrite(1, address, 0, new, "guest")


def store(new: int, address: PhysicalAddress = WORD, size: int = 8) -> MemoryAccess:
    access = Access(VA, AccessKind.WRITE, size)
    return MemoryAccess(1, PC, access, address, new)


def maintain(operation: str, operand: int | None = None) -> Maintenance:
    return Maintenance(1, PC, MaintenanceKind(operation.split(maxsplit=1)[0]), operation, operand)


def feed(target: History, *events: Event | str) -> History:
    for event in events:
        if isinstance(event, str):
            operand = (VA >> 12) & ((1 << 44) - 1) if event == TLBI_VA else None
            target.feed(maintain(event, operand))
        else:
            target.feed(event)
    return target


def values(target: History, address: PhysicalAddress = WORD) -> list[tuple[int, Hold]]:
    return [(candidate.value, candidate.hold) for candidate in target.words(address)]


def usable(target: History) -> set[int]:
    """Return the values that an access to VA may use, were the word a level 2 block."""
    return {
        candidate.value
        for candidate in target.words(WORD)
        if candidate.hold is not Hold.CACHED or not target.was_invalidated(LEAF, candidate.since)
    }


def test_a_word_that_nothing_changed_has_one_value() -> None:
    assert values(history()) == [(VALID, Hold.CURRENT)]


def test_memory_that_does_not_exist_has_no_value() -> None:
    assert history().words(PhysicalAddress(0x7000_0000)) == ()


def test_a_store_leaves_the_old_value_pending() -> None:
    assert values(feed(history(), write(INVALID))) == [
        (INVALID, Hold.CURRENT),
        (VALID, Hold.PENDING),
    ]


def test_a_dsb_alone_does_not_make_a_store_certain() -> None:
    assert usable(feed(history(INVALID), write(VALID), "dsb ish")) == {VALID, INVALID}


def test_an_isb_alone_does_not_make_a_store_certain() -> None:
    assert usable(feed(history(INVALID), write(VALID), "isb")) == {VALID, INVALID}


def test_a_dsb_for_loads_does_not_make_a_store_certain() -> None:
    assert usable(feed(history(INVALID), write(VALID), "dsb ishld", "isb")) == {VALID, INVALID}


def test_an_isb_before_the_dsb_does_not_count() -> None:
    assert usable(feed(history(INVALID), write(VALID), "isb", "dsb ish")) == {VALID, INVALID}


def test_what_was_invalid_is_gone_after_dsb_and_isb() -> None:
    assert values(feed(history(INVALID), write(VALID), "dsb ishst", "isb")) == [
        (VALID, Hold.CURRENT)
    ]


def test_taking_an_exception_or_returning_synchronises_as_isb_does() -> None:
    entry = ExceptionEntry(1, PC, 0x200, 0, PC, 0)
    for event in (entry, ExceptionReturn(1, PC, 0)):
        assert usable(feed(history(INVALID), write(VALID), "dsb ishst", event)) == {VALID}


def test_what_was_valid_stays_cached_without_a_tlbi() -> None:
    target = feed(history(), write(INVALID), "dsb ish", "isb")
    assert values(target) == [(INVALID, Hold.CURRENT), (VALID, Hold.CACHED)]
    assert usable(target) == {VALID, INVALID}


def test_the_whole_sequence_leaves_the_new_value_only() -> None:
    for tlbi in (TLBI_VA, TLBI_ALL):
        target = feed(history(), write(INVALID), "dsb ishst", tlbi, "dsb ish", "isb")
        assert usable(target) == {INVALID}


def test_each_instruction_of_the_sequence_is_needed() -> None:
    sequence = ["dsb ishst", TLBI_VA, "dsb ish", "isb"]
    for left_out in range(len(sequence)):
        rest = sequence[:left_out] + sequence[left_out + 1 :]
        assert usable(feed(history(), write(INVALID), *rest)) == {VALID, INVALID}, left_out


def test_a_barrier_of_stores_does_not_complete_a_tlbi() -> None:
    target = feed(history(), write(INVALID), "dsb ishst", TLBI_ALL, "dsb ishst", "isb")
    assert usable(target) == {VALID, INVALID}


def test_a_tlbi_before_the_change_removes_nothing_of_it() -> None:
    target = feed(history(), TLBI_ALL, "dsb ish", "isb", write(INVALID), "dsb ish", "isb")
    assert usable(target) == {VALID, INVALID}


def test_a_tlbi_of_another_address_removes_nothing() -> None:
    elsewhere = maintain(TLBI_VA, 0x1234)
    target = feed(history(), write(INVALID), "dsb ishst", elsewhere, "dsb ish", "isb")
    assert usable(target) == {VALID, INVALID}


def test_several_changes_leave_several_old_values() -> None:
    target = feed(history(), write(INVALID), write(OTHER))
    assert usable(target) == {VALID, INVALID, OTHER}
    assert usable(feed(target, "dsb ish", "isb")) == {VALID, OTHER}
    assert usable(feed(target, TLBI_ALL, "dsb ish", "isb")) == {OTHER}


def test_a_later_change_is_not_settled_by_maintenance_before_it() -> None:
    target = feed(history(), write(INVALID), "dsb ish", write(OTHER), TLBI_ALL, "dsb ish", "isb")
    assert usable(target) == {OTHER}
    target = feed(history(), write(OTHER), "dsb ish", TLBI_ALL, write(INVALID), "dsb ish", "isb")
    assert usable(target) == {OTHER, INVALID}


def test_a_value_written_back_is_no_old_value() -> None:
    target = feed(history(), write(INVALID), write(VALID))
    assert values(target) == [(VALID, Hold.CURRENT), (INVALID, Hold.PENDING)]


def test_writing_the_same_value_changes_nothing() -> None:
    assert values(feed(history(), write(VALID))) == [(VALID, Hold.CURRENT)]


def test_a_store_of_the_guest_is_followed_like_a_descriptor_write() -> None:
    assert usable(feed(history(INVALID), store(VALID))) == {VALID, INVALID}


def test_an_atomic_is_followed_by_what_memory_holds_after_it() -> None:
    swap = MemoryAccess(1, PC, Access(VA, AccessKind.READ_WRITE), WORD, VALID)
    assert usable(feed(history(INVALID), swap)) == {VALID, INVALID}


def test_a_store_of_one_byte_changes_the_word_around_it() -> None:
    target = feed(history(), store(VALID & 0xFE, size=1))
    assert target.memory.read64(WORD) == INVALID


def test_a_store_across_a_page_is_followed_up_to_the_page_only() -> None:
    end = PhysicalAddress(0x8000_0FFC)
    target = feed(history(), store(0x1111_1111_2222_2222, end))
    assert target.memory.read(0x8000_0FFC, 8) == bytes.fromhex("2222222200000000")


def test_a_load_or_a_store_of_unknown_value_changes_nothing() -> None:
    load = MemoryAccess(1, PC, Access(VA, AccessKind.READ), WORD, 5)
    unknown = MemoryAccess(1, PC, Access(VA, AccessKind.WRITE), WORD, None)
    assert values(feed(history(), load, unknown)) == [(VALID, Hold.CURRENT)]


def test_a_store_to_no_memory_changes_nothing() -> None:
    target = feed(
        history(), store(1, PhysicalAddress(0x7000_0000)), write(1, PhysicalAddress(0x7000_0000))
    )
    assert values(target) == [(VALID, Hold.CURRENT)]


def test_a_change_through_an_alias_is_a_change_of_the_same_word() -> None:
    alias = PhysicalAddress(WORD + 0x1000_0000)
    target = feed(history(), write(INVALID, alias))
    assert (
        values(target)
        == values(target, alias)
        == [
            (INVALID, Hold.CURRENT),
            (VALID, Hold.PENDING),
        ]
    )


def test_a_register_write_waits_for_a_context_synchronisation_event() -> None:
    target = feed(history(TCR_EL1=1), RegisterWrite(1, PC, "TCR_EL1", 2))
    assert target.register("TCR_EL1") == (Candidate(2, Hold.CURRENT), Candidate(1, Hold.PENDING))
    assert target.changed_registers == ("TCR_EL1",)
    feed(target, "isb")
    assert target.register("TCR_EL1") == (Candidate(2, Hold.CURRENT), Candidate(1, Hold.CACHED))


def test_what_was_cached_under_an_old_register_goes_with_a_tlbi_after_the_isb() -> None:
    write_tcr = RegisterWrite(1, PC, "TCR_EL1", 2)
    early = feed(history(TCR_EL1=1), write_tcr, TLBI_ALL, "dsb ish", "isb")
    assert early.changed_registers == ("TCR_EL1",)
    late = feed(history(TCR_EL1=1), write_tcr, "isb", TLBI_ALL, "dsb ish", "isb")
    assert late.changed_registers == ()
    assert late.registers["TCR_EL1"] == 2


def test_a_register_that_translation_does_not_use_changes_at_once() -> None:
    target = feed(history(), RegisterWrite(1, PC, "VBAR_EL1", 2))
    assert target.changed_registers == ()
    assert target.registers["VBAR_EL1"] == 2


def test_writing_a_register_with_its_own_value_changes_nothing() -> None:
    target = feed(history(TCR_EL1=1), RegisterWrite(1, PC, "TCR_EL1", 1))
    assert target.changed_registers == ()


def test_the_epoch_grows_only_when_a_walk_could_see_a_difference() -> None:
    target = history()
    before = target.epoch
    feed(target, store(7, PhysicalAddress(0x8000_0800)), "isb", "dsb ish", TLBI_ALL)
    assert target.epoch == before
    target.words(WORD)
    feed(target, write(INVALID))
    changed = target.epoch
    assert changed > before
    feed(target, "dsb ish", "isb")
    assert target.epoch > changed


def test_spent_tlbis_are_forgotten() -> None:
    target = history()
    for _ in range(50):
        feed(target, write(INVALID), "dsb ish", TLBI_VA, "dsb ish", "isb")
        feed(target, write(VALID), "dsb ish", TLBI_VA, "dsb ish", "isb")
    feed(target, TLBI_ALL, "dsb ish", "isb")
    assert target._done_tlbis == []
    assert values(target) == [(VALID, Hold.CURRENT)]
    feed(target, TLBI_VA, "dsb ish", "isb")
    assert target._done_tlbis == []


MAINTENANCE = ("dsb ish", "dsb ishst", "dsb ishld", "isb", TLBI_VA, TLBI_ALL, "tlbi vaale1")
CHANGES = (VALID, INVALID, OTHER, 0)
STEPS = st.one_of(
    st.sampled_from(CHANGES).map(write), st.sampled_from(CHANGES).map(store),
    st.sampled_from(MAINTENANCE),
)  # fmt: skip


@given(st.sampled_from(CHANGES), st.lists(STEPS, max_size=20))
def test_whatever_came_before_the_whole_sequence_leaves_the_present_only(
    first: int, steps: list[Event | str]
) -> None:
    target = feed(history(first), *steps)
    current = target.words(WORD)[0]
    assert current.hold is Hold.CURRENT
    assert current.value == target.memory.read64(WORD)
    feed(target, "dsb ish", TLBI_ALL, "dsb ish", "isb")
    assert target.words(WORD) == (current,)


@given(st.sampled_from(CHANGES), st.lists(STEPS, max_size=20), st.sampled_from(MAINTENANCE))
def test_maintenance_never_permits_more_and_a_change_never_less(
    first: int, steps: list[Event | str], last: str
) -> None:
    target = feed(history(first), *steps)
    before = usable(target)
    assert usable(feed(target, last)) <= before
    kept = usable(target)
    assert usable(feed(target, write(OTHER))) == kept | {OTHER}
