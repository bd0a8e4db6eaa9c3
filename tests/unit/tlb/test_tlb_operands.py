"""What a TLBI covers, each rule both ways."""

from __future__ import annotations

import pytest

from harness.arch.features import PROFILES
from harness.arch.granule import Granule
from harness.errors import UnsupportedError
from harness.vmsa.tlb.invalidation import CachedEntry, Invalidation, read_tlbi

MAX = PROFILES["max"]
WITHOUT_TTL = PROFILES["neoverse-n1"]
VA = 0xFFFF_0000_1960_0000
OPERAND = (VA >> 12) & ((1 << 44) - 1)
TTL_4K = 0b0100 << 44
RANGE_4K = 1 << 46


def entry(
    va: int = VA,
    *,
    asid: int = 1,
    level: int = 3,
    leaf: bool = True,
    is_global: bool = True,
    granule: Granule = Granule.K4,
) -> CachedEntry:
    return CachedEntry(va, asid, granule, level, leaf, is_global)


def read(name: str, operand: int | None = OPERAND, *, ds: bool = False) -> Invalidation:
    return read_tlbi(name, operand, MAX, ds=ds)


def table(va: int = VA, *, asid: int = 1, level: int = 2) -> CachedEntry:
    return entry(va, asid=asid, level=level, leaf=False, is_global=False)


@pytest.mark.parametrize("name", ["vmalle1", "vmalle1is", "vmalle1osnxs", "alle1", "vmalls12e1is"])
def test_an_operation_on_everything_covers_any_entry(name: str) -> None:
    assert read(f"tlbi {name}", None).covers(table(asid=77))
    assert read(f"tlbi {name}", None).is_total


@pytest.mark.parametrize("name", ["alle2", "vae2", "ipas2e1", "ipas2le1is", "ripas2e1"])
def test_an_operation_on_another_regime_or_stage_covers_no_entry_of_stage_1(name: str) -> None:
    assert not read(f"tlbi {name}").covers(entry())
    assert not read(f"tlbi {name}").is_total


def test_an_operation_by_address_covers_the_page_it_names_and_no_other() -> None:
    assert read("tlbi vaae1is").covers(entry())
    assert not read("tlbi vaae1is").covers(entry(VA + 0x1000))
    assert not read("tlbi vaae1is").is_total


def test_any_address_in_a_block_names_the_whole_block() -> None:
    inside = read("tlbi vaae1", OPERAND + 0x1FF)
    assert inside.covers(entry(level=2))
    assert not inside.covers(entry(level=3))
    assert not read("tlbi vaae1", OPERAND + 0x200).covers(entry(level=2))


def test_the_tag_byte_of_the_address_does_not_matter() -> None:
    assert read("tlbi vaae1").covers(entry(VA & ~(0xFF << 56) | 0x5A << 56))


def test_an_address_that_was_not_shifted_names_something_else() -> None:
    assert not read("tlbi vaae1", VA).covers(entry())


def test_a_non_global_entry_goes_only_with_its_own_asid() -> None:
    mine = read("tlbi vae1", OPERAND | 1 << 48)
    other = read("tlbi vae1", OPERAND | 2 << 48)
    assert mine.covers(entry(is_global=False))
    assert not other.covers(entry(is_global=False))
    assert other.covers(entry(is_global=True))
    assert read("tlbi vaae1", OPERAND | 2 << 48).covers(entry(is_global=False))


def test_a_table_descriptor_is_held_under_its_asid() -> None:
    assert read("tlbi vae1", OPERAND | 1 << 48).covers(table())
    assert not read("tlbi vae1", OPERAND | 2 << 48).covers(table())


def test_an_operation_by_asid_leaves_global_entries() -> None:
    by_asid = read("tlbi aside1is", 1 << 48)
    assert by_asid.covers(entry(is_global=False))
    assert not by_asid.covers(entry(is_global=True))
    assert not by_asid.covers(entry(asid=2, is_global=False))


