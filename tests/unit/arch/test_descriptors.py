"""Descriptor layouts: every format, granule, level and stage, against the manual's tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.arch.descriptors import (
    BLOCK_LEVELS,
    DescriptorType,
    OutputFormat,
    View,
    descriptor_layout,
    has_level,
)
from harness.arch.fields import Kind, Layout
from harness.arch.granule import Granule

T = DescriptorType
F = OutputFormat
PANIC_BLOCK = 0x00E8_0001_9960_0704
"""The level 2 entry of the log: a block of 2M with PTE_VALID cleared."""


def layout(
    descriptor_type: DescriptorType,
    level: int,
    granule: Granule = Granule.K4,
    *,
    stage: int = 1,
    output: OutputFormat = F.VMSA48,
    indirect: bool = False,
    overlay: bool = False,
) -> Layout:
    """Return a layout, by what differs from a stage 1 descriptor of the 4K granule."""
    view = View(granule, level, stage, output, indirect, overlay)
    return descriptor_layout(view, descriptor_type)


def names(of: Layout) -> dict[str, tuple[int, int]]:
    """Return the fields that are neither reserved nor ignored, with their bits."""
    return {
        part.name: (part.msb, part.lsb)
        for part in of
        if part.kind in (Kind.VALUE, Kind.SOFTWARE) or part.name in {"NS", "PBHA"}
    }


def test_the_block_of_the_panic_reads_as_the_kernel_meant_it() -> None:
    block = layout(T.BLOCK, 2)
    assert block["OA[47:21]"].meaning(PANIC_BLOCK) == "0x199600000"
    assert block["AttrIndx"].get(PANIC_BLOCK) == 1
    assert block["SH"].meaning(PANIC_BLOCK) == "Inner Shareable"
    assert block["AP[2:1]"].meaning(PANIC_BLOCK) == "EL1 read/write, EL0 none"
    assert [block[name].get(PANIC_BLOCK) for name in ("AF", "nG", "DBM", "PXN", "UXN")] == [
        1, 0, 1, 1, 1,
    ]  # fmt: skip
    assert block["Valid"].get(PANIC_BLOCK) == 0
    assert not any(each.reserved for each in block.decode(PANIC_BLOCK))


def test_a_stage_1_page_has_the_fields_of_the_manuals_table() -> None:
    page = layout(T.PAGE, 3)
    assert names(page) == {
        "Software": (58, 55),
        "PBHA": (62, 59),
        "UXN": (54, 54),
        "PXN": (53, 53),
        "Contiguous": (52, 52),
        "DBM": (51, 51),
        "GP": (50, 50),
        "OA[47:12]": (47, 12),
        "nG": (11, 11),
        "AF": (10, 10),
        "SH": (9, 8),
        "AP[2:1]": (7, 6),
        "NS": (5, 5),
        "AttrIndx": (4, 2),
        "Type": (1, 1),
        "Valid": (0, 0),
    }


def test_a_stage_2_block_has_the_fields_of_the_manuals_table() -> None:
    block = layout(T.BLOCK, 2, stage=2)
    assert names(block) == {
        "PBHA": (62, 59),
        "Software": (58, 56),
        "NS": (55, 55),
        "XN[1:0]": (54, 53),
        "Contiguous": (52, 52),
        "DBM": (51, 51),
        "OA[47:21]": (47, 21),
        "nT": (16, 16),
        "FnXS": (11, 11),
        "AF": (10, 10),
        "SH": (9, 8),
        "S2AP": (7, 6),
        "MemAttr": (5, 2),
        "Type": (1, 1),
        "Valid": (0, 0),
    }


def test_a_stage_1_table_has_hierarchical_attributes_and_ignores_the_rest() -> None:
    table = layout(T.TABLE, 0)
    value = 0x1800_0000_9FFF_F403
    assert table["NLTA[47:12]"].meaning(value) == "0x9ffff000"
    assert [table[name].get(value) for name in ("PXNTable", "UXNTable", "APTable")] == [1, 1, 0]
    ignored = [(part.msb, part.lsb) for part in table if part.kind is Kind.IGNORED]
    assert ignored == [(63, 63), (58, 51), (11, 11), (9, 2)]
    assert [(part.msb, part.lsb) for part in table if part.kind is Kind.RES0] == [(50, 48)]


def test_a_stage_2_table_has_no_hierarchical_attributes() -> None:
    table = layout(T.TABLE, 1, stage=2)
    assert set(names(table)) == {"Valid", "Type", "AF", "NLTA[47:12]"}
    reserved = [(part.msb, part.lsb) for part in table if part.kind is Kind.RES0]
    assert reserved == [(63, 59), (50, 48)]


@pytest.mark.parametrize(
    ("granule", "output", "level", "field"),
    [
        (Granule.K4, F.VMSA48, 1, "OA[47:30]"),
        (Granule.K4, F.VMSA48, 2, "OA[47:21]"),
        (Granule.K4, F.LPA2, 0, "OA[49:39]"),
        (Granule.K16, F.VMSA48, 2, "OA[47:25]"),
        (Granule.K16, F.LPA2, 1, "OA[49:36]"),
        (Granule.K64, F.VMSA48, 2, "OA[47:29]"),
        (Granule.K64, F.LPA, 1, "OA[47:42]"),
    ],
)
def test_a_block_holds_the_address_bits_of_its_size(
    granule: Granule, output: OutputFormat, level: int, field: str
) -> None:
    assert field in names(layout(T.BLOCK, level, granule, output=output))


def test_lpa_keeps_the_upper_address_bits_in_15_to_12() -> None:
    page = layout(T.PAGE, 3, Granule.K64, output=F.LPA)
    assert page["OA[51:48]"].meaning(0xF000) == "0xf000000000000"
    assert "SH" in names(page)
    assert names(layout(T.TABLE, 2, Granule.K64, output=F.LPA))["NLTA[51:48]"] == (15, 12)


def test_lpa2_keeps_the_upper_address_bits_where_sh_was() -> None:
    page = layout(T.PAGE, 3, output=F.LPA2)
    assert page["OA[51:50]"].meaning(0x300) == "0xc000000000000"
    assert names(page)["OA[49:12]"] == (49, 12)
    assert "SH" not in names(page)
    assert names(layout(T.TABLE, -1, output=F.LPA2))["NLTA[51:50]"] == (9, 8)


@pytest.mark.parametrize(
    ("granule", "reserved"),
    [(Granule.K4, []), (Granule.K16, [(13, 12)]), (Granule.K64, [(15, 12)])],
)
def test_address_bits_below_the_granule_are_reserved(
    granule: Granule, reserved: list[tuple[int, int]]
) -> None:
    for descriptor_type, level in ((T.PAGE, 3), (T.TABLE, 2)):
        found = layout(descriptor_type, level, granule)
        low = [(part.msb, part.lsb) for part in found if part.kind is Kind.RES0 and part.msb < 20]
        assert [bits for bits in low if bits != (5, 5)] == reserved


@pytest.mark.parametrize("stage", [1, 2])
def test_indirect_permissions_replace_the_direct_ones(stage: int) -> None:
    page = names(layout(T.PAGE, 3, stage=stage, indirect=True))
    assert page["PIIndex[3:2]"] == (54, 53)
    assert page["PIIndex[1]"] == (51, 51)
    assert page["PIIndex[0]"] == (6, 6)
    assert page["nDirty" if stage == 1 else "Dirty"] == (7, 7)
    assert not {"AP[2:1]", "S2AP", "DBM", "UXN", "PXN", "XN[1:0]"} & set(page)


def test_overlays_take_the_place_of_pbha() -> None:
    assert names(layout(T.PAGE, 3, overlay=True))["POIndex"] == (62, 60)
    assert names(layout(T.PAGE, 3, stage=2, overlay=True))["POIndex"] == (62, 59)


def test_descriptors_of_128_bits_have_the_fields_of_the_manuals_table() -> None:
    page = names(layout(T.PAGE, 3, output=F.D128))
    assert page == {
        "NS": (127, 127),
        "POIndex": (124, 121),
        "PIIndex": (118, 115),
        "Protected": (114, 114),
        "GP": (113, 113),
        "Contiguous": (111, 111),
        "SKL": (110, 109),
        "Software": (100, 91),
        "OA[55:12]": (55, 12),
        "nG": (11, 11),
        "AF": (10, 10),
        "SH": (9, 8),
        "nDirty": (7, 7),
        "nT": (6, 6),
        "AttrIndx": (4, 2),
        "Valid": (0, 0),
    }
    table = names(layout(T.TABLE, -1, Granule.K16, output=F.D128))
    assert table["NLTA[55:14]"] == (55, 14)
    assert table["DisCH"] == (112, 112)
    stage2 = names(layout(T.BLOCK, 2, Granule.K64, stage=2, output=F.D128))
    assert (stage2["MemAttr"], stage2["Dirty"]) == ((5, 2), (7, 7))
    assert (stage2["FnXS"], stage2["AssuredOnly"]) == ((11, 11), (114, 114))
    assert "DisCH" not in names(layout(T.TABLE, 1, stage=2, output=F.D128))


def test_an_invalid_descriptor_is_free_for_software() -> None:
    for output, width in ((F.VMSA48, 64), (F.D128, 128)):
        invalid = layout(T.INVALID, 2, output=output)
        assert [part.name for part in invalid] == ["ignored", "Valid"]
        assert invalid.width == width
    assert not any(each.reserved for each in layout(T.INVALID, 3).decode((1 << 64) - 2))


def all_views() -> Iterator[View]:
    """Yield every place and reading of a descriptor."""
    for granule, output in BLOCK_LEVELS:
        for level in range(-2, 4):
            if not has_level(granule, output, level):
                continue
            for stage in (1, 2):
                for indirect in (False, True):
                    yield View(granule, level, stage, output, indirect, overlay=indirect)


def test_every_type_that_can_be_somewhere_has_a_layout_there() -> None:
    seen = set()
    for view in all_views():
        for descriptor_type in DescriptorType:
            if view.allows(descriptor_type):
                found = descriptor_layout(view, descriptor_type)
                assert found.width == (128 if view.output is F.D128 else 64)
                seen.add(descriptor_type)
            else:
                with pytest.raises(ValueError, match=f"no {descriptor_type.value} descriptor"):
                    descriptor_layout(view, descriptor_type)
    assert seen == set(DescriptorType)


def test_blocks_exist_where_the_granule_allows_them() -> None:
    assert not View(Granule.K4, 0).allows(T.BLOCK)
    assert View(Granule.K4, 0, output=F.LPA2).allows(T.BLOCK)
    assert not View(Granule.K16, 1).allows(T.BLOCK)
    assert not View(Granule.K64, 1).allows(T.BLOCK)
    assert View(Granule.K64, 1, output=F.LPA).allows(T.BLOCK)
    assert not View(Granule.K4, 3).allows(T.BLOCK)
    assert not View(Granule.K4, 3).allows(T.TABLE)
    assert not View(Granule.K4, 2).allows(T.PAGE)


@pytest.mark.parametrize(
    ("granule", "output"), [(Granule.K4, F.LPA), (Granule.K16, F.LPA), (Granule.K64, F.LPA2)]
)
def test_a_format_that_a_granule_does_not_have_is_refused(
    granule: Granule, output: OutputFormat
) -> None:
    with pytest.raises(ValueError, match=f"the {granule.label} granule has no {output.value}"):
        View(granule, 2, output=output)


@pytest.mark.parametrize(
    ("granule", "output", "first"),
    [
        (Granule.K4, F.VMSA48, 0),
        (Granule.K4, F.LPA2, -1),
        (Granule.K4, F.D128, -2),
        (Granule.K16, F.VMSA48, 0),
        (Granule.K16, F.LPA2, 0),
        (Granule.K16, F.D128, -1),
        (Granule.K64, F.VMSA48, 1),
        (Granule.K64, F.LPA, 1),
        (Granule.K64, F.D128, 0),
    ],
)
def test_a_level_that_no_walk_has_is_refused(
    granule: Granule, output: OutputFormat, first: int
) -> None:
    assert [has_level(granule, output, level) for level in (first - 1, first, 3, 4)] == [
        False,
        True,
        True,
        False,
    ]
    View(granule, first, output=output)
    with pytest.raises(ValueError, match=f"the {granule.label} granule has no level {first - 1} "):
        View(granule, first - 1, output=output)


@pytest.mark.parametrize(
    ("output", "bits"), [(F.VMSA48, 48), (F.LPA, 52), (F.LPA2, 52), (F.D128, 56)]
)
def test_a_format_says_how_wide_its_addresses_are(output: OutputFormat, bits: int) -> None:
    assert output.address_bits == bits
