"""Every kind of fault under the reference MMU: entered before execution, with its syndrome."""

from __future__ import annotations

import pytest
from machine_bench import (
    CODE,
    DATA,
    DATA_ENTRY,
    DATA_PA,
    EL0,
    KERNEL,
    MAIR,
    PANIC_BLOCK,
    RAM,
    SCTLR,
    USER_CODE,
    VECTORS,
    ModelBench,
)

from harness.arch.addresses import PhysicalAddress
from harness.trace import EndReason, ExceptionEntry, FaultTaken, Instruction, MemoryAccess
from harness.vmsa.access import AccessKind, Operation

LDR = 0xF940_0001  # ldr x1, [x0]
STR = 0xF900_0001
LDTR = 0xF840_0801
STP = 0xA900_0801  # stp x1, x2, [x0]
SWP = 0xF822_8001  # swp x2, x1, [x0]
LDXR = 0xC85F_7C01
LDRB = 0x3940_0001
DC_ZVA = 0xD50B_7420
DC_CIVAC = 0xD50B_7E20
DC_IVAC = 0xD508_7620
IC_IVAU = 0xD50B_7520
BR = 0xD61F_0000
NOP = 0xD503_201F

BLOCK = PANIC_BLOCK | 1
AF = 1 << 10
READ_ONLY = 1 << 7
FOR_EL0 = 1 << 6
DEVICE = BLOCK & ~(0b111 << 2) | 2 << 2


def fault(bench: ModelBench) -> tuple[int, int]:
    """Run to the fault and return ESR_EL1 and FAR_EL1."""
    assert bench.run().reason is EndReason.FAULT
    (taken,) = bench.told(FaultTaken)
    assert (bench["ESR_EL1"], bench["FAR_EL1"]) == (taken.esr, taken.far)
    return taken.esr, taken.far


@pytest.mark.parametrize(
    ("word", "descriptor", "esr"),
    [
        (LDR, PANIC_BLOCK, 0x9600_0006),
        (STR, PANIC_BLOCK, 0x9600_0046),
        (LDR, BLOCK & ~AF, 0x9600_000A),
        (STR, BLOCK & ~AF, 0x9600_004A),
        (STR, BLOCK | READ_ONLY, 0x9600_004E),
        (SWP, BLOCK | READ_ONLY, 0x9600_004E),
        (SWP, PANIC_BLOCK, 0x9600_0006),
        (LDTR, BLOCK, 0x9600_000E),
        (LDXR, PANIC_BLOCK, 0x9600_0006),
        (DC_CIVAC, PANIC_BLOCK, 0x9600_0146),
        (IC_IVAU, PANIC_BLOCK, 0x9600_0146),
        (DC_IVAC, BLOCK | READ_ONLY, 0x9600_014E),
        (DC_ZVA, PANIC_BLOCK, 0x9600_0046),
        (DC_ZVA, DEVICE, 0x9600_0061),
    ],
)
def test_a_fault_is_entered_with_its_exact_syndrome_and_nothing_executes(
    word: int, descriptor: int, esr: int
) -> None:
    bench = ModelBench(word, descriptor=descriptor)
    bench.set(x1=0x55, x2=0x66)
    bench.machine.write64(PhysicalAddress(DATA_PA), 0x77)
    assert fault(bench) == (esr, DATA)
    assert bench["pc"] == CODE
    assert (bench["x1"], bench["x2"]) == (0x55, 0x66)
    assert bench.machine.read64(PhysicalAddress(DATA_PA)) == 0x77
    assert bench.told(MemoryAccess) == []


def test_an_output_address_beyond_tcr_ips_is_an_address_size_fault() -> None:
    bench = ModelBench(LDR, descriptor=BLOCK | 1 << 45)
    bench.set(TCR_EL1=bench["TCR_EL1"] & ~(0b111 << 32) | 0b100 << 32)
    assert fault(bench) == (0x9600_0002, DATA)


def test_a_jump_into_an_execute_never_page_faults_at_its_target() -> None:
    bench = ModelBench(BR)
    assert fault(bench) == (0x8600_000E, DATA)
    (taken,) = bench.told(FaultTaken)
    assert (taken.number, taken.pc) == (2, DATA)
    assert taken.access is not None
    assert taken.access.kind is AccessKind.FETCH
    assert len(bench.told(Instruction)) == 1


def test_a_misaligned_pc_faults_before_it_is_fetched() -> None:
    bench = ModelBench(BR)
    bench.set(x0=DATA + 2)
    assert bench.run().reason is EndReason.EXCEPTION
    assert (bench["ESR_EL1"], bench["FAR_EL1"]) == (0x8A00_0000, DATA + 2)


@pytest.mark.parametrize(("word", "pair"), [(LDR, False), (STP, True)])
def test_an_access_into_a_bad_page_reports_that_pages_start(*, word: int, pair: bool) -> None:
    bench = ModelBench(word)
    last = DATA + (2 << 20) - (8 if pair else 4)
    bench.set(x0=last, x1=7, x2=8)
    assert fault(bench) == (0x9600_0046 if pair else 0x9600_0006, DATA + (2 << 20))
    assert bench.machine.read64(PhysicalAddress(DATA_PA + (2 << 20) - 8)) == 0


