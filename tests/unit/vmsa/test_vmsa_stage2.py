"""Stage 2: the walk of intermediate physical addresses, and of stage 1's own tables."""

from __future__ import annotations

from dataclasses import replace

import pytest
from vmsa_machine import AF, DBM, LEAF, MAIR, PAGE, SCTLR, TCR, Machine, block, what

from harness.arch.features import Feature
from harness.arch.implementation import (
    DeviceFetch,
    Implementation,
    OutOfRange,
    ReservedGranule,
)
from harness.errors import UnsupportedError
from harness.vmsa.outcome import MemoryAttributes, Translation

rule = pytest.mark.rule
RW, VM, PTW, DC, CD, ID, FWB = 1 << 31, 1, 1 << 2, 1 << 12, 1 << 32, 1 << 33, 1 << 46
ROOT, TABLE2, TABLE3 = 0x20_0000, 0x20_1000, 0x20_2000
VTCR = 25 | 1 << 6 | 5 << 16
"""T0SZ = 25, SL0 = 1 (level 1), 4K, PS = 48 bits."""
S2AP_READ, S2AP_WRITE, WRITE_BACK = 1 << 6, 1 << 7, 0b1111 << 2
XN, XNX = 1 << 54, 1 << 53
S2LEAF = PAGE | AF | S2AP_READ | S2AP_WRITE | WRITE_BACK | 3 << 8
IPA, PA = 0x5ABC, 0x9000_0ABC
DATA = 0x9000_0000 | S2LEAF
ENTRY = TABLE3 + 5 * 8


def guest(leaf: int = DATA, *features: Feature, hcr: int = 0, **registers: int) -> Machine:
    """Return a machine with stage 1 off whose IPA page 5 is mapped by `leaf`."""
    values = {"HCR_EL2": RW | VM | hcr, "VTCR_EL2": VTCR, "VTTBR_EL2": ROOT, **registers}
    words = {ROOT: TABLE2 | PAGE, TABLE2: TABLE3 | PAGE, ENTRY: leaf}
    machine = Machine(sctlr=SCTLR & ~1, registers=values, words=words)
    return machine.having(Feature.XNX, Feature.S2FWB, *features)


def both_stages(
    tables: int = S2LEAF, leaf: int = DATA, *features: Feature, hcr: int = 0, **registers: int
) -> Machine:
    """Return a machine with both stages on; stage 1's tables lie in IPA pages 1 to 3.

    The pages of the tables are mapped to the same physical pages with the bits of `tables`; the
    leaf of stage 1 leads to IPA page 5.
    """
    machine = guest(leaf, *features, hcr=hcr, **registers)
    words = {**machine.words, **{TABLE3 + n * 8: n << 12 | tables for n in (1, 2, 3)}}
    return replace(machine, sctlr=SCTLR, words=words, leaf=LEAF & 0xFFF | 0x5000)


@rule("AArch64.NSS2TTWParams")
@rule("AArch64.S2TTBaseAddress")
@rule("AArch64.S2Translate")
def test_an_ipa_is_translated_and_told() -> None:
    done = guest().ok(IPA)
    assert (done.pa, done.ipa) == (PA, IPA)
    off = replace(guest(), registers={})
    assert (off.ok(IPA).pa, off.ok(IPA).ipa) == (IPA, None)


@rule("AArch64.S2Translate")
def test_both_stages_are_walked_one_after_the_other() -> None:
    done = both_stages().ok()
    assert (done.pa, done.ipa) == (PA, IPA)


@rule("AArch64.S2Walk")
def test_a_stage_2_fault_goes_to_el2_with_the_ipa_in_hpfar() -> None:
    fault = guest(0).fault(IPA)
    assert what(fault) == ("translation", 3)
    assert (fault.stage, fault.target_el, fault.s1ptw) == (2, 2, False)
    assert (fault.ipa, fault.hpfar, fault.far) == (IPA, 0x50, IPA)
    assert fault.esr == 0x9200_0007


@rule("AArch64.S2Walk")
def test_a_clear_access_flag_faults_or_is_set_by_hardware() -> None:
    assert what(guest(DATA & ~AF).fault(IPA)) == ("access_flag", 3)
    hardware = guest(DATA & ~AF, Feature.HAFDBS, VTCR_EL2=VTCR | 1 << 21)
    assert hardware.ok(IPA).updates == {ENTRY: DATA}


