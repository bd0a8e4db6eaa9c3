"""Limits, steps, snapshots, and what goes wrong in a listener."""

from __future__ import annotations

import pytest
from machine_bench import (
    CODE,
    DATA,
    DATA_ENTRY,
    DATA_PA,
    EL0,
    EL1H,
    PANIC_BLOCK,
    USER_CODE,
    VECTORS,
    Bench,
)

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.errors import EngineError, HarnessError, LimitError, UnsupportedError, ValueSyntaxError
from harness.machine.host_memory import HostMemory
from harness.machine.machine import Machine, Snapshot
from harness.machine.unicorn_machine import UnicornEngine, UnicornMachine
from harness.memory import PhysicalMemory, Region
from harness.scenario import Limits
from harness.trace import (
    EndReason,
    ExceptionEntry,
    FaultTaken,
    Instruction,
    Maintenance,
    MemoryAccess,
)

LDR = 0xF940_0001  # ldr x1, [x0]
STR = 0xF900_0001  # str x1, [x0]
NOP = 0xD503_201F
BRK = 0xD420_0000
BRANCH_TO_SELF = 0x1400_0000
COUNT = 0x9100_0421  # add x1, x1, #1
ENTRY = PhysicalAddress(DATA_ENTRY)


def test_a_limit_of_instructions_ends_the_run_after_so_many() -> None:
    bench = Bench(COUNT, 0x17FF_FFFF)  # add; b back
    end = bench.run(instructions=501)
    assert (end.reason, end.number, end.detail) == (EndReason.LIMIT, 501, "501 instructions")
    assert bench["x1"] == 251


def test_reaching_the_end_with_the_last_allowed_instruction_is_no_limit() -> None:
    assert Bench(NOP, NOP).run(instructions=2).reason is EndReason.RETURNED
    assert Bench(NOP, NOP).run(instructions=1).reason is EndReason.LIMIT


def test_a_limit_of_seconds_ends_an_endless_snippet() -> None:
    end = Bench(BRANCH_TO_SELF).run(instructions=1 << 40, seconds=0.05)
    assert (end.reason, end.detail) == (EndReason.LIMIT, "0.05 s")


def test_a_limit_of_memory_ends_a_guest_that_writes_page_after_page() -> None:
    step = 0x9140_0400  # add x0, x0, #1, lsl #12
    bench = Bench(STR, step, 0x17FF_FFFE, memory_limit=64 << 12)
    end = bench.run(instructions=100_000)
    assert (end.reason, end.detail) == (EndReason.LIMIT, "262144 bytes of memory written")
    assert end.number < 64 * 3 + 64 + 3


def test_a_vector_that_cannot_be_fetched_ends_the_run_as_incomplete() -> None:
    bench = Bench(BRK, vectors={0x200: [NOP]})
    bench.set(VBAR_EL1=DATA - (2 << 20))
    end = bench.run()
    assert end.reason is EndReason.LIMIT
    assert "faults itself" in end.detail
    assert bench.told(FaultTaken)[0].far == DATA - (2 << 20) + 0x200


def test_a_vector_that_is_repaired_in_time_is_no_loop() -> None:
    bench = Bench(LDR, descriptor=PANIC_BLOCK, vectors={0x200: [NOP]})
    bench.set(VBAR_EL1=DATA)
    bench.machine.write_memory(PhysicalAddress(DATA_PA + 0x200), NOP.to_bytes(4, "little"))
    bench.machine.write_memory(PhysicalAddress(DATA_PA + 0x204), NOP.to_bytes(4, "little"))
    bench.notes.after[20] = lambda: bench.machine.write64(ENTRY, 0x1_9960_0705)
    end = bench.run(end_at=DATA + 0x204)
    assert end.reason is EndReason.RETURNED
    assert len(bench.told(FaultTaken)) == 20


def test_an_exception_in_a_listener_ends_the_run_and_is_raised() -> None:
    class Broken(Exception):  # noqa: N818 - it is broken
        pass

    def fail() -> None:
        raise Broken

    bench = Bench(COUNT, COUNT, COUNT)
    bench.notes.before[2] = fail
    with pytest.raises(Broken):
        bench.run()
    assert bench["x1"] == 1
    bench.notes.before.clear()
    assert bench.run().reason is EndReason.RETURNED

    faulting = Bench(LDR, descriptor=PANIC_BLOCK, vectors={0x200: [NOP]})
    faulting.notes.after[1] = fail
    with pytest.raises(Broken):
        faulting.run()


