"""What the target exception level's registers hold after a fault."""

from __future__ import annotations

import pytest
from vmsa_machine import AP_READ_ONLY, HIGH, LEAF, TCR, VA, Machine, block

from harness.arch.features import Feature

rule = pytest.mark.rule
BAD = Machine(leaf=block(LEAF) & ~1, level=2)


@rule("AArch64.AbortSyndrome")
@pytest.mark.parametrize(
    ("kind", "el", "esr"),
    [
        ("read", 1, 0x9600_0006),
        ("write", 1, 0x9600_0046),
        ("fetch", 1, 0x8600_0006),
        ("read", 0, 0x9200_0006),
        ("fetch", 0, 0x8200_0006),
        ("read_write", 1, 0x9600_0006),
    ],
)
def test_class_direction_and_status_are_encoded(kind: str, el: int, esr: int) -> None:
    assert BAD.fault(kind=kind, el=el).esr == esr


@rule("AArch64.FaultSyndrome")
def test_cache_maintenance_sets_cm_and_wnr() -> None:
    assert BAD.fault(operation="cache_maintenance").esr == 0x9600_0146
    assert BAD.fault(operation="plain").esr == 0x9600_0006


@rule("AArch64.FaultSyndrome")
def test_far_is_the_whole_address_with_its_tag() -> None:
    tagged = 0xAB << 56 | VA
    assert Machine(leaf=0, tcr=TCR | 1 << 37).fault(tagged).far == tagged
    assert Machine(leaf=0).fault(HIGH).far == HIGH


@rule("AArch64.Abort")
def test_faults_go_to_the_level_that_controls_the_regime() -> None:
    assert BAD.fault(el=0).target_el == 1
    el2 = Machine(leaf=0, regime="EL2", tcr=25 | 5 << 16)
    assert el2.fault(el=2).target_el == 2
    host = Machine(leaf=0, regime="EL2&0", registers={"HCR_EL2": 1 << 34 | 1 << 27})
    assert (host.fault(el=0).target_el, host.fault(el=0).esr >> 26) == (2, 0x24)
    assert host.fault(el=2).esr >> 26 == 0x25


def test_the_seeds_panic_comes_out_as_recorded() -> None:
    words = {
        0x81F3_F000: 0x1800_0000_9FFF_F403,
        0x9FFF_F000: 0x1800_0000_9FFF_E403,
        0x9FFF_E658: 0x00E8_0001_9960_0704,
    }
    machine = Machine(
        tcr=16 | 16 << 16 | 0b10 << 30 | 5 << 32,
        registers={"TTBR1_EL1": 0x81F3_F000},
        words=words,
        tables=0,
    )
    fault = machine.fault(0xFFFF_0000_1960_0000, "write", size=8)
    assert (fault.esr, fault.far, fault.level) == (0x9600_0046, 0xFFFF_0000_1960_0000, 2)
    valid = {**words, 0x9FFF_E658: 0x00E8_0001_9960_0705}
    done = machine.having(Feature.HAFDBS, words=valid).ok(0xFFFF_0000_1960_0000, "write")
    assert done.pa == 0x1_9960_0000


@rule("AArch64.S1CheckPermissions")
def test_the_direction_that_faults_decides_wnr() -> None:
    assert Machine().fault(kind="read_write", el=0).esr & 0x40 == 0
    assert Machine(leaf=LEAF | AP_READ_ONLY).fault(kind="read_write").esr & 0x40
