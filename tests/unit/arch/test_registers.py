"""Registers: fields at the positions of a second source, reserved bits, known values."""

from __future__ import annotations

import gzip
import json

import pytest
from shared_data import shared_data

from harness.arch.fault_status import decode_fault_status
from harness.arch.fields import Field, Kind, Layout
from harness.arch.registers import (
    BY_ENCODING,
    FAMILIES,
    REGISTERS,
    Encoding,
    control,
    exceptions,
    far,
    hcr,
    id_mmfr,
    mair,
    par,
    pir,
    por,
    sctlr,
    tcr,
    tcr2,
    tcr_el2,
    ttbr,
    vtcr,
)

LAYOUTS = [
    layout
    for register in REGISTERS.values()
    for layout in (register.layout, register.layout_e2h, register.layout_d128)
    if layout is not None
]

RESERVED = {
    # Bits that are RES0 in each register, as the kernel's own table of registers has them.
    "TCR_EL1": (0xC000_0008_0000_0040, 0),
    "TCR2_EL1": (0xFFFF_FFFF_FFC8_33C0, 0),
    "SCTLR_EL1": (1 << 17, 0),
    "VTCR_EL2": (0xFFFF_CC80_0190_0000, 1 << 31),
    "HCR_EL2": (0, 0),
    "TCR_EL2": (0xFFFF_FFFC_0008_00C0, 1 << 31 | 1 << 23),
    "ID_AA64MMFR0_EL1": (0x00FF_0000_0000_0000, 0),
    "ID_AA64MMFR1_EL1": (0, 0),
    "ID_AA64MMFR2_EL1": (0x0000_F000_0000_0000, 0),
    "ID_AA64MMFR3_EL1": (0x000F_0000_0000_0000, 0),
    "ID_AA64MMFR4_EL1": (0xFFFF_0F0F_0000_0000, 0),
    "TTBR0_EL1": (0, 0),
    "CONTEXTIDR_EL1": (0xFFFF_FFFF_0000_0000, 0),
    "DCZID_EL0": (0xFFFF_FFFF_FFFF_FFE0, 0),
    "PIR_EL1": (0, 0),
}


def mask_of(layout: Layout, kind: Kind) -> int:
    """Return all bits of one kind."""
    mask = 0
    for part in layout:
        if part.kind is kind:
            mask |= part.mask
    return mask


@pytest.mark.parametrize("name", RESERVED)
def test_reserved_bits_are_those_of_a_second_source(name: str) -> None:
    layout = REGISTERS[name].layout
    assert (mask_of(layout, Kind.RES0), mask_of(layout, Kind.RES1)) == RESERVED[name]


POSITIONS = [
    (tcr.T0SZ, 5, 0),
    (tcr.TG0, 15, 14),
    (tcr.T1SZ, 21, 16),
    (tcr.A1, 22, 22),
    (tcr.TG1, 31, 30),
    (tcr.IPS, 34, 32),
    (tcr.AS, 36, 36),
    (tcr.TBI1, 38, 38),
    (tcr.HA, 39, 39),
    (tcr.HD, 40, 40),
    (tcr.HPD0, 41, 41),
    (tcr.TBID1, 52, 52),
    (tcr.E0PD1, 56, 56),
    (tcr.DS, 59, 59),
    (tcr2.PIE, 1, 1),
    (tcr2.POE, 3, 3),
    (tcr2.D128, 5, 5),
    (tcr2.DISCH0, 14, 14),
    (tcr_el2.PS, 18, 16),
    (tcr_el2.TBI, 20, 20),
    (tcr_el2.HPD, 24, 24),
    (tcr_el2.DS, 32, 32),
    (sctlr.M, 0, 0),
    (sctlr.A, 1, 1),
    (sctlr.NAA, 6, 6),
    (sctlr.WXN, 19, 19),
    (sctlr.SPAN, 23, 23),
    (sctlr.EE, 25, 25),
    (sctlr.EPAN, 57, 57),
    (hcr.VM, 0, 0),
    (hcr.PTW, 2, 2),
    (hcr.DC, 12, 12),
    (hcr.TGE, 27, 27),
    (hcr.RW, 31, 31),
    (hcr.CD, 32, 32),
    (hcr.E2H, 34, 34),
    (hcr.FWB, 46, 46),
    (vtcr.SL0, 7, 6),
    (vtcr.PS, 18, 16),
    (vtcr.SL2, 33, 33),
    (vtcr.ASSURED_ONLY, 34, 34),
    (vtcr.S2PIE, 36, 36),
    (vtcr.D128, 38, 38),
    (ttbr.ASID, 63, 48),
    (ttbr.SKL, 2, 1),
    (par.FST, 6, 1),
    (par.S, 9, 9),
    (par.ATTR, 63, 56),
    (far.FIPA, 47, 4),
    (control.RW, 10, 10),
    (control.TCR2_EN, 43, 43),
    (exceptions.VBA, 63, 11),
]