@rule("AArch64.S2CheckPermissions")
@pytest.mark.parametrize(
    ("bits", "expected"),
    [(0, "--x"), (S2AP_READ, "r-x"), (S2AP_WRITE, "-wx"), (S2AP_READ | S2AP_WRITE, "rwx")],
)
def test_s2ap_allows_reads_and_writes_by_themselves(bits: int, expected: str) -> None:
    leaf = DATA & ~(S2AP_READ | S2AP_WRITE) | bits
    assert allowed(guest(leaf), 1) == expected


def allowed(machine: Machine, el: int) -> str:
    return "".join(
        letter if isinstance(machine.ask(IPA, kind, el=el), Translation) else "-"
        for letter, kind in (("r", "read"), ("w", "write"), ("x", "fetch"))
    )


@rule("AArch64.S2DirectBasePermissions")
@pytest.mark.parametrize(
    ("bits", "el1", "el0"), [(0, "x", "x"), (XNX, "-", "x"), (XN, "-", "-"), (XN | XNX, "x", "-")]
)
def test_xn_has_two_bits_with_feat_xnx(bits: int, el1: str, el0: str) -> None:
    machine = guest(DATA | bits)
    assert (allowed(machine, 1)[2], allowed(machine, 0)[2]) == (el1, el0)
    without = replace(machine, features=frozenset())
    assert (allowed(without, 1)[2] == "x") is (bits & XN == 0)


@rule("AArch64.S2CheckPermissions")
def test_a_permission_fault_leaves_hpfar_unknown() -> None:
    fault = guest(DATA & ~S2AP_WRITE).fault(IPA, "write")
    assert (what(fault), fault.hpfar, fault.ipa) == (("permission", 3), None, IPA)
    assert fault.esr & 0x40


@rule("AArch64.S2CheckPermissions")
def test_a_fetch_from_what_stage_2_makes_device_faults_by_choice() -> None:
    device = guest(DATA & ~(0b1111 << 2))
    assert device.ok(IPA, "fetch").attributes == MemoryAttributes("Normal", None, "NC", "NC", "OSH")
    choices = Implementation(fetch_from_device=DeviceFetch.FAULT)
    assert what(replace(device, choices=choices).fault(IPA, "fetch")) == ("permission", 3)


@rule("AArch64.S2CheckPermissions")
def test_a_walk_through_a_page_without_read_permission_is_a_fault_on_the_walk() -> None:
    fault = both_stages(tables=S2LEAF & ~S2AP_READ).fault()
    assert (what(fault), fault.stage, fault.s1ptw) == (("permission", 3), 2, True)
    assert (fault.ipa, fault.hpfar, fault.far) == (0x1000, 0x10, 0xABC)
    assert fault.esr & 0x80
    assert both_stages(tables=S2LEAF & ~S2AP_WRITE).ok().pa == PA


@rule("AArch64.S2CheckPermissions")
def test_a_walk_reads_tables_whether_or_not_they_are_executable() -> None:
    assert both_stages(tables=S2LEAF | XN).ok().pa == PA
    assert both_stages(tables=S2LEAF | XN).ok(kind="fetch").pa == PA


@rule("AArch64.S2CheckPermissions")
def test_ptw_faults_walks_through_device_memory() -> None:
    device = S2LEAF & ~(0b1111 << 2)
    assert both_stages(tables=device).ok().pa == PA
    fault = both_stages(tables=device, hcr=PTW).fault()
    assert (what(fault), fault.s1ptw) == (("permission", 3), True)
    assert both_stages(hcr=PTW).ok().pa == PA


@rule("AArch64.S2Translate")
def test_a_hardware_update_of_stage_1_needs_write_permission_at_stage_2() -> None:
    features = (Feature.HAFDBS,)
    machine = both_stages(S2LEAF, DATA, *features)
    machine = replace(machine, tcr=TCR | 1 << 39, leaf=machine.leaf & ~AF)
    assert machine.ok().updates == {0x3000: machine.leaf | AF}
    read_only = {**machine.words, TABLE3 + 3 * 8: 0x3000 | S2LEAF & ~S2AP_WRITE}
    fault = replace(machine, words=read_only).fault()
    assert (what(fault), fault.s1ptw, fault.ipa) == (("permission", 3), True, 0x3000)
    assert fault.esr & 0x40 == 0
    assert fault.updates == {}


