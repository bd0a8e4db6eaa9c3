"""Exception entry and return on the running machine."""

from __future__ import annotations

import pytest
from machine_bench import (
    CODE,
    DATA,
    DATA_ENTRY,
    DATA_PA,
    EL0,
    EL1H,
    EL1T,
    KERNEL,
    PANIC_BLOCK,
    RAM,
    SCTLR,
    SPAN,
    USER_CODE,
    VECTORS,
    Bench,
)

from harness.arch.addresses import PhysicalAddress
from harness.trace import (
    EndReason,
    ExceptionEntry,
    ExceptionReturn,
    FaultTaken,
    Instruction,
    MemoryAccess,
)
from harness.vmsa.access import AccessKind, Operation

LDR = 0xF940_0001  # ldr x1, [x0]
STR = 0xF900_0001  # str x1, [x0]
SVC = 0xD400_0001 | 0x42 << 5
BRK = 0xD420_0000 | 0x7 << 5
UDF = 0x0000_0000
ERET = 0xD69F_03E0
NOP = 0xD503_201F
MOV_X3_SP = 0x9100_03E3
SKIP = (0xD538_4026, 0x9100_10C6, 0xD518_4026, ERET)  # mrs x6, elr_el1; add #4; msr; eret
PAN = 1 << 22


@pytest.mark.parametrize(
    ("pstate", "pc", "offset"),
    [(EL1T, CODE, 0x000), (EL1H, CODE, 0x200), (EL0, USER_CODE, 0x400)],
)
@pytest.mark.parametrize(
    ("word", "esr", "skips"),
    [
        (SVC, 0x5600_0042, True),
        (BRK, 0xF200_0007, False),
        (UDF, 0x0200_0000, False),
    ],
)
def test_svc_brk_and_undefined_enter_the_vector_of_where_they_came_from(
    pstate: int, pc: int, offset: int, word: int, esr: int, *, skips: bool
) -> None:
    bench = Bench(word, NOP, vectors={offset: [NOP]})
    bench.set(pstate=pstate, pc=pc)
    bench.run(end_at=VECTORS + offset + 4)
    (entry,) = bench.told(ExceptionEntry)
    assert (entry.offset, entry.vector, entry.esr) == (offset, VECTORS + offset, esr)
    assert (entry.elr, entry.spsr) == (pc + 4 * skips, pstate)
    assert (bench["ESR_EL1"], bench["ELR_EL1"]) == (esr, pc + 4 * skips)
    assert (bench["SPSR_EL1"], bench["pstate"]) == (pstate, EL1H)
    assert bench.told(FaultTaken) == []
    assert [event.el for event in bench.told(Instruction)] == [1 if pc == CODE else 0, 1]


def test_an_abort_from_el0_enters_at_0x400_and_eret_goes_back_to_el0() -> None:
    bench = Bench(LDR, MOV_X3_SP, vectors={0x400: (MOV_X3_SP, *SKIP)})
    bench.set(pstate=EL0, pc=USER_CODE, sp=0x1230, SP_EL1=KERNEL + 0x8000)
    bench.run(end_at=USER_CODE + 8)
    (fault,) = bench.told(FaultTaken)
    assert (fault.esr, fault.far) == (0x9200_000E, DATA)
    (back,) = bench.told(ExceptionReturn)
    assert back.spsr == EL0
    assert bench["pstate"] == EL0
    assert (bench["x3"], bench["sp"], bench["SP_EL0"]) == (0x1230, 0x1230, 0x1230)
    assert bench["SP_EL1"] == KERNEL + 0x8000


def test_the_handler_runs_on_sp_el1_whatever_sp_was() -> None:
    for pstate, offset in ((EL1T, 0x000), (EL1H, 0x200), (EL0, 0x400)):
        bench = Bench(BRK, vectors={offset: [MOV_X3_SP]})
        bench.set(pstate=pstate, pc=CODE if pstate & 0xC else USER_CODE, SP_EL0=0x70, SP_EL1=0x80)
        bench.run(end_at=VECTORS + offset + 4)
        assert bench["x3"] == 0x80
        assert bench["SP_EL0"] == 0x70


