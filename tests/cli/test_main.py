"""The program itself: what the shell is told when the harness, not its user, is at fault."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import decode
from harness.cli.main import VERBS, main, run
from harness.errors import EngineError


def test_output_that_cannot_be_written_is_one_line_and_exit_code_3() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "harness", "decode", "esr", "0x96000046"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.stderr == "mmu-harness: output: No space left on device\n"
    assert ran.returncode == 3


def test_a_mistake_of_the_harness_is_no_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_arguments: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(decode, "execute", broken)
    monkeypatch.setattr(sys, "argv", ["mmu-harness", "decode", "esr", "0x96000046"])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 3
    error = capsys.readouterr().err
    assert "KeyError: 'lost'" in error
    assert error.endswith("mmu-harness: the harness itself failed, as shown above\n")


def test_an_engine_that_fails_is_one_line_and_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_arguments: object) -> None:
        raise EngineError("no such core")

    monkeypatch.setattr(decode, "execute", broken)
    assert main(["decode", "esr", "0x96000046"]) == 3
    assert capsys.readouterr().err == "mmu-harness: no such core\n"


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_the_help_of_a_verb_is_wrapped_and_states_exit_codes_once(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    text = capsys.readouterr().out
    assert text.count("exit codes") == 1
    paragraph = text.split("\n\n")[1].splitlines()
    assert 1 <= len(paragraph) <= 12
    assert max(map(len, paragraph)) <= 80


def test_exit_codes_that_a_verb_states_itself_come_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["replay", "--help"])
    last = capsys.readouterr().out.split("\n\n")[-1]
    assert last.startswith("exit codes of replay:\n  0  at least one report was reproduced")
    with pytest.raises(SystemExit):
        main(["decode", "--help"])
    last = capsys.readouterr().out.split("\n\n")[-1]
    assert last.startswith("exit codes:\n  0  as expected")


def test_a_reader_that_goes_away_ends_the_program_quietly() -> None:
    list_to_nobody = f"{sys.executable} -m harness run --list | true; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["bash", "-c", list_to_nobody], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
