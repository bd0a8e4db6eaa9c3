"""What the machine tells of what it executes."""

from __future__ import annotations

import pytest
from machine_bench import (
    CODE,
    CODE_OFFSET,
    DATA,
    DATA_ENTRY,
    DATA_PA,
    EL0,
    EL1H,
    KERNEL,
    PANIC_BLOCK,
    RAM,
    USER_CODE,
    VECTORS,
    Bench,
)

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.machine.program import Program
from harness.trace import (
    EndReason,
    Event,
    ExceptionEntry,
    ExceptionReturn,
    FaultTaken,
    Instruction,
    Maintenance,
    MaintenanceKind,
    MemoryAccess,
    RegisterWrite,
)
from harness.vmsa.access import AccessKind, Operation

LDR = 0xF940_0001  # ldr x1, [x0]
STR = 0xF900_0001  # str x1, [x0]
STP = 0xA900_3001  # stp x1, x12, [x0]
NOP = 0xD503_201F
BRK = 0xD420_0000
SKIP = (0xD538_4026, 0x9100_10C6, 0xD518_4026, 0xD69F_03E0)
OTHER_PA = 0x3_0000_0000
BLOCK_END = DATA + (2 << 20)


def test_every_instruction_is_told_with_its_word_label_and_number() -> None:
    bench = Bench(NOP, LDR)
    bench.run()
    assert bench.told(Instruction) == [
        Instruction(1, VirtualAddress(CODE), NOP, "start", 1),
        Instruction(2, VirtualAddress(CODE + 4), LDR, "start+0x4", 1),
    ]


def test_events_of_an_instruction_stand_between_it_and_the_next() -> None:
    bench = Bench(STR, BRK, NOP, vectors={0x200: SKIP})
    bench.run()
    kinds = [type(event).__name__ for event in bench.notes.events]
    assert kinds == [
        *("Instruction", "MemoryAccess", "Instruction", "ExceptionEntry"),
        *("Instruction", "Instruction", "Instruction", "Instruction", "ExceptionReturn"),
        "Instruction",
    ]
    numbers = [event.number for event in bench.notes.events]
    assert numbers == sorted(numbers)


def test_a_store_pair_is_one_access_of_both_registers() -> None:
    bench = Bench(STP)
    bench.set(x1=0x11, x12=0x22)
    bench.run()
    (told,) = bench.told(MemoryAccess)
    assert (told.access.va, told.access.size, told.access.kind) == (DATA, 16, AccessKind.WRITE)
    assert told.access.operation is Operation.STORE_PAIR
    assert (told.pa, told.value) == (DATA_PA, 0x22 << 64 | 0x11)


def test_dc_zva_is_one_access_of_its_whole_block_and_maintenance_besides() -> None:
    bench = Bench(0xD50B_7420)  # dc zva, x0
    bench.machine.write_memory(PhysicalAddress(DATA_PA), b"\xff" * 128)
    bench.set(x0=DATA + 0x48)
    bench.run()
    (told,) = bench.told(MemoryAccess)
    assert (told.access.size, told.value) == (64, 0)
    assert bench.machine.read_memory(PhysicalAddress(DATA_PA), 128) == b"\xff" * 64 + bytes(64)
    (maintenance,) = bench.told(Maintenance)
    assert (maintenance.operation, maintenance.operand) == ("dc zva", DATA + 0x48)


def test_a_store_exclusive_is_an_access_only_if_it_stores() -> None:
    alone = Bench(0xC803_7C01)  # stxr w3, x1, [x0]
    alone.run()
    assert (alone["x3"], alone.told(MemoryAccess)) == (1, [])
    paired = Bench(0xC85F_7C02, 0xC803_7C01)  # ldxr x2, [x0] before it
    paired.set(x1=9)
    paired.run()
    assert paired["x3"] == 0
    assert [told.access.kind for told in paired.told(MemoryAccess)] == ["read", "write"]
    assert paired.told(MemoryAccess)[1].value == 9


def test_an_atomic_is_one_access_that_reads_and_writes() -> None:
    bench = Bench(0xF821_0003)  # ldadd x1, x3, [x0]
    bench.machine.write64(PhysicalAddress(DATA_PA), 40)
    bench.set(x1=2)
    bench.run()
    (told,) = bench.told(MemoryAccess)
    assert (told.access.kind, told.value, bench["x3"]) == (AccessKind.READ_WRITE, 42, 40)


def test_a_prefetch_and_cache_maintenance_are_no_accesses() -> None:
    bench = Bench(0xF980_0000, 0xD50B_7E20)  # prfm; dc civac, x0
    bench.run()
    assert bench.told(MemoryAccess) == []
    assert [told.kind for told in bench.told(Maintenance)] == [MaintenanceKind.DC]


