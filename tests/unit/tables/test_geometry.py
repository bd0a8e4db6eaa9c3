"""Levels, sizes and ranges of translation tables, against the manual's tables of them."""

from __future__ import annotations

import pytest

from harness.arch.descriptors import OutputFormat
from harness.arch.granule import Granule
from harness.errors import MappingError, UnsupportedError
from harness.tables.geometry import Geometry

K4, K16, K64 = Granule.K4, Granule.K16, Granule.K64
OA48, LPA, LPA2 = OutputFormat.VMSA48, OutputFormat.LPA, OutputFormat.LPA2


@pytest.mark.parametrize(
    ("granule", "ia_bits", "form", "level", "entries"),
    [
        (K4, 48, OA48, 0, 512),
        (K4, 47, OA48, 0, 256),
        (K4, 40, OA48, 0, 2),
        (K4, 39, OA48, 1, 512),
        (K4, 31, OA48, 1, 2),
        (K4, 30, OA48, 2, 512),
        (K4, 25, OA48, 2, 16),
        (K4, 16, OA48, 3, 16),
        (K4, 52, LPA2, -1, 16),
        (K4, 49, LPA2, -1, 2),
        (K4, 48, LPA2, 0, 512),
        (K16, 48, OA48, 0, 2),
        (K16, 47, OA48, 1, 2048),
        (K16, 36, OA48, 2, 2048),
        (K16, 52, LPA2, 0, 32),
        (K64, 48, OA48, 1, 64),
        (K64, 52, LPA, 1, 1024),
        (K64, 42, OA48, 2, 8192),
        (K64, 17, OA48, 3, 2),
    ],
)
def test_the_root_has_the_level_and_size_that_the_input_range_needs(
    granule: Granule, ia_bits: int, form: OutputFormat, level: int, entries: int
) -> None:
    geometry = Geometry(granule, ia_bits, high=False, format=form)
    assert (geometry.start_level, geometry.entries(level)) == (level, entries)
    assert geometry.root_size == geometry.table_size(level) == 8 * entries
    assert geometry.root_alignment == max(64, 8 * entries)


@pytest.mark.parametrize(
    ("granule", "form", "levels"),
    [
        (K4, OA48, {1, 2, 3}),
        (K4, LPA2, {0, 1, 2, 3}),
        (K16, OA48, {2, 3}),
        (K16, LPA2, {1, 2, 3}),
        (K64, OA48, {2, 3}),
        (K64, LPA, {1, 2, 3}),
    ],
)
def test_leaves_exist_at_the_levels_of_the_granule_and_format(
    granule: Granule, form: OutputFormat, levels: set[int]
) -> None:
    geometry = Geometry(granule, 48, high=False, format=form)
    assert {level for level in range(-1, 5) if geometry.has_leaf(level)} == levels


def test_a_table_below_the_root_is_as_large_as_the_granule() -> None:
    for granule in Granule:
        assert Geometry(granule, 48, high=False).table_size(3) == granule.size


def test_no_leaf_is_above_the_root() -> None:
    assert not Geometry(K4, 30, high=False).has_leaf(1)


@pytest.mark.parametrize(
    ("granule", "form", "runs"),
    [
        (K4, OA48, {1: 16, 2: 16, 3: 16}),
        (K4, LPA2, {0: None, 1: 16}),
        (K16, OA48, {1: None, 2: 32, 3: 128}),
        (K16, LPA2, {1: None, 2: 32, 3: 128}),
        (K64, LPA, {1: None, 2: 32, 3: 32}),
    ],
)
def test_the_contiguous_bit_joins_as_many_entries_as_the_manual_says(
    granule: Granule, form: OutputFormat, runs: dict[int, int | None]
) -> None:
    geometry = Geometry(granule, 48, high=False, format=form)
    assert {level: geometry.contiguous_run(level) for level in runs} == runs


def test_no_run_is_larger_than_the_input_range() -> None:
    assert Geometry(K4, 33, high=False).contiguous_run(1) is None
    assert Geometry(K4, 34, high=False).contiguous_run(1) == 16


def test_an_index_is_the_levels_own_bits_of_the_address() -> None:
    geometry = Geometry(K4, 48, high=True)
    ia = 0xFFFF000019600000
    assert [geometry.index(ia, level) for level in (0, 1, 2, 3)] == [0, 0, 203, 0]
    assert Geometry(K4, 52, high=True, format=LPA2).index(0xFFFF000019600000, -1) == 15


@pytest.mark.parametrize(
    ("high", "ia_bits", "inside", "outside"),
    [
        (True, 48, 0xFFFF000000000000, 0xFFFEFFFFFFFFFFFF),
        (True, 48, 0xFFFFFFFFFFFFFFFF, 0x0000FFFFFFFFFFFF),
        (False, 48, 0x0000FFFFFFFFFFFF, 0x0001000000000000),
        (False, 39, 0, 0xFF00000000000000),
    ],
)
def test_an_address_belongs_to_the_half_whose_upper_bits_it_has(
    *, high: bool, ia_bits: int, inside: int, outside: int
) -> None:
    geometry = Geometry(K4, ia_bits, high)
    assert geometry.contains(inside)
    assert not geometry.contains(outside)


@pytest.mark.parametrize(
    ("granule", "ia_bits", "form"),
    [
        (K4, 48, LPA),
        (K64, 48, LPA2),
        (K4, 52, OA48),
        (K16, 52, OA48),
        (K4, 15, OA48),
        (K64, 16, OA48),
        (K4, 53, LPA2),
    ],
)
def test_a_geometry_that_the_architecture_lacks_is_refused(
    granule: Granule, ia_bits: int, form: OutputFormat
) -> None:
    with pytest.raises(MappingError):
        Geometry(granule, ia_bits, high=False, format=form)


def test_128_bit_descriptors_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="FEAT_D128"):
        Geometry(K4, 48, high=False, format=OutputFormat.D128)
