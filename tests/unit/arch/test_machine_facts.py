"""Granules, features and profiles."""

from __future__ import annotations

import pytest

from harness.arch.features import PROFILES, Feature
from harness.arch.granule import Granule


@pytest.mark.parametrize(
    ("granule", "level", "shift", "size"),
    [
        (Granule.K4, 3, 12, 1 << 12),
        (Granule.K4, 2, 21, 2 << 20),
        (Granule.K4, 1, 30, 1 << 30),
        (Granule.K4, 0, 39, 512 << 30),
        (Granule.K4, -1, 48, 256 << 40),
        (Granule.K16, 2, 25, 32 << 20),
        (Granule.K16, 1, 36, 64 << 30),
        (Granule.K64, 2, 29, 512 << 20),
        (Granule.K64, 1, 42, 4 << 40),
    ],
)
def test_an_entry_maps_what_its_level_and_granule_say(
    granule: Granule, level: int, shift: int, size: int
) -> None:
    assert granule.level_shift(level) == shift
    assert granule.level_size(level) == size


def test_a_granule_is_found_by_its_label() -> None:
    assert [granule.label for granule in Granule] == ["4K", "16K", "64K"]
    assert Granule.from_label("16k") is Granule.K16
    with pytest.raises(ValueError, match="no granule is called '8K'"):
        Granule.from_label("8K")


def test_a_table_fills_a_page_and_its_index_has_stride_bits() -> None:
    assert [(granule.size, granule.stride) for granule in Granule] == [
        (0x1000, 9),
        (0x4000, 11),
        (0x10000, 13),
    ]


def test_profiles_have_the_features_of_their_cores() -> None:
    assert not PROFILES["cortex-a57"].has(Feature.PAN)
    assert PROFILES["neoverse-n1"].has(Feature.HAFDBS)
    assert not PROFILES["neoverse-n1"].has(Feature.BBM)
    assert PROFILES["neoverse-v1"].implementation.bbm_level == 1
    assert PROFILES["max"].has(Feature.LPA2)
    assert PROFILES["max"].pa_bits == 52