@pytest.mark.parametrize(("field", "msb", "lsb"), POSITIONS)
def test_fields_stand_where_the_manual_has_them(field: Field, msb: int, lsb: int) -> None:
    assert (field.msb, field.lsb) == (msb, lsb)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.long_name)
def test_every_field_has_a_name_of_its_own_and_values_that_fit(layout: Layout) -> None:
    named = [part for part in layout if part.kind is Kind.VALUE]
    assert len({part.name for part in named}) == len(named)
    for part in named:
        assert all(0 <= value < 1 << part.width for value in part.values)
        assert part.feature is None or part.feature.startswith("FEAT_")


def test_a_register_has_one_name_and_one_encoding() -> None:
    declared = [register.name for family in FAMILIES for register in family.REGISTERS]
    assert len(declared) == len(set(declared)) == len(REGISTERS) == len(BY_ENCODING)
    assert BY_ENCODING[Encoding(3, 0, 2, 0, 2)].name == "TCR_EL1"


def test_an_encoding_is_the_tuple_of_its_numbers() -> None:
    assert REGISTERS["TTBR1_EL1"].encoding == (3, 0, 2, 0, 1)
    assert REGISTERS["TTBR1_EL1"].encoding.generic_name == "S3_0_C2_C0_1"


def test_tcr_of_a_kernel_with_48_bit_addresses_reads_as_such() -> None:
    # TCR_EL1 of a kernel with 4K pages, as a crash dump's notes give it.
    value = 0x0000_0032_B550_3510
    assert (tcr.T0SZ.get(value), tcr.T1SZ.get(value)) == (16, 16)
    assert (tcr.TG0.meaning(value), tcr.TG1.meaning(value)) == ("4KB", "4KB")
    assert tcr.SH1.meaning(value) == "Inner Shareable"
    assert tcr.IPS.meaning(value) == "40 bits, 1TB"
    assert (tcr.A1.get(value), tcr.AS.get(value), tcr.TBI0.get(value)) == (1, 1, 1)
    assert not any(each.reserved for each in tcr.TCR_EL1.decode(value))


def test_the_granule_codes_of_the_two_halves_differ() -> None:
    assert [tcr.TG0.values[code] for code in range(4)] == ["4KB", "64KB", "16KB", "reserved"]
    assert [tcr.TG1.values[code] for code in range(4)] == ["reserved", "16KB", "4KB", "64KB"]


def test_sctlr_of_a_kernel_has_the_mmu_and_the_caches_on() -> None:
    value = 0x34D5_D91D
    on = [part.name for part in sctlr.SCTLR_EL1 if part.get(value)]
    assert {"M", "C", "I", "SA", "SA0", "DZE", "UCT", "UCI", "SPAN"} <= set(on)
    assert sctlr.A.get(value) == sctlr.WXN.get(value) == sctlr.EE.get(value) == 0


def test_tcr_el2_has_the_form_of_el1_only_while_e2h_is_1() -> None:
    register = REGISTERS["TCR_EL2"]
    assert register.layout["PS"].lsb == 16
    assert register.layout_e2h is not None
    assert register.layout_e2h["T1SZ"] is tcr.T1SZ


