"""What faults before the first lookup: ranges, E0PD, EPD, the first table's address."""

from __future__ import annotations

import pytest
from vmsa_machine import HIGH, TABLES, TCR, VA, Machine, make_access, what

from harness.arch.features import Feature
from harness.arch.implementation import Implementation, OutOfRange, ReservedGranule
from harness.errors import UnsupportedError

PLAIN = Machine()
rule = pytest.mark.rule


def tcr(t0sz: int, *, more: int = 0) -> int:
    return TCR & ~0x3F | t0sz | more


@rule("AArch64.S1Translate")
def test_a_page_is_translated_with_its_offset() -> None:
    assert PLAIN.ok().pa == 0x4000_0ABC


@rule("AArch64.VAIsOutOfRange")
@pytest.mark.parametrize("va", [1 << 39, 1 << 47, 1 << 54, 0x00FF_0000_0000_0000])
def test_an_address_bit_above_the_input_size_is_a_translation_fault_at_level_0(va: int) -> None:
    fault = PLAIN.fault(va)
    assert what(fault) == ("translation", 0)
    assert fault.rule == "AArch64.VAIsOutOfRange"


@rule("AArch64.GetVARange")
@rule("AArch64.VAIsOutOfRange")
def test_the_upper_half_needs_ones_above_the_input_size() -> None:
    assert PLAIN.ok(HIGH).pa == 0x4000_0ABC
    assert what(PLAIN.fault(HIGH & ~(1 << 40))) == ("translation", 0)


@rule("AddrTop")
def test_the_top_byte_is_ignored_with_tbi_only() -> None:
    tagged = 0xAB << 56 | VA
    ignoring = Machine(tcr=TCR | 1 << 37)
    assert what(PLAIN.fault(tagged)) == ("translation", 0)
    assert ignoring.ok(tagged).pa == 0x4000_0ABC
    assert ignoring.ok(tagged, "fetch").pa == 0x4000_0ABC


@rule("AddrTop")
def test_tbid_takes_fetches_out_of_tbi() -> None:
    machine = Machine(tcr=TCR | 1 << 37 | 1 << 51)
    tagged = 0xAB << 56 | VA
    assert machine.ok(tagged).pa == 0x4000_0ABC
    assert what(machine.fault(tagged, "fetch")) == ("translation", 0)


@rule("AArch64.S1TxSZFaults")
def test_a_region_smaller_than_the_architecture_allows_is_clamped_or_faults_by_choice() -> None:
    # 25 bits of address are the fewest without FEAT_TTST: the walk starts at level 2.
    small = {TABLES[1]: TABLES[3] | 0b11}
    clamping = Machine(tcr=tcr(45), words=small)
    assert clamping.ok().pa == 0x4000_0ABC
    assert what(clamping.fault(1 << 25)) == ("translation", 0)
    faulting = Machine(
        tcr=tcr(45), words=small, choices=Implementation(txsz_above_max=OutOfRange.FAULT)
    )
    fault = faulting.fault()
    assert what(fault) == ("translation", 0)
    assert fault.rule == "AArch64.S1TxSZFaults"


@rule("AArch64.MaxTxSZ")
def test_feat_ttst_allows_smaller_regions() -> None:
    choices = Implementation(txsz_above_max=OutOfRange.FAULT)
    words = {TABLES[1]: PLAIN.leaf}
    machine = Machine(tcr=tcr(44), words=words, choices=choices)
    assert what(machine.fault()) == ("translation", 0)
    assert machine.having(Feature.TTST).ok().pa == 0x4000_0ABC
    assert what(machine.having(Feature.TTST, tcr=tcr(49)).fault()) == ("translation", 0)


