"""AF and the dirty state under the reference MMU: written to the tables, told, seen later."""

from __future__ import annotations

from machine_bench import (
    CODE,
    DATA,
    DATA_ENTRY,
    DATA_PA,
    KERNEL,
    PANIC_BLOCK,
    RAM,
    SCTLR,
    ModelBench,
)

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import PROFILES
from harness.trace import DescriptorWrite, EndReason, FaultTaken
from harness.vmsa.tlb.state import OldWord

LDR = 0xF940_0001
STR = 0xF900_0001
LDR_ENTRY = 0xF940_0082  # ldr x2, [x4]
SWP = 0xF822_8001
NOP = 0xD503_201F
HA, HD = 1 << 39, 1 << 40
AF = 1 << 10
READ_ONLY = 1 << 7
BLOCK = PANIC_BLOCK | 1
CODE_ENTRY = 0x8000_5000


def updated(*code: int, descriptor: int, tcr: int, profile: str = "max") -> ModelBench:
    bench = ModelBench(*code, descriptor=descriptor, profile=PROFILES[profile])
    bench.set(TCR_EL1=bench["TCR_EL1"] | tcr, x1=5, x4=KERNEL + DATA_ENTRY - RAM)
    bench.run()
    return bench


def entry(bench: ModelBench) -> int:
    return bench.machine.read64(PhysicalAddress(DATA_ENTRY)) or 0


def hardware(bench: ModelBench) -> list[DescriptorWrite]:
    return [event for event in bench.told(DescriptorWrite) if event.by == "hardware"]


def test_hardware_sets_the_access_flag_of_the_descriptor_in_memory() -> None:
    bench = updated(LDR, descriptor=BLOCK & ~AF, tcr=HA)
    assert entry(bench) == BLOCK
    (write,) = hardware(bench)
    assert (write.address, write.old, write.new) == (DATA_ENTRY, BLOCK & ~AF, BLOCK)
    assert write.number == 1


def test_without_ha_or_without_the_feature_the_access_flag_faults() -> None:
    for bench in (
        updated(LDR, descriptor=BLOCK & ~AF, tcr=0),
        updated(LDR, descriptor=BLOCK & ~AF, tcr=HA, profile="cortex-a57"),
    ):
        (fault,) = bench.told(FaultTaken)
        assert fault.esr == 0x9600_000A
        assert entry(bench) == BLOCK & ~AF


def test_a_store_sets_the_dirty_state_and_a_load_does_not() -> None:
    clean = BLOCK | READ_ONLY
    for word in (STR, SWP):
        bench = updated(word, descriptor=clean, tcr=HA | HD)
        assert bench.told(FaultTaken) == []
        assert entry(bench) == BLOCK
    assert entry(updated(LDR, descriptor=clean, tcr=HA | HD)) == clean
    (fault,) = updated(STR, descriptor=clean, tcr=HA).told(FaultTaken)
    assert fault.esr == 0x9600_004E


def test_a_store_that_faults_on_its_second_page_may_have_marked_the_first() -> None:
    bench = ModelBench(STR, descriptor=BLOCK & ~AF)
    bench.set(TCR_EL1=bench["TCR_EL1"] | HA, x0=DATA + (2 << 20) - 4, x1=5)
    assert bench.run().reason is EndReason.FAULT
    assert entry(bench) == BLOCK
    assert bench.machine.read64(PhysicalAddress(DATA_PA + (2 << 20) - 8)) == 0


def test_a_fetch_sets_the_access_flag_of_the_code() -> None:
    bench = ModelBench(NOP)
    flagged = bench.machine.read64(PhysicalAddress(CODE_ENTRY)) or 0
    bench.machine.write64(PhysicalAddress(CODE_ENTRY), flagged & ~AF)
    bench.set(TCR_EL1=bench["TCR_EL1"] | HA)
    assert bench.run().reason is EndReason.RETURNED
    assert bench.machine.read64(PhysicalAddress(CODE_ENTRY)) == flagged
    assert [(write.number, write.address) for write in hardware(bench)] == [(1, CODE_ENTRY)]


def test_the_next_load_of_the_descriptor_finds_the_update() -> None:
    bench = updated(LDR, LDR_ENTRY, descriptor=BLOCK & ~AF, tcr=HA)
    assert bench["x2"] == BLOCK


class _Last:
    """Chooses the last alternative of every question."""

    name = "last"

    def choose(self, question: object) -> int:
        """Return it."""
        options = getattr(question, "options", ())
        return len(options) - 1


def test_a_load_may_miss_the_update_until_a_dsb() -> None:
    def found(*between: int) -> int:
        bench = ModelBench(LDR, *between, LDR_ENTRY, descriptor=BLOCK & ~AF, policy=_Last())
        bench.set(TCR_EL1=bench["TCR_EL1"] | HA, x4=KERNEL + DATA_ENTRY - RAM)
        assert bench.run().reason is EndReason.RETURNED
        assert entry(bench) == BLOCK
        return bench["x2"]

    assert found() == BLOCK & ~AF
    assert found(0xD503_3B9F) == BLOCK  # dsb ish


def test_the_guests_own_store_to_a_descriptor_is_told_and_followed() -> None:
    bench = ModelBench(0xF900_009F, LDR)  # str xzr, [x4]
    bench.set(x4=KERNEL + DATA_ENTRY - RAM)
    assert bench.run().reason is EndReason.FAULT
    (write,) = bench.told(DescriptorWrite)
    assert (write.address, write.old, write.new, write.by) == (DATA_ENTRY, BLOCK, 0, "guest")
    assert [word.address for word in bench.machine.mmu.state.words] == [DATA_ENTRY]


def test_an_atomic_store_to_a_descriptor_leaves_no_room_for_an_update_in_between() -> None:
    for word, atomic in ((0xF83F_8082, True), (0xF900_009F, False)):  # swp xzr, x2, [x4]; str
        bench = ModelBench(word)
        bench.set(x4=KERNEL + DATA_ENTRY - RAM)
        bench.run()
        (old,) = bench.machine.mmu.state.words
        assert isinstance(old, OldWord)
        assert old.atomic is atomic


def test_what_is_not_a_table_is_not_followed() -> None:
    bench = ModelBench(STR)
    bench.set(x1=9)
    bench.run()
    assert bench.machine.mmu.state.words == ()
    assert bench["pc"] == CODE + 4
    assert bench["SCTLR_EL1"] == SCTLR
