"""Lookups: what a descriptor is, next tables, leaves, contiguous runs, nT, output sizes."""

from __future__ import annotations

import pytest
from vmsa_machine import (
    AF,
    CONTIGUOUS,
    LEAF,
    NT,
    OUTPUT,
    PAGE,
    TABLES,
    TCR,
    VA,
    Machine,
    block,
    make_access,
    what,
)

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import DescriptorType
from harness.arch.features import Feature
from harness.arch.granule import Granule
from harness.arch.implementation import Implementation, Misprogrammed
from harness.memory import PhysicalMemory, Region
from harness.vmsa.descriptor import classify, contiguous_bits
from harness.vmsa.outcome import Fault

PLAIN = Machine()
rule = pytest.mark.rule
K4, K16, K64 = Granule.K4, Granule.K16, Granule.K64


@rule("AArch64.DecodeDescriptorType")
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_clear_valid_bit_is_a_translation_fault_at_its_level(level: int) -> None:
    fault = Machine(leaf=LEAF & ~1, level=level).fault()
    assert what(fault) == ("translation", level)
    assert fault.rule == "AArch64.DecodeDescriptorType"


@rule("AArch64.DecodeDescriptorType")
@pytest.mark.parametrize(
    ("descriptor", "level", "granule", "expected"),
    [
        (0b11, 3, K4, DescriptorType.PAGE),
        (0b01, 3, K4, DescriptorType.INVALID),
        (0b10, 3, K4, DescriptorType.INVALID),
        (0b11, 2, K4, DescriptorType.TABLE),
        (0b01, 2, K4, DescriptorType.BLOCK),
        (0b01, 1, K4, DescriptorType.BLOCK),
        (0b01, 0, K4, DescriptorType.INVALID),
        (0b11, 0, K4, DescriptorType.TABLE),
        (0b11, -1, K4, DescriptorType.TABLE),
        (0b01, -1, K4, DescriptorType.INVALID),
        (0b01, 2, K16, DescriptorType.BLOCK),
        (0b01, 1, K16, DescriptorType.INVALID),
        (0b01, 2, K64, DescriptorType.BLOCK),
        (0b01, 1, K64, DescriptorType.INVALID),
        (0b00, 1, K64, DescriptorType.INVALID),
        (0x00E8000199600704, 2, K4, DescriptorType.INVALID),
        (0x00E8000199600705, 2, K4, DescriptorType.BLOCK),
    ],
)
def test_two_bits_and_the_level_say_what_a_descriptor_is(
    descriptor: int, level: int, granule: Granule, expected: DescriptorType
) -> None:
    assert classify(descriptor, level, granule) is expected


@rule("AArch64.BlockDescSupported")
def test_larger_blocks_exist_with_52_bit_addresses() -> None:
    assert classify(0b01, 0, K4, ds=True) is DescriptorType.BLOCK
    assert classify(0b01, 1, K16, ds=True) is DescriptorType.BLOCK
    assert classify(0b01, 1, K64, pa_bits=52) is DescriptorType.BLOCK
    assert classify(0b01, 0, K16, ds=True) is DescriptorType.INVALID


@rule("AArch64.LeafBase")
@pytest.mark.parametrize(("level", "size"), [(1, 1 << 30), (2, 1 << 21), (3, 1 << 12)])
def test_a_leaf_maps_all_the_bytes_of_its_level(level: int, size: int) -> None:
    machine = Machine(leaf=LEAF if level == 3 else block(), level=level)
    assert machine.ok(size - 4).pa == OUTPUT + size - 4


@rule("AArch64.LeafBase")
def test_address_bits_of_a_block_below_its_size_are_ignored() -> None:
    assert Machine(leaf=block() | 1 << 20, level=2).ok().pa == OUTPUT + VA
    assert Machine(leaf=block() | 1 << 21, level=2).ok().pa == OUTPUT + (1 << 21) + VA


@rule("AArch64.S1NextWalkStateTable")
def test_each_level_is_indexed_by_its_own_address_bits() -> None:
    va = 5 << 30 | 6 << 21 | 7 << 12 | 0x10
    words = {
        TABLES[1] + 5 * 8: 0xA000 | PAGE,
        0xA000 + 6 * 8: 0xB000 | PAGE,
        0xB000 + 7 * 8: LEAF,
    }
    assert Machine(words=words).ok(va).pa == OUTPUT + 0x10


@rule("AArch64.OAOutOfRange")
def test_a_next_table_beyond_the_output_size_is_reported_at_the_table_descriptors_level() -> None:
    words = {TABLES[2]: 1 << 45 | TABLES[3] | PAGE, 1 << 45 | TABLES[3]: LEAF}
    assert what(Machine(words=words, pa_bits=44).fault()) == ("address_size", 2)
    assert Machine(words=words).ok().pa == OUTPUT + VA


