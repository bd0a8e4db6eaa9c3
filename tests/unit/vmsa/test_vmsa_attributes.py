"""Memory attributes of stage 1, on and off, and what the caches' switches make of them."""

from __future__ import annotations

import pytest
from vmsa_machine import DEVICE, LEAF, SCTLR, TCR, VA, Machine, what

from harness.arch.features import Feature
from harness.arch.implementation import Implementation, ReservedAttribute
from harness.vmsa.outcome import Fault, MemoryAttributes

rule = pytest.mark.rule
MMU_ON, DATA_CACHE, INSTRUCTION_CACHE = 1, 1 << 2, 1 << 12
HCR, DC, TGE = 1 << 31, 1 << 12, 1 << 27
NORMAL_WB = MemoryAttributes("Normal", None, "WB", "WB", "ISH")
NORMAL_NC = MemoryAttributes("Normal", None, "NC", "NC", "OSH")
STRONGEST = MemoryAttributes("Device", "nGnRnE")


def attributes(mair: int, sh: int = 3) -> MemoryAttributes | None:
    leaf = LEAF & ~(3 << 8) | sh << 8
    return Machine(leaf=leaf, registers={"MAIR_EL1": mair}).ok().attributes


@rule("S1DecodeMemAttrs")
@pytest.mark.parametrize(
    ("mair", "expected"),
    [
        (0x00, ("Device", "nGnRnE")), (0x04, ("Device", "nGnRE")), (0x08, ("Device", "nGRE")),
        (0x0C, ("Device", "GRE")), (0x05, ("Device", "nGnRE")),
        (0xFF, ("Normal", None, "WB", "WB")), (0xF4, ("Normal", None, "NC", "WB")),
        (0x4F, ("Normal", None, "WB", "NC")), (0xBB, ("Normal", None, "WT", "WT")),
        (0x77, ("Normal", None, "WB", "WB")), (0x33, ("Normal", None, "WT", "WT")),
        (0xA0, ("Normal", None, "WT", "WT")), (0x40, ("Normal", None, "NC", "NC")),
        (0x45, ("Normal", None, "WB", "NC")),
    ],
)  # fmt: skip
def test_mair_gives_the_memory_type(mair: int, expected: tuple[str, ...]) -> None:
    found = attributes(mair)
    assert found is not None
    assert (found.type, found.device, found.inner, found.outer)[: len(expected)] == expected


@rule("S1ConstrainUnpredictableRESMAIR")
@pytest.mark.parametrize("mair", [0x02, 0x0F, 0xF0, 0x80, 0x10])
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ReservedAttribute.DEVICE, STRONGEST),
        (ReservedAttribute.NON_CACHEABLE, NORMAL_NC),
        (ReservedAttribute.WRITE_BACK, NORMAL_WB),
    ],
)
def test_what_a_reserved_attribute_is_is_a_choice(
    mair: int, choice: ReservedAttribute, expected: MemoryAttributes
) -> None:
    choices = Implementation(reserved_memory_attribute=choice)
    machine = Machine(registers={"MAIR_EL1": mair}, choices=choices)
    assert machine.ok().attributes == expected
    misaligned = machine.ask(VA | 1)
    assert isinstance(misaligned, Fault) is (choice is ReservedAttribute.DEVICE)


@rule("S1DecodeMemAttrs")
@pytest.mark.parametrize(("sh", "expected"), [(0, "NSH"), (1, "OSH"), (2, "OSH"), (3, "ISH")])
def test_sh_of_the_leaf_gives_the_shareability(sh: int, expected: str) -> None:
    found = attributes(0xFF, sh)
    assert found is not None
    assert found.shareability == expected


@rule("EffectiveShareability")
@pytest.mark.parametrize("sh", [0, 2, 3])
def test_non_cacheable_memory_is_outer_shareable(sh: int) -> None:
    assert attributes(0x44, sh) == NORMAL_NC


@rule("AArch64.S1NextWalkStateLeaf")
def test_with_ds_the_shareability_comes_from_tcr() -> None:
    leaf = LEAF & ~(3 << 8)
    machine = Machine(leaf=leaf, tcr=TCR | 1 << 59 | 3 << 12)
    found = machine.having(Feature.LPA2).ok().attributes
    assert found is not None
    assert found.shareability == "ISH"
    assert machine.ok().attributes == MemoryAttributes("Normal", None, "WB", "WB", "NSH")