def _step(bench: Bench) -> object:
    stop = frozenset({VirtualAddress(bench.end_at)})
    return bench.machine.step(bench.program, bench.notes, stop)


def test_a_step_executes_one_instruction() -> None:
    bench = Bench(COUNT, COUNT)
    assert _step(bench) is None
    assert (bench["x1"], bench["pc"]) == (1, CODE + 4)
    assert [told.number for told in bench.told(Instruction)] == [1]
    assert _step(bench) is None
    assert (bench["x1"], bench["pc"]) == (2, CODE + 8)
    end = bench.machine.step(bench.program, bench.notes, frozenset({VirtualAddress(CODE + 8)}))
    assert end is not None
    assert (end.reason, end.number) == (EndReason.RETURNED, 2)


def test_steps_tell_what_a_run_tells() -> None:
    code = (LDR, BRK, STR, 0xD69F_03E0, NOP)
    vectors = {0x200: (0xD538_4026, 0x9100_10C6, 0xD518_4026, 0xD69F_03E0)}
    whole, stepped = (Bench(*code, descriptor=PANIC_BLOCK, vectors=vectors) for _ in range(2))
    whole.run(instructions=16)
    for _ in range(16):
        _step(stepped)
    assert repr(stepped.notes.events) == repr(whole.notes.events)


def test_a_step_into_a_fault_enters_its_handler_and_stops_there() -> None:
    bench = Bench(LDR, descriptor=PANIC_BLOCK, vectors={0x200: [NOP]})
    assert _step(bench) is None
    assert bench["pc"] == VECTORS + 0x200
    assert len(bench.told(ExceptionEntry)) == 1
    assert len(bench.told(Instruction)) == 1


def test_a_step_whose_next_instruction_cannot_be_fetched_ends_before_that_fault() -> None:
    for descriptor, esr in ((PANIC_BLOCK, 0x8600_0006), (0x2_0000_0705, 0x8600_0010)):
        bench = Bench(0xD61F_0000, descriptor=descriptor)  # br x0
        assert _step(bench) is None
        assert (bench["pc"], bench.told(FaultTaken)) == (DATA, [])
        end = _step(bench)
        assert end is not None
        (fault,) = bench.told(FaultTaken)
        assert (fault.esr, fault.number) == (esr, 2)


def test_numbers_go_on_from_one_run_to_the_next() -> None:
    bench = Bench(NOP, NOP, NOP)
    bench.run(instructions=2)
    bench.run()
    assert [told.number for told in bench.told(Instruction)] == [1, 2, 3]


def test_a_snapshot_brings_registers_memory_and_numbers_back() -> None:
    bench = Bench(STR, 0xF900_0401, LDR, 0xD420_0000)  # str x1, [x0]; str x1, [x0, #8]
    bench.set(x1=7)
    bench.run(end_at=CODE + 4)
    before = bench.machine.snapshot()
    bench.run(end_at=CODE + 8)
    bench.set(x1=8, pstate=EL0, pc=USER_CODE, TTBR0_EL1=0)
    bench.machine.write64(PhysicalAddress(DATA_PA), 99)
    bench.machine.restore(before)
    assert (bench["x1"], bench["pstate"], bench["pc"]) == (7, EL1H, CODE + 4)
    assert bench["TTBR0_EL1"] == 0x8000_4000
    assert bench.machine.read_memory(PhysicalAddress(DATA_PA), 16) == (7).to_bytes(16, "little")
    bench.notes.events.clear()
    bench.run(end_at=CODE + 8)
    assert bench.told(Instruction)[0].number == 2