def test_unaligned_accesses_fault_on_device_memory_and_aligned_ones_do_not() -> None:
    bench = ModelBench(LDR, descriptor=DEVICE)
    bench.set(x0=DATA + 1)
    assert fault(bench) == (0x9600_0021, DATA + 1)
    for word, va in ((LDR, DATA + 8), (LDRB, DATA + 1)):
        good = ModelBench(word, descriptor=DEVICE)
        good.set(x0=va)
        assert good.run().reason is EndReason.RETURNED
    normal = ModelBench(LDR)
    normal.set(x0=DATA + 1)
    assert normal.run().reason is EndReason.RETURNED


def test_an_alignment_fault_of_device_memory_comes_before_a_permission_fault() -> None:
    bench = ModelBench(STR, descriptor=DEVICE | READ_ONLY)
    bench.set(x0=DATA + 1)
    assert fault(bench) == (0x9600_0061, DATA + 1)


def test_sctlr_a_makes_every_unaligned_access_fault_before_its_translation() -> None:
    bench = ModelBench(LDR, descriptor=PANIC_BLOCK)
    bench.set(x0=DATA + 1, SCTLR_EL1=SCTLR | 1 << 1)
    assert fault(bench) == (0x9600_0021, DATA + 1)
    assert fault(ModelBench(LDR, descriptor=PANIC_BLOCK)) == (0x9600_0006, DATA)


def test_where_no_memory_is_an_access_aborts_externally() -> None:
    for word, esr, far in ((LDR, 0x9600_0010, DATA), (STR, 0x9600_0050, DATA)):
        bench = ModelBench(word, descriptor=BLOCK & ~0xFFE0_0000 | 0x4000_0000)
        assert fault(bench) == (esr, far)
    executable = BLOCK & ~0xFFE0_0000 & ~(0b11 << 53) | 0x4000_0000
    assert fault(ModelBench(BR, descriptor=executable)) == (0x8600_0010, DATA)


def test_the_second_page_of_an_access_may_be_where_no_memory_is() -> None:
    bench = ModelBench(LDR, NOP)
    bench.machine.write64(PhysicalAddress(DATA_ENTRY + 8), BLOCK & ~0xFFE0_0000 | 0x4000_0000)
    bench.set(x0=DATA + (2 << 20) - 4)
    assert fault(bench) == (0x9600_0010, DATA + (2 << 20))


def test_a_table_where_no_memory_is_aborts_the_walk() -> None:
    bench = ModelBench(LDR, descriptor=0x4000_0003)
    assert fault(bench) == (0x9600_0017, DATA)


def test_cache_maintenance_touches_no_memory() -> None:
    bench = ModelBench(DC_CIVAC, descriptor=BLOCK & ~0xFFE0_0000 | 0x4000_0000)
    assert bench.run().reason is EndReason.RETURNED


def test_el0_faults_from_the_lower_level_and_enters_at_0x400() -> None:
    bench = ModelBench(LDR, vectors={0x400: [NOP]})
    bench.set(pstate=EL0, pc=USER_CODE)
    bench.run(end_at=VECTORS + 0x404)
    (taken,) = bench.told(FaultTaken)
    assert (taken.esr, taken.far) == (0x9200_000E, DATA)
    (entry,) = bench.told(ExceptionEntry)
    assert (entry.offset, entry.elr, entry.spsr) == (0x400, USER_CODE, EL0)
    allowed = ModelBench(LDR, descriptor=BLOCK | FOR_EL0)
    allowed.set(pstate=EL0, pc=USER_CODE)
    assert allowed.run(end_at=USER_CODE + 4).reason is EndReason.RETURNED


def test_a_store_pair_reports_the_access_that_faulted() -> None:
    bench = ModelBench(STP, descriptor=PANIC_BLOCK)
    fault(bench)
    (taken,) = bench.told(FaultTaken)
    assert taken.access is not None
    assert taken.access.operation is Operation.STORE_PAIR
    assert taken.access.size == 16


def test_a_handler_that_repairs_the_descriptor_lets_the_access_retry() -> None:
    repair = (0xF900_0085, 0xD503_3B9F, 0xD503_3FDF, 0xD69F_03E0)  # str x5, [x4]; dsb; isb; eret
    bench = ModelBench(LDR, descriptor=PANIC_BLOCK, vectors={0x200: repair})
    bench.machine.write64(PhysicalAddress(DATA_PA), 0x5EED)
    bench.set(x4=KERNEL + DATA_ENTRY - RAM, x5=BLOCK)
    assert bench.run().reason is EndReason.RETURNED
    assert bench["x1"] == 0x5EED


def test_attributes_come_from_mair_as_it_is() -> None:
    bench = ModelBench(LDR, descriptor=BLOCK)
    bench.set(x0=DATA + 1, MAIR_EL1=MAIR & ~0xFF00)
    assert fault(bench) == (0x9600_0021, DATA + 1)
