"""What executes under the reference MMU: values, events, code that changes, memory far away."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from machine_bench import (
    CODE,
    CODE_OFFSET,
    DATA,
    DATA_ENTRY,
    DATA_PA,
    EL1H,
    KERNEL,
    PANIC_BLOCK,
    RAM,
    SCTLR,
    VECTORS,
    ModelBench,
)

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES
from harness.errors import EngineError, HarnessError, LimitError
from harness.machine.host_memory import HostMemory
from harness.machine.model_machine import ModelMachine
from harness.machine.policies import Stale
from harness.machine.unicorn_machine import stepping_engine
from harness.memory import PhysicalMemory, Region
from harness.runner import Mmu, run
from harness.scenario_file import parse
from harness.trace import EndReason, ExceptionEntry, FaultTaken, Instruction, MemoryAccess

LDR = 0xF940_0001
STR = 0xF900_0001
STP = 0xA900_0801
LDXR, STXR = 0xC85F_7C01, 0xC803_7C02  # ldxr x1, [x0]; stxr w3, x2, [x0]
SWP = 0xF822_8001  # swp x2, x1, [x0]
NOP = 0xD503_201F
ADD_X1 = 0x9100_0421  # add x1, x1, #1
B_SELF = 0x1400_0000
BLR = 0xD63F_0040  # blr x2
RET = 0xD65F_03C0
SVC = 0xD400_0001 | 0x42 << 5
BLOCK = PANIC_BLOCK | 1


def word(bench: ModelBench, offset: int = 0) -> int:
    return bench.machine.read64(PhysicalAddress(DATA_PA + offset)) or 0


def test_loads_stores_and_atomics_tell_where_they_went_and_with_what() -> None:
    bench = ModelBench(STR, LDR, SWP, STP)
    bench.set(x1=5, x2=9)
    assert bench.run().reason is EndReason.RETURNED
    told = [(each.pa, each.value) for each in bench.told(MemoryAccess)]
    assert told == [(DATA_PA, 5), (DATA_PA, 5), (DATA_PA, 9), (DATA_PA, 9 << 64 | 5)]
    assert (word(bench), word(bench, 8)) == (5, 9)


def test_a_load_exclusive_and_its_store_work_over_two_instructions() -> None:
    bench = ModelBench(LDXR, STXR, STXR)
    bench.set(x2=7)
    bench.run()
    assert word(bench) == 7
    assert bench["x3"] == 1
    kinds = [(each.number, each.access.operation.value) for each in bench.told(MemoryAccess)]
    assert kinds == [(1, "load_exclusive"), (2, "store_exclusive")]


def test_an_access_over_two_pages_goes_to_both() -> None:
    other = PhysicalAddress(0x3_0000_0000)
    bench = ModelBench(STR, LDR, extra=[Region(other, 2 << 20)])
    bench.machine.write64(PhysicalAddress(DATA_ENTRY + 8), BLOCK & ~0x1_FFE0_0000 | other)
    bench.set(x0=DATA + (2 << 20) - 4, x1=0x1122_3344_5566_7788)
    assert bench.run().reason is EndReason.RETURNED
    assert word(bench, (2 << 20) - 8) == 0x5566_7788 << 32
    assert bench.machine.read64(other) == 0x1122_3344
    assert {each.value for each in bench.told(MemoryAccess)} == {0x1122_3344_5566_7788}


def test_code_and_data_of_one_page_may_go_to_two_places() -> None:
    bench = ModelBench(LDR, policy=Stale())
    bench.set(x0=CODE + 0x100)
    bench.machine.write64(PhysicalAddress(RAM + CODE_OFFSET + 0x100), 0xC0DE)
    bench.run()
    assert bench["x1"] == 0xC0DE


def test_code_that_the_program_writes_executes_next() -> None:
    bench = ModelBench(0xB900_0001, NOP)  # str w1, [x0]
    bench.set(x0=CODE + 4, x1=ADD_X1)
    bench.run()
    assert bench["x1"] == ADD_X1 + 1


def test_code_that_is_written_from_outside_executes_next() -> None:
    bench = ModelBench(NOP, NOP, NOP)
    code = PhysicalAddress(RAM + CODE_OFFSET + 8)
    bench.notes.before[2] = lambda: bench.machine.write_memory(code, struct.pack("<I", ADD_X1))
    bench.run()
    assert bench["x1"] == 1


def test_calls_go_to_other_pages_and_come_back() -> None:
    bench = ModelBench(BLR, ADD_X1)
    bench.machine.write_memory(
        PhysicalAddress(RAM + CODE_OFFSET + 0x3000), struct.pack("<2I", ADD_X1, RET)
    )
    bench.set(x1=0, x2=CODE + 0x3000)
    assert bench.run().reason is EndReason.RETURNED
    assert bench["x1"] == 2
    assert [event.pc for event in bench.told(Instruction)] == [
        *(CODE, CODE + 0x3000, CODE + 0x3004, CODE + 4)
    ]


def test_an_endless_loop_reaches_the_limit() -> None:
    end = ModelBench(B_SELF).run(instructions=50)
    assert (end.reason, end.number) == (EndReason.LIMIT, 50)


def test_exceptions_of_the_core_are_entered() -> None:
    bench = ModelBench(SVC, vectors={0x200: [NOP]})
    bench.run(end_at=VECTORS + 0x204)
    (entry,) = bench.told(ExceptionEntry)
    assert (entry.esr, entry.elr, entry.spsr) == (0x5600_0042, CODE + 4, EL1H)


def test_a_misaligned_stack_pointer_faults_before_its_access() -> None:
    bench = ModelBench(0xF940_03E1, descriptor=PANIC_BLOCK)  # ldr x1, [sp]
    bench.set(sp=DATA + 8, SCTLR_EL1=SCTLR | 1 << 3)
    assert bench.run().reason is EndReason.EXCEPTION
    assert bench["ESR_EL1"] >> 26 == 0x26
    literal = ModelBench(0x5800_001F | 8 << 5)  # ldr xzr, pc+32: bits 9:5 are no register
    literal.set(sp=DATA + 8, SCTLR_EL1=SCTLR | 1 << 3)
    assert literal.run().reason is EndReason.RETURNED


def test_a_snapshot_holds_the_tlb_and_the_run_goes_on_the_same() -> None:
    bench = ModelBench(LDR, 0xF900_009F, LDR, LDR, policy=Stale())
    bench.set(x4=KERNEL + DATA_ENTRY - RAM)
    for _ in range(2):
        bench.machine.step(bench.program, bench.notes, frozenset())
    snapshot = bench.machine.snapshot()
    seen = []
    for _ in range(2):
        bench.notes.events.clear()
        assert bench.run().reason is EndReason.RETURNED
        seen.append(list(bench.notes.events))
        bench.machine.restore(snapshot)
    assert seen[0] == seen[1]
    assert bench.machine.read64(PhysicalAddress(DATA_ENTRY)) == 0


def test_one_step_is_one_instruction_with_the_exception_that_it_causes() -> None:
    bench = ModelBench(NOP, LDR, descriptor=PANIC_BLOCK, vectors={0x200: [NOP]})
    step = bench.machine.step
    assert step(bench.program, bench.notes, frozenset()) is None
    assert bench["pc"] == CODE + 4
    assert step(bench.program, bench.notes, frozenset()) is None
    assert bench["pc"] == VECTORS + 0x200
    assert len(bench.told(FaultTaken)) == 1
    end = step(bench.program, bench.notes, frozenset({VirtualAddress(VECTORS + 0x200)}))
    assert end is not None
    assert end.reason is EndReason.RETURNED


def test_a_snapshot_of_another_kind_of_machine_is_refused_and_so_is_a_closed_machine() -> None:
    bench = ModelBench(NOP)
    bench.machine.close()
    with pytest.raises(HarnessError, match="closed"):
        bench.run()


FAR = """
[scenario]
summary = "memory beyond 48 bits"
[translation]
granule = "{granule}"
va_bits = {va_bits}
[[map]]
va = "{va:#x}"
pa = "0x8000080000000"
size = "64K"
as = "page"
attributes = {attributes}
[run]
words = ["0xf9000001", "0xf9400002", "0xd65f03c0"]
registers = {{ x0 = "{va:#x}", x1 = "0x5eed" }}
"""


@pytest.mark.parametrize(
    ("granule", "va_bits", "va", "attributes"),
    [
        ("64K", 48, 0xFFFF_0000_1000_0000, '"linux-7.0:PAGE_KERNEL"'),
        ("4K", 52, 0xFFF0_0000_1000_0000, "{ AF = 1, UXN = 1 }"),
    ],
)
def test_physical_addresses_of_52_bits_are_reached(
    granule: str, va_bits: int, va: int, attributes: str
) -> None:
    text = FAR.format(granule=granule, va_bits=va_bits, va=va, attributes=attributes)
    execution = run(parse(text, Path("far.scenario.toml")), mmu=Mmu.MODEL)
    assert execution.trace.end.reason is EndReason.RETURNED
    assert execution.trace.registers["x2"] == 0x5EED
    assert execution.final_memory.read64(PhysicalAddress(0x8_0000_8000_0000)) == 0x5EED


def test_memory_beyond_52_bits_is_refused() -> None:
    memory = PhysicalMemory([Region(PhysicalAddress(1 << 52), 0x1000)])
    with pytest.raises(LimitError, match="beyond the 52 bits"):
        ModelMachine(memory, PROFILES["max"])


def test_an_alias_shows_what_is_stored_through_the_other_and_executes_it() -> None:
    alias = PhysicalAddress(0x2_0000_0000)
    bench = ModelBench(0xB900_0001, NOP, extra=[Region(alias, 1 << 20, PhysicalAddress(RAM))])
    bench.machine.write64(PhysicalAddress(DATA_ENTRY), BLOCK & ~0x1_FFE0_0000 | alias)
    bench.set(x0=DATA + CODE_OFFSET + 4, x1=ADD_X1)
    assert bench.run().reason is EndReason.RETURNED
    assert bench["x1"] == ADD_X1 + 1


def test_an_access_that_was_not_stated_is_an_error_of_the_engine() -> None:
    memory = PhysicalMemory([Region(PhysicalAddress(0), 0x2000)])
    memory.write(0, struct.pack("<2I", LDR, NOP))
    engine = stepping_engine(HostMemory(memory))
    engine.write_general(0, 0x5000)
    with pytest.raises(EngineError, match="accesses 0x5000, which is none of its decoded"):
        engine.execute(0, {0: 0}, {0x1000: 0x1000})
    assert engine.execute(4, {0: 0}, {}) is None
    assert engine.execute(0, {0: 0}, {0x5000: 0x1000}) is None
    engine.close()
