"""Stores to what becomes a table only later, and dirty updates made in advance of a store."""

from __future__ import annotations

import pytest
from machine_bench import DATA, DATA_ENTRY, DATA_PA, KERNEL, PANIC_BLOCK, RAM, TABLES, ModelBench

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import PROFILES
from harness.arch.system_instructions import encode_maintenance
from harness.machine.dependencies import address_registers, after
from harness.machine.instructions.load_store import load_store_accesses
from harness.machine.instructions.operands import Operands
from harness.machine.policies import Fresh, Policy, Stale
from harness.trace import DescriptorWrite, FaultTaken
from harness.vmsa.access import Access

NEW_TABLE = RAM + 0x4_0000
"""In the megabyte of code and tables, outside `TABLES`: no walk reads it at first."""
FILL = 0xF900_00A6  # str x6, [x5]: an entry of the new table
LINK = 0xF900_0087  # str x7, [x4]: the entry of DATA
LDR = 0xF940_0001
DSB, ISB = encode_maintenance("dsb ishst"), encode_maintenance("isb")
WITHOUT_ETS2 = PROFILES["neoverse-v1"]
"""With FEAT_ETS2 a Translation fault is never that of a walk before an earlier store."""
PAGE = DATA_PA | PANIC_BLOCK & 0xFFF | 0b11


def built(*code: int, policy: Policy) -> ModelBench:
    """Fill a new table, link it where there was nothing, load through it."""
    bench = ModelBench(*code, LDR, descriptor=0, policy=policy, profile=WITHOUT_ETS2)
    bench.machine.write64(PhysicalAddress(DATA_PA), 0x5EED)
    bench.set(
        x0=DATA, x4=KERNEL + DATA_ENTRY - RAM, x5=KERNEL + NEW_TABLE - RAM, x6=PAGE,
        x7=NEW_TABLE | 0b11,
    )  # fmt: skip
    bench.run()
    return bench


def level(bench: ModelBench) -> int | None:
    """Return the level of the translation fault, None if none came."""
    faults = bench.told(FaultTaken)
    return faults[0].esr & 0b11 if faults else None


def test_a_walk_may_miss_what_was_stored_to_a_table_before_it_was_linked() -> None:
    assert NEW_TABLE not in TABLES
    bench = built(FILL, LINK, policy=Fresh())
    assert (level(bench), bench["x1"]) == (None, 0x5EED)
    # The link may be seen although the entry that was stored before it is not.
    assert level(built(FILL, LINK, policy=Stale())) == 3
    assert level(built(LINK, DSB, ISB, FILL, policy=Stale())) == 3
    assert level(built(FILL, LINK, DSB, ISB, policy=Stale())) is None


@pytest.mark.parametrize(
    ("between", "seen"), [((), 3), ((DSB,), 3), ((ISB,), 3), ((DSB, ISB), None)]
)
def test_it_is_certain_after_a_dsb_and_a_context_synchronisation_event(
    between: tuple[int, ...], seen: int | None
) -> None:
    """The table is linked from the beginning, and nothing has walked through it yet."""
    bench = ModelBench(
        FILL, *between, LDR, descriptor=NEW_TABLE | 0b11, policy=Stale(), profile=WITHOUT_ETS2
    )
    bench.set(x0=DATA, x5=KERNEL + NEW_TABLE - RAM, x6=PAGE)
    bench.run()
    assert level(bench) == seen
    assert bench.told(DescriptorWrite) == []


def test_a_snapshot_holds_early_stores() -> None:
    bench = ModelBench(FILL, LDR, descriptor=NEW_TABLE | 0b11, policy=Stale(), profile=WITHOUT_ETS2)
    bench.set(x0=DATA, x5=KERNEL + NEW_TABLE - RAM, x6=PAGE)
    bench.machine.step(bench.program, bench.notes, frozenset())
    snapshot = bench.machine.snapshot()
    for _ in range(2):
        bench.notes.events.clear()
        bench.run()
        assert level(bench) == 3
        bench.machine.restore(snapshot)


def test_contents_of_a_page_that_is_watched_only_later_are_never_mixed_up() -> None:
    bench = ModelBench(FILL, LDR, descriptor=NEW_TABLE | 0b11)
    bench.set(x0=DATA, x5=KERNEL + NEW_TABLE - RAM)
    bench.machine.write64(PhysicalAddress(DATA_PA + 0x1000), 0xB)
    before = bench.machine.snapshot()
    halfway = []
    for entry in (PAGE, PAGE + 0x1000):
        bench.machine.restore(before)
        bench.set(x6=entry)
        bench.machine.step(bench.program, bench.notes, frozenset())
        halfway.append(bench.machine.snapshot())
    found = []
    for snapshot in halfway:
        bench.machine.restore(snapshot)
        bench.run()
        found.append(bench["x1"])
    assert found == [0, 0xB]


