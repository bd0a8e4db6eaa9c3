"""AT, DC, IC, MSR, MRS under the reference MMU: what the model does, the core, and neither."""

from __future__ import annotations

from functools import partial

import pytest
from machine_bench import (
    CODE,
    DATA,
    DATA_ENTRY,
    DATA_PA,
    EL0,
    PANIC_BLOCK,
    SCTLR,
    USER_CODE,
    VECTORS,
    ModelBench,
)

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import PROFILES, Feature, Profile
from harness.arch.system_instructions import encode_maintenance, encode_mrs, encode_msr
from harness.errors import UnsupportedError
from harness.machine.policies import Stale
from harness.trace import EndReason, FaultTaken, Maintenance, MemoryAccess, RegisterWrite

LDR = 0xF940_0001
STR = 0xF900_0001
NOP = 0xD503_201F
UNDEFINED = 0x0200_0000
BLOCK = PANIC_BLOCK | 1
READ_ONLY = 1 << 7
UCI, DZE = 1 << 26, 1 << 14

EXTENDED = Profile(
    "extended",
    PROFILES["max"].features | {Feature.TCR2, Feature.S1PIE, Feature.S1POE},
    52,
)
PIE = 1 << 1
"""Of TCR2_EL1."""


def at(name: str) -> int:
    return encode_maintenance(f"at {name}", 0)


@pytest.mark.parametrize(
    ("name", "descriptor", "par"),
    [
        ("s1e1r", BLOCK, 0xFF00_0001_9960_0980),
        ("s1e1w", BLOCK | READ_ONLY, 0x81D),
        ("s1e0r", BLOCK, 0x81D),
        ("s1e1r", PANIC_BLOCK, 0x80D),
    ],
)
def test_at_leaves_what_the_model_says_in_par_and_takes_no_exception(
    name: str, descriptor: int, par: int
) -> None:
    bench = ModelBench(at(name), descriptor=descriptor)
    assert bench.run().reason is EndReason.RETURNED
    assert bench["PAR_EL1"] == par
    assert [event.operation for event in bench.told(Maintenance)] == [f"at {name}"]
    assert bench.told(FaultTaken) == []
    assert bench.told(MemoryAccess) == []


def test_at_uses_a_stale_entry_as_a_load_does() -> None:
    for policy, failed in ((None, 1), (Stale(), 0)):
        bench = ModelBench(LDR, at("s1e1r"), policy=policy)
        bench.notes.before[2] = partial(bench.machine.write64, PhysicalAddress(DATA_ENTRY), 0)
        bench.run()
        assert bench["PAR_EL1"] & 1 == failed


def test_at_with_pan_is_undefined_without_its_feature() -> None:
    pan = 1 << 22
    for profile, esr in (("max", 0), ("cortex-a57", UNDEFINED)):
        bench = ModelBench(at("s1e1rp"), profile=PROFILES[profile], descriptor=BLOCK | 1 << 6)
        bench.set(pstate=0x3C5 | pan)
        bench.run()
        assert bench["ESR_EL1"] == esr
    assert ModelBench(at("s1e1rp"), profile=PROFILES["max"]).run().reason is EndReason.RETURNED


def test_zeroing_a_block_writes_its_64_bytes() -> None:
    bench = ModelBench(encode_maintenance("dc zva", 0))
    for offset in (0x38, 0x40, 0x78, 0x80):
        bench.machine.write64(PhysicalAddress(DATA_PA + offset), 0x77)
    bench.set(x0=DATA + 0x48)
    assert bench.run().reason is EndReason.RETURNED
    words = [bench.machine.read64(PhysicalAddress(DATA_PA + each)) for each in (0x38, 0x40, 0x78)]
    assert words == [0x77, 0, 0]
    assert bench.machine.read64(PhysicalAddress(DATA_PA + 0x80)) == 0x77
    (access,) = bench.told(MemoryAccess)
    assert (access.access.va, access.pa, access.value) == (DATA + 0x48, DATA_PA + 0x40, 0)


@pytest.mark.parametrize(
    ("name", "control"), [("dc civac", UCI), ("ic ivau", UCI), ("dc zva", DZE)]
)
def test_el0_is_trapped_before_any_translation_where_sctlr_says_so(name: str, control: int) -> None:
    word = encode_maintenance(name, 0)
    trapped = ModelBench(word, vectors={0x400: [NOP]}, descriptor=PANIC_BLOCK)
    trapped.set(pstate=EL0, pc=USER_CODE, SCTLR_EL1=SCTLR & ~control)
    trapped.run(end_at=VECTORS + 0x404)
    assert trapped["ESR_EL1"] >> 26 == 0x18
    allowed = ModelBench(word, vectors={0x400: [NOP]}, descriptor=PANIC_BLOCK)
    allowed.set(pstate=EL0, pc=USER_CODE, SCTLR_EL1=SCTLR | control)
    allowed.run(end_at=VECTORS + 0x404)
    assert allowed["ESR_EL1"] >> 26 == 0x24


@pytest.mark.parametrize("name", ["tlbi vaae1", "at s1e1r", "dc ivac", "tlbi rvae1"])
def test_what_el0_may_not_do_is_undefined_there(name: str) -> None:
    bench = ModelBench(encode_maintenance(name, 0), vectors={0x400: [NOP]})
    bench.set(pstate=EL0, pc=USER_CODE)
    bench.run(end_at=VECTORS + 0x404)
    assert bench["ESR_EL1"] in (UNDEFINED, 0x6200_0000 | bench["ESR_EL1"] & 0x01FF_FFFF)
    assert bench.told(Maintenance) == []