@rule("AArch64.S2Translate")
def test_a_hardware_update_of_stage_1_makes_its_stage_2_page_dirty() -> None:
    clean = S2LEAF & ~S2AP_WRITE | DBM
    machine = both_stages(clean, DATA, Feature.HAFDBS, VTCR_EL2=VTCR | 0b11 << 21)
    machine = replace(machine, tcr=TCR | 1 << 39, leaf=machine.leaf & ~AF)
    assert machine.ok().updates == {
        0x3000: machine.leaf | AF,
        TABLE3 + 3 * 8: 0x3000 | clean | S2AP_WRITE,
    }


@rule("AArch64.MemSwapTableDesc")
def test_a_second_update_of_one_descriptor_keeps_the_first() -> None:
    # The read of the stage 1 leaf sets AF of its stage 2 page, the update then makes it dirty.
    untouched = S2LEAF & ~(S2AP_WRITE | AF) | DBM
    machine = both_stages(untouched, DATA, Feature.HAFDBS, VTCR_EL2=VTCR | 0b11 << 21)
    machine = replace(machine, tcr=TCR | 1 << 39, leaf=machine.leaf & ~AF)
    updates = machine.ok().updates
    assert updates[TABLE3 + 3 * 8] == 0x3000 | untouched | AF | S2AP_WRITE
    assert updates[TABLE3 + 2 * 8] == 0x2000 | untouched | AF


@rule("AArch64.S1Walk")
def test_128_bit_tables_of_stage_1_may_lie_behind_stage_2() -> None:
    root = 0x40_0000
    words = {
        ROOT: TABLE2 | PAGE,
        TABLE2: TABLE3 | PAGE,
        TABLE3 + 8: root | S2LEAF,
        ENTRY: DATA,
        # A 128-bit block of 256M at IPA 0: level 1, SKL = 2, PIIndex 0.
        root: 1 | AF | 3 << 8,
        root + 8: 2 << 45,
    }
    registers = {**guest().registers, "TCR2_EL1": 1 << 5, "TTBR0_EL1": 0x1000, "PIR_EL1": 7}
    machine = Machine(tcr=TCR & ~0x3F | 28, registers=registers, words=words, level=1)
    machine = machine.having(Feature.D128, Feature.TCR2, Feature.S1PIE)
    assert (machine.ok(IPA).pa, machine.ok(IPA).ipa) == (PA, IPA)
    without = {**words, TABLE3 + 8: 0}
    assert replace(machine, words=without).fault(IPA).s1ptw


@rule("AArch64.S2ApplyOutputPerms")
def test_a_write_makes_a_clean_page_dirty_with_hd_only() -> None:
    clean = DATA & ~S2AP_WRITE | DBM
    hardware = guest(clean, Feature.HAFDBS, VTCR_EL2=VTCR | 0b11 << 21)
    assert hardware.ok(IPA, "write").updates == {ENTRY: clean | S2AP_WRITE}
    assert hardware.ok(IPA).updates == {}
    only_ha = guest(clean, Feature.HAFDBS, VTCR_EL2=VTCR | 1 << 21)
    assert what(only_ha.fault(IPA, "write")) == ("permission", 3)


@rule("AArch64.S2IndirectBasePermissions")
@pytest.mark.parametrize(
    ("encoding", "el1", "el0"),
    [
        (0, "---", "---"), (1, "---", "---"), (2, "r--", "r--"), (3, "r--", "r--"),
        (4, "-w-", "-w-"), (5, "---", "---"), (6, "r--", "r--"), (7, "r--", "r--"),
        (8, "r--", "r--"), (9, "r--", "r-x"), (10, "r-x", "r--"), (11, "r-x", "r-x"),
        (12, "rw-", "rw-"), (13, "rw-", "rwx"), (14, "rwx", "rw-"), (15, "rwx", "rwx"),
    ],
)  # fmt: skip
def test_each_encoding_of_s2pir_gives_its_permissions(encoding: int, el1: str, el0: str) -> None:
    indirect = {"VTCR_EL2": VTCR | 1 << 36, "S2PIR_EL2": encoding << 4}
    machine = guest(DATA, Feature.S2PIE, **indirect)
    assert (allowed(machine, 1), allowed(machine, 0)) == (el1, el0)
    assert allowed(guest(DATA, **indirect), 1) == "rwx"


@rule("AArch64.S2CheckPermissions")
def test_mostly_read_only_memory_may_hold_tables_that_hardware_updates() -> None:
    indirect = {"VTCR_EL2": VTCR | 1 << 36, "S2PIR_EL2": 0x0000_0000_0000_00F2}
    index_0, index_1 = S2LEAF & ~S2AP_READ, DATA | S2AP_READ
    machine = both_stages(index_0, index_1, Feature.S2PIE, Feature.HAFDBS, **indirect)
    machine = replace(machine, tcr=TCR | 1 << 39, leaf=machine.leaf & ~AF)
    assert machine.ok().updates == {0x3000: machine.leaf | AF}
    read_only = replace(machine, registers={**machine.registers, "S2PIR_EL2": 0xF8})
    assert what(read_only.fault()) == ("permission", 3)


