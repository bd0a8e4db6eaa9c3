"""Which permitted outcome a run takes: fresh, stale, random, or a witness's."""

from __future__ import annotations

import pytest
from machine_bench import DATA, DATA_ENTRY, DATA_PA, KERNEL, PANIC_BLOCK, RAM, ModelBench

from harness import library
from harness.arch.addresses import PhysicalAddress
from harness.arch.features import PROFILES
from harness.arch.system_instructions import encode_maintenance
from harness.errors import ValueSyntaxError
from harness.execution import Execution
from harness.machine.policies import Fresh, Policy, Random, Stale, Witness
from harness.oracle.judge import judge
from harness.oracle.verdict import VerdictKind
from harness.runner import Mmu, run
from harness.scenario_file import load
from harness.trace import EndReason, FaultTaken, Maintenance

LDR = 0xF940_0001  # ldr x1, [x0]
LDR_X2 = 0xF940_0002
STR_XZR = 0xF900_009F  # str xzr, [x4]: clears the descriptor of DATA
DSB_ST = encode_maintenance("dsb ishst")
DSB = encode_maintenance("dsb ish")
ISB = encode_maintenance("isb")

ENTRY = KERNEL + DATA_ENTRY - RAM
PAGE = DATA >> 12 & (1 << 44) - 1
RANGE = 1 << 46 | DATA >> 12 & (1 << 37) - 1
"""Of a TLBI by range: two granules of 4K from DATA on."""


def changed(*maintenance: int, policy: Policy, operand: int = PAGE) -> ModelBench:
    """Load, clear the descriptor, maintain, load again."""
    bench = ModelBench(LDR, STR_XZR, *maintenance, LDR_X2, policy=policy)
    bench.machine.write64(PhysicalAddress(DATA_PA), 0x5EED)
    bench.set(x0=DATA, x4=ENTRY, x3=operand)
    bench.run()
    return bench


def faults(bench: ModelBench) -> bool:
    return bool(bench.told(FaultTaken))


def test_without_maintenance_the_policy_decides() -> None:
    assert faults(changed(policy=Fresh()))
    stale = changed(policy=Stale())
    assert not faults(stale)
    assert stale["x2"] == 0x5EED


COMPLETE = ("tlbi vaae1", "tlbi vae1is", "tlbi vmalle1", "tlbi vale1os", "tlbi vaae1nxs")


@pytest.mark.parametrize("operation", COMPLETE)
def test_the_whole_sequence_leaves_no_choice(operation: str) -> None:
    rt = 31 if operation == "tlbi vmalle1" else 3
    tlbi = encode_maintenance(operation, rt)
    for policy in (Fresh(), Stale(), Random(5)):
        assert faults(changed(DSB_ST, tlbi, encode_maintenance("dsb sy"), ISB, policy=policy))


@pytest.mark.parametrize("left_out", range(4))
def test_any_part_of_the_sequence_left_out_keeps_the_old_translation_possible(
    left_out: int,
) -> None:
    tlbi = encode_maintenance("tlbi vaae1", 3)
    sequence = [DSB_ST, tlbi, DSB, ISB]
    del sequence[left_out]
    assert not faults(changed(*sequence, policy=Stale()))
    assert faults(changed(*sequence, policy=Fresh()))


def test_a_tlbi_by_range_is_executed_although_the_core_lacks_it() -> None:
    for operation in ("tlbi rvae1", "tlbi rvaae1is", "tlbi rvale1os", "tlbi rvae1nxs"):
        tlbi = encode_maintenance(operation, 3)
        sequence = (DSB_ST, tlbi, encode_maintenance("dsb sy"), ISB)
        assert faults(changed(*sequence, policy=Stale(), operand=RANGE))
        missed = changed(*sequence, policy=Stale(), operand=RANGE + (1 << 12))
        assert not faults(missed)
        (told,) = (each for each in missed.told(Maintenance) if each.kind.value == "tlbi")
        assert (told.operation, told.operand) == (operation, RANGE + (1 << 12))


def test_a_machine_without_the_feature_finds_the_range_form_undefined() -> None:
    for operation in ("tlbi rvae1", "tlbi vae1os"):
        bench = ModelBench(encode_maintenance(operation, 3), profile=PROFILES["cortex-a57"])
        assert bench.run().reason is EndReason.EXCEPTION
        assert bench["ESR_EL1"] == 0x0200_0000


def test_a_tlbi_for_another_page_helps_nothing() -> None:
    sequence = (DSB_ST, encode_maintenance("tlbi vaae1", 3), DSB, ISB)
    assert not faults(changed(*sequence, policy=Stale(), operand=PAGE + (1 << 9)))


def test_an_exception_synchronises_context_as_an_isb_does() -> None:
    svc, eret = 0xD400_0001, 0xD69F_03E0
    bench = ModelBench(
        *(LDR, STR_XZR, DSB_ST, encode_maintenance("tlbi vaae1", 3), DSB, svc, LDR_X2),
        policy=Stale(),
        vectors={0x200: (eret,)},
    )
    bench.set(x0=DATA, x4=ENTRY, x3=PAGE)
    bench.run(instructions=12)
    assert faults(bench)


def test_a_random_policy_makes_the_same_run_for_the_same_seed_and_others_for_others() -> None:
    def of(seed: int) -> list[object]:
        bench = changed(*(LDR_X2,) * 6, policy=Random(seed))
        return [*bench.notes.events]

    runs = [of(seed) for seed in range(12)]
    assert runs == [of(seed) for seed in range(12)]
    assert len({len(each) for each in runs}) > 2


def test_a_witness_is_followed_and_then_the_present() -> None:
    loads = (LDR_X2,) * 3
    old = f"{DATA_ENTRY:#x}={PANIC_BLOCK | 1:#x}/earlier"
    bench = changed(*loads, policy=Witness((old, old)))
    (fault,) = bench.told(FaultTaken)
    assert fault.number == 5
    with pytest.raises(ValueSyntaxError, match="there is no choice 'other'"):
        changed(*loads, policy=Witness((old, "other")))


def _same(one: Execution, other: Execution) -> bool:
    return one.trace == other.trace and one.final_memory == other.final_memory


@pytest.mark.parametrize("policy", [Fresh(), Stale(), Random(1), Random(2), Random(3)], ids=str)
@pytest.mark.parametrize("name", library.names())
def test_what_the_reference_mmu_does_is_always_permitted(name: str, policy: Policy) -> None:
    execution = run(load(library.find(name)), mmu=Mmu.MODEL, policy=policy)
    verdict = judge(execution)
    assert verdict.kind is VerdictKind.AGREES, verdict.explanation


@pytest.mark.parametrize("name", ["load_without_isb", "handler_repairs_page", "svc_from_el0"])
def test_two_runs_under_the_reference_mmu_are_the_same(name: str) -> None:
    scenario = load(library.find(name))
    for policy in (Fresh(), Stale(), Random(4)):
        first, second = (run(scenario, mmu=Mmu.MODEL, policy=policy) for _ in range(2))
        assert _same(first, second)
