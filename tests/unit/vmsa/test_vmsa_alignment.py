"""Alignment: before translation, after it for Device memory, and the pieces of an access."""

from __future__ import annotations

import pytest
from vmsa_machine import (
    AP_READ_ONLY,
    DEVICE,
    LEAF,
    NON_CACHEABLE,
    SCTLR,
    TABLES,
    VA,
    Machine,
    block,
    make_access,
    what,
)

from harness.arch.features import Feature
from harness.vmsa.alignment import pieces
from harness.vmsa.record import FaultRecord

rule = pytest.mark.rule
A, NAA = 1 << 1, 1 << 6
EXCLUSIVE = ("load_exclusive", "store_exclusive", "load_acquire_exclusive")
ORDERED = ("load_acquire", "load_acquire_pc", "store_release")
ALIGNMENT = ("alignment", None)
NEXT = TABLES[3] + 8


def kind_of(operation: str) -> str:
    return "write" if operation.startswith("store") else "read"


@rule("AArch64.UnalignedAccessFaults")
def test_sctlr_a_faults_misaligned_accesses_before_any_translation() -> None:
    checking = Machine(sctlr=SCTLR | A, leaf=0)
    fault = checking.fault(VA | 2)
    assert what(fault) == ALIGNMENT
    assert fault.rule == "AArch64.UnalignedAccessFaults"
    assert what(checking.fault(VA)) == ("translation", 3)
    assert what(checking.fault(VA | 3, size=1)) == ("translation", 3)
    assert what(Machine(leaf=0).fault(VA | 2)) == ("translation", 3)


@rule("AArch64.UnalignedAccessFaults")
def test_a_pair_is_aligned_by_its_elements() -> None:
    checking = Machine(sctlr=SCTLR | A)
    assert checking.ok(0x104, operation="load_pair", size=8).pa
    assert what(checking.fault(0x102, operation="load_pair", size=8)) == ALIGNMENT
    assert what(checking.fault(0x104, operation="load_exclusive_pair", size=8)) == ALIGNMENT
    assert checking.ok(0x108, operation="load_exclusive_pair", size=8).pa


@rule("AArch64.UnalignedAccessFaults")
@pytest.mark.parametrize("operation", [*EXCLUSIVE, *ORDERED])
def test_exclusive_and_ordered_accesses_must_be_aligned_without_lse2(operation: str) -> None:
    assert what(Machine().fault(0x102, kind_of(operation), operation=operation)) == ALIGNMENT
    assert Machine().ok(0x104, kind_of(operation), operation=operation).pa


@rule("AArch64.UnalignedAccessFaults")
@pytest.mark.parametrize("operation", ["swap", "swap_acquire_release", "compare_and_swap"])
def test_atomics_must_be_aligned_or_with_lse2_within_16_bytes(operation: str) -> None:
    assert what(Machine().fault(0x102, "read_write", operation=operation)) == ALIGNMENT
    lse2 = Machine().having(Feature.LSE2)
    assert lse2.ok(0x102, "read_write", operation=operation).pa
    assert what(lse2.fault(0x10E, "read_write", operation=operation)) == ALIGNMENT


@rule("AArch64.UnalignedAccessFaults")
def test_lse2_lets_naa_decide_for_ordered_accesses_that_cross_16_bytes() -> None:
    lse2 = Machine().having(Feature.LSE2)
    assert lse2.ok(0x102, operation="load_acquire").pa
    assert what(lse2.fault(0x10E, operation="load_acquire")) == ALIGNMENT
    assert lse2.having(sctlr=SCTLR | NAA).ok(0x10E, operation="load_acquire").pa
    assert what(lse2.having(sctlr=SCTLR | NAA).fault(0x10E, operation="load_exclusive"))


@rule("AArch64.S1HasAlignmentFault")
def test_a_misaligned_access_to_device_memory_faults_before_permissions() -> None:
    device = Machine(leaf=LEAF | DEVICE | AP_READ_ONLY)
    fault = device.fault(VA | 2, "write")
    assert what(fault) == ALIGNMENT
    assert (fault.stage, fault.esr & 0x7F) == (1, 0x61)
    assert what(device.fault(VA, "write")) == ("permission", 3)
    assert what(Machine(leaf=LEAF | AP_READ_ONLY).fault(VA | 2, "write")) == ("permission", 3)


@rule("AArch64.S1HasAlignmentFault")
def test_fetches_and_single_bytes_are_never_misaligned() -> None:
    device = Machine(leaf=LEAF | DEVICE)
    assert device.ok(VA | 2, "fetch").pa
    assert device.ok(VA | 3, size=1).pa


