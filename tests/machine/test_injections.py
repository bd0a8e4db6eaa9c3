"""When injections fire, what they change and what they maintain."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine_bench import CODE, DATA, DATA_ENTRY, PANIC_BLOCK, Bench

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.errors import Location, MappingError, ScenarioError, UnsupportedError
from harness.machine.injections import Injector, edited, matches, operand_for
from harness.scenario import (
    AtAccess,
    AtFault,
    AtInstruction,
    AtLabel,
    Edit,
    Injection,
    Limits,
    When,
)
from harness.tables.editor import Entry
from harness.trace import DescriptorWrite, EndReason, FaultTaken, Maintenance
from harness.vmsa.access import Access, AccessKind, Operation

LDR = 0xF940_0001  # ldr x1, [x0]
STR = 0xF900_0001  # str x1, [x0]
NOP = 0xD503_201F
VA = VirtualAddress(DATA)
CLEAR = Edit(VA, clear_bits=1)
FILE = Path("x.scenario.toml")
LABELS = {"start": VirtualAddress(CODE), "second": VirtualAddress(CODE + 4)}


class _Listener:
    """A trace, with an injector before each instruction."""

    def __init__(self, bench: Bench, *injections: Injection) -> None:
        self._bench = bench
        self.injector = Injector(
            injections,
            machine=bench.machine,
            labels=LABELS,
            locate=self._locate,
            emit=bench.notes.event,
            at=lambda line: Location(str(FILE), line),
        )
        self.before_instruction = self.injector.before_instruction
        self.event = bench.notes.event
        self.after_fault = self.injector.after_fault

    def _locate(self, va: VirtualAddress, level: int | None) -> Entry:
        if level not in {None, 2}:
            raise MappingError(f"no level {level} for {va:#x}")
        descriptor = self._bench.machine.read64(PhysicalAddress(DATA_ENTRY))
        assert descriptor is not None
        return Entry(2, PhysicalAddress(DATA_ENTRY), 0, PhysicalAddress(DATA_ENTRY), descriptor)


def _run(bench: Bench, *injections: Injection) -> _Listener:
    listener = _Listener(bench, *injections)
    stop = frozenset({VirtualAddress(bench.end_at)})
    bench.machine.run(bench.program, listener, Limits(1000), stop)
    return listener


@pytest.mark.parametrize(
    ("when", "number"),
    [
        (AtInstruction(2), 2),
        (AtLabel("start"), 1),
        (AtLabel("second"), 2),
        (AtAccess(VA, 8), 1),
        (AtAccess(VA, 8, hit=2), 3),
        (AtAccess(VA, 8, AccessKind.WRITE), 4),
        (AtAccess(VA, 8, AccessKind.READ, hit=2), 3),
        (AtAccess(VirtualAddress(CODE + 8), 4, AccessKind.FETCH), 3),
        (AtAccess(VirtualAddress(DATA + 7), 1), 1),
    ],
)
def test_an_injection_fires_once_before_the_instruction_that_it_names(
    when: When, number: int
) -> None:
    bench = Bench(LDR, NOP, LDR, STR, LDR)
    listener = _run(bench, Injection(when, CLEAR))
    assert bench.told(DescriptorWrite) == [
        DescriptorWrite(
            number, PhysicalAddress(DATA_ENTRY), PANIC_BLOCK | 1, PANIC_BLOCK, "injection 1"
        )
    ]
    assert listener.injector.waiting == ()


@pytest.mark.parametrize(
    "when",
    [
        AtInstruction(9),
        AtLabel("second", hit=2),
        AtFault(1),
        AtAccess(VirtualAddress(DATA + 8), 8),
        AtAccess(VirtualAddress(DATA - 1), 1),
        AtAccess(VA, 8, AccessKind.FETCH),
        AtAccess(VA, 8, AccessKind.WRITE),
    ],
)
def test_an_injection_whose_moment_does_not_come_waits(when: When) -> None:
    bench = Bench(LDR, NOP, LDR)
    listener = _run(bench, Injection(when, CLEAR))
    assert bench.told(DescriptorWrite) == []
    assert len(listener.injector.waiting) == 1


def test_a_label_counts_how_often_it_is_reached() -> None:
    bench = Bench(NOP, 0x17FF_FFFF)  # b back to it
    _run(bench, Injection(AtLabel("start", hit=3), CLEAR))
    assert [write.number for write in bench.told(DescriptorWrite)] == [5]


def test_after_the_nth_fault_an_injection_may_repair_and_the_access_retries() -> None:
    bench = Bench(LDR, descriptor=PANIC_BLOCK, vectors={0x200: [0xD69F_03E0]})
    _run(bench, Injection(AtFault(2), Edit(VA, set_bits=1)))
    assert len(bench.told(FaultTaken)) == 2
    assert [write.number for write in bench.told(DescriptorWrite)] == [3]
    assert bench["pc"] == bench.end_at


def test_maintenance_follows_the_edit_in_its_order() -> None:
    bench = Bench(LDR, LDR)
    injection = Injection(AtInstruction(2), CLEAR, ("tlbi vaae1", "dsb ish", "isb"))
    _run(bench, injection)
    told = [event for event in bench.notes.events if event.number == 2][:4]
    assert isinstance(told[0], DescriptorWrite)
    assert [(e.operation, e.operand) for e in told[1:] if isinstance(e, Maintenance)] == [
        ("tlbi vaae1", DATA >> 12 & (1 << 44) - 1),
        ("dsb ish", None),
        ("isb", None),
    ]
    assert len(bench.told(FaultTaken)) == 1


def test_several_injections_due_at_once_fire_in_their_order() -> None:
    bench = Bench(NOP)
    whole = Injection(AtInstruction(1), Edit(VA, descriptor=0x1_9960_0701))
    _run(bench, whole, Injection(AtLabel("start"), Edit(VA, set_bits=1 << 10, clear_bits=1 << 8)))
    assert [(w.by, w.new) for w in bench.told(DescriptorWrite)] == [
        ("injection 1", 0x1_9960_0701),
        ("injection 2", 0x1_9960_0601),
    ]


def test_an_entry_that_is_not_there_names_the_line_of_the_injection() -> None:
    bench = Bench(NOP)
    with pytest.raises(ScenarioError, match=r"x\.scenario\.toml:7: injection 1 cannot be made"):
        _run(bench, Injection(AtInstruction(1), Edit(VA, level=3), line=7))
    assert bench.told(DescriptorWrite) == []


def test_a_whole_descriptor_wins_over_bits() -> None:
    assert edited(Edit(VA, clear_bits=1, set_bits=2, descriptor=5), 0xFF) == 5
    assert edited(Edit(VA, clear_bits=0b11, set_bits=0b10), 0xFF) == 0xFE


@pytest.mark.parametrize(
    ("kind", "of", "expected"),
    [
        (None, AccessKind.READ, True),
        (AccessKind.READ, AccessKind.READ, True),
        (AccessKind.READ, AccessKind.WRITE, False),
        (AccessKind.WRITE, AccessKind.READ_WRITE, True),
        (AccessKind.READ, AccessKind.READ_WRITE, True),
        (AccessKind.FETCH, AccessKind.READ_WRITE, False),
    ],
)
def test_an_atomic_is_a_read_and_a_write(
    kind: AccessKind | None, of: AccessKind, *, expected: bool
) -> None:
    assert matches(AtAccess(VA, 8, kind), Access(VA, of)) is expected


def test_dc_zva_touches_its_whole_block() -> None:
    access = Access(VirtualAddress(DATA + 0x40), AccessKind.WRITE, 64, operation=Operation.DC_ZVA)
    assert matches(AtAccess(VirtualAddress(DATA + 0x7F), 1), access)
    assert not matches(AtAccess(VirtualAddress(DATA + 0x80), 1), access)


def test_operands_carry_page_and_the_asid_of_the_ttbr_that_tcr_names() -> None:
    machine = Bench(NOP).machine
    page = DATA >> 12 & (1 << 44) - 1
    machine.write_registers(
        {"TTBR0_EL1": 0x0012_0000_8000_4000, "TTBR1_EL1": 0x0034_0000_8000_1000}
    )
    control = machine.read_register("TCR_EL1") & ~(1 << 22)
    for a1, asid in ((0, 0x12), (1, 0x34)):
        machine.write_register("TCR_EL1", control | a1 << 22)
        assert operand_for("tlbi vae1", VA, machine) == asid << 48 | page
        assert operand_for("tlbi vale1is", VA, machine) == asid << 48 | page
        assert operand_for("tlbi aside1", VA, machine) == asid << 48
    assert operand_for("tlbi vaale1is", VA, machine) == page
    assert operand_for("tlbi vmalle1", VA, machine) is None
    assert operand_for("dsb ish", VA, machine) is None
    assert operand_for("dc civac", VA, machine) == DATA
    for name in ("tlbi rvae1", "tlbi ipas2e1", "tlbi vae2"):
        with pytest.raises(UnsupportedError, match=name):
            operand_for(name, VA, machine)


def test_the_run_goes_on_after_an_injection() -> None:
    bench = Bench(LDR, LDR)
    listener = _Listener(bench, Injection(AtInstruction(2), CLEAR))
    stop = frozenset({VirtualAddress(bench.end_at)})
    end = bench.machine.run(bench.program, listener, Limits(10), stop)
    assert end.reason is EndReason.RETURNED
