"""Linux's level names, and the hardware's own reading of a descriptor."""

from __future__ import annotations

import pytest

from harness.arch.granule import Granule
from harness.encodings import StateName, encoding
from harness.encodings.levels import level_of_name, names_of_level
from harness.encodings.words import listed, size_in_words

K4, K16, K64 = Granule.K4, Granule.K16, Granule.K64


@pytest.mark.parametrize(
    ("granule", "va_bits", "level", "names"),
    [
        (K4, 48, 0, ("pgd", "p4d")),
        (K4, 48, 1, ("pud",)),
        (K4, 48, 2, ("pmd",)),
        (K4, 48, 3, ("pte",)),
        (K4, 39, 1, ("pgd", "p4d", "pud")),
        (K4, 52, -1, ("pgd",)),
        (K4, 52, 0, ("p4d",)),
        (K16, 47, 1, ("pgd", "p4d", "pud")),
        (K16, 36, 2, ("pgd", "p4d", "pud", "pmd")),
        (K64, 42, 2, ("pgd", "p4d", "pud", "pmd")),
        (K64, 48, 1, ("pgd", "p4d", "pud")),
    ],
)
def test_upper_levels_fold_into_the_highest(
    granule: Granule, va_bits: int, level: int, names: tuple[str, ...]
) -> None:
    assert names_of_level(level, granule, va_bits) == names
    assert [level_of_name(name, granule, va_bits) for name in names] == [level] * len(names)


def test_another_level_name_is_refused() -> None:
    with pytest.raises(KeyError, match="pg4"):
        level_of_name("pg4", K4, 48)


@pytest.mark.parametrize(
    ("value", "level", "granule", "words"),
    [
        (0x00E8000199600704, 2, K4, "Invalid, since bit 0 is clear: a Translation fault at level"),
        (0x00E8000199600705, 2, K4, "A 2M block."),
        (0x00E8000199600705, 1, K4, "A 1G block."),
        (0x00E8000199600705, 0, K4, "A 512G block where descriptors hold 52-bit addresses, else"),
        (0x00E8000199600705, 1, K64, "A 4T block where descriptors hold 52-bit addresses, else"),
        (0x00E8000199600705, 1, K16, "A 64G block where descriptors hold 52-bit addresses, else"),
        (0x00E8000199600705, 2, K16, "A 32M block."),
        (0x00E8000199600705, 2, K64, "A 512M block."),
        (0x00E8000199600705, 3, K4, "Reserved, since bits 1:0 are 0b01: a Translation fault at"),
        (0x00E8000199600705, 0, K16, "Reserved, since bits 1:0 are 0b01: a Translation fault at"),
        (0x0068000199600707, 3, K64, "A 64K page."),
        (0x0068000199600707, 2, K4, "A table of level 3."),
    ],
)  # fmt: skip
def test_hardware_reads_a_descriptor_by_its_type_bits_and_level(
    value: int, level: int, granule: Granule, words: str
) -> None:
    assert encoding("bare").describe(value, level, granule).startswith(words)


@pytest.mark.parametrize(
    ("value", "level", "states"),
    [
        (0b00, 2, (StateName.NONE,)),
        (0b10, 2, (StateName.NONE,)),
        (0b01, 2, (StateName.VALID_LEAF,)),
        (0b11, 2, (StateName.TABLE,)),
        (0b11, 3, (StateName.VALID_LEAF,)),
        (0b01, 3, (StateName.NONE,)),
    ],
)
def test_hardware_knows_one_way_not_to_be_mapped(
    value: int, level: int, states: tuple[StateName, ...]
) -> None:
    assert encoding("bare").level(level).state_of(value) == states


def test_lists_and_sizes_read_as_in_a_sentence() -> None:
    assert [listed(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a", "a and b", "a, b and c",
    ]  # fmt: skip
    assert [size_in_words(size) for size in (512, 4096, 2 << 20, 1 << 42, 48 << 10)] == [
        "512B", "4K", "2M", "4T", "48K",
    ]  # fmt: skip
