"""Reading `*.scenario.toml` files: strictly, and with the line of every error.

`docs/scenario.schema.json` describes the format for editors.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from harness.errors import Location, ScenarioError
from harness.scenario import Scenario
from harness.scenario_file.keys import KEYS
from harness.scenario_file.lines import key_lines
from harness.scenario_file.machine import read_profile, read_translation
from harness.scenario_file.memory import read_map, read_memory
from harness.scenario_file.reader import Source, Table
from harness.scenario_file.run import read_expect, read_injection, read_run

SUFFIX = ".scenario.toml"
LARGEST = 1 << 20
"""Bytes of a scenario file."""

_PLACE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)", re.DOTALL)


def load(path: Path) -> Scenario:
    """Read one scenario file; ScenarioError names the file, the line and the reason."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ScenarioError(f"{error.strerror}", Location(str(path))) from None
    if len(data) > LARGEST:
        raise ScenarioError(f"is larger than {LARGEST} bytes", Location(str(path)))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError("is not UTF-8 text", Location(str(path), line)) from None
    return parse(text, path)


def parse(text: str, path: Path) -> Scenario:
    """Read a scenario from its text; `path` names it, and its snippet lies beside it."""
    text = text.replace("\r\n", "\n")
    file = str(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.fullmatch(str(error))
        at = Location(file, int(found[2]), int(found[3])) if found else _end(file, text)
        reason = found[1] if found else str(error).removesuffix(" (at end of document)")
        raise ScenarioError(f"not TOML: {reason}", at) from None
    except RecursionError:
        raise ScenarioError(
            "not TOML that can be read: nested too deeply", Location(file)
        ) from None
    return _scenario(Table(values, Source(file, key_lines(text)), keys=KEYS[""]), path)


def _scenario(document: Table, path: Path) -> Scenario:
    head = document.table("scenario", KEYS["scenario"])
    profile = read_profile(head)
    translation, table_pool = read_translation(document)
    return Scenario(
        name=path.name.removesuffix(SUFFIX),
        summary=head.text("summary"),
        profile=profile,
        translation=translation,
        maps=tuple(read_map(table) for table in document.tables("map", KEYS["map"])),
        run=read_run(document.table("run", KEYS["run"]), path, profile),
        memory=tuple(read_memory(table) for table in document.tables("memory", KEYS["memory"])),
        injections=tuple(
            read_injection(table) for table in document.tables("inject", KEYS["inject"])
        ),
        expect=(
            read_expect(document.table("expect", KEYS["expect"])) if "expect" in document else None
        ),
        table_pool=table_pool,
        source=path,
    )


def _end(file: str, text: str) -> Location:
    return Location(file, text.count("\n") + 1)