def test_a_handler_that_repairs_the_descriptor_lets_the_access_retry() -> None:
    repair = (0xF900_0085, 0xD503_3B9F, 0xD503_3FDF, ERET)  # str x5, [x4]; dsb ish; isb; eret
    bench = Bench(LDR, descriptor=PANIC_BLOCK, vectors={0x200: repair})
    bench.machine.write64(PhysicalAddress(DATA_PA), 0x5EED)
    bench.set(x4=KERNEL + DATA_ENTRY - RAM, x5=PANIC_BLOCK | 1)
    assert bench.run().reason is EndReason.RETURNED
    assert bench["x1"] == 0x5EED
    assert [event.number for event in bench.told(Instruction)] == [1, 2, 3, 4, 5, 6]
    assert bench.told(Instruction)[0].pc == bench.told(Instruction)[5].pc == CODE
    assert [access.number for access in bench.told(MemoryAccess)] == [2, 6]


def test_a_snippet_can_install_its_own_vectors() -> None:
    bench = Bench(0xD518_C009, BRK, vectors={0x200: SKIP})  # msr vbar_el1, x9
    bench.set(VBAR_EL1=0, x9=VECTORS)
    assert bench.run().reason is EndReason.RETURNED
    assert bench["VBAR_EL1"] == VECTORS


def test_without_vectors_the_run_ends_at_the_exception_with_everything_recorded() -> None:
    for word, reason in (
        (LDR, EndReason.FAULT),
        (SVC, EndReason.EXCEPTION),
        (BRK, EndReason.EXCEPTION),
        (UDF, EndReason.EXCEPTION),
    ):
        bench = Bench(NOP, word, descriptor=PANIC_BLOCK)
        end = bench.run()
        assert (end.reason, end.number, end.pc) == (reason, 2, CODE + 4)
        assert end.detail
        assert bench.told(ExceptionEntry) == []
        assert bench["ESR_EL1"] >> 26 in {0x25, 0x15, 0x3C, 0x00}
        assert bench["SPSR_EL1"] == bench["pstate"] == EL1H


def test_pan_is_set_on_entry_unless_span_is_and_uao_is_cleared() -> None:
    for span, pstate, after in (
        (0, EL1H, EL1H | PAN),
        (SPAN, EL1H, EL1H),
        (SPAN, EL1H | PAN | 1 << 23, EL1H | PAN),
    ):
        bench = Bench(BRK, vectors={0x200: [NOP]})
        bench.set(SCTLR_EL1=SCTLR & ~SPAN | span, pstate=pstate)
        bench.run(end_at=VECTORS + 0x204)
        assert (bench["pstate"], bench["SPSR_EL1"]) == (after, pstate)


def test_flags_survive_an_exception_and_its_return() -> None:
    bench = Bench(BRK, vectors={0x200: SKIP})
    bench.set(pstate=0xA000_03C5)
    bench.run()
    assert bench["pstate"] == 0xA000_03C5


@pytest.mark.parametrize(
    ("word", "esr", "kind"),
    [(LDR, 0x9600_0010, AccessKind.READ), (STR, 0x9600_0050, AccessKind.WRITE)],
)
def test_an_access_to_no_memory_is_a_synchronous_external_abort(
    word: int, esr: int, kind: AccessKind
) -> None:
    bench = Bench(word, descriptor=0x2_0000_0705, vectors={0x200: SKIP})
    bench.set(x0=DATA + 0x123458)
    assert bench.run().reason is EndReason.RETURNED
    (fault,) = bench.told(FaultTaken)
    assert (fault.esr, fault.far) == (esr, DATA + 0x123458)
    assert fault.access is not None
    assert fault.access.kind is kind
    assert bench.told(MemoryAccess) == []
    (entry,) = bench.told(ExceptionEntry)
    assert (entry.esr, entry.elr) == (esr, CODE)


def test_an_external_abort_leaves_the_base_register_as_it_was() -> None:
    bench = Bench(0xF840_8401, descriptor=0x2_0000_0705)  # ldr x1, [x0], #8
    bench.set(x1=7)
    bench.run()
    assert (bench["x0"], bench["x1"]) == (DATA, 7)


