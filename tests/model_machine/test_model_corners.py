"""What is rare under the reference MMU: several updates of one instruction, bounds, refusals."""

from __future__ import annotations

import pytest
from machine_bench import (
    CODE,
    DATA,
    DATA_ENTRY,
    DATA_PA,
    EL1H,
    KERNEL,
    PANIC_BLOCK,
    RAM,
    VECTORS,
    Bench,
    ModelBench,
)

from harness.arch.addresses import PhysicalAddress
from harness.arch.system_instructions import encode_maintenance
from harness.errors import HarnessError
from harness.trace import DescriptorWrite, EndReason, MemoryAccess

LDR = 0xF940_0001
NOP = 0xD503_201F
ERET = 0xD69F_03E0
LD1 = 0x4C40_7000  # ld1 {v0.16b}, [x0]: sixteen accesses
LDP_ENTRIES = 0xA940_0C82  # ldp x2, x3, [x4]
STR_X1_SP = 0xF900_03E1
HA = 1 << 39
AF = 1 << 10
BLOCK = PANIC_BLOCK | 1


def test_every_element_of_a_structure_sees_the_update_of_the_first() -> None:
    bench = ModelBench(LD1, descriptor=BLOCK & ~AF)
    bench.set(TCR_EL1=bench["TCR_EL1"] | HA)
    assert bench.run().reason is EndReason.RETURNED
    assert len(bench.told(MemoryAccess)) == 16
    writes = [(each.by, each.old, each.new) for each in bench.told(DescriptorWrite)]
    assert writes == [("hardware", BLOCK & ~AF, BLOCK)]


def test_a_load_of_the_tables_that_are_updated_for_it_sees_the_update() -> None:
    """The entry that maps the tables is itself in what is loaded."""
    bench = ModelBench(LDP_ENTRIES)
    where = 0x8000_5000  # the level 2 entry of KERNEL, which maps the tables
    entry = bench.machine.read64(PhysicalAddress(where)) or 0
    bench.machine.write64(PhysicalAddress(where), entry & ~AF)
    bench.set(TCR_EL1=bench["TCR_EL1"] | HA, x4=KERNEL + where - RAM)
    bench.run()
    assert bench["x2"] == entry


def test_at_reports_the_page_of_an_address_further_on() -> None:
    bench = ModelBench(encode_maintenance("at s1e1r", 0))
    bench.set(x0=DATA + 0x1FF8)
    bench.run()
    assert bench["PAR_EL1"] & 0x0000_FFFF_FFFF_F000 == DATA_PA + 0x1000


def test_an_illegal_exception_return_raises_the_illegal_state_exception() -> None:
    bench = ModelBench(ERET, NOP, vectors={0x200: [NOP]})
    bench.set(SPSR_EL1=EL1H & ~0xF | 0b0010, ELR_EL1=CODE + 4)
    bench.run(end_at=VECTORS + 0x204)
    assert bench["ESR_EL1"] >> 26 == 0x0E


def test_more_pending_changes_than_can_be_combined_are_a_limit_and_no_verdict() -> None:
    store = (0xF900_0086, 0x9140_04C6)  # str x6, [x4]; add x6, x6, #1, lsl #12
    again = (0xF100_0508, 0x54FF_FFA1)  # subs x8, x8, #1; b.ne -12
    bench = ModelBench(*store, *again, LDR)
    bench.set(x4=KERNEL + DATA_ENTRY - RAM, x6=0x8000_0703, x8=1100)
    end = bench.run(instructions=10_000, seconds=120)
    assert end.reason is EndReason.LIMIT
    assert "combinations of pending changes" in end.detail


def test_a_snapshot_is_good_for_its_own_machine_only() -> None:
    mine, other = ModelBench(NOP), ModelBench(NOP)
    for snapshot in (other.machine.snapshot(), Bench(NOP).machine.snapshot()):
        with pytest.raises(HarnessError, match="another machine"):
            mine.machine.restore(snapshot)
    mine.machine.restore(mine.machine.snapshot())
    assert mine.run().reason is EndReason.RETURNED


def test_a_fault_on_the_stack_is_the_accesss_where_sp_is_aligned() -> None:
    bench = ModelBench(STR_X1_SP, descriptor=PANIC_BLOCK)
    bench.set(sp=DATA + 0x10)
    assert bench.run().reason is EndReason.FAULT
    assert (bench["ESR_EL1"], bench["FAR_EL1"]) == (0x9600_0046, DATA + 0x10)