def test_a_run_after_restore_tells_what_the_first_told() -> None:
    bench = Bench(LDR, STR, LDR, descriptor=PANIC_BLOCK | 1)
    start = bench.machine.snapshot()

    def once() -> str:
        bench.notes.before[3] = lambda: bench.machine.write64(ENTRY, PANIC_BLOCK)
        bench.run()
        told, bench.notes.events = repr(bench.notes.events), []
        return told

    first = once()
    bench.machine.restore(start)
    assert once() == first
    bench.machine.restore(start)
    bench.machine.restore(start)
    assert once() == first


def test_restore_leaves_an_empty_tlb() -> None:
    bench = Bench(LDR, LDR)
    bench.run(end_at=CODE + 4)
    saved = bench.machine.snapshot()
    bench.machine.restore(saved)
    bench.machine.write64(ENTRY, PANIC_BLOCK)
    assert bench.run().reason is EndReason.FAULT


def test_snapshot_alone_does_not_disturb_a_stale_translation() -> None:
    bench = Bench(LDR, LDR)

    def change() -> None:
        bench.machine.snapshot()
        bench.machine.write64(ENTRY, PANIC_BLOCK)

    bench.notes.before[2] = change
    assert bench.run().reason is EndReason.RETURNED


def test_code_restored_by_a_snapshot_executes_as_restored() -> None:
    bench = Bench(COUNT)
    saved = bench.machine.snapshot()
    bench.run()
    bench.machine.write_memory(PhysicalAddress(0x8001_0000), NOP.to_bytes(4, "little"))
    bench.set(pc=CODE)
    bench.run()
    assert bench["x1"] == 1
    bench.machine.restore(saved)
    bench.run()
    assert bench["x1"] == 1


def test_snapshots_may_be_restored_in_any_order() -> None:
    bench = Bench(NOP)
    states = []
    for value in (1, 2, 3):
        bench.machine.write64(PhysicalAddress(DATA_PA + 0x1000 * value), value)
        states.append((bench.machine.snapshot(), bench.machine.memory()))
    for index in (1, 0, 2, 0, 0, 1):
        snapshot, memory = states[index]
        bench.machine.restore(snapshot)
        assert bench.machine.memory() == memory


def test_a_snapshot_of_something_else_is_refused() -> None:
    with pytest.raises(HarnessError):
        Bench(NOP).machine.restore(Snapshot("else"))


def test_memory_gives_back_image_and_writes_of_guest_and_harness() -> None:
    bench = Bench(STR)
    bench.set(x1=5)
    bench.run()
    bench.machine.write64(PhysicalAddress(DATA_PA + 0x5000), 6)
    memory = bench.machine.memory()
    assert memory.read64(PhysicalAddress(DATA_PA)) == 5
    assert memory.read64(PhysicalAddress(DATA_PA + 0x5000)) == 6
    assert memory.read64(ENTRY) == PANIC_BLOCK | 1
    assert memory.read64(PhysicalAddress(0x7_0000_0000)) is None
    assert bench.machine.read64(PhysicalAddress(0x7_0000_0000)) is None


def test_more_memory_than_a_machine_can_have_is_refused() -> None:
    with pytest.raises(LimitError, match="physical memory"):
        UnicornMachine(PhysicalMemory([Region(PhysicalAddress(0), 1 << 43)]))
    with pytest.raises(LimitError, match="48 bits"):
        UnicornMachine(PhysicalMemory([Region(PhysicalAddress(1 << 48), 1 << 12)]))


def test_registers_have_the_manuals_names_in_any_case() -> None:
    bench = Bench(NOP)
    bench.set(X3=5, ttbr0_el1=0x8000_4000, elr_el1=0x123)
    assert (bench["x3"], bench["TTBR0_EL1"], bench["ELR_EL1"]) == (5, 0x8000_4000, 0x123)
    assert (bench["CurrentEL"], bench["SPSel"], bench["DAIF"]) == (4, 1, 0x3C0)
    bench.machine.write_register("PAN", 1 << 22)
    assert bench["pstate"] == EL1H | 1 << 22
    with pytest.raises(ValueSyntaxError, match="did you mean 'VBAR_EL1'"):
        bench.set(VBAR_EL11=0)
    with pytest.raises(ValueSyntaxError, match="64 bits"):
        bench.set(x0=1 << 64)
    with pytest.raises(ValueSyntaxError, match="CurrentEL"):
        bench.set(CurrentEL=0)
    with pytest.raises(UnsupportedError, match="EL0 or EL1"):
        bench.set(pstate=0x3C9)


