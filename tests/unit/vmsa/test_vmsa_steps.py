"""The steps of a walk in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_vmsa_d128 import SECOND, THIRD
from test_vmsa_d128 import machine as d128_machine
from test_vmsa_stage2 import IPA, both_stages, guest
from vmsa_machine import (
    AF,
    AP_READ_ONLY,
    DEVICE,
    LEAF,
    OUTPUT,
    TABLES,
    TCR,
    VA,
    Machine,
    block,
    make_access,
)

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import Feature
from harness.memory import PhysicalMemory, Region
from harness.vmsa.outcome import Step


def last(machine: Machine, va: int = VA, kind: str = "read", **access: object) -> str:
    return machine.steps(va, kind, **access)[-1].decision


def test_each_lookup_is_a_step_with_table_index_address_and_descriptor() -> None:
    va = 7 << 12 | 0x10
    machine = Machine(words={TABLES[3] + 7 * 8: LEAF})
    first, second, third, end = machine.steps(va)
    assert first == Step(
        1, 1, PhysicalAddress(0x1000), 0, PhysicalAddress(0x1000), 0x2003,
        "table descriptor: level 2 table at 0x2000", "AArch64.DecodeDescriptorType", first.fields,
    )  # fmt: skip
    assert (second.level, second.descriptor) == (2, 0x3003)
    assert (third.index, third.address, third.table) == (7, 0x3038, 0x3000)
    assert third.decision == f"page of 4K at {OUTPUT:#x}"
    assert (end.level, end.descriptor, end.rule) == (None, None, "AArch64.FullTranslate")
    assert end.decision == "read at PA 0x40000010, Normal, inner WB, outer WB, ISH"


def test_asking_for_the_steps_does_not_change_the_outcome() -> None:
    machine = Machine()
    outcome, _ = machine.mmu().steps(machine.memory(), make_access(VA))
    assert outcome == machine.ask()


@pytest.mark.parametrize(
    ("leaf", "level", "words"),
    [
        (0, 2, "invalid: bit 0 is clear"),
        (0b01, 3, "invalid: bit 1 is clear, which is reserved at level 3"),
        (block(), 1, "block of 1G at 0x40000000"),
        (block(), 2, "block of 2M at 0x40000000"),
    ],
)
def test_the_last_lookup_says_which_bits_decided(leaf: int, level: int, words: str) -> None:
    assert Machine(leaf=leaf, level=level).steps(VA)[-2].decision == words


def test_a_block_at_a_level_that_has_none_is_named() -> None:
    large = Machine(leaf=block(), level=1, tcr=TCR & ~0x3F | 16)
    assert large.steps(VA)[-2].decision == (
        "invalid: this granule and format have no block at level 0"
    )
    huge = replace(large, tcr=large.tcr | 1 << 59).having(Feature.LPA2)
    assert huge.steps(VA)[-2].decision == "block of 512G at 0xc000000000000"


def test_hierarchical_attributes_that_are_set_are_shown() -> None:
    steps = Machine(tables=1 << 59 | 2 << 61).steps(VA)
    assert steps[0].decision.endswith("table at 0x2000, APTable = 2, PXNTable = 1")


@pytest.mark.parametrize(
    ("machine", "va", "words"),
    [
        (Machine(leaf=0), VA, "Translation fault, level 3: invalid: bit 0 is clear"),
        (Machine(), 1 << 50, "address bits above the input address size differ from bit 55"),
        (Machine(tcr=TCR | 1 << 7), VA, "EPDn disables walks in this half"),
        (Machine(leaf=LEAF & ~AF), VA, "AF (bit 10) is clear, and hardware does not set it"),
        (Machine(leaf=LEAF | DEVICE), VA | 1, "an access to Device memory is not aligned"),
        (Machine(leaf=LEAF | 1 << 41, pa_bits=40), VA, "beyond the output address size"),
        (guest(0), IPA, "Translation fault, level 3: invalid: bit 0 is clear"),
        (guest(), 1 << 40, "the IPA is larger than VTCR_EL2.T0SZ allows"),
    ],
)
def test_the_last_step_says_what_ended_the_translation(
    machine: Machine, va: int, words: str
) -> None:
    assert words in last(machine, va)


def test_a_permission_fault_shows_the_bits_that_decided() -> None:
    page = Machine(leaf=LEAF | AP_READ_ONLY)
    assert last(page, kind="write") == (
        "Permission fault, level 3: not allowed by AP[2:1] = 2, UXN = 0, PXN = 0, DBM = 0"
    )
    above = Machine(tables=1 << 62)
    assert last(above, kind="write").endswith(", and by the tables above")
    second = both_stages(leaf=OUTPUT | 0b11 | AF | 1 << 6 | 0b1111 << 2)
    assert last(second, kind="write") == (
        "Permission fault, level 3: not allowed by S2AP = 1, XN[1:0] = 0, DBM = 0"
    )
    indirect = Machine(registers={"TCR2_EL1": 2}).having(Feature.TCR2, Feature.S1PIE)
    assert "by the leaf's PIIndex" in last(indirect)


def test_an_external_abort_is_explained() -> None:
    memory = PhysicalMemory([Region(PhysicalAddress(0x8000), 0x1000)])
    _, steps = Machine().mmu().steps(memory, make_access(VA))
    assert steps[-1].decision.endswith("there is no memory at the descriptor's address")


def test_both_stages_appear_in_the_order_of_their_lookups() -> None:
    stages = [step.stage for step in both_stages().steps(VA)]
    assert stages == [2, 2, 2, 1] * 3 + [2, 2, 2, 2]


def test_an_at_instruction_ends_in_par() -> None:
    assert last(Machine(), kind="at", operation="S1E1R") == "PAR_EL1 = 0xff00000040000980"


def test_hardware_updates_are_counted() -> None:
    machine = Machine(leaf=LEAF & ~AF, tcr=TCR | 1 << 39).having(Feature.HAFDBS)
    assert last(machine).endswith("; hardware updates 1 descriptor word(s)")
    assert "Device-nGnRnE" in last(Machine(leaf=LEAF | DEVICE))


def test_small_128_bit_tables_are_shown_too() -> None:
    steps = d128_machine(SECOND | 1, THIRD | 1, OUTPUT | 1 | AF).steps(0)
    assert steps[0].decision == "table descriptor: level 2 table at 0x20000"
    assert steps[2].index == 0


def fields(step: Step) -> dict[str, int]:
    return {each.field.name: each.content for each in step.fields if each.content}


def test_descriptors_are_shown_with_their_fields_in_every_format() -> None:
    plain = Machine(leaf=LEAF | AP_READ_ONLY).steps(VA)
    assert fields(plain[0]) == {"Valid": 1, "Type": 1, "NLTA[47:12]": 2}
    assert fields(plain[2])["AP[2:1]"] == 2
    assert Machine(leaf=0).steps(VA)[2].fields == ()
    lpa2 = Machine(tcr=TCR | 1 << 59).having(Feature.LPA2).steps(VA)
    assert fields(lpa2[2])["OA[51:50]"] == 3
    granule = TCR & ~(0x3F | 0b11 << 14) | 22 | 0b01 << 14
    lpa = Machine(tcr=granule, words={0: block() | 3 << 12}, pa_bits=52).having(Feature.LPA)
    assert fields(lpa.steps(VA)[0])["OA[51:48]"] == 3
    wide = d128_machine(SECOND | 1, THIRD | 1, OUTPUT | 1 | AF | 5 << 115).steps(0)
    assert fields(wide[2])["PIIndex"] == 5
    stage2 = guest().steps(IPA)
    assert fields(stage2[2])["MemAttr"] == 0b1111


def test_fields_follow_indirect_permissions_and_overlays() -> None:
    registers = {"TCR2_EL1": 2 | 8, "PIR_EL1": 1, "POR_EL1": 7}
    machine = Machine(leaf=LEAF | 5 << 60, registers=registers)
    extended = machine.having(Feature.TCR2, Feature.S1PIE, Feature.S1POE)
    assert fields(extended.steps(VA)[2])["POIndex"] == 5
    assert "POIndex" not in fields(machine.steps(VA)[2])


def test_blocks_larger_than_a_gigabyte_have_a_unit() -> None:
    tcr = TCR & ~(0x3F | 0b11 << 14) | 16 | 0b01 << 14
    huge = Machine(tcr=tcr, leaf=block(), level=1, pa_bits=52).having(Feature.LPA)
    assert huge.steps(VA)[0].decision == "block of 4T at 0x0"


def test_a_permission_fault_names_the_tables_above_only_if_one_of_them_decides() -> None:
    read_only = 1 << 62
    plain = Machine(leaf=LEAF | AP_READ_ONLY)
    assert "by the tables above" not in last(plain, kind="write")
    assert "by the tables above" in last(replace(plain, tables=read_only), kind="write")
    nearest = replace(plain, words={TABLES[2]: TABLES[3] | 0b11 | read_only})
    assert "by the tables above" in last(nearest, kind="write")
