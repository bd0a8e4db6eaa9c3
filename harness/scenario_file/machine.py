"""`[scenario]` and `[translation]`: which machine, and how its registers are set."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import PROFILES, Feature, Profile
from harness.arch.granule import Granule
from harness.arch.implementation import Implementation
from harness.arch.registers import REGISTERS
from harness.scenario import Half, TranslationSetup
from harness.scenario_file.keys import KEYS, TRANSLATION_REGISTERS
from harness.scenario_file.reader import Table

DEFAULT_PROFILE = "max"
DEFAULT_PA_BITS = 48
DEFAULT_HALF = Half(Granule.K4, 48)

PA_SIZES = (32, 36, 40, 42, 44, 48, 52)
"""What ID_AA64MMFR0_EL1.PARange can say, in bits."""
VA_BITS = range(16, 53)
"""From TnSZ 48, the largest with FEAT_TTST, to 12, the smallest with FEAT_LVA or FEAT_LPA2."""

BBM_LEVELS = range(3)

_ATTRIBUTES = tuple(str(index) for index in range(8))
_CHOICES = dataclasses.fields(Implementation)


def read_profile(table: Table) -> Profile:
    """Return the machine of `[scenario]`: a profile by name, or a list of features."""
    if "features" in table:
        if "profile" in table:
            table.fail("profile and features exclude each other", "features")
        base = Profile(
            "custom", _features(table), table.get("pa_bits", table.integer, DEFAULT_PA_BITS)
        )
        if base.pa_bits not in PA_SIZES:
            table.fail(f"pa_bits is one of {', '.join(map(str, PA_SIZES))}", "pa_bits")
    else:
        if "pa_bits" in table:
            table.fail("pa_bits goes with features: a profile states its own", "pa_bits")
        name = table.choice("profile", PROFILES) if "profile" in table else DEFAULT_PROFILE
        base = PROFILES[name]
    if "implementation" not in table:
        return base
    choices = table.table("implementation", [choice.name for choice in _CHOICES])
    implementation = dataclasses.replace(base.implementation, **_implementation(choices))
    return dataclasses.replace(base, implementation=implementation)


def read_translation(document: Table) -> tuple[TranslationSetup, PhysicalAddress | None]:
    """Return the translation registers, and the place for tables, of `[translation]`.

    Without that table: both halves 48 bits of 4K pages, registers as the harness sets them.
    """
    if "translation" not in document:
        return TranslationSetup(DEFAULT_HALF, DEFAULT_HALF), None
    table = document.table("translation", KEYS["translation"])
    common = _half(table, DEFAULT_HALF)
    low, high = (
        _half(table.table(name, KEYS["half"]), common) if name in table else common
        for name in ("low", "high")
    )
    registers: dict[str, int] = {}
    fields: dict[str, Mapping[str, int]] = {}
    for name in TRANSLATION_REGISTERS:
        if isinstance(table.values.get(name), dict):
            fields[name] = _fields(table.table(name), name)
        elif name in table:
            registers[name] = table.integer(name)
    if "mair" in table:
        if "MAIR_EL1" in table:
            table.fail("mair and MAIR_EL1 exclude each other", "mair")
        registers["MAIR_EL1"] = _mair(table.table("mair", _ATTRIBUTES))
    pool = table.get("tables", table.integer, None)
    setup = TranslationSetup(low, high, registers, fields)
    return setup, None if pool is None else PhysicalAddress(pool)


def _features(table: Table) -> frozenset[Feature]:
    known = tuple(Feature)
    for index, name in enumerate(table.texts("features")):
        table.one_of(name, known, "features", index)
    return frozenset(Feature(name) for name in table.texts("features"))


def _implementation(table: Table) -> dict[str, Any]:
    """Return the implementation's choices that the table states, each of its own type."""
    given: dict[str, Any] = {}
    for choice in _CHOICES:
        kind = type(choice.default)
        if choice.name not in table:
            continue
        if issubclass(kind, StrEnum):
            given[choice.name] = kind(table.choice(choice.name, tuple(kind)))
        elif kind is bool:
            given[choice.name] = table.flag(choice.name)
        else:
            given[choice.name] = table.integer(choice.name)
            if given[choice.name] not in BBM_LEVELS:
                table.fail("bbm_level is 0, 1 or 2", choice.name)
    return given


def _half(table: Table, default: Half) -> Half:
    granule = default.granule
    if "granule" in table:
        labels = tuple(choice.label for choice in Granule)
        granule = Granule.from_label(table.choice("granule", labels))
    va_bits = table.get("va_bits", table.integer, default.va_bits)
    if va_bits not in VA_BITS:
        table.fail(f"va_bits is from {VA_BITS[0]} to {VA_BITS[-1]}", "va_bits")
    return Half(granule, va_bits)


def _fields(table: Table, register: str) -> Mapping[str, int]:
    """Return fields of a register by the manual's names, each checked to fit."""
    layout = REGISTERS[register].layout
    names = tuple(part.name for part in layout)
    contents = {}
    for name in table:
        table.one_of(name, names, name)
        contents[name] = table.integer(name)
        part = layout[name]
        if contents[name] >> part.width:
            table.fail(f"{register}.{name}{part.position}: {contents[name]:#x} does not fit", name)
    return contents


def _mair(table: Table) -> int:
    """Return MAIR_EL1 from its attributes by index; those not stated are 0, Device-nGnRnE."""
    value = 0
    for key in table:
        attribute = table.integer(key)
        if attribute >> 8:
            table.fail(f"attribute {key} has 8 bits: {attribute:#x} does not fit", key)
        value |= attribute << (8 * int(key))
    return value