@rule("AArch64.S1MinTxSZ")
def test_a_region_larger_than_48_bits_is_clamped_or_faults_by_choice() -> None:
    clamping = Machine(tcr=tcr(12), words={TABLES[1]: TABLES[2] | 0b11, TABLES[2]: 0})
    # Clamped to 48 bits, the walk starts at level 0 and ends at level 1.
    assert what(clamping.fault()) == ("translation", 1)
    assert what(clamping.fault(1 << 49)) == ("translation", 0)
    faulting = Machine(tcr=tcr(12), choices=Implementation(txsz_below_min=OutOfRange.FAULT))
    assert faulting.fault().rule == "AArch64.S1TxSZFaults"


@rule("AArch64.S1MinTxSZ")
def test_with_feat_lva_a_region_that_is_too_large_always_faults() -> None:
    machine = Machine(tcr=tcr(12)).having(Feature.LVA)
    assert machine.fault().rule == "AArch64.S1TxSZFaults"


@rule("AArch64.S1Translate")
def test_e0pd_faults_accesses_made_as_el0_only() -> None:
    machine = Machine(tcr=TCR | 1 << 55, leaf=PLAIN.leaf | 1 << 6).having(Feature.E0PD)
    assert what(machine.fault(el=0)) == ("translation", 0)
    assert what(machine.fault(unprivileged=True)) == ("translation", 0)
    assert machine.ok(el=1).pa == 0x4000_0ABC
    assert machine.ok(HIGH, el=0).pa == 0x4000_0ABC


@rule("AArch64.S1EPD")
def test_epd_disables_the_walks_of_its_half_alone() -> None:
    machine = Machine(tcr=TCR | 1 << 7)
    fault = machine.fault()
    assert what(fault) == ("translation", 0)
    assert fault.rule == "AArch64.S1EPD"
    assert machine.ok(HIGH).pa == 0x4000_0ABC


@rule("AArch64.OAOutOfRange")
def test_a_table_base_beyond_the_output_size_is_an_address_size_fault_at_level_0() -> None:
    base = {"TTBR0_EL1": 1 << 44 | TABLES[1]}
    machine = Machine(pa_bits=44, registers=base)
    assert what(machine.fault()) == ("address_size", 0)
    there = {1 << 44 | TABLES[1]: TABLES[2] | 0b11}
    assert Machine(pa_bits=48, registers=base, words=there).ok().pa == 0x4000_0ABC


@rule("AArch64.S1DecodeTG0")
def test_which_granule_a_reserved_encoding_selects_is_a_choice() -> None:
    machine = Machine(tcr=TCR | 0b11 << 14)
    assert machine.ok().pa == 0x4000_0ABC
    choices = Implementation(reserved_granule=ReservedGranule.K64)
    found = machine.having(choices=choices).mmu().context.stage1(VA).walk
    assert found is not None
    assert found.granule_bits == 16


@rule("AArch64.S1DecodeTG1")
def test_the_upper_half_has_its_own_encoding_of_the_granule() -> None:
    assert PLAIN.ok(HIGH).pa == 0x4000_0ABC
    reserved = Machine(tcr=TCR & ~(0b11 << 30))
    assert reserved.ok(HIGH).pa == 0x4000_0ABC
    choices = Implementation(reserved_granule=ReservedGranule.K16)
    found = reserved.having(choices=choices).mmu().context.stage1(HIGH).walk
    assert found is not None
    assert found.granule_bits == 14


@pytest.mark.parametrize(
    ("registers", "words"),
    [
        ({"SCTLR_EL1": 0x1005 | 1 << 25}, "big-endian"),
        ({"TCR_EL1": TCR | 1 << 60}, "FEAT_MTE4"),
        ({"HCR_EL2": 1 << 31 | 1 << 42}, "FEAT_NV"),
    ],
)
def test_what_the_registers_ask_for_and_the_model_lacks_is_refused_by_name(
    registers: dict[str, int], words: str
) -> None:
    with pytest.raises(UnsupportedError, match=words):
        Machine(registers=registers).ask()