@rule("AArch64.S2CheckPermissions")
def test_a_write_to_a_clean_page_faults_with_dirtybit_under_s2pie() -> None:
    indirect = {"VTCR_EL2": VTCR | 1 << 36, "S2PIR_EL2": 0xF0}
    machine = guest(DATA & ~S2AP_WRITE, Feature.S2PIE, **indirect)
    fault = machine.fault(IPA, "write")
    assert (what(fault), fault.esr >> 32) == (("permission", 3), 1 << 5)
    assert machine.ok(IPA).pa == PA


@rule("AArch64.S2HasAlignmentFault")
def test_a_misaligned_access_to_what_stage_2_makes_device_faults() -> None:
    device = both_stages(leaf=DATA & ~(0b1111 << 2))
    fault = device.fault(0xABD)
    assert (what(fault), fault.stage, fault.target_el) == (("alignment", None), 2, 2)
    assert device.ok(0xABC).pa == PA
    assert both_stages().ok(0xABD).pa == PA + 1


@rule("AArch64.IPAIsOutOfRange")
def test_an_ipa_beyond_the_input_size_is_a_translation_fault_at_level_0() -> None:
    fault = guest().fault(1 << 39)
    assert (what(fault), fault.stage, fault.hpfar) == (("translation", 0), 2, 1 << 31)
    mapped = {**guest().words, ROOT + 511 * 8: block(DATA)}
    assert replace(guest(), words=mapped).ok((1 << 39) - 4).ipa == (1 << 39) - 4


@rule("AArch64.OAOutOfRange")
def test_a_stage_2_output_beyond_ps_is_an_address_size_fault() -> None:
    small = VTCR & ~(0b111 << 16)
    assert what(guest(DATA | 1 << 33, VTCR_EL2=small).fault(IPA)) == ("address_size", 3)
    assert guest(DATA | 1 << 33).ok(IPA).pa == PA | 1 << 33


@rule("AArch64.S2InvalidSL")
@pytest.mark.parametrize(
    ("control", "pa_bits", "valid"),
    [
        (20 | 2 << 6, 48, True),
        (20 | 2 << 6, 42, False),
        (31 | 3 << 6, 48, False),
        (22 | 2 << 6 | 2 << 14, 42, True),
        (24 | 2 << 6 | 2 << 14, 40, False),
        (22 | 3 << 6 | 2 << 14, 48, False),
        (20 | 2 << 6 | 1 << 14, 44, True),
        (22 | 2 << 6 | 1 << 14, 42, False),
        (22 | 3 << 6 | 1 << 14, 48, False),
    ],
)
def test_sl0_must_name_a_level_that_the_machine_can_start_at(
    control: int, pa_bits: int, *, valid: bool
) -> None:
    machine = replace(guest(VTCR_EL2=control | 5 << 16), pa_bits=pa_bits)
    fault = machine.mmu().context.stage2
    assert (fault.walk is not None) is valid
    assert fault.invalid_by == ("" if valid else "AArch64.S2InvalidSL")


@rule("AArch64.S2InvalidSL")
def test_an_invalid_sl0_is_a_translation_fault_at_level_0() -> None:
    fault = guest(VTCR_EL2=31 | 3 << 6).fault(IPA)
    assert (what(fault), fault.rule) == (("translation", 0), "AArch64.S2InvalidSL")
    assert guest().ok(IPA).pa == PA


@rule("AArch64.S2StartLevel")
@rule("AArch64.S2InvalidSL")
def test_feat_ttst_lets_4k_start_at_level_3_and_lpa2_at_level_minus_1() -> None:
    small = guest(VTCR_EL2=48 | 3 << 6 | 5 << 16)
    assert small.mmu().context.stage2.walk is None
    found = small.having(Feature.TTST).mmu().context.stage2.walk
    assert found is not None
    assert found.start_level == 3
    large = replace(guest(VTCR_EL2=12 | 1 << 33 | 1 << 32 | 6 << 16), pa_bits=52)
    found = large.having(Feature.LPA, Feature.LPA2).mmu().context.stage2.walk
    assert found is not None
    assert found.start_level == -1


