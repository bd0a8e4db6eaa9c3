"""Cases through Unicorn's own MMU: what it answers, and what it refuses by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from vmsa_machine import AP_EL0, AP_READ_ONLY, HIGH, LEAF, OUTPUT, SCTLR, TABLES, TCR, VA, Machine

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.features import Feature
from harness.cases import Case, Unsupported
from harness.errors import EngineError
from harness.machine.engine import CoreSyndrome
from harness.machine.translation_probe import HOME, Probed
from harness.oracle import comparison
from harness.oracle.comparison import compare_translators, seen_of
from harness.oracle.seen import Aborted, Completed
from harness.oracle.translator import ModelTranslator
from harness.oracle.unicorn_translator import UnicornTranslator
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.outcome import Fault, Translation
from harness.vmsa.regime import Regime


@pytest.fixture(scope="module")
def unicorn() -> UnicornTranslator:
    return UnicornTranslator()


def case(
    machine: Machine | None = None,
    kind: AccessKind = AccessKind.READ,
    va: int = VA,
    **access: Any,  # noqa: ANN401 - fields of Access
) -> Case:
    machine = machine or Machine()
    context = machine.mmu().context
    made = Access(VirtualAddress(va), kind, **access)
    return Case(
        "one", context.profile, context.regime, context.registers, machine.memory().words, made
    )


def refusal(unicorn: UnicornTranslator, asked: Case) -> str:
    answer = unicorn.answer(asked)
    assert isinstance(answer, Unsupported)
    return answer.reason


def test_its_name_says_engine_version_and_whose_mmu(unicorn: UnicornTranslator) -> None:
    assert unicorn.name.startswith("unicorn 2.")
    assert unicorn.name.endswith("its own MMU")


@pytest.mark.parametrize("kind", [AccessKind.READ, AccessKind.WRITE, AccessKind.FETCH])
@pytest.mark.parametrize("va", [0xABC & ~7, HIGH & ~7])
@pytest.mark.parametrize("el", [0, 1])
def test_an_access_of_either_half_and_level_reaches_its_location(
    unicorn: UnicornTranslator, kind: AccessKind, va: int, el: int
) -> None:
    user = case(Machine(LEAF | AP_EL0 | AP_READ_ONLY), kind, va, el=el)
    answer = unicorn.answer(user)
    if kind is AccessKind.WRITE:
        assert isinstance(answer, Fault)
        assert answer.kind is FaultKind.PERMISSION
        assert answer.far == va
    else:
        assert answer == Translation(PhysicalAddress(OUTPUT + 0xAB8), None)


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("kind", [AccessKind.READ, AccessKind.WRITE])
def test_every_size_of_plain_access_is_made(
    unicorn: UnicornTranslator, kind: AccessKind, size: int
) -> None:
    assert unicorn.answer(case(kind=kind, va=0xAB0, size=size)) == Translation(
        PhysicalAddress(OUTPUT + 0xAB0), None
    )


def test_an_unprivileged_access_is_checked_as_el0_unless_uao_says_otherwise(
    unicorn: UnicornTranslator,
) -> None:
    assert isinstance(unicorn.answer(case(unprivileged=True)), Fault)
    assert isinstance(unicorn.answer(case(unprivileged=True, uao=True)), Translation)


def test_pan_keeps_el1_out_of_memory_of_el0(unicorn: UnicornTranslator) -> None:
    user = Machine(LEAF | AP_EL0)
    assert isinstance(unicorn.answer(case(user, pan=True)), Fault)
    assert isinstance(unicorn.answer(case(user, pan=False)), Translation)


def test_an_atomic_reports_a_read_where_a_read_would_have_faulted(
    unicorn: UnicornTranslator,
) -> None:
    swap: dict[str, Any] = {"kind": AccessKind.READ_WRITE, "operation": Operation.SWAP, "va": 0xAB8}
    missing = unicorn.answer(case(Machine(0), **swap))
    read_only = unicorn.answer(case(Machine(LEAF | AP_READ_ONLY), **swap))
    assert isinstance(missing, Fault)
    assert isinstance(read_only, Fault)
    assert (hex(missing.esr), hex(read_only.esr)) == ("0x96000007", "0x9600004f")


def test_an_at_instruction_gives_par(unicorn: UnicornTranslator) -> None:
    translated: dict[str, Any] = {"kind": AccessKind.AT, "operation": Operation.AT_S1E1R}
    found = unicorn.answer(case(**translated))
    failed = unicorn.answer(case(Machine(0), **translated))
    assert isinstance(found, Translation)
    assert isinstance(failed, Translation)
    assert found.par is not None
    assert failed.par is not None
    assert found.par & 0xFFFF_FFFF_F001 == OUTPUT
    assert failed.par & 0x7F == 0x0F


def test_with_the_mmu_off_addresses_are_physical(unicorn: UnicornTranslator) -> None:
    off = Machine(sctlr=SCTLR & ~1)
    for kind in (AccessKind.READ, AccessKind.FETCH):
        assert unicorn.answer(case(off, kind, 0x5678)) == Translation(PhysicalAddress(0x5678), None)


def test_each_case_is_a_machine_of_its_own(unicorn: UnicornTranslator) -> None:
    """What one case left in the TLB is not seen by the next."""
    assert isinstance(unicorn.answer(case()), Translation)
    assert isinstance(unicorn.answer(case(Machine(0))), Fault)
    assert isinstance(unicorn.answer(case()), Translation)


def test_a_table_anywhere_in_48_bits_is_found(unicorn: UnicornTranslator) -> None:
    high = Machine(
        registers={"TTBR0_EL1": 0xF123_4567_8000},
        words={0xF123_4567_8000: TABLES[2] | 3},
    )
    assert unicorn.answer(case(high)) == Translation(PhysicalAddress(OUTPUT + VA), None)


_PIE = Machine(registers={"TCR2_EL1": 0b10}).having(Feature.S1PIE, Feature.TCR2)
_POE = Machine(registers={"TCR2_EL1": 0b1000}).having(Feature.S1POE, Feature.TCR2)
_E0POE = Machine(registers={"TCR2_EL1": 0b100}).having(Feature.S1POE, Feature.TCR2)
_D128 = Machine(registers={"TCR2_EL1": 1 << 5}).having(Feature.D128, Feature.TCR2)
_STORE_EXCLUSIVE: dict[str, Any] = {
    "kind": AccessKind.WRITE,
    "operation": Operation.STORE_EXCLUSIVE,
}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (replace(case(), refused=("FEAT_MEC",)), "does not model"),
        (replace(case(), regime=Regime.EL2), "EL1&0 regime alone"),
        (case(Machine(registers={"HCR_EL2": 0x8000_0001})), "stage 2"),
        (case(kind=AccessKind.AT, operation=Operation.AT_S1E1R, el=2), "EL0 and EL1"),
        (case(_D128), "FEAT_D128"),
        (case(Machine(tcr=TCR | 1 << 59).having(Feature.LPA2)), "FEAT_LPA2"),
        (case(_PIE), "FEAT_S1PIE"),
        (case(_POE), "FEAT_S1POE"),
        (case(_E0POE), "FEAT_S1POE"),
        (case(Machine(sctlr=SCTLR | 1 << 25)), "big-endian"),
        (case(kind=AccessKind.FETCH, va=VA + 2), "misaligned PC"),
        (case(Machine(HOME | 0x703)), "64KB of physical memory"),
        (case(**_STORE_EXCLUSIVE), "load exclusive"),
        (case(size=32), "no instruction"),
        (case(size=16, unprivileged=True), "unprivileged plain"),
        (case(kind=AccessKind.AT, operation=Operation.AT_S12E1R), "no instruction"),
    ],
)
def test_what_it_cannot_be_asked_is_refused_by_name(
    unicorn: UnicornTranslator, asked: Case, reason: str
) -> None:
    assert reason in refusal(unicorn, asked)


def test_a_feature_that_the_registers_do_not_turn_on_is_no_reason_to_refuse(
    unicorn: UnicornTranslator,
) -> None:
    newer = Machine().having(Feature.LPA2, Feature.S1PIE, Feature.S1POE, Feature.TCR2, Feature.D128)
    assert unicorn.answer(case(newer)) == Translation(PhysicalAddress(OUTPUT + VA), None)


def test_an_instruction_that_the_core_traps_reached_no_memory(
    unicorn: UnicornTranslator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unicorn._probe, "access", lambda *_arguments, **_named: Probed())
    assert "did not reach memory" in refusal(unicorn, case())


def test_a_syndrome_that_is_no_abort_of_the_architecture_is_an_engine_error(
    unicorn: UnicornTranslator, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = Probed(CoreSyndrome(0x9600_003F, VA, 1))
    monkeypatch.setattr(unicorn._probe, "access", lambda *_arguments, **_named: odd)
    with pytest.raises(EngineError, match="0x9600003f"):
        unicorn.answer(case())


def test_the_model_refuses_features_and_registers_that_it_lacks() -> None:
    model = ModelTranslator()
    assert isinstance(model.answer(case()), Translation)
    named = model.answer(replace(case(), refused=("FEAT_MEC",)))
    assert isinstance(named, Unsupported)
    assert "FEAT_MEC" in named.reason
    big_endian = model.answer(case(Machine(sctlr=SCTLR | 1 << 25)))
    assert isinstance(big_endian, Unsupported)


def test_a_comparison_counts_what_either_refuses_by_reason(unicorn: UnicornTranslator) -> None:
    refused = replace(case(), refused=("FEAT_MEC",))
    asked = [case(), case(_PIE), case(**_STORE_EXCLUSIVE), refused]
    found = compare_translators(asked, ModelTranslator(), unicorn)
    assert (found.cases, found.agreements, found.unsupported.total()) == (4, 1, 3)
    assert found.unsupported["FEAT_MEC is not modelled"] == 1
    assert found.table()[0] == ("agrees", 1)
    assert any("unsupported: the core has no FEAT_S1PIE" in row for row, _ in found.table())


def test_what_an_engine_answers_is_compared_as_something_seen() -> None:
    fault = Fault(FaultKind.TRANSLATION, 0x9600_0006, VirtualAddress(VA), 2)
    assert seen_of(fault) == Aborted(0x9600_0006, VirtualAddress(VA))
    assert seen_of(Translation(PhysicalAddress(8), None, par=1)) == Completed(PhysicalAddress(8), 1)


def test_a_comparison_keeps_the_first_disagreements_and_counts_all(
    unicorn: UnicornTranslator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "KEPT", 2)
    elsewhere = Probed(pa=0x1234)
    monkeypatch.setattr(unicorn._probe, "access", lambda *_arguments, **_named: elsewhere)
    found = compare_translators([case()] * 5, ModelTranslator(), unicorn)
    assert (found.disagreements, len(found.disagreeing)) == (5, 2)
    assert found.table()[-1] == ("disagrees", 5)


def test_a_fetch_that_faults_is_an_instruction_abort(unicorn: UnicornTranslator) -> None:
    answer = unicorn.answer(case(Machine(LEAF | 1 << 53), AccessKind.FETCH))
    assert isinstance(answer, Fault)
    assert (answer.kind, hex(answer.esr)) == (FaultKind.PERMISSION, "0x8600000f")