@pytest.mark.parametrize(("bit", "feature"), [(4, "FEAT_AIE"), (0, "FEAT_THE"), (11, "FEAT_HAFT")])
def test_extensions_of_tcr2_that_are_not_modelled_are_refused_by_name(
    bit: int, feature: str
) -> None:
    machine = Machine(registers={"TCR2_EL1": 1 << bit})
    assert machine.ok().pa == 0x4000_0ABC
    with pytest.raises(UnsupportedError, match=feature):
        machine.having(Feature.TCR2).ask()


def test_registers_that_are_not_given_read_as_zero() -> None:
    extended = PLAIN.having(Feature.TCR2, Feature.S1PIE, Feature.S1POE, Feature.D128)
    assert extended.ok().pa == 0x4000_0ABC


def test_an_access_from_an_exception_level_that_the_regime_does_not_serve_is_an_error() -> None:
    with pytest.raises(ValueError, match="EL2 is not served by the EL1&0 regime"):
        PLAIN.ask(el=2)


@rule("AArch64.S1TTWParamsEL2")
def test_the_el2_regime_has_one_range_and_its_own_positions_in_tcr() -> None:
    machine = Machine(regime="EL2", tcr=25 | 5 << 16)
    assert machine.ok(el=2).pa == 0x4000_0ABC
    assert what(machine.fault(HIGH, el=2)) == ("translation", 0)
    tagged = 0xAB << 56 | VA
    assert what(machine.fault(tagged, el=2)) == ("translation", 0)
    ignoring = Machine(regime="EL2", tcr=25 | 5 << 16 | 1 << 20)
    assert ignoring.ok(tagged, el=2).pa == 0x4000_0ABC
    assert ignoring.ok(tagged, "fetch", el=2).pa == 0x4000_0ABC
    data_only = Machine(regime="EL2", tcr=25 | 5 << 16 | 1 << 20 | 1 << 29)
    assert what(data_only.fault(tagged, "fetch", el=2)) == ("translation", 0)


@rule("AArch64.S1TTWParamsEL2")
@pytest.mark.parametrize(("e2h", "bit"), [(0, 21), (1, 39)])
def test_ha_of_tcr_el2_stands_where_e2h_says(e2h: int, bit: int) -> None:
    leaf = PLAIN.leaf & ~(1 << 10)
    size = 5 << 32 if e2h else 5 << 16
    machine = Machine(
        regime="EL2",
        tcr=25 | size | 1 << bit,
        leaf=leaf,
        registers={"HCR_EL2": 1 << 31 | e2h << 34},
    )
    assert machine.having(Feature.HAFDBS).ok(el=2).updates == {TABLES[3]: PLAIN.leaf}
    moved = machine.having(Feature.HAFDBS, tcr=25 | size | 1 << (60 - bit))
    assert what(moved.fault(el=2)) == ("access_flag", 3)


@rule("AArch64.S1TTWParamsEL20")
def test_the_el2_and_el0_regime_has_two_halves_as_el1_and_el0_have() -> None:
    machine = Machine(regime="EL2&0", registers={"HCR_EL2": 1 << 31 | 1 << 34})
    assert machine.ok(el=2).pa == 0x4000_0ABC
    assert machine.ok(HIGH, el=2).pa == 0x4000_0ABC
    assert what(machine.fault(1 << 40, el=2)) == ("translation", 0)


@rule("AArch64.TranslateAddress")
@rule("AArch64.FullTranslate")
def test_the_same_question_has_the_same_answer_however_often_it_is_asked() -> None:
    mmu, memory = PLAIN.mmu(), PLAIN.memory()
    access = make_access(VA)
    assert mmu.translate(memory, access) == mmu.translate(memory, access) == PLAIN.ok()
    assert memory == PLAIN.memory()
    upper = make_access(HIGH)
    assert mmu.translate(memory, upper) == mmu.translate(memory, upper) == PLAIN.ok(HIGH)


def test_the_regime_of_el3_is_refused_and_a_wrong_name_is_an_error() -> None:
    with pytest.raises(UnsupportedError, match="EL3"):
        Machine(regime="EL3").mmu()
    with pytest.raises(ValueError, match="nonsense"):
        Machine(regime="nonsense").mmu()
