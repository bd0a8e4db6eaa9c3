"""What the harness relies on of Unicorn's own MMU, seen through the machine."""

from __future__ import annotations

import pytest
from machine_bench import (
    CODE,
    DATA,
    DATA_ENTRY,
    DATA_PA,
    EL0,
    KERNEL,
    PANIC_BLOCK,
    RAM,
    USER_CODE,
    Bench,
)

from harness.arch.addresses import PhysicalAddress
from harness.memory import Region
from harness.trace import DescriptorWrite, EndReason, FaultTaken, Maintenance, MemoryAccess

STP = 0xA900_340C  # stp x12, x13, [x0]
LDR = 0xF940_0001  # ldr x1, [x0]
LDR_OTHER_PAGE = 0xF948_0001  # ldr x1, [x0, #4096]
STR = 0xF900_0001  # str x1, [x0]
TLBI_VAAE1 = 0xD508_8762  # tlbi vaae1, x2
TLBI_RVAE1 = 0xD508_8622  # tlbi rvae1, x2
DSB_ISH = 0xD503_3B9F
ISB = 0xD503_3FDF
NOP = 0xD503_201F
ENTRY = PhysicalAddress(DATA_ENTRY)

ACCESS_FLAG, READ_ONLY, PXN = 1 << 10, 1 << 7, 1 << 53


def test_the_panics_store_faults_as_the_panic_says_and_stores_nothing() -> None:
    bench = Bench(STP, descriptor=PANIC_BLOCK)
    bench.set(x12=1, x13=2)
    assert bench.run().reason is EndReason.FAULT
    (fault,) = bench.told(FaultTaken)
    assert (fault.esr, fault.far, fault.target_el) == (0x9600_0046, DATA, 1)
    assert bench.told(MemoryAccess) == []
    assert bench.machine.read_memory(PhysicalAddress(DATA_PA), 16) == bytes(16)


def test_with_bit_0_set_the_same_store_lands_at_the_blocks_address() -> None:
    bench = Bench(STP, descriptor=PANIC_BLOCK | 1)
    bench.set(x12=0x1111, x13=0x2222)
    assert bench.run().reason is EndReason.RETURNED
    assert bench.machine.read64(PhysicalAddress(0x1_9960_0000)) == 0x1111
    assert bench.machine.read64(PhysicalAddress(0x1_9960_0008)) == 0x2222
    (access,) = bench.told(MemoryAccess)
    assert (access.pa, access.value) == (0x1_9960_0000, 0x2222 << 64 | 0x1111)


@pytest.mark.parametrize(
    ("descriptor", "esr"),
    [
        (PANIC_BLOCK, 0x9600_0046),
        ((PANIC_BLOCK | 1) & ~ACCESS_FLAG, 0x9600_004A),
        (PANIC_BLOCK | 1 | READ_ONLY, 0x9600_004E),
    ],
)
def test_the_core_tells_translation_access_flag_and_permission_faults(
    descriptor: int, esr: int
) -> None:
    bench = Bench(STP, descriptor=descriptor)
    bench.run()
    assert bench["ESR_EL1"] == esr
    assert bench["FAR_EL1"] == DATA


def test_a_read_fault_has_no_wnr() -> None:
    bench = Bench(LDR, descriptor=PANIC_BLOCK)
    bench.run()
    assert bench["ESR_EL1"] == 0x9600_0006


def test_an_address_outside_both_halves_is_a_level_0_translation_fault() -> None:
    bench = Bench(LDR)
    bench.set(x0=0x0123_4567_89AB_CDE8)
    bench.run()
    assert (bench["ESR_EL1"], bench["FAR_EL1"]) == (0x9600_0004, 0x0123_4567_89AB_CDE8)