@rule("AArch64.S1HasAlignmentFault")
def test_dc_zva_faults_on_any_device_memory() -> None:
    fault = Machine(leaf=LEAF | DEVICE).fault(VA, "write", operation="dc_zva", size=64)
    assert what(fault) == ALIGNMENT
    assert fault.esr & 0x1FF == 0x61
    zeroing = Machine(sctlr=SCTLR | A)
    assert zeroing.ok(VA | 1, "write", operation="dc_zva", size=64).pa
    assert zeroing.ok(VA | 1, operation="cache_maintenance", size=64).pa


@rule("AArch64.MemSingle")
@pytest.mark.parametrize("operation", [*EXCLUSIVE, *ORDERED])
def test_a_misaligned_access_that_must_be_atomic_needs_write_back_memory(operation: str) -> None:
    kind = kind_of(operation)
    lse2 = Machine().having(Feature.LSE2)
    assert lse2.ok(0x102, kind, operation=operation).pa
    other = lse2.having(leaf=LEAF | NON_CACHEABLE)
    fault = other.fault(0x102, kind, operation=operation)
    assert what(fault) == ALIGNMENT
    assert fault.rule == "AArch64.MemSingle"
    assert other.ok(0x104, kind, operation=operation).pa


@rule("AArch64.MemSingle")
def test_plain_accesses_and_atomics_do_not_ask_for_write_back_memory() -> None:
    other = Machine(leaf=LEAF | NON_CACHEABLE).having(Feature.LSE2)
    assert other.ok(0x102).pa
    assert other.ok(0x102, "read_write", operation="swap").pa


@rule("AArch64.MemSingle")
def test_an_access_across_pages_faults_with_the_address_of_the_second_page() -> None:
    first_only = Machine()
    fault = first_only.fault(0xFFE)
    assert (what(fault), fault.far) == (("translation", 3), 0x1000)
    assert Machine(words={NEXT: LEAF + 0x5000}).ok(0xFFE).pa == 0x4000_0FFE
    assert first_only.ok(0xFFC).pa


@rule("AArch64.MemSingle")
def test_the_second_element_of_a_pair_may_lie_in_the_next_page() -> None:
    fault = Machine().fault(0xFF8, operation="load_pair", size=16)
    assert (what(fault), fault.far) == (("translation", 3), 0x1000)
    both = Machine(words={NEXT: LEAF + 0x5000}).having(Feature.LSE2)
    assert both.ok(0xFF8, operation="load_pair", size=16).pa == 0x4000_0FF8
    assert both.ok(0xFE8, operation="load_pair", size=16).pa == 0x4000_0FE8


@pytest.mark.parametrize(
    ("va", "size", "operation", "lse2", "expected"),
    [
        (0x100, 8, "plain", False, [(0, True)]),
        (0x101, 1, "plain", False, [(0, True)]),
        (0x101, 8, "plain", False, [(0, False)]),
        (0xFFD, 8, "plain", False, [(0, False), (3, False)]),
        (0x101, 8, "plain", True, [(0, False)]),
        (0xFFC, 8, "load_pair", False, [(0, True), (4, True)]),
        (0xFF8, 8, "load_pair", False, [(0, True)]),
        (0x101, 8, "swap", True, [(0, False)]),
        (0xFFD, 64, "dc_zva", False, [(0, True)]),
    ],
)
def test_pieces_of_one_page_are_represented_by_the_first(
    va: int, size: int, operation: str, *, lse2: bool, expected: list[tuple[int, bool]]
) -> None:
    access = make_access(va, size=size, operation=operation)
    found = pieces(access, enforced=False, lse2=lse2, naa=False)
    assert not isinstance(found, FaultRecord)
    assert [(piece.offset, piece.aligned) for piece in found] == expected


@rule("AArch64.UnalignedAccessFaults")
@pytest.mark.parametrize("size", [2, 4, 8, 16])
def test_every_size_is_checked(size: int) -> None:
    checking = Machine(sctlr=SCTLR | A)
    assert what(checking.fault(0x101, size=size)) == ALIGNMENT
    assert checking.ok(0x100, size=size).pa


def test_an_access_over_the_end_of_the_address_space_goes_on_at_address_0() -> None:
    # The last gigabyte is mapped by a block, address 0 is not.
    machine = Machine(leaf=0, words={TABLES[1] + 511 * 8: block()})
    fault = machine.fault(0xFFFF_FFFF_FFFF_FFFE)
    assert (what(fault), fault.far) == (("translation", 3), 0)
    assert Machine(words=machine.words).ok(0xFFFF_FFFF_FFFF_FFFE).pa == 0x7FFF_FFFE
