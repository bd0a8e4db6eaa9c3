"""The README's examples are run as they stand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from harness.cli.main import VERBS, main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

pytest_plugins = ["pytester"]


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of the README in `language`."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_example_of_a_test_passes(pytester: pytest.Pytester) -> None:
    (example,) = blocks("python")
    pytester.makepyfile(example)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_example_of_a_test_can_fail(pytester: pytest.Pytester) -> None:
    (example,) = blocks("python")
    pytester.makepyfile(example.replace('"clear": "VALID"', '"clear": "AF"'))
    pytester.runpytest_inprocess().assert_outcomes(failed=1)


def test_the_scenario_shown_is_part_of_the_shipped_one() -> None:
    (shown,) = blocks("toml")
    shipped = tomllib.loads(
        (ROOT / "asm" / "invalid_block_store.scenario.toml").read_text(encoding="utf-8")
    )
    example = tomllib.loads(shown)
    assert shipped["map"][0] == example.pop("map")[0]
    for table, keys in example.items():
        if isinstance(keys, list):
            assert shipped[table] == keys
        else:
            assert keys.items() <= shipped[table].items()


@pytest.mark.parametrize(
    "line",
    [
        line
        for line in README.splitlines()
        if line.startswith("    mmu-harness ")
        and not re.search(r"dmesg\.txt|mine\.scenario|cases\.jsonl", line)
    ],
    ids=str.strip,
)
def test_the_command_lines_shown_end_as_they_say(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command, _, comment = line.partition("#")
    assert main(command.split()[1:]) == (1 if "exit 1" in comment else 0)
    assert capsys.readouterr().out


def test_every_verb_shown_exists() -> None:
    shown = set(re.findall(r"^    mmu-harness (\w+)", README, re.MULTILINE))
    assert shown <= {verb.name for verb in VERBS}
    assert shown
