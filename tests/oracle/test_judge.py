"""Verdicts on hand-made runs: each kind, and what makes the difference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scenes import (
    BLOCK,
    INVALID,
    L2,
    OTHER_BLOCK,
    OTHER_PA,
    PA,
    PC,
    READ_ONLY,
    REGISTERS,
    VA,
    access,
    completed,
    execution,
    instruction,
    maintain,
    memory,
    write,
)

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.oracle.judge import judge
from harness.oracle.seen import Completed
from harness.oracle.verdict import VerdictKind
from harness.trace import (
    DescriptorWrite,
    EndReason,
    Event,
    ExceptionEntry,
    FaultTaken,
    Instruction,
    Maintenance,
    MemoryAccess,
    RegisterWrite,
)
from harness.vmsa.access import Access, AccessKind, Operation

MAINTENANCE = maintain("dsb ishst", "tlbi vaae1is", "dsb ish", "isb")
MAINTENANCE_ALL = [
    each
    for each in maintain("dsb ishst", "tlbi vmalle1", "dsb ish", "isb")
    if isinstance(each, Maintenance)
]
L2_CODE = L2
"""The first entry of the level 2 table maps the code."""
READ_FAULT = 0x9600_0006
WRITE_PERMISSION = 0x9600_004E


def fault(
    esr: int = READ_FAULT,
    far: VirtualAddress = VA,
    made: Access | None = None,
    pc: VirtualAddress = PC,
) -> FaultTaken:
    return FaultTaken(1, pc, "load", made or access(), esr, far, 1)


def unknown(esr: int, far: VirtualAddress = VA) -> FaultTaken:
    return FaultTaken(1, PC, "load", None, esr, far, 1)


def test_an_access_that_the_tables_allow_agrees() -> None:
    verdict = judge(execution([instruction(), completed()]))
    assert verdict.kind is VerdictKind.AGREES
    assert verdict.judged == 2
    assert verdict.faults == verdict.findings == ()
    assert verdict.deciding is not None
    assert verdict.deciding.seen == Completed(PA)
    assert [step.level for step in verdict.steps][:3] == [0, 1, 2]
    assert f"{BLOCK:#018x}" in verdict.explanation
    assert "permitted" in verdict.explanation


def test_a_fault_that_the_tables_give_agrees_and_names_descriptor_bit_and_rule() -> None:
    verdict = judge(execution([instruction(), fault()], memory(INVALID)))
    assert verdict.kind is VerdictKind.AGREES
    assert [judgment.kind for judgment in verdict.faults] == [VerdictKind.AGREES]
    for part in ("Level 2 descriptor", f"{INVALID:#018x}", "bit 0 is clear", "DecodeDescriptor"):
        assert part in verdict.explanation
    assert len(verdict.permitted) == 1


def test_a_fault_at_another_level_disagrees() -> None:
    verdict = judge(execution([fault(READ_FAULT + 1)], memory(INVALID)))
    assert verdict.kind is VerdictKind.DISAGREES
    assert verdict.divergence is None
    assert "the architecture permits" in verdict.explanation


def test_a_fault_with_another_address_disagrees() -> None:
    verdict = judge(execution([fault(far=VirtualAddress(VA + 8))], memory(INVALID)))
    assert verdict.kind is VerdictKind.DISAGREES


def test_an_access_that_succeeds_where_only_a_fault_is_permitted_disagrees() -> None:
    verdict = judge(execution([completed()], memory(INVALID)))
    assert verdict.kind is VerdictKind.DISAGREES
    assert verdict.faults == ()
    assert len(verdict.findings) == 1
    assert verdict.deciding is verdict.findings[0]


def test_a_store_to_a_read_only_block_that_completes_disagrees() -> None:
    store = completed(access(AccessKind.WRITE))
    assert judge(execution([store], memory(READ_ONLY))).kind is VerdictKind.DISAGREES
    taken = fault(WRITE_PERMISSION, made=access(AccessKind.WRITE))
    assert judge(execution([taken], memory(READ_ONLY))).kind is VerdictKind.AGREES


def test_an_access_that_reaches_another_place_disagrees() -> None:
    assert judge(execution([completed(pa=OTHER_PA)])).kind is VerdictKind.DISAGREES


def test_after_a_change_without_maintenance_both_outcomes_agree() -> None:
    for seen in (completed(), fault()):
        verdict = judge(execution([completed(), write(INVALID), seen]))
        assert verdict.kind is VerdictKind.AGREES
        assert len(verdict.permitted) == 2


def test_an_old_value_is_named_in_the_explanation_with_what_would_end_it() -> None:
    pending = judge(execution([write(INVALID), completed()]))
    assert f"{BLOCK:#018x}" in pending.explanation
    assert "until DSB, TLBI, DSB and ISB have followed the change" in pending.explanation
    cached = judge(execution([write(INVALID), *maintain("dsb ish", "isb"), completed()]))
    assert "no TLBI that covers it has completed" in cached.explanation


def test_after_the_whole_sequence_the_old_outcome_disagrees() -> None:
    stale = judge(execution([completed(), write(INVALID), *MAINTENANCE, completed()]))
    assert stale.kind is VerdictKind.DISAGREES
    fresh = judge(execution([completed(), write(INVALID), *MAINTENANCE, fault()]))
    assert fresh.kind is VerdictKind.AGREES


def test_equal_accesses_are_judged_anew_after_a_change() -> None:
    events = [completed(), completed(), write(OTHER_BLOCK), *MAINTENANCE, completed()]
    verdict = judge(execution(events))
    assert verdict.kind is VerdictKind.DISAGREES
    assert verdict.judged == 3


def test_an_old_invalid_value_ends_without_a_tlbi() -> None:
    made_valid = judge(execution([write(BLOCK), fault()], memory(INVALID)))
    assert made_valid.kind is VerdictKind.AGREES
    assert "until DSB and ISB have followed the change" in made_valid.explanation


def test_an_old_register_value_is_named_in_the_explanation() -> None:
    switch = RegisterWrite(1, PC, "TTBR1_EL1", 0x8000_5000)
    verdict = judge(execution([switch, completed()]))
    assert verdict.kind is VerdictKind.AGREES
    assert "old value of TTBR1_EL1" in verdict.explanation


def test_a_handled_fault_and_its_retry_are_both_judged() -> None:
    entry = ExceptionEntry(1, VirtualAddress(0x2000), 0x200, READ_FAULT, PC, 0)
    repair = [write(BLOCK), *maintain("dsb ish", "isb")]
    verdict = judge(execution([fault(), entry, *repair, completed()], memory(INVALID)))
    assert verdict.kind is VerdictKind.AGREES
    assert verdict.judged == 2
    again = judge(execution([fault(), entry, *repair, fault()], memory(INVALID)))
    assert again.kind is VerdictKind.DISAGREES
    assert [judgment.kind for judgment in again.faults] == [
        VerdictKind.AGREES,
        VerdictKind.DISAGREES,
    ]
    assert again.deciding is again.faults[1]


def test_a_fetch_that_is_not_permitted_disagrees() -> None:
    data_page = Instruction(1, VA, 0, "", 1)
    image = memory(BLOCK | 3 << 53)
    assert judge(execution([data_page], image)).kind is VerdictKind.DISAGREES
    assert judge(execution([instruction()], image)).kind is VerdictKind.AGREES


def test_a_fetch_that_faults_is_judged_once_as_a_fault() -> None:
    fetch = access(AccessKind.FETCH, size=4)
    events: list[Event] = [Instruction(1, VA, 0, "", 1), fault(0x8600_000E, made=fetch, pc=VA)]
    verdict = judge(execution(events, memory(BLOCK | 3 << 53)))
    assert verdict.kind is VerdictKind.AGREES
    assert verdict.judged == 1


def test_a_data_abort_leaves_its_instructions_fetch_judged() -> None:
    assert judge(execution([instruction(), fault()], memory(INVALID))).judged == 2
    between: list[Event] = [instruction(), write(INVALID), fault()]
    assert judge(execution(between)).judged == 2


def test_an_instruction_was_fetched_before_an_injection_that_acts_when_it_executes() -> None:
    def injected(number: int) -> list[Event]:
        change = DescriptorWrite(number, L2_CODE, 0, 0, "injection 1")
        return [change, *(replace(each, number=number, injected=True) for each in MAINTENANCE_ALL)]

    before = [*injected(2), instruction(2)]
    assert judge(execution(before)).kind is VerdictKind.AGREES
    next_one = [*injected(2), instruction(2), instruction(3)]
    assert judge(execution(next_one)).kind is VerdictKind.DISAGREES
    after_a_fault = [*injected(1), instruction(2)]
    assert judge(execution(after_a_fault)).kind is VerdictKind.DISAGREES
    by_the_program: list[Event] = [write(0, L2_CODE), *MAINTENANCE_ALL, instruction(1)]
    assert judge(execution(by_the_program)).kind is VerdictKind.DISAGREES


def test_where_no_memory_answers_only_an_external_abort_is_permitted() -> None:
    image = memory(0x9_0000_0000 | BLOCK & ~PA)
    for external in (0x9600_0010, 0x9600_0210):
        assert judge(execution([fault(external)], image)).kind is VerdictKind.AGREES
    nowhere = completed(pa=PhysicalAddress(0x9_0000_0000))
    assert judge(execution([nowhere], image)).kind is VerdictKind.DISAGREES
    assert judge(execution([fault(0x9600_0010)])).kind is VerdictKind.DISAGREES


def test_an_access_that_the_engine_does_not_tell_is_read_off_the_syndrome() -> None:
    assert judge(execution([unknown(READ_FAULT)], memory(INVALID))).kind is VerdictKind.AGREES
    assert judge(execution([unknown(0x9600_0046)], memory(INVALID))).kind is VerdictKind.AGREES
    assert judge(execution([unknown(0x8600_000E)], memory(BLOCK | 3 << 53))).kind is (
        VerdictKind.AGREES
    )
    maintenance = judge(execution([unknown(0x9600_0146)], memory(INVALID)))
    assert maintenance.kind is VerdictKind.AGREES
    from_el0 = judge(execution([unknown(0x9200_0006)], memory(INVALID)))
    assert from_el0.kind is VerdictKind.AGREES


@pytest.mark.parametrize("esr", [0x9600_0021, 0x5600_0000, 0x9600_003D])
def test_a_fault_that_cannot_be_compared_is_unsupported_not_agreed(esr: int) -> None:
    verdict = judge(execution([unknown(esr)]))
    assert verdict.kind is VerdictKind.UNSUPPORTED
    assert f"{esr:#x}" in verdict.explanation


def test_a_run_that_reached_a_limit_is_incomplete_whatever_it_showed() -> None:
    good = judge(execution([completed()], end=EndReason.LIMIT))
    bad = judge(execution([completed(pa=OTHER_PA)], end=EndReason.LIMIT))
    assert good.kind is bad.kind is VerdictKind.INCOMPLETE
    assert "said so" in good.explanation
    assert len(good.findings) == 0
    assert len(bad.findings) == 1


def test_a_run_that_the_engine_could_not_do_is_unsupported() -> None:
    verdict = judge(execution([completed()], end=EndReason.UNSUPPORTED))
    assert verdict.kind is VerdictKind.UNSUPPORTED
    assert verdict.explanation == "said so"


def test_what_the_model_refuses_makes_the_verdict_unsupported() -> None:
    big_endian = {**REGISTERS, "SCTLR_EL1": REGISTERS["SCTLR_EL1"] | 1 << 25}
    verdict = judge(execution([completed()], registers=big_endian))
    assert verdict.kind is VerdictKind.UNSUPPORTED
    assert "EE" in verdict.explanation


def test_too_many_pending_changes_make_the_verdict_incomplete() -> None:
    changes = [write(BLOCK + (number << 21)) for number in range(1100)]
    verdict = judge(execution([*changes, completed()]))
    assert verdict.kind is VerdictKind.INCOMPLETE


def test_a_run_without_any_access_agrees() -> None:
    verdict = judge(execution([]))
    assert verdict.kind is VerdictKind.AGREES
    assert verdict.steps == ()
    assert verdict.permitted == ()


def test_a_known_departure_of_the_engine_is_named() -> None:
    beyond = {**REGISTERS, "TCR_EL1": REGISTERS["TCR_EL1"] & ~(7 << 32)}
    verdict = judge(execution([completed()], registers=beyond))
    assert verdict.kind is VerdictKind.KNOWN_DIVERGENCE
    assert verdict.divergence == "no-address-size-fault"
    assert "Known divergence no-address-size-fault" in verdict.explanation


def test_a_departure_is_no_excuse_for_an_engine_that_is_not_known_for_it() -> None:
    beyond = {**REGISTERS, "TCR_EL1": REGISTERS["TCR_EL1"] & ~(7 << 32)}
    for engine in ("unicorn 2.1.4, the reference MMU", "qemu 9.0, its own MMU"):
        verdict = judge(execution([completed()], registers=beyond, engine=engine))
        assert verdict.kind is VerdictKind.DISAGREES


def test_a_departure_from_an_old_walk_is_recognised_too() -> None:
    """The old block lies beyond the output size, which the engine does not check."""
    small = {**REGISTERS, "TCR_EL1": REGISTERS["TCR_EL1"] & ~(7 << 32)}
    events: list[Event] = [write(INVALID), completed()]
    verdict = judge(execution(events, registers=small))
    assert verdict.divergence == "no-address-size-fault"


def test_an_unexplained_disagreement_decides_over_a_known_divergence() -> None:
    device = {**REGISTERS, "MAIR_EL1": 0}
    unaligned = completed(access(va=VirtualAddress(VA + 1)), PhysicalAddress(PA + 1))
    wrong = MemoryAccess(2, VirtualAddress(PC + 4), access(), OTHER_PA, 0)
    known = judge(execution([unaligned], registers=device))
    assert known.divergence == "no-device-alignment-fault"
    both = judge(execution([unaligned, wrong], registers=device))
    assert both.kind is VerdictKind.DISAGREES
    assert len(both.findings) == 2


def test_repeated_findings_of_one_instruction_count_once() -> None:
    verdict = judge(execution([completed(pa=OTHER_PA)] * 3))
    assert len(verdict.findings) == 1
    assert verdict.judged == 3


def test_cache_maintenance_that_should_have_faulted_is_a_known_divergence_of_unicorn() -> None:
    clean = maintain("dc civac")
    verdict = judge(execution(clean, memory(INVALID)))
    assert verdict.divergence == "no-fault-of-cache-maintenance"
    assert judge(execution(clean)).kind is VerdictKind.AGREES
    other = judge(execution(clean, memory(INVALID), engine="another"))
    assert other.kind is VerdictKind.DISAGREES


def test_zeroing_is_judged_by_the_address_it_names_not_by_where_its_bytes_begin() -> None:
    inside = VirtualAddress(VA + 0x48)
    zero = Access(inside, AccessKind.WRITE, 64, operation=Operation.DC_ZVA)
    begin = MemoryAccess(1, PC, zero, PhysicalAddress(PA + 0x40), 0)
    assert judge(execution([begin])).kind is VerdictKind.AGREES
    elsewhere = MemoryAccess(1, PC, zero, PhysicalAddress(OTHER_PA + 0x40), 0)
    assert judge(execution([elsewhere])).kind is VerdictKind.DISAGREES


def test_maintenance_without_an_address_is_not_an_access() -> None:
    assert judge(execution(maintain("dc cisw", "ic iallu"), memory(INVALID))).judged == 0


def test_an_access_across_pages_is_judged_by_both() -> None:
    across = access(va=VirtualAddress(VA + (1 << 21) - 4))
    reached = PhysicalAddress(PA + (1 << 21) - 4)
    bad = judge(execution([completed(across, reached)]))
    assert bad.kind is VerdictKind.DISAGREES
    far = VirtualAddress(VA + (1 << 21))
    assert judge(execution([fault(far=far, made=across)])).kind is VerdictKind.AGREES


def test_the_verdict_of_the_last_access_gives_its_own_location() -> None:
    """Accesses of one page share their walk, not their place."""
    later = VirtualAddress(VA + 0x18)
    events = [completed(), completed(access(va=later), PhysicalAddress(PA + 0x18))]
    verdict = judge(execution(events))
    assert verdict.kind is VerdictKind.AGREES
    assert f"completed at {PA + 0x18:#x}" in verdict.explanation


def test_a_decision_before_the_walk_is_explained_without_a_descriptor() -> None:
    outside = VirtualAddress(0x00FF_0000_0000_0000)
    verdict = judge(execution([fault(0x9600_0004, outside, access(va=outside))]))
    assert verdict.kind is VerdictKind.AGREES
    assert "Translation fault, level 0" in verdict.explanation
    assert "VAIsOutOfRange" in verdict.explanation


def test_atomics_and_unprivileged_accesses_are_named_as_such() -> None:
    swap = Access(VA, AccessKind.READ_WRITE, 8, operation=Operation.SWAP)
    assert "atomic read and write" in judge(execution([completed(swap)])).explanation
    user = Access(VA, AccessKind.READ, 8, unprivileged=True)
    seen = judge(execution([FaultTaken(1, PC, "", user, 0x9600_000E, VA, 1)]))
    assert seen.kind is VerdictKind.AGREES
    assert "unprivileged read" in seen.explanation
