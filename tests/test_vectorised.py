"""The reference model over arrays of descriptors against its scalar form, value by value."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from array_checks import check, check_everywhere, looked_up
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared_data
from vmsa_machine import (
    AF,
    AP_EL0,
    AP_READ_ONLY,
    CONTIGUOUS,
    DBM,
    DEVICE,
    LEAF,
    NT,
    OUTPUT,
    TABLES,
    TCR,
    VA,
    Machine,
    block,
    make_access,
)

from harness.arch.addresses import PhysicalAddress
from harness.arch.faults import FaultKind
from harness.arch.features import Feature
from harness.arch.implementation import Implementation, Misprogrammed
from harness.arch.registers import tcr
from harness.cases import read_cases
from harness.errors import UnsupportedError
from harness.memory import WordMemory
from harness.vmsa.outcome import Fault, MemoryAttributes, Translation
from harness.vmsa.translate import Mmu
from harness.vmsa.vectorised import (
    FAULT_KINDS,
    NO_LEVEL,
    NONE,
    DescriptorArray,
    GoesOn,
    Refused,
)
from harness.vmsa.vectorised.bits import Selection

CATEGORIES = (
    "basic", "align", "lpa2", "hafdbs", "priv", "at", "pie", "poe", "choices", "atomic",
    "s2", "s2at", "el2", "el20",
)  # fmt: skip
IPS_32_BITS = tcr.IPS.set(TCR, 0)


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_array_answers_the_last_descriptor_of_a_case_as_the_scalar_form(category: str) -> None:
    found: Counter[str] = Counter()
    cases = read_cases(str(shared_data() / "spec" / f"{category}.jsonl.gz"))
    for case in islice(cases, None, None, 3):
        addresses = looked_up(case)
        if addresses:
            last = addresses[-1]
            found += check(case, last, [case.memory.get(last, 0)])
    assert found["Translation"] > 30
    # The last read may be made for a table, or for an update of one, where both stages are on.
    assert not found["GoesOn"] or category in {"s2", "s2at"}


@pytest.mark.long
@pytest.mark.parametrize("category", CATEGORIES)
def test_the_array_answers_every_descriptor_of_every_case_also_changed_as_the_scalar_form(
    category: str,
) -> None:
    generator = np.random.default_rng(CATEGORIES.index(category))
    found: Counter[str] = Counter()
    for case in read_cases(str(shared_data() / "spec" / f"{category}.jsonl.gz")):
        found += check_everywhere(case, generator)
    assert min(found[name] for name in ("Translation", "GoesOn")) > 1000
    assert found["Fault"] > 1000 or category in {"at", "s2at"}


def test_128_bit_descriptors_are_refused_by_name() -> None:
    case = next(read_cases(str(shared_data() / "spec" / "d128.jsonl.gz")))
    mmu = Mmu(case.profile, case.registers, case.regime)
    with pytest.raises(UnsupportedError, match="FEAT_D128"):
        DescriptorArray(mmu, WordMemory(case.memory), case.access, min(case.memory))
    with pytest.raises(UnsupportedError, match="FEAT_D128"):
        DescriptorArray.at_level(mmu, case.access, 3)


@given(value=st.integers(0, (1 << 64) - 1), mask=st.integers(0, (1 << 64) - 1))
def test_selected_bits_come_back_to_their_places_and_no_others(value: int, mask: int) -> None:
    selection = Selection(mask)
    packed = int(selection.pack(np.array([value], np.uint64))[0])
    assert packed < 1 << mask.bit_count() == 1 << selection.width
    assert selection.unpack(packed) == value & mask


def small(machine: Machine, level: int = 3, kind: str = "read", **access: Any) -> DescriptorArray:  # noqa: ANN401
    """Return the array of the descriptor of `machine` at `level`."""
    return DescriptorArray.at_level(machine.mmu(), make_access(VA, kind, **access), level)


KINDS = ("read", "write", "fetch", "read_write")


@given(
    level=st.integers(1, 3),
    kind=st.sampled_from(KINDS),
    el=st.integers(0, 1),
    above=st.integers(0, 31).map(lambda value: value << 59),
    values=st.lists(st.integers(0, (1 << 64) - 1), min_size=1, max_size=20),
)
def test_an_array_at_a_level_answers_as_tables_with_that_leaf(
    level: int, kind: str, el: int, above: int, values: list[int]
) -> None:
    access = make_access(VA, kind, el=el)
    machine = Machine(level=level, tables=above)
    array = DescriptorArray.at_level(machine.mmu(), access, level, above)
    for value, verdict in zip(values, array.translate(values), strict=True):
        expected = (
            replace(machine, leaf=value)
            .mmu()
            .translate(replace(machine, leaf=value).memory(), access)
        )
        if level < 3 and value & 0b11 == 0b11 and isinstance(verdict, GoesOn):
            assert verdict.pa == value & 0xFFFF_FFFF_F000
        else:
            assert verdict == expected


def test_the_arrays_say_what_the_items_say() -> None:
    leaves = [LEAF, 0, LEAF & ~AF, LEAF | AP_READ_ONLY, LEAF | DEVICE, LEAF | 1 << 47]
    found = small(Machine(tcr=IPS_32_BITS), kind="write").translate(leaves)
    assert len(found) == 6
    assert found.ok.tolist() == [True, False, False, False, True, False]
    assert not found.goes_on.any()
    kinds = [None if kind == NONE else FAULT_KINDS[kind].value for kind in found.fault.tolist()]
    assert kinds == [None, "translation", "access_flag", "permission", None, "address_size"]
    assert found.level.tolist() == [NO_LEVEL, 3, 3, 3, NO_LEVEL, 3]
    assert found.esr.tolist() == [
        0, 0x9600_0047, 0x9600_004B, 0x9600_004F, 0, 0x9600_0043,
    ]  # fmt: skip
    place = OUTPUT + VA
    assert found.pa.tolist() == [place, 0, 0, 0, place, 0]
    names = [None if code == NONE else found.memory_attributes[code] for code in found.attributes]
    normal = MemoryAttributes("Normal", inner="WB", outer="WB", shareability="ISH")
    assert names == [normal, None, None, None, MemoryAttributes("Device", device="nGnRnE"), None]
    assert found.updated.tolist() == leaves
    assert not found.par.any()


def test_a_table_descriptor_goes_on_at_the_next_table() -> None:
    found = small(Machine(), level=2).translate([TABLES[3] | 0b11, block()])
    assert found.goes_on.tolist() == [True, False]
    assert found.ok.tolist() == [False, True]
    assert found[0] == GoesOn(PhysicalAddress(TABLES[3]))
    assert found.pa.tolist() == [TABLES[3], OUTPUT + VA]


def test_a_table_beyond_the_output_size_does_not_go_on() -> None:
    found = small(Machine(tcr=IPS_32_BITS), level=2).translate([1 << 40 | 0b11])
    assert found.fault.tolist() == [FAULT_KINDS.index(FaultKind.ADDRESS_SIZE)]


def test_hardware_updates_are_in_updated() -> None:
    machine = Machine(tcr=TCR | tcr.HA.mask | tcr.HD.mask).having(Feature.HAFDBS)
    clean = LEAF & ~AF | AP_READ_ONLY | DBM
    found = small(machine, kind="write").translate([clean, LEAF])
    assert found.updated.tolist() == [LEAF | DBM, LEAF]
    first = found[0]
    assert isinstance(first, Translation)
    assert list(first.updates.values()) == [LEAF | DBM]


def test_a_contiguous_leaf_takes_more_bits_from_the_address() -> None:
    access = make_access(0x5ABC)
    found = DescriptorArray.at_level(Machine().mmu(), access, 3).translate(
        [LEAF, LEAF | CONTIGUOUS]
    )
    assert found.pa.tolist() == [OUTPUT + 0xABC, OUTPUT + 0x5ABC]


def test_misprogrammed_contiguous_bits_fault_where_that_is_the_choice() -> None:
    choices = Implementation(contiguous_misprogrammed=Misprogrammed.FAULT)
    machine = Machine(tcr=TCR & ~0x3F | 33, choices=choices)
    found = small(machine, level=1).translate([block(), block() | CONTIGUOUS])
    assert found.ok.tolist() == [True, False]


def test_nt_of_a_block_faults_where_that_is_the_choice_and_of_a_page_is_address() -> None:
    choices = Implementation(nt_bit=Misprogrammed.FAULT, bbm_level=1)
    machine = Machine(choices=choices).having(Feature.BBM)
    assert small(machine, level=2).translate([block(), block() | NT]).ok.tolist() == [True, False]
    assert small(machine).translate([LEAF | NT]).pa.tolist() == [OUTPUT + NT + VA]


def test_at_gives_par_for_every_descriptor() -> None:
    array = small(Machine(), kind="at", operation="S1E0R")
    found = array.translate([LEAF | AP_EL0, LEAF, 0])
    expected = [
        replace(Machine(), leaf=leaf).ok(kind="at", operation="S1E0R").par
        for leaf in (LEAF | AP_EL0, LEAF, 0)
    ]
    assert found.par.tolist() == expected
    assert [verdict.par for verdict in found if isinstance(verdict, Translation)] == expected
    assert found.ok.all()
    assert found.pa.tolist() == [OUTPUT + VA, 0, 0]


def test_an_access_that_crosses_a_page_goes_on_after_its_first() -> None:
    crossing = DescriptorArray.at_level(Machine().mmu(), make_access(0xFFE), 3)
    assert crossing.translate([LEAF, 0]).goes_on.tolist() == [True, False]


def test_answers_do_not_depend_on_how_many_are_asked_at_once() -> None:
    values = np.random.default_rng(3).integers(0, 1 << 64, 40_000, np.uint64)
    array = small(Machine(), level=2, kind="fetch", el=0)
    whole = array.translate(values)
    assert len(array.translate([])) == 0
    assert np.array_equal(array.translate(values).codes, whole.codes)
    for part in (slice(0, 1), slice(16_383, 16_385), slice(39_000, 40_000)):
        again = small(Machine(), level=2, kind="fetch", el=0).translate(values[part])
        assert again.esr.tolist() == whole.esr[part].tolist()
        assert again.pa.tolist() == whole.pa[part].tolist()


def test_arrays_of_more_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="one dimension is needed, not of 2"):
        small(Machine()).translate([[LEAF]])


STAGE2 = {"HCR_EL2": 1 << 31 | 1, "VTCR_EL2": 25 | 1 << 6 | 5 << 16, "VTTBR_EL2": TABLES[1]}


def test_stage_2_alone_is_an_array_too() -> None:
    machine = Machine(sctlr=0, registers=STAGE2)
    leaf = OUTPUT | 0b11 | AF | 0b11 << 6 | 0b1111 << 2
    found = small(machine).translate([leaf, leaf & ~(1 << 6), leaf & ~(0b11 << 2), 0])
    first, unreadable, reserved, invalid = found
    assert isinstance(first, Translation)
    assert (first.pa, first.ipa) == (OUTPUT + VA, VA)
    assert isinstance(unreadable, Fault)
    assert (unreadable.kind, unreadable.stage) == (FaultKind.PERMISSION, 2)
    assert isinstance(reserved, Refused)
    assert "reserved stage 2 MemAttr" in reserved.reason
    assert isinstance(invalid, Fault)
    assert invalid.hpfar == 0
    assert found.pa.tolist() == [OUTPUT + VA, 0, 0, 0]


def test_stage_1_goes_on_to_stage_2_even_if_that_refuses_without_a_lookup() -> None:
    # Stage 2 maps the gigabyte of all tables to itself; an IPA of 40 bits is out of its range.
    identity = 0b01 | AF | 0b11 << 6 | 0b1111 << 2
    registers = {**STAGE2, "VTTBR_EL2": 0x8000}
    for operation, kind in (("plain", "read"), ("S12E1R", "at")):
        machine = Machine(registers=registers, words={0x8000: identity})
        access = make_access(VA, kind, operation=operation, el=2 if kind == "at" else 1)
        array = DescriptorArray(machine.mmu(), machine.memory(), access, TABLES[3])
        found = array.translate([LEAF, LEAF | 1 << 40, 0, LEAF & ~AF])
        assert found.goes_on.tolist() == [True, True, False, False]
        assert found.pa.tolist()[:2] == [OUTPUT + VA, (OUTPUT | 1 << 40) + VA]


def test_with_both_stages_on_a_level_alone_says_too_little() -> None:
    with pytest.raises(UnsupportedError, match="both stages"):
        small(Machine(registers=STAGE2))


def test_a_level_that_the_walk_does_not_have_is_refused() -> None:
    for level in (0, 4):
        with pytest.raises(ValueError, match=f"the walk has levels 1 to 3, not {level}"):
            small(Machine(), level)


def test_an_access_that_never_comes_to_the_descriptor_is_refused() -> None:
    outside = make_access(1 << 45)
    with pytest.raises(ValueError, match="does not come to level 3"):
        DescriptorArray.at_level(Machine().mmu(), outside, 3)
    with pytest.raises(ValueError, match="does not look at the descriptor at 0x8"):
        DescriptorArray(Machine().mmu(), Machine().memory(), make_access(VA), 8)


def test_an_access_that_walks_no_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="walks no tables"):
        small(Machine(sctlr=0))
