"""The registers of a scenario: Linux's choices, then what the scenario states."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.features import PROFILES, Feature, Profile
from harness.arch.granule import Granule
from harness.arch.registers import tcr
from harness.errors import MappingError, UnsupportedError
from harness.runner.registers import geometry_of, system_registers, table_base, ttbr_value
from harness.scenario import Half, TranslationSetup

N1 = PROFILES["neoverse-n1"]
MAX = PROFILES["max"]


def setup(granule: Granule = Granule.K4, va_bits: int = 48) -> TranslationSetup:
    """Return a setup whose halves are the same."""
    return TranslationSetup(Half(granule, va_bits), Half(granule, va_bits))


def output_format(granule: Granule, va_bits: int, profile: Profile) -> OutputFormat:
    """Return the format of the high half's descriptors."""
    given = setup(granule, va_bits)
    return geometry_of(system_registers(given, profile), profile, high=True).format


def test_the_defaults_are_those_of_linux() -> None:
    registers = system_registers(setup(), N1)
    assert registers["MAIR_EL1"] == 0x04_0044_FFFF
    assert registers["SCTLR_EL1"] & 0x1005 == 0x1005, "MMU and caches on"
    assert tcr.T0SZ.get(registers["TCR_EL1"]) == tcr.T1SZ.get(registers["TCR_EL1"]) == 16
    assert tcr.IPS.get(registers["TCR_EL1"]) == 5
    assert set(registers) == {"SCTLR_EL1", "TCR_EL1", "MAIR_EL1"}


@pytest.mark.parametrize(
    ("granule", "tg0", "tg1"),
    [(Granule.K4, 0b00, 0b10), (Granule.K16, 0b10, 0b01), (Granule.K64, 0b01, 0b11)],
)
def test_each_half_encodes_its_granule_in_its_own_way(granule: Granule, tg0: int, tg1: int) -> None:
    value = system_registers(setup(granule), N1)["TCR_EL1"]
    assert (tcr.TG0.get(value), tcr.TG1.get(value)) == (tg0, tg1)


def test_a_register_stated_whole_replaces_the_default_and_fields_come_after() -> None:
    given = replace(
        setup(),
        registers={"TCR_EL1": 0, "TTBR1_EL1": 0x9FFF_F000},
        fields={"TCR_EL1": {"HPD1": 1}, "SCTLR_EL1": {"WXN": 1}},
    )
    registers = system_registers(given, N1)
    assert registers["TCR_EL1"] == 1 << 42
    assert registers["TTBR1_EL1"] == 0x9FFF_F000
    assert registers["SCTLR_EL1"] == system_registers(setup(), N1)["SCTLR_EL1"] | 1 << 19


def test_a_scenario_that_starts_with_the_mmu_off_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match=r"SCTLR_EL1\.M = 0"):
        system_registers(replace(setup(), fields={"SCTLR_EL1": {"M": 0}}), N1)


@pytest.mark.parametrize(
    ("granule", "va_bits", "profile", "expected"),
    [
        (Granule.K4, 48, MAX, OutputFormat.VMSA48),
        (Granule.K4, 52, MAX, OutputFormat.LPA2),
        (Granule.K16, 52, MAX, OutputFormat.LPA2),
        (Granule.K64, 48, MAX, OutputFormat.LPA),
        (Granule.K64, 48, N1, OutputFormat.VMSA48),
        (Granule.K64, 48, Profile("x", frozenset({Feature.LPA}), 48), OutputFormat.VMSA48),
    ],
)
def test_the_format_of_descriptors_follows_granule_size_and_features(
    granule: Granule, va_bits: int, profile: Profile, expected: OutputFormat
) -> None:
    assert output_format(granule, va_bits, profile) is expected


def test_a_stated_ds_bit_asks_for_lpa2_at_48_bits_too() -> None:
    given = replace(setup(), fields={"TCR_EL1": {"DS": 1}})
    registers = system_registers(given, MAX)
    assert geometry_of(registers, MAX, high=False).format is OutputFormat.LPA2


def test_52_bits_without_lpa2_have_no_tables() -> None:
    with pytest.raises(MappingError, match="52 bits"):
        output_format(Granule.K4, 52, N1)


@pytest.mark.parametrize("profile", [N1, MAX])
@pytest.mark.parametrize("root", [0x8000_0000, 0xF_FFFF_0000, 0xFFFF_FFFF_0000])
def test_a_ttbr_holds_the_root_that_it_is_read_as(profile: Profile, root: int) -> None:
    given = setup(Granule.K64)
    geometry = geometry_of(system_registers(given, profile), profile, high=True)
    value = ttbr_value(PhysicalAddress(root), geometry)
    assert table_base(value, geometry) == root
    assert table_base(value | 0x7 << 48 | 1, geometry) == root, "ASID and CnP are no address"


def test_a_root_above_48_bits_lies_in_bits_5_to_2() -> None:
    given = setup(Granule.K64)
    geometry = geometry_of(system_registers(given, MAX), MAX, high=True)
    assert ttbr_value(PhysicalAddress(0xF_0000_8000_0000), geometry) == 0x8000_003C
    assert table_base(0x8000_003C, geometry) == 0xF_0000_8000_0000


def test_tables_of_128_bit_descriptors_are_refused_by_name() -> None:
    given = replace(setup(), fields={"TCR2_EL1": {"D128": 1}})
    with pytest.raises(UnsupportedError, match="D128"):
        geometry_of(system_registers(given, MAX), MAX, high=True)


def test_the_shape_of_tables_follows_a_stated_tcr() -> None:
    value = tcr.TG1.set(tcr.T1SZ.set(0, 17), 0b01)
    geometry = geometry_of({"TCR_EL1": value}, N1, high=True)
    assert (geometry.granule, geometry.ia_bits) == (Granule.K16, 47)


def test_a_reserved_granule_has_no_tables() -> None:
    with pytest.raises(MappingError, match="TG1 = 0b00 is a reserved granule"):
        geometry_of({"TCR_EL1": tcr.T1SZ.set(0, 16)}, N1, high=True)