@rule("AArch64.OAOutOfRange")
def test_an_output_address_beyond_the_output_size_comes_before_the_access_flag() -> None:
    leaf = (LEAF | 1 << 40) & ~AF
    small = Machine(leaf=leaf, tcr=TCR & ~(0b111 << 32) | 2 << 32)
    assert what(small.fault()) == ("address_size", 3)
    assert what(Machine(leaf=leaf).fault()) == ("access_flag", 3)


@rule("AArch64.PhysicalAddressSize")
@pytest.mark.parametrize(("ips", "bits"), [(0, 32), (1, 36), (2, 40), (3, 42), (4, 44), (5, 48)])
def test_ips_limits_output_addresses(ips: int, bits: int) -> None:
    tcr = TCR & ~(0b111 << 32) | ips << 32
    assert Machine(leaf=LEAF | 1 << bits - 1, tcr=tcr).ok().pa >> bits - 1 == 1
    if bits < 48:
        assert what(Machine(leaf=LEAF | 1 << bits, tcr=tcr).fault()) == ("address_size", 3)


@rule("AArch64.PhysicalAddressSize")
def test_no_output_address_is_larger_than_the_machine_implements() -> None:
    machine = Machine(leaf=LEAF | 1 << 40, pa_bits=40)
    assert what(machine.fault()) == ("address_size", 3)


@rule("AArch64.S1Walk")
def test_a_table_in_no_memory_is_an_external_abort_at_the_level_of_its_lookup() -> None:
    memory = PhysicalMemory([Region(PhysicalAddress(TABLES[1]), 0x1000)])
    memory.write64(PhysicalAddress(TABLES[1]), TABLES[2] | PAGE)
    outcome = PLAIN.mmu().translate(memory, make_access(VA))
    assert isinstance(outcome, Fault)
    assert what(outcome) == ("external_on_walk", 2)
    assert outcome.esr & 0x3F == 0x16


@rule("AArch64.S1Walk")
def test_a_clear_access_flag_faults_where_hardware_does_not_set_it() -> None:
    fault = Machine(leaf=LEAF & ~AF).fault()
    assert what(fault) == ("access_flag", 3)
    assert fault.rule == "AArch64.S1Walk"
    assert what(Machine(leaf=block() & ~AF, level=2).fault()) == ("access_flag", 2)


@rule("AArch64.ContiguousBit")
def test_a_contiguous_run_takes_its_low_output_bits_from_the_address() -> None:
    # Bits 15:12 of the output come from the address, even where the descriptor's differ.
    leaf = LEAF | CONTIGUOUS | 0x5000
    assert Machine(leaf=leaf).ok().pa == OUTPUT + VA
    assert Machine(leaf=leaf & ~CONTIGUOUS).ok().pa == OUTPUT + 0x5000 + VA


@rule("AArch64.ContiguousBit")
@pytest.mark.parametrize(
    ("granule", "d128", "entries"),
    [
        (K4, False, (1, 16, 16, 16)), (K16, False, (1, 1, 32, 128)), (K64, False, (1, 1, 32, 32)),
        (K4, True, (1, 4, 16, 16)), (K16, True, (1, 4, 16, 64)), (K64, True, (1, 1, 64, 16)),
    ],
)  # fmt: skip
def test_the_entries_of_a_contiguous_run_depend_on_granule_and_level(
    granule: Granule, *, d128: bool, entries: tuple[int, ...]
) -> None:
    assert tuple(1 << bits for bits in contiguous_bits(granule, d128=d128)) == entries


@rule("AArch64.ContiguousBitFaults")
def test_a_contiguous_run_larger_than_the_input_range_faults_by_choice() -> None:
    # 33 bits of address: a level 1 run of 16 GiB does not fit.
    tcr = TCR & ~0x3F | 31
    machine = Machine(leaf=block() | CONTIGUOUS, level=1, tcr=tcr)
    assert machine.ok().pa == VA
    faulting = Implementation(contiguous_misprogrammed=Misprogrammed.FAULT)
    fault = Machine(leaf=block() | CONTIGUOUS, level=1, tcr=tcr, choices=faulting).fault()
    assert what(fault) == ("translation", 1)
    assert fault.rule == "AArch64.ContiguousBitFaults"
    fitting = Machine(leaf=block() | CONTIGUOUS, level=2, tcr=tcr, choices=faulting)
    assert fitting.ok().pa == OUTPUT + VA


@rule("AArch64.BlocknTFaults")
@pytest.mark.parametrize("bbm_level", [1, 2])
def test_a_block_with_nt_faults_by_choice_at_bbm_levels_1_and_2(bbm_level: int) -> None:
    choices = Implementation(nt_bit=Misprogrammed.FAULT, bbm_level=bbm_level)
    machine = Machine(leaf=block() | NT, level=2, choices=choices).having(Feature.BBM)
    fault = machine.fault()
    assert what(fault) == ("translation", 2)
    assert fault.rule == "AArch64.BlocknTFaults"