@rule("AArch64.S2InconsistentSL")
@pytest.mark.parametrize(
    ("t0sz", "valid"), [(33, True), (34, False), (25, True), (21, True), (20, False)]
)
def test_sl0_and_t0sz_must_fit_with_at_most_16_concatenated_tables(
    t0sz: int, *, valid: bool
) -> None:
    machine = guest(VTCR_EL2=t0sz | 1 << 6 | 5 << 16)
    if valid:
        assert machine.ok(IPA).pa == PA
    else:
        assert machine.fault(IPA).rule == "AArch64.S2InconsistentSL"


@rule("AArch64.S2SLTTEntryAddress")
def test_concatenated_tables_are_indexed_as_one() -> None:
    # 43 bits from level 1: 16 tables of 4K at the start.
    machine = guest(VTCR_EL2=21 | 1 << 6 | 5 << 16)
    ipa = 15 << 39 | 0x1234
    words = {**machine.words, ROOT + 15 * 0x1000: block(DATA)}
    assert replace(machine, words=words).ok(ipa).pa == 0x8000_1234


@rule("AArch64.S2TxSZFaults")
def test_t0sz_out_of_range_is_clamped_or_faults_by_choice() -> None:
    faults = Implementation(txsz_below_min=OutOfRange.FAULT)
    too_small = guest(VTCR_EL2=15 | 2 << 6 | 5 << 16)
    assert what(too_small.fault(IPA)) != ("translation", 0)
    fault = replace(too_small, choices=faults).fault(IPA)
    assert (what(fault), fault.rule) == (("translation", 0), "AArch64.S2TxSZFaults")
    assert too_small.having(Feature.LPA).fault(IPA).rule == "AArch64.S2TxSZFaults"


@rule("AArch64.S2MinTxSZ")
def test_the_ipa_size_is_limited_to_the_physical_size() -> None:
    machine = replace(guest(VTCR_EL2=20 | 1 << 6 | 5 << 16), pa_bits=40)
    # 44 bits do not fit SL0 = 1; clamped to 40 they do.
    assert machine.ok(IPA).pa == PA
    assert what(machine.fault((1 << 40) - 4)) == ("translation", 1)


@rule("AArch64.S2DecodeTG0")
def test_which_granule_a_reserved_encoding_selects_is_a_choice() -> None:
    machine = guest(VTCR_EL2=VTCR | 3 << 14)
    assert machine.ok(IPA).pa == PA
    choices = Implementation(reserved_granule=ReservedGranule.K16)
    found = replace(machine, choices=choices).mmu().context.stage2.walk
    assert found is not None
    assert found.granule_bits == 14


@pytest.mark.parametrize(
    ("bit", "feature"),
    [(37, "FEAT_S2POE"), (45, "FEAT_HDBSS"), (34, "FEAT_THE"), (44, "FEAT_HAFT")],
)
def test_extensions_of_vtcr_that_are_not_modelled_are_refused(bit: int, feature: str) -> None:
    with pytest.raises(UnsupportedError, match=feature):
        guest(VTCR_EL2=VTCR | 1 << bit).ask(IPA)


def combined(stage1: int, stage2: int, hcr: int = 0, sh: int = 3, kind: str = "read") -> str:
    """Return the attributes for MAIR attribute `stage1` and MemAttr `stage2`, as words."""
    leaf = DATA & ~(0b1111 << 2 | 3 << 8) | stage2 << 2 | sh << 8
    machine = both_stages(leaf=leaf, hcr=hcr)
    machine = replace(machine, registers={**machine.registers, "MAIR_EL1": MAIR & ~0xFF | stage1})
    found = machine.ok(kind=kind).attributes
    assert found is not None
    return found.device or f"{found.inner} {found.outer} {found.shareability}"


@rule("S2CombineS1MemAttrs")
@pytest.mark.parametrize(
    ("stage1", "stage2", "expected"),
    [
        (0xFF, 0b1111, "WB WB ISH"),
        (0xFF, 0b1010, "WT WT ISH"),
        (0xBB, 0b1111, "WT WT ISH"),
        (0xFF, 0b0101, "NC NC OSH"),
        (0x4F, 0b1111, "WB NC ISH"),
        (0xFF, 0b0110, "WT NC ISH"),
        (0xFF, 0b0001, "nGnRE"),
        (0x0C, 0b1111, "GRE"),
        (0x0C, 0b0010, "nGRE"),
        (0x04, 0b0011, "nGnRE"),
    ],
)
def test_the_stricter_attributes_of_both_stages_count(
    stage1: int, stage2: int, expected: str
) -> None:
    assert combined(stage1, stage2) == expected