def _after(word: int, made: frozenset[int] = frozenset()) -> set[int]:
    accesses: tuple[Access, ...] = ()
    if word & 0x0A00_0000 == 0x0800_0000:
        operands = Operands(0, lambda _: 0, el=1, pan=False, uao=False)
        accesses = load_store_accesses(word, operands)
    return set(after(word, accesses, made))


@pytest.mark.parametrize(
    ("word", "made"),
    [
        (0xF940_0001, {1}),  # ldr x1, [x0]
        (0xA940_0801, {1, 2}),  # ldp x1, x2, [x0]
        (0xF822_8001, {1}),  # swp x2, x1, [x0]
        (0xC8A2_7C01, {2}),  # cas x2, x1, [x0]
        (0x4822_7C04, {2, 3}),  # casp x2, x3, x4, x5, [x0]
        (0xC85F_7C01, {1}),  # ldxr x1, [x0]
        (0x5800_0041, {1}),  # ldr x1, pc+8
        (0xF900_0001, set()),  # str x1, [x0]
        (0xC803_7C02, set()),  # stxr w3, x2, [x0]
        (0xF940_001F, set()),  # ldr xzr, [x0]
        (0x3DC0_0001, set()),  # ldr q1, [x0]
        (0xD503_201F, set()),  # nop
    ],
)
def test_loads_make_their_registers(word: int, made: set[int]) -> None:
    assert _after(word) == made


@pytest.mark.parametrize(
    ("word", "made"),
    [
        (0xCA01_0023, {1, 3}),  # eor x3, x1, x1
        (0x8B02_0043, {1}),  # add x3, x2, x2
        (0x8B02_0041, set()),  # add x1, x2, x2
        (0x9100_0423, {1, 3}),  # add x3, x1, #1
        (0xD280_0021, set()),  # mov x1, #1
        (0xF280_0021, {1}),  # movk x1, #1
        (0xF280_0023, {1}),  # movk x3, #1
        (0x1000_0003, {1}),  # adr x3, pc
        (0x93C1_0443, {1, 3}),  # extr x3, x2, x1, #1
        (0x9B02_0443, {1, 3}),  # madd x3, x2, x2, x1
        (0x9B02_0843, {1}),  # madd x3, x2, x2, x2
        (0xEB01_005F, {1}),  # cmp x2, x1
    ],
)
def test_what_is_computed_of_a_loaded_value_is_made_of_it(word: int, made: set[int]) -> None:
    assert _after(word, frozenset({1})) == made


@pytest.mark.parametrize(
    ("word", "registers"),
    [
        (0xF940_0001, {0}),
        (0xF862_6801, {0, 2}),  # ldr x1, [x0, x2]
        (0xF822_8001, {0}),
        (0x5800_0041, set()),
        (0xD50B_7423, {3}),  # dc zva, x3
        (0x8B02_0043, set()),
    ],
)
def test_the_address_of_an_access_is_made_of_its_base_and_offset(
    word: int, registers: set[int]
) -> None:
    assert address_registers(word) == registers


class _Promise:
    """Chooses the dirty update that comes before its store, wherever it may."""

    name = "promise"

    def choose(self, question: object) -> int:
        """Return it, else the present."""
        options = getattr(question, "options", ())
        found = [index for index, each in enumerate(options) if each.identity == "dirty"]
        return found[0] if found else 0


STR = 0xF900_0008  # str x8, [x0]
READ_ENTRY = 0xF940_0082  # ldr x2, [x4]
EOR_X3 = 0xCA02_0043  # eor x3, x2, x2
ADD_X0 = 0x8B03_0000  # add x0, x0, x3
CBZ_X3 = 0xB400_0023  # cbz x3, pc+4


@pytest.mark.parametrize(
    ("between", "possible"),
    [((), True), ((EOR_X3,), True), ((EOR_X3, ADD_X0), False), ((CBZ_X3,), False), ((ISB,), False)],
)
def test_a_dirty_update_in_advance_needs_a_store_that_depends_on_nothing_read(
    between: tuple[int, ...], *, possible: bool
) -> None:
    bench = ModelBench(
        *(READ_ENTRY, *between, STR),
        descriptor=PANIC_BLOCK | 1 | 1 << 7,
        policy=_Promise(),
    )
    bench.set(TCR_EL1=bench["TCR_EL1"] | 0b11 << 39, x4=KERNEL + DATA_ENTRY - RAM, x8=7)
    bench.run()
    assert bench["x2"] == PANIC_BLOCK | 1
    mmu = bench.machine.mmu
    assert mmu.model.is_possible(mmu.state, ended=True) is possible