def test_barriers_and_maintenance_work_at_el0_as_far_as_they_are_allowed() -> None:
    bench = ModelBench(*(encode_maintenance(name) for name in ("dsb sy", "isb", "dmb ish")))
    bench.set(pstate=EL0, pc=USER_CODE)
    assert bench.run(end_at=USER_CODE + 12).reason is EndReason.RETURNED
    assert [event.operation for event in bench.told(Maintenance)] == ["dsb sy", "isb", "dmb ish"]


def test_a_translation_register_takes_effect_by_the_context_synchronisation_event() -> None:
    msr, isb = encode_msr("MAIR_EL1", 2), encode_maintenance("isb")
    for policy, first in ((None, False), (Stale(), True)):
        bench = ModelBench(msr, LDR, policy=policy)
        bench.set(x0=DATA + 1, x2=0xFF)
        assert (bench.run().reason is EndReason.RETURNED) is first
        (write,) = bench.told(RegisterWrite)
        assert (write.register, write.value) == ("MAIR_EL1", 0xFF)
        assert bench["MAIR_EL1"] == 0xFF
    tlbi, dsb = encode_maintenance("tlbi vmalle1"), encode_maintenance("dsb ish")
    complete = ModelBench(msr, isb, tlbi, dsb, isb, LDR, policy=Stale())
    complete.set(x0=DATA + 1, x2=0xFF)
    assert complete.run().reason is EndReason.FAULT


def test_registers_that_the_core_lacks_are_kept_and_translate() -> None:
    bench = ModelBench(
        *(encode_msr("PIR_EL1", 3), encode_msr("TCR2_EL1", 2), encode_maintenance("isb")),
        *(encode_mrs(4, "PIR_EL1"), encode_mrs(31, "PIR_EL1"), LDR, STR),
        profile=EXTENDED,
    )
    pir = 0x0800_0000_0000_000E  # PIIndex 0, the code: RWX; 14, the data: read
    bench.set(x2=PIE, x3=pir)
    assert bench.run().reason is EndReason.FAULT
    assert (bench["x4"], bench["TCR2_EL1"], bench["PIR_EL1"]) == (pir, PIE, pir)
    (fault,) = bench.told(FaultTaken)
    assert (fault.number, fault.esr, fault.far) == (7, 0x9600_004E, DATA)


def test_snapshots_hold_the_registers_that_the_core_lacks() -> None:
    bench = ModelBench(encode_msr("POR_EL1", 3), profile=EXTENDED)
    bench.set(x3=7)
    snapshot = bench.machine.snapshot()
    bench.run()
    assert bench["POR_EL1"] == 7
    bench.machine.restore(snapshot)
    assert bench["POR_EL1"] == 0


def test_they_are_undefined_without_their_feature_and_refused_at_el0() -> None:
    for name in ("TCR2_EL1", "PIR_EL1", "POR_EL1"):
        bench = ModelBench(encode_mrs(1, name))
        assert bench.run().reason is EndReason.EXCEPTION
        assert bench["ESR_EL1"] == UNDEFINED
    bench = ModelBench(encode_mrs(1, "POR_EL0"), profile=EXTENDED)
    bench.set(pstate=EL0, pc=USER_CODE)
    end = bench.run(end_at=USER_CODE + 4)
    assert end.reason is EndReason.UNSUPPORTED
    assert "mrs por_el0 at EL0" in end.detail


def test_pstate_fields_need_their_feature() -> None:
    set_pan = 0xD500_419F
    for profile, reason in (("max", EndReason.RETURNED), ("cortex-a57", EndReason.EXCEPTION)):
        assert ModelBench(set_pan, profile=PROFILES[profile]).run().reason is reason


@pytest.mark.parametrize(
    ("word", "named"),
    [
        (0x1D00_0401, "FEAT_MOPS"),  # cpyfm
        (0xD920_0800, "FEAT_MTE"),  # stg
        (0xA540_A000, "SVE"),
        (0xF83F_D000, "FEAT_LS64"),
        (0xD53B_E040, "cntvct"),  # mrs x0, cntvct_el0
    ],
)
def test_what_the_decoder_does_not_know_is_refused_by_name(word: int, named: str) -> None:
    bench = ModelBench(word)
    end = bench.run()
    assert end.reason is EndReason.UNSUPPORTED
    assert named.lower() in end.detail.lower() or "no two runs" in end.detail
    assert bench["pc"] == CODE


def test_a_register_of_another_exception_level_is_refused_or_undefined() -> None:
    bench = ModelBench(encode_msr("VTCR_EL2", 1))
    assert bench.run().reason in {EndReason.UNSUPPORTED, EndReason.EXCEPTION}


def test_what_the_model_does_not_have_ends_the_run_by_its_name() -> None:
    bench = ModelBench(encode_msr("TCR2_EL1", 2), encode_maintenance("isb"), LDR, profile=EXTENDED)
    bench.set(x2=1 << 5)  # D128, which the profile lacks: ignored
    assert bench.run().reason is EndReason.RETURNED


def test_maintenance_of_an_injection_is_the_models() -> None:
    bench = ModelBench(LDR, NOP, LDR, policy=Stale())

    def change() -> None:
        bench.machine.write64(PhysicalAddress(DATA_ENTRY), 0)
        for name in ("dsb ishst", "tlbi vmalle1", "dsb ish", "isb"):
            bench.machine.maintain(name, None)

    bench.notes.before[2] = change
    assert bench.run().reason is EndReason.FAULT
    assert [event.injected for event in bench.told(Maintenance)] == [True] * 4
    with pytest.raises(UnsupportedError, match="it writes a register or memory"):
        bench.machine.maintain("at s1e1r", 0)
