"""Names of encodings, attributes and bits become masks, or one clear error."""

from __future__ import annotations

import pytest

from harness.encodings import bits_named, encoding, resolve_attributes, resolve_fields
from harness.errors import ValueSyntaxError


def test_page_kernel_tagged_is_the_linear_maps_block_of_the_panic() -> None:
    assert (
        resolve_attributes("linux-7.0:PAGE_KERNEL_TAGGED") | 0x199600000 | 1 == 0x0068000199600705
    )


def test_a_bit_may_be_added_to_named_attributes_or_taken_away() -> None:
    tagged = resolve_attributes("linux-7.0:PAGE_KERNEL_TAGGED")
    dirty = resolve_attributes("linux-7.0:PAGE_KERNEL_TAGGED+DIRTY")
    assert dirty | 0x199600000 | 1 == 0x00E8000199600705
    assert resolve_attributes("linux-7.0:PAGE_KERNEL_TAGGED+DIRTY-AF-DIRTY") == tagged & ~0x400


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("PAGE_KERNEL", 0x0068000000000700),
        ("PAGE_KERNEL_RO", 0x0060000000000780),
        ("PAGE_KERNEL_ROX", 0x0040000000000780),
        ("PAGE_KERNEL_EXEC", 0x0048000000000700),
        ("PAGE_SHARED", 0x0068000000000FC0),
        ("PAGE_SHARED_EXEC", 0x0028000000000FC0),
        ("PAGE_READONLY", 0x0060000000000FC0),
        ("PAGE_READONLY_EXEC", 0x0020000000000FC0),
        ("PAGE_EXECONLY", 0x0020000000000F80),
        ("PROT_NORMAL_NC", 0x0068000000000708),
        ("PROT_DEVICE_nGnRnE", 0x006800000000070C),
        ("PROT_DEVICE_nGnRE", 0x0068000000000710),
    ],
)
def test_attribute_names_are_the_kernels_bits(name: str, bits: int) -> None:
    for version in ("7.0", "7.0.1"):
        assert resolve_attributes(f"linux-{version}:{name}") == bits


def test_kpti_makes_kernel_mappings_not_global_and_user_ones_stay() -> None:
    for name, difference in (("PAGE_KERNEL", 1 << 11), ("PAGE_SHARED", 0)):
        plain = resolve_attributes(f"linux-7.0:{name}")
        assert resolve_attributes(f"linux-7.0-kpti:{name}") == plain | difference


def test_lpa2_leaves_no_shareability_where_the_address_is() -> None:
    assert resolve_attributes("linux-7.0-lpa2:PAGE_KERNEL") == 0x0068000000000400


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("PAGE_KERNEL", "name no encoding"),
        ("linux-2.4:PAGE_KERNEL", "no encoding is called 'linux-2.4'"),
        ("linux-7.0:PAGE_KERNAL", "no attributes 'PAGE_KERNAL'"),
        ("linux-7.0:PAGE_KERNEL+NICE", "no bit 'NICE'"),
        ("linux-7.0:PAGE_KERNAL", "; did you mean 'PAGE_KERNEL'?"),
        ("linux-7.0:PAGE_KERNEL+DIRTI", "; did you mean 'DIRTY'?"),
        ("bare:PAGE_KERNEL", "bare has no attributes 'PAGE_KERNEL' (none)"),
    ],
)
def test_an_unknown_attribute_name_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ValueSyntaxError) as refused:
        resolve_attributes(text)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("VALID", 1),
        ("TABLE", 2),
        ("AF", 1 << 10),
        ("ap[2]", 1 << 7),
        ("nG", 1 << 11),
        ("CONT", 1 << 52),
        ("Contiguous", 1 << 52),
        ("DBM", 1 << 51),
        ("PXN", 1 << 53),
        ("UXN", 1 << 54),
        ("AttrIndx", 0b11100),
        ("SH", 0x300),
        ("nT", 1 << 16),
        ("PXNTable", 1 << 59),
        ("linux-7.0:RDONLY", 1 << 7),
        ("linux-7.0.1:PRESENT_INVALID", 1 << 11),
        ("linux-7.0.1:DIRTY", 1 << 55),
        ("VALID|linux-7.0:USER | AF", 0x441),
    ],
)
def test_bits_are_found_by_the_names_of_hardware_and_kernel(text: str, mask: int) -> None:
    assert bits_named(text) == mask


@pytest.mark.parametrize("text", ["PRESENT_INVALID", "linux-7.0:NOT_A_BIT", "", "VALID|"])
def test_an_unknown_bit_is_refused(text: str) -> None:
    with pytest.raises(ValueSyntaxError):
        bits_named(text)


def test_fields_are_put_together() -> None:
    fields: dict[str, int | str] = {
        "AP": "RW", "PXN": 1, "UXN": 1, "DBM": 1, "AF": 1, "SH": "ISH", "AttrIndx": 1,
    }  # fmt: skip
    assert resolve_fields(fields) == 0x0068000000000704


@pytest.mark.parametrize(
    ("field", "bits"),
    [("RO", 2 << 6), ("RO_EL0", 3 << 6), ("rw_el0", 1 << 6), ("0x2", 2 << 6), (3, 3 << 6)],
)
def test_a_field_takes_a_word_or_a_number(field: int | str, bits: int) -> None:
    assert resolve_fields({"AP": field}) == bits


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"APX": 1}, "no attribute field 'APX'"),
        ({"AP": "WR"}, "AP has no value 'WR' (RW, RW_EL0, RO, RO_EL0)"),
        ({"PXN": "yes"}, "PXN has no value 'yes' (a number of 1 bit)"),
        ({"PXN": 2}, "PXN: 2 is no number of 1 bit"),
        ({"AttrIndx": -1}, "AttrIndx: -1 is no number of 3 bits"),
    ],
)
def test_a_field_that_does_not_exist_or_fit_is_refused(
    fields: dict[str, int | str], named: str
) -> None:
    with pytest.raises(ValueSyntaxError) as refused:
        resolve_fields(fields)
    assert named in str(refused.value)


def test_an_unknown_level_or_operation_is_refused() -> None:
    linux = encoding("linux-7.0")
    with pytest.raises(ValueSyntaxError, match="no level 4"):
        linux.level(4)
    with pytest.raises(ValueSyntaxError, match="no operation 'set_memory_happy'"):
        linux.level(2).apply("set_memory_happy", 1)
