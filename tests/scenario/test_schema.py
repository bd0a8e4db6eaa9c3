"""The schema for editors says what the loader does: same keys, same names, same files."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness import library
from harness.arch.faults import FaultKind
from harness.arch.features import PROFILES, Feature
from harness.arch.granule import Granule
from harness.arch.implementation import Implementation
from harness.scenario import FILLS, SHAPES
from harness.scenario_file import SUFFIX, load
from harness.scenario_file.keys import KEYS, PSTATE_FIELDS, RUN_REGISTERS
from harness.scenario_file.machine import BBM_LEVELS, PA_SIZES, VA_BITS
from harness.scenario_file.run import ACCESS_KINDS, ENDS, NO_FAULT

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "scenario.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
TOP = SCHEMA["properties"]
DEFS = SCHEMA["$defs"]
TABLES: dict[str, dict[str, Any]] = {
    "": SCHEMA,
    "scenario": TOP["scenario"],
    "translation": TOP["translation"],
    "half": DEFS["half"],
    "map": DEFS["map"],
    "memory": DEFS["memory"],
    "run": TOP["run"],
    "limit": TOP["run"]["properties"]["limit"],
    "inject": DEFS["inject"],
    "when": DEFS["inject"]["properties"]["when"],
    "access": DEFS["inject"]["properties"]["when"]["properties"]["access"],
    "edit": DEFS["inject"]["properties"]["edit"],
    "expect": TOP["expect"],
    "expectation": DEFS["expectation"],
}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_schema_and_loader_know_the_same_tables() -> None:
    assert set(TABLES) == set(KEYS)


@pytest.mark.parametrize("table", KEYS)
def test_schema_and_loader_know_the_same_keys(table: str) -> None:
    assert set(TABLES[table]["properties"]) == set(KEYS[table])
    assert TABLES[table]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("in_schema", "in_loader"),
    [
        (TOP["scenario"]["properties"]["profile"]["enum"], PROFILES),
        (TOP["scenario"]["properties"]["pa_bits"]["enum"], PA_SIZES),
        (DEFS["feature"]["enum"], Feature),
        (DEFS["granule"]["enum"], [granule.label for granule in Granule]),
        (
            DEFS["implementation"]["properties"],
            [f.name for f in dataclasses.fields(Implementation)],
        ),
        (DEFS["access_kind"]["enum"], ACCESS_KINDS),
        (DEFS["map"]["properties"]["as"]["enum"], SHAPES),
        (DEFS["memory"]["properties"]["fill"]["enum"], FILLS),
        (TOP["run"]["properties"]["pstate"]["properties"], PSTATE_FIELDS),
        (TOP["expect"]["properties"]["fault"]["enum"], [NO_FAULT, *FaultKind]),
        (TOP["expect"]["properties"]["end"]["enum"], ENDS),
        ([DEFS["va_bits"]["minimum"], DEFS["va_bits"]["maximum"]], [VA_BITS[0], VA_BITS[-1]]),
    ],
)
def test_schema_and_loader_know_the_same_names(in_schema: list[str], in_loader: list[str]) -> None:
    assert set(in_schema) == set(in_loader)


def test_the_choices_of_the_implementation_have_the_same_values() -> None:
    for choice in dataclasses.fields(Implementation):
        stated = DEFS["implementation"]["properties"][choice.name]
        if isinstance(choice.default, StrEnum):
            assert set(stated["enum"]) == set(type(choice.default))
        elif isinstance(choice.default, bool):
            assert stated == {"type": "boolean"}
        else:
            assert stated == {"enum": list(BBM_LEVELS)}


@pytest.mark.parametrize("register", RUN_REGISTERS)
def test_the_schema_knows_every_register_of_a_run(register: str) -> None:
    VALIDATOR.validate(_minimal(registers={register: "0x10"}))


@pytest.mark.parametrize("register", ["x31", "x01", "pc", "w0"])
def test_the_schema_knows_no_other_register(register: str) -> None:
    assert not VALIDATOR.is_valid(_minimal(registers={register: "0x10"}))


@pytest.mark.parametrize(
    "run",
    [
        {},
        {"words": [1], "snippet": "a.S"},
        {"words": []},
        {"snippet": "../a.S"},
        {"words": [1], "el": 2},
        {"words": ["x"]},
        {"words": [-1]},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(run: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid({"scenario": {"summary": ""}, "run": run})


def _shipped() -> list[Path]:
    return [library.folder() / f"{name}{SUFFIX}" for name in library.names()]


@pytest.mark.parametrize("path", _shipped(), ids=lambda path: path.name)
def test_every_shipped_scenario_agrees_with_schema_and_loader(path: Path) -> None:
    VALIDATOR.validate(tomllib.loads(path.read_text(encoding="utf-8")))
    assert load(path).summary


def _minimal(**run: object) -> dict[str, object]:
    return {"scenario": {"summary": ""}, "run": {"words": [1], **run}}