def test_a_fetch_from_no_memory_is_an_external_instruction_abort() -> None:
    bench = Bench(0xD61F_0000, descriptor=0x2_0000_0705)  # br x0
    bench.set(x0=DATA + 0x10)
    end = bench.run()
    (fault,) = bench.told(FaultTaken)
    assert (fault.esr, fault.far, fault.pc) == (0x8600_0010, DATA + 0x10, DATA + 0x10)
    assert (end.reason, end.number) == (EndReason.FAULT, 2)


def test_dc_zva_to_no_memory_reports_its_own_address() -> None:
    bench = Bench(0xD50B_7420, descriptor=0x2_0000_0705)  # dc zva, x0
    bench.set(x0=DATA + 0x48)
    bench.run()
    (fault,) = bench.told(FaultTaken)
    assert (fault.esr, fault.far) == (0x9600_0050, DATA + 0x48)
    assert fault.access is not None
    assert fault.access.operation is Operation.DC_ZVA


@pytest.mark.parametrize(("word", "esr"), [(LDR, 0x9600_0007), (STR, 0x9600_0047)])
def test_the_core_reads_zeros_from_a_table_in_no_memory(word: int, esr: int) -> None:
    # The architecture has an external abort on the walk, 0x17: a departure for the oracle to name.
    bench = Bench(word, descriptor=0x2_0000_0003)
    bench.run()
    assert (bench["ESR_EL1"], bench["FAR_EL1"]) == (esr, DATA)


def test_a_misaligned_pc_is_a_pc_alignment_fault() -> None:
    bench = Bench(0xD61F_0000, NOP)  # br x0
    bench.set(x0=CODE + 2)
    end = bench.run()
    assert end.reason is EndReason.EXCEPTION
    assert bench["ESR_EL1"] == 0x8A00_0000
    assert (bench["FAR_EL1"], bench["ELR_EL1"]) == (CODE + 2, CODE + 2)


@pytest.mark.parametrize(("pstate", "bit"), [(EL1H, 1 << 3), (EL0, 1 << 4)])
def test_a_misaligned_sp_as_a_base_faults_where_sctlr_checks_it(pstate: int, bit: int) -> None:
    pc, memory = (CODE, KERNEL) if pstate == EL1H else (USER_CODE, USER_CODE)
    for checks, sp, word, faults in (
        (bit, memory + 8, 0xF940_03E1, True),  # ldr x1, [sp]
        (bit, memory + 16, 0xF940_03E1, False),
        (bit ^ 0x18, memory + 8, 0xF940_03E1, False),
        (bit, memory + 8, 0x9100_03E1, False),  # mov x1, sp
    ):
        bench = Bench(word)
        bench.set(SCTLR_EL1=SCTLR & ~0x18 | checks, pstate=pstate, sp=sp, pc=pc)
        end = bench.run(end_at=pc + 4)
        assert (end.reason is EndReason.EXCEPTION) is faults
        assert (bench["ESR_EL1"] == 0x9A00_0000) is faults
        assert bench["ELR_EL1"] == pc * faults


def test_an_exception_to_el3_is_refused() -> None:
    end = Bench(0xD400_0003).run()  # smc #0
    assert (end.reason, end.detail) == (EndReason.UNSUPPORTED, "an exception to EL3")


def test_wfi_and_wfe_do_not_end_a_run() -> None:
    bench = Bench(0xD503_207F, 0xD503_205F, 0xD280_00A1)  # wfi; wfe; mov x1, #5
    assert bench.run().reason is EndReason.RETURNED
    assert bench["x1"] == 5


def test_simd_registers_may_be_used() -> None:
    bench = Bench(0x3DC0_0000, 0x3D80_0400)  # ldr q0, [x0]; str q0, [x0, #16]
    bench.machine.write_memory(PhysicalAddress(DATA_PA), bytes(range(16)))
    assert bench.run().reason is EndReason.RETURNED
    assert bench.machine.read_memory(PhysicalAddress(DATA_PA + 16), 16) == bytes(range(16))