def _two_blocks(*code: int, vectors: dict[int, tuple[int, ...]] | None = None) -> Bench:
    """Return a machine whose two consecutive blocks of DATA lie far apart in physical memory."""
    from harness.memory import Region

    extra = [Region(PhysicalAddress(OTHER_PA), 2 << 20)]
    bench = Bench(*code, extra=extra, vectors=vectors)
    bench.machine.write64(PhysicalAddress(DATA_ENTRY + 8), OTHER_PA | 0x705)
    return bench


@pytest.mark.parametrize("offset", [1, 4, 7])
def test_an_access_across_two_pages_has_its_whole_value(offset: int) -> None:
    bench = _two_blocks(STR, 0xF940_0003)  # ldr x3, [x0]
    bench.set(x0=BLOCK_END - offset, x1=0x0807_0605_0403_0201)
    bench.run()
    assert [told.value for told in bench.told(MemoryAccess)] == [0x0807_0605_0403_0201] * 2
    assert [told.pa for told in bench.told(MemoryAccess)] == [DATA_PA + (2 << 20) - offset] * 2
    assert bench["x3"] == 0x0807_0605_0403_0201
    # What lies in the second page is part of the memory that the machine gives back.
    data = bench.machine.memory().read(OTHER_PA, 8 - offset)
    assert data == bytes(range(1, 9))[offset:]


def test_a_store_across_pages_reports_the_second_page_that_faults() -> None:
    bench = Bench(STR)
    bench.set(x0=BLOCK_END - 4, x1=0x1122_3344_5566_7788)
    bench.run()
    (fault,) = bench.told(FaultTaken)
    assert (fault.esr & 0x3F, fault.far) == (0x06, BLOCK_END)
    assert fault.access is not None
    assert fault.access.va == BLOCK_END - 4
    assert bench.told(MemoryAccess) == []


def test_a_descriptor_half_written_by_a_pair_that_faults_is_told() -> None:
    from harness.trace import DescriptorWrite

    bench = Bench(STP)
    table_end = 0x8000_4000  # the page after the level 2 table of DATA
    # DATA now maps the tables' pages one by one, up to that address.
    bench.machine.write64(PhysicalAddress(DATA_ENTRY), 0x8000_8003)
    bench.machine.write64(PhysicalAddress(0x8000_8000), 0x8000_3703)
    bench.set(x0=DATA + 0xFF8, x1=0x77, x12=0x88)
    assert bench.run().reason is EndReason.FAULT
    (write,) = bench.told(DescriptorWrite)
    assert (write.address, write.old, write.new) == (table_end - 8, 0, 0x77)


def test_maintenance_barriers_and_translation_registers_are_told() -> None:
    bench = Bench(
        0xD508_8722,  # tlbi vae1, x2
        0xD508_871F,  # tlbi vmalle1
        0xD503_3B9F,  # dsb ish
        0xD503_3A9F,  # dsb ishst
        0xD503_3BBF,  # dmb ish
        0xD503_3FDF,  # isb
        0xD508_7800,  # at s1e1r, x0
        0xD518_2001,  # msr ttbr0_el1, x1
        0xD518_C001,  # msr vbar_el1, x1
        0xD500_419F,  # msr pan, #1
    )
    bench.set(x1=0x8000_4000, x2=0x1234)
    bench.run()
    told = [(event.operation, event.operand) for event in bench.told(Maintenance)]
    assert told == [
        ("tlbi vae1", 0x1234),
        ("tlbi vmalle1", None),
        ("dsb ish", None),
        ("dsb ishst", None),
        ("dmb ish", None),
        ("isb", None),
        ("at s1e1r", DATA),
    ]
    assert not any(event.injected for event in bench.told(Maintenance))
    writes = [(event.register, event.value) for event in bench.told(RegisterWrite)]
    assert writes == [("TTBR0_EL1", 0x8000_4000), ("PAN", 1 << 22)]
    assert bench["PAR_EL1"] & ~0xFFF & (1 << 48) - 1 == DATA_PA


def test_maintenance_that_is_undefined_at_el0_is_not_told() -> None:
    bench = Bench(0xD508_871F)  # tlbi vmalle1
    bench.set(pstate=EL0, pc=USER_CODE)
    assert bench.run().reason is EndReason.EXCEPTION
    assert bench.told(Maintenance) == []


def test_accesses_carry_the_mode_that_they_are_made_in() -> None:
    bench = Bench(LDR, 0xD500_419F, LDR)  # msr pan, #1
    bench.run()
    assert [told.access.pan for told in bench.told(MemoryAccess)] == [False, True]
    user = Bench(LDR)
    user.set(pstate=EL0, pc=USER_CODE, x0=USER_CODE)
    user.run(end_at=USER_CODE + 4)
    assert [told.access.el for told in user.told(MemoryAccess)] == [0]


