"""What `[expect]` states and a run does not show comes back as a sentence, and only that."""

from __future__ import annotations

import pytest
from runs import FAR, WRITE_FAULT, end, execution, fault, scenario

from harness.arch.addresses import VirtualAddress
from harness.arch.faults import FaultKind
from harness.runner.expectation import missed_expectations
from harness.scenario import Expect
from harness.trace import EndReason
from harness.vmsa.access import AccessKind


def missed(expect: Expect, *, faulted: bool = True, esr: int = WRITE_FAULT) -> tuple[str, ...]:
    """Return what is missed by a run that ended at a fault, or returned."""
    events = (fault(esr), end()) if faulted else (end(EndReason.RETURNED),)
    return missed_expectations(execution(*events, given=scenario(expect)))


def test_without_expectations_nothing_is_missed() -> None:
    assert missed_expectations(execution(fault(), end())) == ()


@pytest.mark.parametrize(
    ("expect", "faulted"),
    [
        (
            Expect(
                fault=FaultKind.TRANSLATION,
                level=2,
                access=AccessKind.WRITE,
                esr=WRITE_FAULT,
                far=FAR,
                end=EndReason.FAULT,
                registers={"x0": 1},
                memory={0x1000: 7},
            ),
            True,
        ),
        (Expect(no_fault=True, end=EndReason.RETURNED), False),
    ],
)
def test_what_came_is_not_missed(expect: Expect, *, faulted: bool) -> None:
    assert missed(expect, faulted=faulted) == ()


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        (Expect(no_fault=True), "no fault was expected, and one came: 0x96000046 (Data abort"),
        (Expect(fault=FaultKind.PERMISSION), "permission was expected, and one of translation"),
        (Expect(level=3), "a fault at level 3 was expected, and it is at 2"),
        (Expect(access=AccessKind.READ), "a fault on a read was expected, and it is on a write"),
        (Expect(esr=0x9600_0006), "ESR_EL1 0x96000006 was expected (Data abort"),
        (Expect(far=VirtualAddress(8)), "FAR_EL1 0x8 was expected, and is 0xffff000019600000"),
        (Expect(end=EndReason.RETURNED), "expected to end as returned, and ended as fault"),
        (Expect(registers={"x0": 2}), "x0 was expected to be 0x2 at the end, and is 0x1"),
        (Expect(memory={0x1000: 8}), "0x8 was expected at 0x1000 of physical memory"),
        (Expect(memory={0x5000: 8}), "there is no memory"),
    ],
)
def test_what_did_not_come_is_one_sentence(expect: Expect, words: str) -> None:
    (sentence,) = missed(expect)
    assert words in sentence


@pytest.mark.parametrize(
    "expect",
    [
        Expect(fault=FaultKind.TRANSLATION),
        Expect(level=2),
        Expect(access=AccessKind.WRITE),
        Expect(esr=WRITE_FAULT),
        Expect(far=FAR),
    ],
)
def test_a_fault_that_did_not_come_at_all_is_one_sentence(expect: Expect) -> None:
    (sentence,) = missed(expect, faulted=False)
    assert sentence.startswith("a fault was expected (")
    assert sentence.endswith("), and none came")


@pytest.mark.parametrize(
    ("esr", "access"),
    [
        (0x9600_0006, AccessKind.READ),
        (0x9600_0046, AccessKind.WRITE),
        (0x8600_0006, AccessKind.FETCH),
    ],
)
def test_the_direction_is_read_off_the_syndrome(esr: int, access: AccessKind) -> None:
    assert missed(Expect(access=access), esr=esr) == ()


def test_a_syndrome_that_reports_no_modelled_abort_misses_every_fault() -> None:
    (sentence,) = missed(Expect(level=2), esr=0x9600_0011)
    assert sentence.startswith("a fault was expected (level 2), and came as 0x96000011")