@rule("AArch64.BlocknTFaults")
def test_nt_is_ignored_without_the_feature_the_choice_the_level_or_the_block() -> None:
    choices = Implementation(nt_bit=Misprogrammed.FAULT, bbm_level=1)
    blocked = Machine(leaf=block() | NT, level=2, choices=choices)
    assert blocked.ok().pa == OUTPUT + VA
    for ignoring in (
        Implementation(nt_bit=Misprogrammed.IGNORE, bbm_level=1),
        Implementation(nt_bit=Misprogrammed.FAULT, bbm_level=0),
    ):
        assert blocked.having(Feature.BBM, choices=ignoring).ok().pa == OUTPUT + VA
    assert blocked.having(Feature.BBM, leaf=block()).ok().pa == OUTPUT + VA
    page = Machine(leaf=LEAF | NT, choices=choices).having(Feature.BBM)
    assert page.ok().pa == OUTPUT + 0x10000 + VA


@rule("AArch64.NextTableBase")
def test_lpa_keeps_the_highest_address_bits_in_bits_15_to_12() -> None:
    tcr = TCR & ~(0x3F | 0b11 << 14 | 0b111 << 32) | 22 | 0b01 << 14 | 6 << 32
    leaf = LEAF & ~0b10 | 0b0011 << 12
    # The table is 64K and aligned to that, whatever TTBR0_EL1 holds below: here at 0.
    machine = Machine(words={0: leaf}, tcr=tcr, pa_bits=52)
    assert machine.having(Feature.LPA).ok().pa == 3 << 48 | OUTPUT & -(1 << 29) | VA
    assert machine.ok().pa == OUTPUT & -(1 << 29) | VA


@rule("AArch64.LeafBase")
def test_lpa2_keeps_the_highest_address_bits_in_bits_9_and_8() -> None:
    tcr = TCR | 1 << 59 | 6 << 32
    machine = Machine(leaf=LEAF | 1 << 49, tcr=tcr, pa_bits=52)
    # Bits 9:8, which are SH otherwise, are 0b11 in this leaf: OA bits 51:50.
    assert machine.having(Feature.LPA, Feature.LPA2).ok().pa == 0b1110 << 48 | OUTPUT + VA
    assert machine.having(Feature.LPA).ok().pa == OUTPUT + VA


@rule("AArch64.S1TTBaseAddress")
def test_a_ttbr_holds_address_bits_51_to_48_in_its_bits_5_to_2_with_lpa2() -> None:
    far = {5 << 48 | TABLES[1]: 2 * OUTPUT | 1 | AF}
    machine = Machine(
        tcr=TCR | 1 << 59 | 6 << 32,
        pa_bits=52,
        registers={"TTBR0_EL1": TABLES[1] | 5 << 2},
        words=far,
    )
    assert machine.having(Feature.LPA, Feature.LPA2).ok().pa == 2 * OUTPUT + VA
    # Without FEAT_LPA2 the bits 5:2 are no address bits, and the base is aligned to its size.
    assert machine.ok().pa == OUTPUT + VA


@rule("AArch64.S1TTBaseAddress")
def test_with_64k_a_ttbr_holds_52_bits_only_where_ips_says_so() -> None:
    tcr = TCR & ~(0x3F | 0b11 << 14 | 0b111 << 32) | 22 | 0b01 << 14
    block_at = OUTPUT & -(1 << 29) | 1 | AF
    words = {5 << 48: block_at, 0: 2 * block_at & -(1 << 29) | 1 | AF}
    machine = Machine(pa_bits=52, registers={"TTBR0_EL1": 5 << 2}, words=words)
    machine = machine.having(Feature.LPA)
    assert machine.having(tcr=tcr | 6 << 32).ok().pa == OUTPUT + VA
    assert machine.having(tcr=tcr | 5 << 32).ok().pa == 2 * OUTPUT + VA


@rule("AArch64.S1StartLevel")
@pytest.mark.parametrize(
    ("tg0", "t0sz", "level"),
    [
        (0, 16, 0), (0, 24, 0), (0, 25, 1), (0, 33, 1), (0, 34, 2), (2, 16, 0), (2, 17, 1),
        (2, 27, 1), (2, 28, 2), (1, 16, 1), (1, 21, 1), (1, 22, 2),
    ],
)  # fmt: skip
def test_the_size_of_the_region_decides_the_first_level(tg0: int, t0sz: int, level: int) -> None:
    tcr = TCR & ~(0x3F | 0b11 << 14) | t0sz | tg0 << 14
    found = Machine(tcr=tcr).mmu().context.stage1(VA).walk
    assert found is not None
    assert found.start_level == level


@rule("AArch64.S1StartLevel")
def test_lpa2_starts_at_level_minus_1_for_more_than_48_bits() -> None:
    tcr = TCR & ~0x3F | 12 | 1 << 59 | 6 << 32
    words = {TABLES[1]: 0}
    machine = Machine(tcr=tcr, pa_bits=52, words=words)
    fault = machine.having(Feature.LPA, Feature.LPA2, Feature.LVA).fault()
    assert what(fault) == ("translation", -1)
    assert fault.esr & 0x3F == 0x2B