def test_an_illegal_return_is_told_and_then_taken() -> None:
    bench = Bench(0xD518_4001, 0xD518_4022, 0xD69F_03E0)  # msr spsr_el1; msr elr_el1; eret
    bench.set(x1=0x3CD, x2=CODE)  # EL3h
    end = bench.run()
    assert end.reason is EndReason.EXCEPTION
    assert (bench["ESR_EL1"], bench["ELR_EL1"]) == (0x3A00_0000, CODE)
    assert bench["SPSR_EL1"] == EL1H | 1 << 20
    assert [told.number for told in bench.told(ExceptionReturn)] == [3]


def test_code_that_the_guest_changes_executes_as_changed() -> None:
    bench = Bench(0xB900_0088, 0xD503_3B9F, 0xD503_3FDF, NOP)  # str w8, [x4]; dsb; isb; patched
    bench.set(x4=CODE + 12, x8=0xD280_00A1)  # mov x1, #5
    bench.run()
    assert bench["x1"] == 5
    assert bench.told(Instruction)[-1].word == 0xD280_00A1


def test_code_that_the_harness_changes_executes_as_changed() -> None:
    bench = Bench(NOP, NOP)
    bench.run()
    bench.machine.write_memory(
        PhysicalAddress(RAM + CODE_OFFSET), (0xD280_00A1).to_bytes(4, "little")
    )
    bench.set(pc=CODE)
    bench.run()
    assert bench["x1"] == 5


def test_two_runs_tell_the_same() -> None:
    def events() -> list[Event]:
        bench = _two_blocks(
            *(STP, LDR, 0xF940_0087, STR, 0xD508_871F, 0xD503_3B9F, LDR), vectors={0x200: SKIP}
        )
        bench.set(x1=3, x4=KERNEL + (1 << 21), x12=4)
        bench.notes.before[3] = lambda: bench.machine.write64(
            PhysicalAddress(DATA_ENTRY), PANIC_BLOCK
        )
        bench.run()
        return bench.notes.events

    first = events()
    assert repr(first) == repr(events())
    assert len([event for event in first if isinstance(event, ExceptionEntry)]) == 2


def test_labels_are_those_of_the_program_that_runs() -> None:
    bench = Bench(NOP, NOP)
    bench.program = Program(
        VirtualAddress(CODE),
        bytes(8),
        {"one": VirtualAddress(CODE), "two": VirtualAddress(CODE + 4)},
        (),
        "words",
    )
    bench.run()
    assert [told.label for told in bench.told(Instruction)] == ["one", "two"]


def test_the_state_before_the_first_instruction_is_that_of_the_registers_written() -> None:
    bench = Bench(NOP)
    assert (bench["pc"], bench["pstate"], bench["VBAR_EL1"]) == (CODE, EL1H, 0)
    assert VECTORS > CODE


def test_what_cannot_be_decoded_to_its_accesses_is_refused_before_it_executes() -> None:
    end = Bench(NOP, 0xD920_0800).run()  # stg x0, [x0]
    assert (end.reason, end.number, end.pc) == (EndReason.UNSUPPORTED, 2, CODE + 4)
    assert "FEAT_MTE" in end.detail


def test_an_unprivileged_store_over_two_pages_that_cannot_be_followed_ends_the_run() -> None:
    pan, el0_may_write = 1 << 22, 1 << 6
    bench = Bench(0xF800_0801, descriptor=PANIC_BLOCK | 1 | el0_may_write)  # sttr x1, [x0]
    bench.set(x0=DATA + 0xFFC, pstate=EL1H | pan)
    end = bench.run()
    assert (end.reason, end.number) == (EndReason.UNSUPPORTED, 1)
    bench = Bench(0xF800_0801, descriptor=PANIC_BLOCK | 1 | el0_may_write)
    bench.set(x0=DATA + 0xFF8, pstate=EL1H | pan)
    assert bench.run().reason is EndReason.RETURNED


def test_a_barrier_or_an_eret_of_the_guest_at_el0_is_told_as_at_el1() -> None:
    bench = Bench(0xD503_3B9F)  # dsb ish
    bench.set(pstate=EL0, pc=USER_CODE)
    bench.run(end_at=USER_CODE + 4)
    assert [told.operation for told in bench.told(Maintenance)] == ["dsb ish"]
    bench = Bench(0xD69F_03E0)
    bench.set(pstate=EL0, pc=USER_CODE)
    assert bench.run().reason is EndReason.EXCEPTION
    assert bench.told(ExceptionReturn) == []
