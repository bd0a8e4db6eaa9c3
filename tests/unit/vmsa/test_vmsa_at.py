"""AT instructions and PAR_EL1."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_vmsa_d128 import LEAF as D128_LEAF
from test_vmsa_d128 import OUTPUT, SECOND, THIRD
from test_vmsa_d128 import machine as d128_machine
from test_vmsa_stage2 import both_stages, guest
from vmsa_machine import (
    AF,
    AP_EL0,
    AP_READ_ONLY,
    DBM,
    DEVICE,
    LEAF,
    NON_CACHEABLE,
    TABLES,
    TCR,
    VA,
    Machine,
    make_access,
    what,
)

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import Feature
from harness.memory import PhysicalMemory, Region
from harness.vmsa.outcome import Fault

rule = pytest.mark.rule


def par(machine: Machine, operation: str, va: int = VA, el: int = 1, *, pan: bool = False) -> int:
    done = machine.ok(va, "at", operation=operation, el=el, pan=pan)
    assert done.par is not None
    return done.par


@rule("AArch64.EncodePAR")
def test_a_translation_that_succeeds_gives_address_attributes_and_shareability() -> None:
    assert par(Machine(), "S1E1R") == 0xFF00_0000_4000_0980
    assert par(Machine(leaf=LEAF | DEVICE), "S1E1R") == 0x0000_0000_4000_0900
    assert par(Machine(leaf=LEAF | NON_CACHEABLE), "S1E1R") == 0x4400_0000_4000_0900


@rule("AArch64.EncodePAR")
def test_the_64_bit_par_holds_address_bits_51_to_12() -> None:
    off = Machine(sctlr=0, pa_bits=56)
    assert par(off, "S1E1R", va=1 << 51 | 0x5ABC) == 1 << 51 | 0x5900
    assert par(off, "S1E1R", va=1 << 52 | 0x5ABC) == 0x5900


@rule("AArch64.PARFaultStatus")
def test_a_translation_that_fails_is_a_result_with_f_set() -> None:
    done = Machine(leaf=0).ok(kind="at", operation="S1E1R")
    assert (done.par, done.pa, done.attributes, done.updates) == (0x80F, 0, None, {})
    assert par(Machine(), "S1E1R", va=1 << 50) == 0x809
    assert par(Machine(leaf=LEAF & ~AF), "S1E1R") == 0x817


@rule("AArch64.AT")
@pytest.mark.parametrize(
    ("operation", "leaf", "allowed"),
    [
        ("S1E1R", 0, True), ("S1E1W", 0, True), ("S1E0R", 0, False), ("S1E0W", 0, False),
        ("S1E1R", AP_READ_ONLY, True), ("S1E1W", AP_READ_ONLY, False),
        ("S1E0R", AP_EL0 | AP_READ_ONLY, True), ("S1E0W", AP_EL0 | AP_READ_ONLY, False),
        ("S1E0W", AP_EL0, True),
    ],
)  # fmt: skip
def test_the_name_of_the_instruction_says_what_is_asked(
    operation: str, leaf: int, *, allowed: bool
) -> None:
    assert (par(Machine(leaf=LEAF | leaf), operation) & 1 == 0) is allowed


@rule("AArch64.AT")
@pytest.mark.parametrize("direction", ["R", "W"])
def test_only_the_forms_with_p_heed_pan(direction: str) -> None:
    user = Machine(leaf=LEAF | AP_EL0)
    assert par(user, f"S1E1{direction}P", pan=True) & 1 == 1
    assert par(user, f"S1E1{direction}P", pan=False) & 1 == 0
    assert par(user, f"S1E1{direction}", pan=True) & 1 == 0
    assert par(replace(user, features=frozenset()), f"S1E1{direction}P", pan=True) & 1 == 0


@rule("AArch64.SettingDirtyStatePermitted")
def test_at_sets_the_access_flag_but_never_the_dirty_state() -> None:
    leaf = LEAF & ~AF | AP_READ_ONLY | DBM
    machine = Machine(leaf=leaf, tcr=TCR | 0b11 << 39).having(Feature.HAFDBS)
    done = machine.ok(kind="at", operation="S1E1W")
    assert done.par is not None
    assert done.par & 1 == 0
    assert done.updates == {TABLES[3]: leaf | AF}


@rule("AArch64.AT")
def test_both_stages_are_asked_by_the_s12_forms_alone() -> None:
    machine = both_stages()
    assert par(machine, "S12E1R", el=2) & 0xFFFF_FFFF_F000 == 0x9000_0000
    assert par(machine, "S1E1R", el=2) & 0xFFFF_FFFF_F000 == 0x5000


@rule("AArch64.EncodePAR")
def test_a_stage_2_fault_sets_s_and_on_a_walk_ptw() -> None:
    assert par(both_stages(leaf=0), "S12E1R", el=2) == 0xA0F
    assert par(both_stages(tables=0), "S1E1R", el=2) == 0xB0F


@rule("AArch64.AT")
def test_at_el1_a_stage_2_fault_on_the_walk_is_an_exception() -> None:
    fault = both_stages(tables=0).fault(kind="at", operation="S1E1R", el=1)
    assert (what(fault), fault.s1ptw, fault.target_el) == (("translation", 3), True, 2)
    assert fault.esr == 0x9200_01C7
    assert fault.hpfar == 0x10
    assert par(both_stages(leaf=0), "S1E1R", el=1) & 1 == 0


@rule("AArch64.AT")
def test_an_external_abort_on_the_walk_is_an_exception() -> None:
    memory = PhysicalMemory([Region(PhysicalAddress(0x8000), 0x1000)])
    access = make_access(VA, "at", operation="S1E1R")
    outcome = Machine().mmu().translate(memory, access)
    assert isinstance(outcome, Fault)
    assert what(outcome) == ("external_on_walk", 1)
    assert outcome.esr == 0x9600_0155


@rule("AArch64.EncodePAR")
def test_par_tells_overlay_and_dirty_state() -> None:
    registers = {"TCR2_EL1": 1 << 1 | 1 << 3, "PIR_EL1": 0x55, "POR_EL1": 0}
    machine = Machine(registers=registers).having(Feature.TCR2, Feature.S1PIE)
    assert par(machine.having(Feature.S1POE), "S1E1R") == 0x481F | 0x0
    clean = machine.having(leaf=LEAF | AP_READ_ONLY)
    assert par(clean, "S1E1W") == 0x881F


@rule("PAREncodeShareability")
def test_par_shows_memory_that_stage_1_does_not_share() -> None:
    assert par(Machine(leaf=LEAF & ~(3 << 8)), "S1E1R") >> 7 & 3 == 0
    assert par(guest(), "S12E1R", va=0x5ABC, el=2) >> 7 & 3 == 2


@rule("AArch64.isPARFormatD128")
def test_with_128_bit_descriptors_par_has_its_128_bit_form() -> None:
    asked = d128_machine(SECOND | 1, THIRD | 1, 1 << 55 | D128_LEAF)
    assert (
        par(asked, "S1E1R", va=0xABC)
        == (1 << 55 | OUTPUT) >> 12 << 76 | 1 << 64 | 0x980 | 0xFF << 56
    )
    assert par(asked, "S1E1R", va=1 << 37) == 1 << 64 | 0x809
    assert par(Machine(), "S1E1R") >> 64 == 0
    second = replace(guest(), registers={**guest().registers, "TCR2_EL1": 1 << 5})
    assert par(second.having(Feature.D128, Feature.TCR2), "S12E1R", va=0x5ABC, el=2) >> 64 == 0