@rule("AArch64.S1Translate")
def test_the_caches_switches_make_normal_memory_non_cacheable() -> None:
    no_data = Machine(sctlr=SCTLR & ~DATA_CACHE)
    assert (no_data.ok().attributes, no_data.ok(kind="fetch").attributes) == (NORMAL_NC, NORMAL_WB)
    no_fetch = Machine(sctlr=SCTLR & ~INSTRUCTION_CACHE)
    assert (no_fetch.ok().attributes, no_fetch.ok(kind="fetch").attributes) == (
        NORMAL_WB,
        NORMAL_NC,
    )


@rule("AArch64.S1Translate")
def test_a_fetch_from_device_memory_is_as_from_non_cacheable_memory() -> None:
    device = Machine(leaf=LEAF | DEVICE)
    assert device.ok(kind="fetch").attributes == NORMAL_NC
    assert device.ok().attributes == STRONGEST
    assert device.having(sctlr=SCTLR & ~DATA_CACHE).ok().attributes == STRONGEST


@rule("AArch64.S1DisabledOutput")
def test_with_the_mmu_off_addresses_are_flat() -> None:
    off = Machine(sctlr=SCTLR & ~MMU_ON)
    assert (off.ok(0x1234_5678).pa, off.ok().attributes) == (0x1234_5678, STRONGEST)
    assert off.ok(kind="fetch").attributes == MemoryAttributes("Normal", None, "WT", "WT", "OSH")
    assert off.having(sctlr=0).ok(kind="fetch").attributes == NORMAL_NC


@rule("AArch64.S1DisabledOutput")
def test_with_the_mmu_off_an_address_larger_than_physical_ones_is_an_address_size_fault() -> None:
    off = Machine(sctlr=SCTLR & ~MMU_ON, pa_bits=40)
    assert off.ok((1 << 40) - 4).pa == (1 << 40) - 4
    assert what(off.fault(1 << 40)) == ("address_size", 0)
    assert what(off.fault(0xAB << 56 | VA)) == ("address_size", 0)
    assert off.having(tcr=TCR | 1 << 37).ok(0xAB << 56 | VA).pa == VA


@rule("AArch64.S1DisabledOutput")
def test_with_the_mmu_off_each_half_has_its_own_tbi() -> None:
    tagged = 0xAB80_0000_0000_0ABC
    off = Machine(sctlr=SCTLR & ~MMU_ON, pa_bits=56)
    assert off.having(tcr=TCR | 1 << 38).ok(tagged).pa == 0x80_0000_0000_0ABC
    assert what(off.having(tcr=TCR | 1 << 37).fault(tagged)) == ("address_size", 0)


@rule("AArch64.S1HasAlignmentFault")
def test_with_the_mmu_off_misaligned_data_accesses_fault() -> None:
    off = Machine(sctlr=SCTLR & ~MMU_ON)
    assert what(off.fault(VA | 2)) == ("alignment", None)
    assert what(off.fault(VA, "write", operation="dc_zva")) == ("alignment", None)
    assert off.ok(VA).pa == VA


@rule("AArch64.S1Enabled")
def test_hcr_dc_turns_stage_1_off_and_makes_memory_cacheable() -> None:
    # Stage 2 is on with DC; an empty VTCR_EL2 makes it start at level 2 with 16 GiB, no memory.
    off = Machine(registers={"HCR_EL2": HCR | DC})
    assert off.mmu().context.stage1_enabled is False
    assert off.mmu().context.stage2_enabled is True


@rule("AArch64.S1Enabled")
def test_hcr_tge_turns_stage_1_of_el1_and_el0_off_and_routes_faults_to_el2() -> None:
    off = Machine(registers={"HCR_EL2": HCR | TGE}, pa_bits=40)
    assert off.ok(0x5000, el=0).pa == 0x5000
    fault = off.fault(1 << 40, el=0)
    assert (fault.target_el, fault.esr >> 26) == (2, 0x24)
    on = Machine(leaf=LEAF, pa_bits=40).fault(1 << 40, el=0)
    assert (on.target_el, on.kind.value) == (1, "translation")