def test_a_fetch_from_an_execute_never_block_is_a_level_2_permission_fault() -> None:
    bench = Bench(NOP, descriptor=PANIC_BLOCK | 1 | PXN)
    bench.set(pc=DATA + 0x40)
    bench.run()
    (fault,) = bench.told(FaultTaken)
    assert (fault.esr, fault.far, fault.pc) == (0x8600_000E, DATA + 0x40, DATA + 0x40)
    assert fault.access is not None
    assert fault.access.kind == "fetch"


def test_el0_may_not_read_what_is_el1s() -> None:
    bench = Bench(LDR)
    bench.set(pstate=EL0, pc=USER_CODE, x0=DATA)
    bench.run()
    (fault,) = bench.told(FaultTaken)
    assert fault.esr == 0x9200_000E
    assert fault.access is not None
    assert fault.access.el == 0


def test_an_entry_cleared_without_maintenance_still_translates_and_no_longer_after_tlbi() -> None:
    bench = Bench(LDR, LDR, TLBI_VAAE1, DSB_ISH, ISB, LDR)
    bench.set(x2=DATA >> 12 & (1 << 44) - 1)
    bench.notes.before[2] = lambda: bench.machine.write64(ENTRY, PANIC_BLOCK)
    end = bench.run()
    assert (end.reason, end.number) == (EndReason.FAULT, 6)
    assert [access.number for access in bench.told(MemoryAccess)] == [1, 2]
    assert bench["ESR_EL1"] == 0x9600_0006


def test_a_page_of_the_block_that_was_not_touched_faults_at_once() -> None:
    bench = Bench(LDR, LDR_OTHER_PAGE)
    bench.notes.before[2] = lambda: bench.machine.write64(ENTRY, PANIC_BLOCK)
    assert bench.run().number == 2


def test_a_guests_own_store_to_the_descriptor_leaves_the_stale_translation() -> None:
    bench = Bench(LDR, 0xF900_0085, DSB_ISH, ISB, LDR)  # str x5, [x4] in between
    bench.set(x4=KERNEL + DATA_ENTRY - RAM, x5=PANIC_BLOCK)
    assert bench.run().reason is EndReason.RETURNED
    assert bench.machine.read64(ENTRY) == PANIC_BLOCK


def test_stale_translations_survive_an_exception_and_an_external_abort_in_between() -> None:
    nowhere = 0x2_0000_0000
    skip = (0xD538_4026, 0x9100_10C6, 0xD518_4026, 0xD69F_03E0)  # elr_el1 += 4; eret
    bench = Bench(LDR, 0xF940_0087, LDR, vectors={0x200: skip})  # ldr x7, [x4] between them
    second = PhysicalAddress(DATA_ENTRY + 8)
    bench.machine.write64(second, nowhere | 0x705)
    bench.set(x4=DATA + (2 << 20))
    bench.notes.before[2] = lambda: bench.machine.write64(ENTRY, PANIC_BLOCK)
    assert bench.run().reason is EndReason.RETURNED
    assert [fault.esr & 0x3F for fault in bench.told(FaultTaken)] == [0x10]


def test_a_harness_write_of_a_translation_register_empties_the_tlb() -> None:
    bench = Bench(LDR, LDR)

    def change() -> None:
        bench.machine.write64(ENTRY, PANIC_BLOCK)
        bench.set(MAIR_EL1=0xFF)

    bench.notes.before[2] = change
    assert bench.run().reason is EndReason.FAULT


def test_injected_tlbi_takes_the_translation_away_and_injected_barriers_do_not() -> None:
    for operations, number in ((("dsb ish", "isb"), None), (("tlbi vaae1", "dsb ish"), 2)):
        bench = Bench(LDR, LDR)

        def change(bench: Bench = bench, operations: tuple[str, ...] = operations) -> None:
            bench.machine.write64(ENTRY, PANIC_BLOCK)
            for operation in operations:
                bench.machine.maintain(operation, None)

        bench.notes.before[2] = change
        end = bench.run()
        assert (end.reason is EndReason.FAULT) is (number is not None)
        told = bench.told(Maintenance)
        assert [event.operation for event in told] == list(operations)
        assert all(event.injected and event.number == 2 for event in told)