@rule("S2CombineS1Shareability")
@pytest.mark.parametrize(("sh", "expected"), [(0, "ISH"), (2, "OSH"), (3, "ISH")])
def test_the_wider_shareability_of_both_stages_counts(sh: int, expected: str) -> None:
    assert combined(0xFF, 0b1111, sh=sh) == f"WB WB {expected}"


@rule("AArch64.S2ApplyFWBMemAttrs")
@pytest.mark.parametrize(
    ("stage1", "stage2", "expected"),
    [
        (0xFF, 0b0110, "WB WB ISH"),
        (0x44, 0b0110, "WB WB OSH"),
        (0x04, 0b0110, "WB WB OSH"),
        (0xBB, 0b0111, "WT WT ISH"),
        (0x04, 0b0111, "nGnRE"),
        (0xFF, 0b0101, "NC NC OSH"),
        (0x08, 0b0101, "nGRE"),
        (0xFF, 0b0010, "nGRE"),
        (0xFF, 0b0001, "nGnRE"),
        (0xFF, 0b0011, "GRE"),
        (0xFF, 0b0000, "nGnRnE"),
        (0x04, 0b0010, "nGnRE"),
    ],
)
def test_with_fwb_stage_2_decides(stage1: int, stage2: int, expected: str) -> None:
    assert combined(stage1, stage2, hcr=FWB) == expected


@rule("AArch64.S2Translate")
def test_cd_and_id_make_stage_2_non_cacheable() -> None:
    assert combined(0xFF, 0b1111, hcr=CD) == "NC NC OSH"
    assert combined(0xFF, 0b1111, hcr=CD, kind="fetch") == "WB WB ISH"
    assert combined(0xFF, 0b1111, hcr=ID, kind="fetch") == "NC NC OSH"
    assert combined(0xFF, 0b1111, hcr=ID) == "WB WB ISH"
    assert combined(0xFF, 0b0001, hcr=CD) == "nGnRE"


@rule("S2DecodeMemAttrs")
def test_reserved_attributes_of_stage_2_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="0b1100"):
        combined(0xFF, 0b1100)


@rule("AArch64.S2NextWalkStateLeaf")
def test_with_ds_the_shareability_of_stage_2_comes_from_vtcr() -> None:
    machine = guest(DATA & ~(3 << 8), hcr=DC, VTCR_EL2=VTCR | 1 << 32 | 3 << 12)
    expected = MemoryAttributes("Normal", None, "WB", "WB", "ISH")
    assert machine.having(Feature.LPA, Feature.LPA2).ok(IPA).attributes == expected
    plain = MemoryAttributes("Normal", None, "WB", "WB", "NSH")
    assert machine.ok(IPA).attributes == plain


@rule("AArch64.S2StartLevel")
@rule("AArch64.S2MinTxSZ")
def test_stage_2_may_have_128_bit_descriptors() -> None:
    # 36 bits of IPA from level 1: 256 entries a table, 4K; S2PIR field 3 is read and write.
    root, second, third = 0x50_0000, 0x51_0000, 0x52_0000
    leaf = 0x9000_0000 | 1 | AF | WRITE_BACK | 3 << 8 | S2AP_WRITE
    words = {root: second | 1, second: third | 1, third + 5 * 16: leaf, third + 5 * 16 + 8: 3 << 51}
    control = {"VTCR_EL2": 28 | 7 << 16 | 1 << 38, "VTTBR_EL2": root, "S2PIR_EL2": 0xC << 12}
    machine = replace(guest(**control), words=words, pa_bits=56).having(Feature.D128)
    assert machine.ok(IPA, "write").pa == PA
    assert machine.ok(IPA).attributes == MemoryAttributes("Device", "nGnRnE")
    assert what(machine.fault(IPA, "fetch")) == ("permission", 3)
    assert what(machine.fault(0x6ABC)) == ("translation", 3)
    assert (machine.fault(1 << 38).rule) == "AArch64.IPAIsOutOfRange"
    skipping = {**control, "VTTBR_EL2": root | 3 << 1}
    with pytest.raises(UnsupportedError, match="SKL"):
        replace(machine, registers={**machine.registers, **skipping}).ask(IPA)
    small = replace(machine, registers={**machine.registers, "VTCR_EL2": 7 | 7 << 16 | 1 << 38})
    found = small.mmu().context.stage2.walk
    assert found is not None
    assert found.ia_bits == 56
