"""Every key that a scenario file may have, table by table; `docs/scenario.schema.json` agrees."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TRANSLATION_REGISTERS = (
    "SCTLR_EL1",
    "TCR_EL1",
    "TCR2_EL1",
    "TTBR0_EL1",
    "TTBR1_EL1",
    "MAIR_EL1",
    "PIR_EL1",
    "PIRE0_EL1",
    "POR_EL0",
    "POR_EL1",
)
"""Registers that `[translation]` may state, whole or by fields."""

RUN_REGISTERS = (*(f"x{number}" for number in range(31)), "sp", "sp_el0")
"""Registers of `[run]` and `[expect]`."""

PSTATE_FIELDS = ("PAN", "UAO")

STATED = ("fault", "level", "access", "esr", "far", "end", "registers", "memory")
"""What `[expect]` may state, and `[expect.model]` and `[expect.stale]` in its place."""

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "": ("scenario", "translation", "map", "memory", "run", "inject", "expect"),
        "scenario": ("summary", "profile", "features", "pa_bits", "implementation"),
        "translation": (
            "granule",
            "va_bits",
            "low",
            "high",
            "mair",
            "tables",
            *TRANSLATION_REGISTERS,
        ),
        "half": ("granule", "va_bits"),
        "map": ("va", "pa", "size", "as", "level", "attributes", "name"),
        "memory": ("pa", "size", "fill", "words", "alias"),
        "run": (
            "snippet",
            "words",
            "entry",
            "el",
            "pstate",
            "registers",
            "code",
            "code_pa",
            "vectors",
            "limit",
        ),
        "limit": ("instructions", "seconds"),
        "inject": ("when", "edit", "operation", "va", "size", "maintenance"),
        "when": ("label", "hit", "instruction", "access", "fault"),
        "access": ("va", "size", "kind"),
        "edit": ("va", "level", "clear", "set", "fields", "descriptor"),
        "expect": (*STATED, "model", "stale"),
        "expectation": STATED,
    }
)