def test_code_whose_own_page_is_taken_away_faults_on_the_next_fetch() -> None:
    bench = Bench(NOP, NOP, NOP, NOP)

    def change() -> None:
        bench.machine.write64(PhysicalAddress(0x8000_5000), 0x8000_0704)
        bench.machine.maintain("tlbi vmalle1", None)

    bench.notes.before[2] = change
    end = bench.run()
    assert (end.reason, end.number) == (EndReason.FAULT, 3)
    (fault,) = bench.told(FaultTaken)
    assert (fault.esr, fault.far) == (0x8600_0006, CODE + 8)


def test_an_alias_shows_the_same_bytes_at_another_physical_address() -> None:
    alias = PhysicalAddress(0x3_0000_0000)
    bench = Bench(
        STR,
        0xF940_0083,  # ldr x3, [x4]
        extra=[Region(alias, 2 << 20, PhysicalAddress(DATA_PA))],
    )
    bench.machine.write64(PhysicalAddress(DATA_ENTRY + 8), alias | 0x705)
    bench.set(x1=0xC0FFEE, x4=DATA + (2 << 20))
    assert bench.run().reason is EndReason.RETURNED
    assert bench["x3"] == 0xC0FFEE
    assert [access.pa for access in bench.told(MemoryAccess)] == [DATA_PA, alias]
    assert bench.machine.read64(alias) == bench.machine.read64(PhysicalAddress(DATA_PA)) == 0xC0FFEE


def test_a_gibibyte_and_a_tebibyte_of_memory_cost_nothing_until_touched() -> None:
    far = PhysicalAddress(0x100_0000_0000)
    bench = Bench(STR, extra=[Region(far, 1 << 40)])
    bench.machine.write64(ENTRY, far + (512 << 30) | 0x705)
    bench.set(x1=7)
    assert bench.run().reason is EndReason.RETURNED
    assert bench.machine.read64(PhysicalAddress(far + (512 << 30))) == 7
    assert bench.machine.memory().read64(PhysicalAddress(far + (512 << 30))) == 7


def test_guest_writes_to_tables_are_told_with_old_and_new_value() -> None:
    bench = Bench(0xF900_0085, 0xF900_0085)  # str x5, [x4], twice
    bench.set(x4=KERNEL + DATA_ENTRY - RAM, x5=PANIC_BLOCK)
    bench.run()
    assert bench.told(DescriptorWrite) == [
        DescriptorWrite(1, ENTRY, PANIC_BLOCK | 1, PANIC_BLOCK, "guest")
    ]


def test_a_descriptor_written_through_an_alias_is_told_at_the_tables_own_address() -> None:
    alias = PhysicalAddress(0x3_0000_0000)
    bench = Bench(STR, extra=[Region(alias, 1 << 20, PhysicalAddress(RAM))])
    bench.machine.write64(PhysicalAddress(DATA_ENTRY + 8), alias | 0x705)
    bench.set(x0=DATA + (2 << 20) + DATA_ENTRY - RAM, x1=PANIC_BLOCK)
    bench.run()
    (write,) = bench.told(DescriptorWrite)
    assert (write.address, write.new) == (ENTRY, PANIC_BLOCK)


def test_what_the_core_lacks_is_refused_by_name_at_el1() -> None:
    bench = Bench(TLBI_RVAE1)
    end = bench.run()
    assert end.reason is EndReason.UNSUPPORTED
    assert end.detail.startswith("tlbi rvae1")


def test_a_counter_is_refused_because_two_runs_would_differ() -> None:
    end = Bench(0xD53B_E040).run()  # mrs x0, cntvct_el0
    assert end.reason is EndReason.UNSUPPORTED
    assert "s3_3_c14_c0_2" in end.detail