@pytest.mark.parametrize(
    ("attribute", "meaning"),
    [
        (0xFF, "Normal, Write-Back Read-Allocate Write-Allocate"),
        (0x44, "Normal, Non-cacheable"),
        (0x00, "Device-nGnRnE"),
        (0x04, "Device-nGnRE"),
        (0x08, "Device-nGRE"),
        (0x0C, "Device-GRE"),
        (0x01, "Device-nGnRnE, XS = 0 (FEAT_XS)"),
        (0x40, "Normal, Non-cacheable, XS = 0 (FEAT_XS)"),
        (0xBB, "Normal, Write-Through Read-Allocate Write-Allocate"),
        (0x4F, "Normal, inner Write-Back Read-Allocate Write-Allocate, outer Non-cacheable"),
        (0x17, ("Normal, inner Write-Back transient Read-Allocate Write-Allocate, "
               "outer Write-Through transient Write-Allocate")),
        (0xEE, "Normal, Write-Back Read-Allocate"),
        (0x02, "reserved"),
        (0x0E, "reserved"),
        (0x50, "reserved"),
    ],
)  # fmt: skip
def test_a_memory_attribute_reads_as_the_manual_tables_it(attribute: int, meaning: str) -> None:
    assert mair.ATTR[3].meaning(attribute << 24) == meaning


def test_a_tagged_attribute_is_write_back() -> None:
    assert "Tagged, Write-Back" in mair.ATTRIBUTE_MEANINGS[0xF0]


def test_par_says_itself_which_form_it_has() -> None:
    assert par.par_layout(0xFF00_0001_9960_0B80) is par.PAR_EL1
    assert par.par_layout(0x80D) is par.PAR_EL1_FAULT
    assert par.par_layout(1 << 64) is par.PAR_EL1_D128
    assert par.par_layout(1 << 64 | 1) is par.PAR_EL1_D128_FAULT
    assert par.PA_D128.meaning(0x12345 << 76) == "0x12345000"


def test_permission_registers_hold_sixteen_indices() -> None:
    value = 0x7531_0000_0000_CE8A
    assert pir.PERM[0].meaning(value) == "read, execute"
    assert pir.PERM[3].meaning(value) == "read, write"
    assert pir.PERM[15].meaning(value) == "read, write, execute; overlay applied"
    assert pir.PERM_STAGE2[2].meaning(value) == "read, write, privileged execute (RW+pX)"
    assert por.PERM[15].meaning(value) == "read, write, execute"
    assert por.PERM[0].meaning(0xF) == "reserved"


def test_hpfar_holds_the_page_of_the_ipa() -> None:
    assert far.FIPA.meaning(0x8_0000_0000) == "0x80000000000"
    assert far.FIPA.meaning(0x40_1230) == "0x40123000"


def test_id_registers_of_a_core_read_as_facts() -> None:
    # What the machine's core reports: 44-bit physical addresses, 16-bit ASIDs.
    assert id_mmfr.ID_AA64MMFR0_EL1["PARange"].meaning(0x1124) == "44 bits"
    assert id_mmfr.ID_AA64MMFR0_EL1["ASIDBits"].meaning(0x1124) == "16 bits"
    assert id_mmfr.ID_AA64MMFR1_EL1["PAN"].meaning(0x21_1120) == "FEAT_PAN2"
    assert id_mmfr.ID_AA64MMFR1_EL1["VH"].meaning(0x21_1120) == "implemented"
    assert id_mmfr.ID_AA64MMFR2_EL1["BBM"].meaning(2 << 52) == "level 2"


@pytest.mark.parametrize("category", ["at", "s2at"])
def test_par_as_arms_specification_writes_it_reads_as_a_fault_or_an_address(category: str) -> None:
    failed = 0
    with gzip.open(shared_data() / "spec" / f"{category}.jsonl.gz", "rt") as lines:
        answers = [json.loads(line)["expect"] for line in lines]
    values = [int(answer["par"], 16) for answer in answers if "par" in answer]
    for value in values:
        if par.par_layout(value) is par.PAR_EL1_FAULT:
            failed += 1
            assert decode_fault_status(par.FST.get(value)) is not None
            # A fault on the walk of stage 1 can only be one of stage 2.
            assert par.S.get(value) >= par.PTW.get(value)
        assert value & (1 << 11)
    assert 0 < failed < len(values)
