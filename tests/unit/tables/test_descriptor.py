"""Addresses and type bits of descriptors in the three formats, against literal values."""

from __future__ import annotations

import pytest

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.granule import Granule
from harness.errors import MappingError
from harness.tables.descriptor import (
    is_table,
    leaf_address_mask,
    make_leaf,
    make_leaves,
    make_table,
    next_table,
    output_address,
)
from harness.tables.geometry import Geometry

OA48 = Geometry(Granule.K4, 48, high=True)
LPA = Geometry(Granule.K64, 52, high=True, format=OutputFormat.LPA)
LPA2_4K = Geometry(Granule.K4, 52, high=True, format=OutputFormat.LPA2)
LPA2_16K = Geometry(Granule.K16, 52, high=True, format=OutputFormat.LPA2)


@pytest.mark.parametrize(
    ("geometry", "level", "oa", "descriptor"),
    [
        (OA48, 2, 0x199600000, 0x0068000199600705),
        (OA48, 3, 0x199601000, 0x0068000199601707),
        (OA48, 1, 0x8000_4000_0000, 0x0068800040000705),
        (LPA, 3, 0x9_8765_4321_0000, 0x0068876543219707),
        (LPA, 2, 0xF_0000_2000_0000, 0x006800002000F705),
        (LPA2_4K, 3, 0xC_0000_0000_1000, 0x0068000000001707),
        (LPA2_4K, 2, 0x6_0000_0020_0000, 0x006A000000200505),
        (LPA2_16K, 3, 0x5_2345_6789_4000, 0x0069234567894507),
    ],
)
def test_a_leaf_holds_its_address_where_the_format_puts_it(
    geometry: Geometry, level: int, oa: int, descriptor: int
) -> None:
    # With LPA2 bits 9:8 are address bits, so the attributes state no shareability.
    bits = 0x0068000000000404 if geometry.format is OutputFormat.LPA2 else 0x0068000000000704
    assert make_leaf(geometry, level, PhysicalAddress(oa), bits) == descriptor
    assert output_address(geometry, descriptor, level) == oa


@pytest.mark.parametrize(
    ("geometry", "table", "descriptor"),
    [
        (OA48, 0x9FFFE000, 0x9FFFE003),
        (LPA, 0x9_8765_4321_0000, 0x0000876543219003),
        (LPA2_4K, 0xE_0000_0000_1000, 0x0002000000001303),
        (LPA2_16K, 0x4_0000_0000_4000, 0x4103),
    ],
)
def test_a_table_descriptor_holds_the_next_tables_address(
    geometry: Geometry, table: int, descriptor: int
) -> None:
    assert make_table(geometry, PhysicalAddress(table)) == descriptor
    assert next_table(geometry, descriptor) == table
    attributes = 0xF800000000000400
    assert next_table(geometry, descriptor | attributes) == table


def test_only_bits_1_0_and_the_level_make_a_table() -> None:
    assert is_table(0x9FFFE003, 2)
    assert not is_table(0x9FFFE003, 3)
    assert not is_table(0x9FFFE001, 2)
    assert not is_table(0x9FFFE002, 2)


def test_consecutive_leaves_are_the_leaves_one_by_one_also_where_the_address_field_breaks() -> None:
    first = PhysicalAddress((1 << 48) - 0x20000)
    expected = [make_leaf(LPA, 3, PhysicalAddress(first + n * 0x10000), 0x704) for n in range(4)]
    assert make_leaves(LPA, 3, first, 0x704, 4) == expected
    assert [output_address(LPA, leaf, 3) - first for leaf in expected] == [
        0, 0x10000, 0x20000, 0x30000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("geometry", "level", "oa", "bits", "named"),
    [
        (OA48, 3, 0x1000, 0x1000, "0x1000 lie in the address field"),
        (LPA2_4K, 3, 0x1000, 0x300, "0x300 lie in the address field"),
        (LPA, 2, 0, 0x1000, "0x1000 lie in the address field"),
        (OA48, 3, 1 << 48, 0, "wider than the 48 bits"),
        (LPA, 3, 1 << 52, 0, "wider than the 52 bits"),
        (OA48, 2, 0x1000, 0, "0x1000 is not aligned to 0x200000"),
    ],
)
def test_what_does_not_fit_a_leaf_is_refused(
    geometry: Geometry, level: int, oa: int, bits: int, named: str
) -> None:
    with pytest.raises(MappingError, match=named):
        make_leaf(geometry, level, PhysicalAddress(oa), bits)


def test_nt_is_no_address_bit_of_a_block() -> None:
    assert not leaf_address_mask(OA48, 2) & 1 << 16
    assert leaf_address_mask(OA48, 3) & 1 << 16