def test_a_register_that_the_core_lacks_holds_zero_and_nothing_else() -> None:
    bench = Bench(NOP)
    bench.set(TCR2_EL1=0)
    assert bench["TCR2_EL1"] == 0
    with pytest.raises(UnsupportedError, match="TCR2_EL1"):
        bench.set(TCR2_EL1=1)


def test_sp_is_the_stack_pointer_of_the_mode_in_whatever_order_it_is_written() -> None:
    bench = Bench(NOP)
    bench.set(sp=0x10, SP_EL0=0x20, pstate=EL0)
    assert (bench["sp"], bench["SP_EL0"]) == (0x20, 0x20)
    bench.set(pstate=EL1H, sp=0x30)
    assert (bench["sp"], bench["SP_EL1"], bench["SP_EL0"]) == (0x30, 0x30, 0x20)


def test_maintenance_that_is_none_is_refused() -> None:
    machine = Bench(NOP).machine
    for name in ("at s1e1r", "dc zva", "tlbi nothing", "nop"):
        with pytest.raises(UnsupportedError):
            machine.maintain(name, 0)


def test_the_machine_translates_as_its_tlb_does() -> None:
    bench = Bench(LDR)
    machine = bench.machine
    from harness.vmsa.access import AccessKind

    bench.run()
    machine.write64(ENTRY, PANIC_BLOCK)
    assert machine.translate(VirtualAddress(DATA + 0x10), AccessKind.READ) == DATA_PA + 0x10
    assert machine.translate(VirtualAddress(DATA + 0x1010), AccessKind.READ) is None
    machine.maintain("tlbi vmalle1", None)
    assert machine.translate(VirtualAddress(DATA + 0x10), AccessKind.READ) is None


def test_a_closed_machine_says_so() -> None:
    bench = Bench(NOP)
    bench.machine.close()
    bench.machine.close()
    with pytest.raises(HarnessError, match="closed"):
        bench.run()


def test_it_is_a_machine() -> None:
    machine: Machine = Bench(NOP).machine
    assert machine.name.startswith("unicorn 2.")
    assert Limits().instructions > 0


def test_accesses_are_known_before_the_instruction_executes() -> None:
    seen = []
    bench = Bench(NOP, LDR)

    class Watching:
        def before_instruction(self, number: int, pc: int, accesses: tuple[object, ...]) -> None:
            seen.append((number, pc, len(accesses)))

        def event(self, event: object) -> None:
            pass

        def after_fault(self, fault: int, number: int) -> None:
            pass

    stop = frozenset({VirtualAddress(bench.end_at)})
    bench.machine.run(bench.program, Watching(), Limits(), stop)
    assert seen == [(1, CODE, 0), (2, CODE + 4, 1)]
    assert bench.told(MemoryAccess) == []


def test_an_engine_that_makes_no_progress_is_an_error_and_no_endless_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(NOP)
    monkeypatch.setattr(UnicornEngine, "start", lambda _engine, _hooks: None)
    with pytest.raises(EngineError, match="does not go on at 0xffff000080010000"):
        bench.run()


def test_an_engine_that_is_not_calibrated_shows_no_state() -> None:
    memory = PhysicalMemory([Region(PhysicalAddress(0), 1 << 12)])
    engine = UnicornEngine(HostMemory(memory), None)
    for ask in (engine.state, engine.syndrome):
        with pytest.raises(EngineError, match="not calibrated"):
            ask()


def test_injected_cache_maintenance_is_told_and_changes_nothing() -> None:
    bench = Bench(LDR, LDR)

    def maintain() -> None:
        bench.machine.maintain("ic iallu", None)
        bench.machine.maintain("DC  CIVAC", DATA)
        bench.machine.write64(ENTRY, PANIC_BLOCK)

    bench.notes.before[2] = maintain
    assert bench.run().reason is EndReason.RETURNED
    told = [(event.operation, event.operand) for event in bench.told(Maintenance)]
    assert told == [("ic iallu", None), ("dc civac", DATA)]
