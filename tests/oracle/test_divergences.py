"""Each known divergence, shown in Unicorn; and beside it a like access on which both agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from vmsa_machine import (
    AF,
    AP_EL0,
    CONTIGUOUS,
    DEVICE,
    HIGH,
    INNER,
    LEAF,
    NT,
    OUTPUT,
    SCTLR,
    TABLES,
    TCR,
    UXN,
    VA,
    Machine,
    block,
)

from harness.arch.addresses import VirtualAddress
from harness.arch.features import Feature
from harness.arch.implementation import DeviceFetch, Implementation, Misprogrammed, OutOfRange
from harness.cases import Answer, Case
from harness.errors import HarnessError
from harness.memory import PAGE_SIZE
from harness.oracle import divergences as registry
from harness.oracle.comparison import Comparison, compare_translators
from harness.oracle.departures import DEPARTURES
from harness.oracle.divergences import divergence_named, divergences
from harness.oracle.translator import ModelTranslator
from harness.oracle.unicorn_translator import UnicornTranslator
from harness.vmsa.access import Access, AccessKind, Operation


class Question(NamedTuple):
    """A machine and one access."""

    machine: Machine
    va: int = VA
    kind: str = "read"
    access: Mapping[str, Any] = MappingProxyType({})


class Pair(NamedTuple):
    """A question that shows a divergence, and a like one that does not."""

    shows: Question
    agrees: Question


FAULTS = Implementation(
    txsz_above_max=OutOfRange.FAULT,
    contiguous_misprogrammed=Misprogrammed.FAULT,
    nt_bit=Misprogrammed.FAULT,
    bbm_level=1,
    fetch_from_device=DeviceFetch.FAULT,
)
PLAIN = Machine()
OLD = LEAF & ~AF
HA = 1 << 39
TCR_48 = TCR & ~0x3F | 16
E0PD0 = 1 << 55
EPAN = 1 << 57
SMALL_PA = TCR & ~(7 << 32)
HIGH_OUTPUT = LEAF | 1 << 40
USER = LEAF | AP_EL0
UNALIGNED = {"size": 4}
AT = {"operation": Operation.AT_S1E1R}

PAIRS = {
    "illegal-block-level": Pair(
        # 48 bits of 4K pages start at level 0, where the first table of the machine then lies.
        Question(Machine(block() - OUTPUT, level=1, tcr=TCR_48)),
        Question(Machine(block() - OUTPUT, level=1)),
    ),
    "no-address-size-fault": Pair(
        Question(Machine(HIGH_OUTPUT, tcr=SMALL_PA)),
        Question(Machine(HIGH_OUTPUT)),
    ),
    "physical-size-of-the-core": Pair(
        Question(Machine(sctlr=SCTLR & ~1), va=1 << 45),
        Question(Machine(sctlr=SCTLR & ~1), va=1 << 43),
    ),
    "no-52-bit-addresses": Pair(
        Question(Machine().having(Feature.LPA2, tcr=TCR | 1 << 59, leaf=LEAF & ~INNER | 1 << 8)),
        Question(Machine().having(Feature.LPA2)),
    ),
    "txsz-clamped": Pair(
        Question(Machine(tcr=TCR & ~0x3F | 40, level=2, choices=FAULTS)),
        Question(Machine(tcr=TCR & ~0x3F | 39, level=2, leaf=block(), choices=FAULTS)),
    ),
    "no-hardware-update": Pair(
        Question(Machine(OLD, tcr=TCR | HA).having(Feature.HAFDBS)),
        Question(Machine(OLD).having(Feature.HAFDBS)),
    ),
    "contiguous-ignored": Pair(
        Question(Machine(LEAF | CONTIGUOUS | 0x1000)),
        Question(Machine(LEAF | CONTIGUOUS)),
    ),
    "block-address-bits": Pair(
        Question(Machine(block() | NT, level=2)),
        Question(Machine(block(), level=2)),
    ),
    "block-address-bits (in PAR_EL1)": Pair(
        Question(Machine(block() | NT, level=2), kind="at", access=AT),
        Question(Machine(block() & ~1 | NT, level=2), kind="at", access=AT),
    ),
    "no-device-alignment-fault": Pair(
        Question(Machine(LEAF | DEVICE), va=VA + 1, access=UNALIGNED),
        Question(Machine(LEAF | DEVICE), access=UNALIGNED),
    ),
    "no-device-alignment-fault (of a reserved attribute)": Pair(
        Question(
            Machine(LEAF | DEVICE, registers={"MAIR_EL1": 0x5000}), va=VA + 1, access=UNALIGNED
        ),
        Question(Machine(LEAF | DEVICE, registers={"MAIR_EL1": 0x5000}), access=UNALIGNED),
    ),
    "no-device-alignment-fault (while stage 1 is off)": Pair(
        Question(Machine(sctlr=SCTLR & ~1), va=VA + 1, access=UNALIGNED),
        Question(Machine(sctlr=SCTLR & ~1), access=UNALIGNED),
    ),
    "no-alignment-check": Pair(
        Question(Machine(sctlr=SCTLR | 0b10), va=VA + 1, access=UNALIGNED),
        Question(Machine(sctlr=SCTLR), va=VA + 1, access=UNALIGNED),
    ),
    "no-lse2": Pair(
        Question(
            Machine().having(Feature.LSE2),
            va=0xAB1,
            access={"size": 4, "operation": Operation.LOAD_EXCLUSIVE},
        ),
        Question(
            Machine().having(Feature.LSE2),
            va=0xABE,
            access={"size": 4, "operation": Operation.LOAD_EXCLUSIVE},
        ),
    ),
    "unaligned-acquire-release": Pair(
        Question(PLAIN, va=VA + 1, access={"size": 4, "operation": Operation.LOAD_ACQUIRE}),
        Question(PLAIN, access={"size": 4, "operation": Operation.LOAD_ACQUIRE}),
    ),
    "no-e0pd": Pair(
        Question(Machine(USER, tcr=TCR | E0PD0).having(Feature.E0PD), access={"el": 0}),
        Question(Machine(USER, tcr=TCR | E0PD0).having(Feature.E0PD)),
    ),
    "no-epan": Pair(
        Question(Machine(LEAF, sctlr=SCTLR | EPAN).having(Feature.PAN3), access={"pan": True}),
        Question(
            Machine(LEAF | UXN, sctlr=SCTLR | EPAN).having(Feature.PAN3),
            access={"pan": True},
        ),
    ),
    "no-indirect-permissions": Pair(
        Question(
            Machine(registers={"TCR2_EL1": 0b10}).having(Feature.S1PIE, Feature.TCR2),
        ),
        Question(Machine(registers={"TCR2_EL1": 0}).having(Feature.S1PIE, Feature.TCR2)),
    ),
    "nt-ignored": Pair(
        Question(Machine(block() | NT, level=2, choices=FAULTS).having(Feature.BBM), va=VA | NT),
        Question(Machine(block(), level=2, choices=FAULTS).having(Feature.BBM)),
    ),
    "reserved-granule": Pair(
        # In Unicorn TG0 = 0b11 is 64K, and TG1 = 0b00 is 4K.
        Question(Machine(tcr=TCR | 0b11 << 14)),
        Question(Machine(tcr=TCR & ~(0b11 << 30)), va=HIGH),
    ),
    "fetch-from-device": Pair(
        Question(Machine(LEAF | DEVICE, choices=FAULTS), kind="fetch"),
        Question(Machine(LEAF, choices=FAULTS), kind="fetch"),
    ),
    "later-features": Pair(
        Question(Machine(USER, features=frozenset()), access={"pan": True}),
        Question(Machine(USER), access={"pan": True}),
    ),
}
MAINTENANCE = "no-fault-of-cache-maintenance"
"""Shown by a run, not here: no case asks for an instruction that maintains a cache."""


def test_every_divergence_of_the_list_is_shown_by_a_test() -> None:
    assert {*(name.split()[0] for name in PAIRS), MAINTENANCE} == {
        divergence.id for divergence in divergences()
    }


@dataclass(frozen=True)
class Answering:
    """A translator made of a function."""

    name: str
    answer: Callable[[Case], Answer]


@pytest.fixture(scope="module")
def unicorn() -> Answering:
    """Return Unicorn, also where it refuses a case for what the core is known to lack."""
    translator = UnicornTranslator()
    return Answering(translator.name, translator.answer_as_it_is)


def compared(question: Question, unicorn: Answering) -> Comparison:
    context = question.machine.mmu().context
    access = Access(VirtualAddress(question.va), AccessKind(question.kind), **question.access)
    case = Case(
        question.kind,
        context.profile,
        context.regime,
        context.registers,
        question.machine.memory().words,
        access,
    )
    return compare_translators([case], ModelTranslator(), unicorn)


@pytest.mark.parametrize("name", PAIRS)
def test_unicorn_departs_as_the_list_says(name: str, unicorn: Answering) -> None:
    found = compared(PAIRS[name].shows, unicorn)
    assert found.divergences == {name.split(maxsplit=1)[0]: 1}, found.table()


@pytest.mark.parametrize("name", PAIRS)
def test_a_like_access_on_which_both_agree_is_no_divergence(name: str, unicorn: Answering) -> None:
    found = compared(PAIRS[name].agrees, unicorn)
    assert found.table() == [("agrees", 1), ("disagrees", 0)], found.disagreeing


def test_several_departures_of_one_access_are_all_named(unicorn: Answering) -> None:
    question = Question(Machine(OLD | 1 << 40, tcr=SMALL_PA | HA).having(Feature.HAFDBS))
    found = compared(question, unicorn)
    assert found.divergences == {"no-address-size-fault+no-hardware-update": 1}


@pytest.mark.parametrize("operation", [Operation.PLAIN, Operation.LOAD_ACQUIRE])
def test_with_stage_1_off_the_alignment_check_is_a_divergence_of_its_own(
    operation: Operation, unicorn: Answering
) -> None:
    off = Machine(sctlr=SCTLR & ~1 | 0b10)
    access = {**UNALIGNED, "operation": operation}
    found = compared(Question(off, va=VA + 1, access=access), unicorn)
    assert found.disagreements == 0
    assert "no-alignment-check" in next(iter(found.divergences))


def test_an_exclusive_is_checked_with_stage_1_off_too(unicorn: Answering) -> None:
    access = {**UNALIGNED, "operation": Operation.LOAD_EXCLUSIVE}
    found = compared(Question(Machine(sctlr=SCTLR & ~1), va=VA + 1, access=access), unicorn)
    assert found.agreements == 1


def test_a_failed_at_has_no_location_to_depart_in(unicorn: Answering) -> None:
    """The Access flag fault of the block hides its address bits; HA would lift it."""
    old = Machine(block(OLD) | NT, level=2, tcr=TCR | HA).having(Feature.HAFDBS)
    found = compared(Question(old, kind="at", access=AT), unicorn)
    assert found.divergences == {"no-hardware-update": 1}


def test_what_no_departure_predicts_stays_a_disagreement(unicorn: Answering) -> None:
    """The wrong machine is asked: its page is elsewhere."""

    def elsewhere(case: Case) -> Answer:
        moved = {**case.memory, TABLES[3]: LEAF + PAGE_SIZE}
        return unicorn.answer(replace(case, memory=moved))

    wrong = Answering(unicorn.name, elsewhere)
    found = compared(Question(PLAIN), wrong)
    assert found.divergences == {}
    assert found.disagreements == 1
    text = str(found.disagreeing[0])
    assert f"{OUTPUT + VA:#x}" in text
    assert f"{OUTPUT + PAGE_SIZE + VA:#x}" in text


def test_what_the_model_cannot_follow_is_unsupported(unicorn: Answering) -> None:
    """SCTLR_EL1.A stops the model before it looks at TCR_EL1.MTX0, but not Unicorn."""
    tagged = Machine(sctlr=SCTLR | 0b10, tcr=TCR | 1 << 60)
    found = compared(Question(tagged, va=VA + 1, access=UNALIGNED), unicorn)
    assert found.unsupported.total() == 1
    assert "MTX0" in next(iter(found.unsupported))


def test_a_departure_of_unicorn_excuses_no_other_engine(unicorn: Answering) -> None:
    named = Answering("another engine", unicorn.answer)
    found = compared(PAIRS["no-e0pd"].shows, named)
    assert found.divergences == {}
    assert found.disagreements == 1


def test_each_entry_says_what_why_and_by_which_rule() -> None:
    for divergence in divergences():
        assert divergence.engine == "unicorn"
        for text in (divergence.what, divergence.why, divergence.detected):
            assert text.endswith(".")
        assert divergence.rule.startswith("AArch64.")
    assert divergence_named("no-e0pd").id == "no-e0pd"


def test_a_list_that_does_not_fit_the_predicates_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fewer = {name: one for name, one in DEPARTURES.items() if name != "no-e0pd"}
    monkeypatch.setattr(registry, "DEPARTURES", fewer)
    divergences.cache_clear()
    try:
        with pytest.raises(HarnessError, match="no-e0pd"):
            divergences()
    finally:
        divergences.cache_clear()
