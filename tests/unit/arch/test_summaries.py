"""The sentence on the whole of a register."""

from __future__ import annotations

import pytest

from harness.arch.fields import Layout
from harness.arch.pstate import PSTATE
from harness.arch.registers import REGISTERS, par, tcr, ttbr
from harness.arch.summaries import summarise


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "TCR_EL1",
            0x0000_0032_B550_3510,
            ("TTBR0 has 48-bit VAs with the 4KB granule; "
            "TTBR1 has 48-bit VAs with the 4KB granule; "
            "output addresses of 40 bits, 1TB; ASIDs of 16 bits from TTBR1."),
        ),
        (
            "TCR_EL1",
            0x0000_0000_0000_C090,
            ("TTBR0 walks are disabled; TTBR1 has 64-bit VAs with the reserved granule; "
            "output addresses of 32 bits, 4GB; ASIDs of 8 bits from TTBR0."),
        ),
        ("TCR_EL2", 0x8082_3518, "40-bit VAs with the 4KB granule; PAs of 40 bits, 1TB."),
        (
            "SCTLR_EL1",
            0x34D5_D91D,
            ("The MMU is on, data caching on, instruction caching on; alignment checking off, "
            "WXN off."),
        ),
        (
            "TTBR1_EL1",
            0x0001_0000_81F3_F001,
            "The first table lies at 0x81f3f000; ASID 0x1.",
        ),
        ("VTTBR_EL2", 0x0002_0000_4000_0000, "The first table lies at 0x40000000; VMID 0x2."),
        (
            "PAR_EL1",
            0xFF00_0001_9960_0B80,
            ("The translation gave 0x199600000: "
            "Normal, Write-Back Read-Allocate Write-Allocate, Inner Shareable."),
        ),
        (
            "HCR_EL2",
            0x4_8800_0001,
            ("Stage 2 is on, default cacheability off; EL1 is AArch64; EL2 has the EL2&0 (E2H) "
            "regime; TGE on."),
        ),
        (
            "HCR_EL2",
            0x8000_1000,
            ("Stage 2 is off, default cacheability on; EL1 is AArch64; EL2 has the EL2 regime; "
            "TGE off."),
        ),
        (
            "VTCR_EL2",
            0x8002_3558,
            "40-bit IPAs with the 4KB granule; PAs of 40 bits, 1TB; SL0 1.",
        ),
        ("HPFAR_EL2", 0x40_1230, "The IPA 0x40123000 faulted, its bits 11:0 not told."),
        ("ESR_EL2", 0x5A00_0001, "HVC instruction in AArch64, immediate 0x1."),
        ("SPSR_EL1", 0x3C5, "EL1h: nzcv DAIF -PAN -UAO -TCO -DIT -SSBS BTYPE=--."),
        ("FAR_EL1", 0xFFFF_0000_1960_0000, "Fault Address Register (EL1): 0xffff000019600000."),
        (
            "ID_AA64MMFR1_EL1",
            0x100,
            "AArch64 Memory Model Feature Register 1: VH implemented.",
        ),
    ],
)  # fmt: skip
def test_a_register_is_told_in_one_sentence(name: str, value: int, sentence: str) -> None:
    assert summarise(REGISTERS[name].layout, value) == sentence


def test_mair_is_told_from_attribute_0_up() -> None:
    told = summarise(REGISTERS["MAIR_EL1"].layout, 0x04_0044_F0FF)
    assert told.startswith("AttrIndx 0 Normal, Write-Back Read-Allocate Write-Allocate; 1 ")
    assert "; 2 Normal, Non-cacheable; 3 Device-nGnRnE; 4 Device-nGnRE; " in told


@pytest.mark.parametrize(("name", "index"), [("POR_EL0", "POIndex"), ("PIRE0_EL1", "PIIndex")])
def test_permission_registers_are_told_by_index(name: str, index: str) -> None:
    assert summarise(REGISTERS[name].layout, 0x1).startswith(f"{index} 0 read")


@pytest.mark.parametrize(
    ("layout", "value", "sentence"),
    [
        (
            par.PAR_EL1_FAULT,
            0x80D,
            "The translation failed: Translation fault, level 2, of stage 1.",
        ),
        (
            par.PAR_EL1_FAULT,
            0xB0D,
            (
                "The translation failed: Translation fault, level 2, of stage 2, on the walk of "
                "stage 1."
            ),
        ),
        (
            par.PAR_EL1_D128,
            0x1234 << 76 | 1 << 64 | 0x44 << 56 | 0x900,
            "The translation gave 0x1234000: Normal, Non-cacheable, Outer Shareable.",
        ),
        (
            ttbr.TTBR0_EL1_D128,
            0x10 << 80 | 5 << 48 | 0x4_0000,
            "The first table lies at 0x10000000040000; ASID 0x5.",
        ),
        (PSTATE, 0x0, "EL0t: nzcv daif -PAN -UAO -TCO -DIT -SSBS BTYPE=--."),
    ],
)
def test_other_forms_of_a_register_are_told_too(layout: Layout, value: int, sentence: str) -> None:
    assert summarise(layout, value) == sentence


def test_tcr_el2_with_e2h_is_told_as_el1s() -> None:
    assert summarise(tcr.TCR_EL2_E2H, 0).startswith("TTBR0 has 64-bit VAs")
