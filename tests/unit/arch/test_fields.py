"""Fields and layouts: bits in and out, gaps, reserved bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.arch.fields import Field, Kind, Layout, flag, res1

T0SZ = Field("T0SZ", 5, 0, "Size offset")
TG0 = Field("TG0", 15, 14, "Granule", {0: "4KB", 3: "reserved"})
TOY = Layout.of("TOY", "A register of 16 bits", T0SZ, TG0, res1(8), width=16)


def test_a_field_reads_its_own_bits_only() -> None:
    assert TG0.get(0xFFFF_3FFF) == 0
    assert TG0.get(0x0000_8000) == 2
    assert (TG0.width, TG0.mask, TG0.position) == (2, 0xC000, "[15:14]")
    assert flag("M", 0, "MMU").position == "[0]"


@given(st.integers(0, (1 << 64) - 1), st.integers(0, 63))
def test_setting_a_field_changes_nothing_else(value: int, content: int) -> None:
    changed = T0SZ.set(value, content)
    assert T0SZ.get(changed) == content
    assert changed & ~T0SZ.mask == value & ~T0SZ.mask


@pytest.mark.parametrize("content", [-1, 64])
def test_content_that_does_not_fit_is_refused(content: int) -> None:
    with pytest.raises(ValueError, match="T0SZ has 6 bits"):
        T0SZ.set(0, content)


def test_part_of_an_address_means_that_part_in_its_place() -> None:
    base = Field("BADDR", 47, 1, "Table base address", address_lsb=1)
    assert base.meaning(0x81F3_F001) == "0x81f3f000"


def test_a_field_without_words_for_a_value_means_nothing_in_words() -> None:
    assert TG0.meaning(0x0000) == "4KB"
    assert TG0.meaning(0x4000) == ""


def test_a_flag_may_leave_one_side_without_words() -> None:
    assert flag("NG", 11, "Not global", set_="one ASID").values == {1: "one ASID"}


def test_bits_that_no_field_names_are_res0() -> None:
    assert [(part.name, part.msb, part.lsb) for part in TOY] == [
        ("TG0", 15, 14),
        ("RES0", 13, 9),
        ("RES1", 8, 8),
        ("RES0", 7, 6),
        ("T0SZ", 5, 0),
    ]


def test_gaps_may_be_ignored_instead_and_reach_the_top_and_the_bottom() -> None:
    layout = Layout.of("G", "", Field("OA", 6, 4), width=8, gaps=Kind.IGNORED)
    assert [(part.kind, part.msb, part.lsb) for part in layout] == [
        (Kind.IGNORED, 7, 7),
        (Kind.VALUE, 6, 4),
        (Kind.IGNORED, 3, 0),
    ]


def test_overlapping_fields_are_no_layout() -> None:
    with pytest.raises(ValueError, match="bit 13 is not where"):
        Layout.of("BAD", "", TG0, Field("X", 14, 10), width=16)


def test_a_field_upside_down_is_no_layout() -> None:
    with pytest.raises(ValueError, match="bit 0 is not where"):
        Layout("BAD", "", 1, (Field("X", 0, 1),))


def test_a_layout_that_ends_early_is_no_layout() -> None:
    with pytest.raises(ValueError, match="bits 13:0 belong to no field"):
        Layout("BAD", "", 16, (TG0,))


def test_reserved_bits_and_reserved_values_are_reported() -> None:
    def reserved(value: int) -> list[str]:
        return [each.field.position for each in TOY.decode(value) if each.reserved]

    assert reserved(0x0100) == []
    assert reserved(0x0000) == ["[8]"]
    assert reserved(0x0300) == ["[13:9]"]
    assert reserved(0xC100) == ["[15:14]"]


def test_a_field_is_found_by_its_name() -> None:
    assert TOY["T0SZ"] is T0SZ
    with pytest.raises(KeyError, match="TOY has no field 'T1SZ'"):
        TOY["T1SZ"]


def test_fields_and_layouts_can_be_keys() -> None:
    assert {T0SZ: 1}[Field("T0SZ", 5, 0, "Size offset")] == 1
    assert {TOY: 1}[TOY] == 1