def test_the_last_level_form_leaves_table_descriptors() -> None:
    assert read("tlbi vaale1is").covers(entry())
    assert not read("tlbi vaale1is").covers(table())
    assert read("tlbi vaae1is").covers(table())


def test_a_level_hint_limits_the_leaf_to_its_level_and_tables_to_those_above() -> None:
    level_2 = read("tlbi vaae1", OPERAND | TTL_4K | 2 << 44)
    assert level_2.covers(entry(level=2))
    assert not level_2.covers(entry(level=3))
    assert level_2.covers(table(level=1))
    assert not level_2.covers(table(level=2))


def test_a_level_hint_of_another_granule_covers_nothing() -> None:
    hint_16k = read("tlbi vaae1", OPERAND | 0b1011 << 44)
    assert not hint_16k.covers(entry(level=3))
    assert hint_16k.covers(entry(level=3, granule=Granule.K16))


def test_without_the_ttl_feature_the_hint_is_not_looked_at() -> None:
    invalidation = read_tlbi("tlbi vaae1", OPERAND | TTL_4K | 2 << 44, WITHOUT_TTL, ds=False)
    assert invalidation.covers(entry(level=3))


def test_a_reserved_hint_counts_as_none_and_is_one_with_52_bit_descriptors() -> None:
    assert read("tlbi vaae1", OPERAND | TTL_4K).covers(entry(level=3))
    assert not read("tlbi vaae1", OPERAND | TTL_4K, ds=True).covers(entry(level=3))


def test_a_range_covers_its_pages_and_ends_there() -> None:
    base = OPERAND & ((1 << 37) - 1)
    two_pages = read("tlbi rvaae1is", RANGE_4K | base)
    assert two_pages.covers(entry())
    assert two_pages.covers(entry(VA + 0x1000))
    assert not two_pages.covers(entry(VA + 0x2000))
    assert not two_pages.covers(entry(VA - 0x1000))


def test_num_and_scale_say_how_many_pages_a_range_has() -> None:
    base = OPERAND & ((1 << 37) - 1)
    pages_256 = read("tlbi rvaae1", RANGE_4K | base | 3 << 39 | 1 << 44)
    assert pages_256.covers(entry(VA + 255 * 0x1000))
    assert not pages_256.covers(entry(VA + 256 * 0x1000))


def test_a_range_in_the_low_half_is_not_sign_extended() -> None:
    low = 0x0000_7F12_3456_7000
    invalidation = read("tlbi rvaae1", RANGE_4K | low >> 12)
    assert invalidation.covers(entry(low))
    assert not invalidation.covers(entry(low | 0xFFFF << 48))


def test_with_52_bit_descriptors_a_range_starts_at_a_multiple_of_64k() -> None:
    base = (VA >> 16) & ((1 << 37) - 1)
    assert read("tlbi rvaae1", RANGE_4K | base, ds=True).covers(entry())
    assert not read("tlbi rvaae1", RANGE_4K | base, ds=False).covers(entry())


def test_a_range_of_another_or_no_granule_covers_nothing() -> None:
    base = OPERAND & ((1 << 37) - 1)
    base_64k = (VA >> 16) & ((1 << 37) - 1)
    assert not read("tlbi rvaae1", 3 << 46 | base_64k).covers(entry())
    assert read("tlbi rvaae1", 3 << 46 | base_64k).covers(entry(granule=Granule.K64))
    assert not read("tlbi rvaae1", base).covers(entry())


def test_a_range_has_a_level_hint_too() -> None:
    base = OPERAND & ((1 << 37) - 1)
    assert read("tlbi rvaae1", RANGE_4K | base | 2 << 37).covers(entry(level=2))
    assert not read("tlbi rvaae1", RANGE_4K | base | 2 << 37).covers(entry(level=3))


def test_a_tlbi_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="tlbi vaae7"):
        read("tlbi vaae7")
