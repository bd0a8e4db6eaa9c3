"""128-bit descriptors at stage 1 (FEAT_D128): skip levels, DisCH, contiguous runs, 56 bits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from vmsa_machine import SCTLR, TCR, Machine, what

from harness.arch.features import Feature
from harness.arch.implementation import Implementation, Misprogrammed
from harness.errors import UnsupportedError
from harness.vmsa.outcome import Fault

rule = pytest.mark.rule
AF, NT = 1 << 10, 1 << 6
ROOT, SECOND, THIRD = 0x1_0000, 0x2_0000, 0x3_0000
OUTPUT = 0x4000_0000
CONTIGUOUS, DISCH = 1 << 111, 1 << 112
DISCH0 = 1 << 14
LEAF = OUTPUT | 1 | AF | 3 << 8


def skl(levels: int) -> int:
    return levels << 109


def machine(
    root: int, second: int = 0, third: int = 0, *, index: int = 0, tg0: int = 0, **registers: int
) -> Machine:
    """Return a machine with 36 bits of address: 4K tables of 256 entries from level 1."""
    words = {}
    for address, descriptor in ((ROOT, root), (SECOND, second), (THIRD + index * 16, third)):
        words[address] = descriptor & 0xFFFF_FFFF_FFFF_FFFF
        words[address + 8] = descriptor >> 64
    values = {"TCR2_EL1": 1 << 5, "TTBR0_EL1": ROOT, "PIR_EL1": 0x7, **registers}
    tcr = TCR & ~(0x3F | 0b111 << 32 | 0b11 << 14) | 28 | 7 << 32 | tg0 << 14
    asked = Machine(sctlr=SCTLR, tcr=tcr, registers=values, words=words, pa_bits=56)
    return asked.having(Feature.D128, Feature.TCR2, Feature.S1PIE)


@rule("AArch64.S1StartLevel")
def test_128_bit_tables_resolve_one_address_bit_less_a_level() -> None:
    # 36 bits: 12 of the page, 8 a level.
    found = machine(SECOND | 1, THIRD | 1, LEAF).ok(0xABC)
    assert found.pa == OUTPUT + 0xABC


@rule("AArch64.DecodeDescriptorType")
@pytest.mark.parametrize(("root", "level"), [(0, 1), (SECOND | 1, 2)])
def test_an_invalid_descriptor_faults_at_its_level(root: int, level: int) -> None:
    assert what(machine(root).fault(0)) == ("translation", level)


@rule("AArch64.DecodeDescriptorType")
def test_skl_of_a_table_descriptor_skips_levels() -> None:
    # Level 1 with SKL = 1 leads to level 3, indexed by 16 bits.
    asked = machine(THIRD | 1 | skl(1), third=LEAF, index=5)
    assert asked.ok(5 << 12).pa == OUTPUT
    assert what(asked.fault(6 << 12)) == ("translation", 3)


@rule("AArch64.DecodeDescriptorType")
def test_skl_up_to_the_last_level_makes_a_block() -> None:
    block = machine(LEAF | skl(2))
    assert block.ok(0x0ABC_DEF0).pa == 0x4ABC_DEF0
    assert what(machine(LEAF | skl(3)).fault(0)) == ("translation", 1)


@rule("AArch64.DecodeDescriptorType")
def test_skl_of_3_is_reserved_with_16k_and_64k() -> None:
    asked = machine(LEAF | skl(3), tg0=2)
    assert what(replace(asked, tcr=asked.tcr & ~0x3F | 16).fault(0)) == ("translation", 0)


@rule("AArch64.S1StartLevel")
def test_skl_of_the_ttbr_skips_the_first_levels() -> None:
    skipping = machine(0, third=LEAF, TTBR0_EL1=ROOT | 1 << 1)
    assert what(skipping.fault(0)) == ("translation", 2)
    # The first table has 2^16 entries and is aligned to that: at 0, whatever the TTBR holds below.
    rooted = replace(skipping, words={**skipping.words, 0: THIRD | 1, 8: 0})
    assert rooted.ok(0).pa == OUTPUT
    with pytest.raises(UnsupportedError, match="SKL"):
        machine(0, TTBR0_EL1=ROOT | 3 << 1).ask(0)


@rule("AArch64.BlocknTFaults")
def test_nt_of_a_table_that_skips_levels_faults_by_choice() -> None:
    choices = Implementation(nt_bit=Misprogrammed.FAULT, bbm_level=2)
    skipping = machine(THIRD | 1 | NT | skl(1), third=LEAF)
    assert skipping.ok(0).pa == OUTPUT
    faulting = replace(skipping, choices=choices).having(Feature.BBM)
    assert (what(faulting.fault(0)), faulting.fault(0).rule) == (
        ("translation", 1),
        "AArch64.BlocknTFaults",
    )
    plain = replace(machine(SECOND | 1 | NT, THIRD | 1, LEAF), choices=choices)
    assert plain.having(Feature.BBM).ok(0).pa == OUTPUT
    block = replace(machine(LEAF | NT | skl(2)), choices=choices).having(Feature.BBM)
    assert what(block.fault(0)) == ("translation", 1)


@rule("AArch64.ContiguousBit")
def test_contiguous_runs_have_their_own_sizes() -> None:
    leaf = LEAF | CONTIGUOUS | 0xF000
    assert machine(SECOND | 1, THIRD | 1, leaf).ok(0).pa == OUTPUT
    assert machine(SECOND | 1, THIRD | 1, leaf & ~CONTIGUOUS).ok(0).pa == OUTPUT | 0xF000


@rule("AArch64.S1NextWalkStateTable")
def test_disch_of_the_table_above_disables_the_contiguous_bit() -> None:
    leaf = LEAF | CONTIGUOUS | 0xF000
    assert machine(SECOND | 1, THIRD | 1 | DISCH, leaf).ok(0).pa == OUTPUT | 0xF000
    assert machine(SECOND | 1 | DISCH, THIRD | 1, leaf).ok(0).pa == OUTPUT


@rule("AArch64.S1InitialTTWState")
def test_disch0_of_tcr2_disables_it_in_the_first_table() -> None:
    leaf = LEAF | CONTIGUOUS | skl(2) | 1 << 28
    assert machine(leaf).ok(0).pa == OUTPUT
    assert machine(leaf, TCR2_EL1=1 << 5 | DISCH0).ok(0).pa == OUTPUT | 1 << 28


@rule("AArch64.LeafBase")
def test_output_addresses_have_56_bits() -> None:
    asked = machine(SECOND | 1, THIRD | 1, LEAF | 1 << 55)
    assert asked.ok(0).pa == 1 << 55 | OUTPUT
    assert what(replace(asked, pa_bits=52).fault(0)) == ("address_size", 3)


@rule("AArch64.S1TTBaseAddress")
def test_a_128_bit_ttbr_holds_a_56_bit_base() -> None:
    far = 1 << 48 | ROOT
    asked = machine(SECOND | 1, THIRD | 1, LEAF, TTBR0_EL1=ROOT | 1 << 80)
    assert what(asked.fault(0)) == ("translation", 1)
    words = {**asked.words, far: SECOND | 1, far + 8: 0}
    assert replace(asked, words=words).ok(0).pa == OUTPUT


@rule("AArch64.S1TTWParamsEL10")
def test_permissions_are_indirect_by_bits_118_to_115() -> None:
    indexed = machine(SECOND | 1, THIRD | 1, LEAF | 2 << 115, PIR_EL1=0x100)
    assert indexed.ok(0).pa == OUTPUT
    assert what(indexed.fault(0, "write")) == ("permission", 3)


@rule("AArch64.S1OverlayPermissions")
def test_the_overlay_index_stands_in_bits_124_to_121() -> None:
    leaf = LEAF | 9 << 121
    poe = {"TCR2_EL1": 1 << 5 | 1 << 3, "POR_EL1": 1 << 36}
    asked = machine(SECOND | 1, THIRD | 1, leaf, **poe).having(Feature.S1POE)
    assert asked.ok(0).pa == OUTPUT
    assert what(asked.fault(0, "write")) == ("permission", 3)


@rule("AArch64.MemSwapTableDesc")
def test_hardware_updates_change_the_low_word() -> None:
    asked = machine(SECOND | 1, THIRD | 1, (LEAF & ~AF) | 5 << 121)
    asked = replace(asked, tcr=asked.tcr | 1 << 39).having(Feature.HAFDBS)
    assert asked.ok(0).updates == {THIRD: LEAF & 0xFFFF_FFFF_FFFF_FFFF}


@rule("AArch64.S1MinTxSZ")
@pytest.mark.parametrize(("features", "smallest"), [((), 16), ((Feature.LVA3,), 9)])
def test_lva3_allows_55_bits_of_address(features: tuple[Feature, ...], smallest: int) -> None:
    asked = machine(0)
    tiny = replace(asked, tcr=asked.tcr & ~0x3F | 5).having(*features)
    found = tiny.mmu().context.stage1(0).walk
    assert found is not None
    assert found.ia_bits == 64 - smallest


def test_a_128_bit_table_in_no_memory_is_an_external_abort() -> None:
    class Half:
        """Has the low word of every descriptor, and no high one."""

        def read64(self, address: int) -> int | None:
            return None if address & 8 else 1

    access = machine(0).mmu()
    from vmsa_machine import make_access

    outcome = access.translate(Half(), make_access(0))
    assert isinstance(outcome, Fault)
    assert what(outcome) == ("external_on_walk", 1)
