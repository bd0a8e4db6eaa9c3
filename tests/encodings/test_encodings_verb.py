"""`mmu-harness encodings`: what it prints, writes and tells the shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.cli.main import main
from harness.encodings.finding import Result
from harness.encodings.proving import Prover

ROUND_TRIP = ["--property", "round_trip", "--granule", "4K"]


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["encodings", *words, "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mmu-harness/encodings/1"
    return code, document


@pytest.mark.parametrize("command", ["check", "prove"])
def test_7_0_fails_the_round_trip_with_a_confirmed_counterexample(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code, document = _json(capsys, command, "linux-7.0", *ROUND_TRIP)
    assert code == 1
    assert document["command"] == command
    results = {one["level"]: one for one in document["properties"]}
    assert {level: one["result"] for level, one in results.items()} == {
        1: "fails", 2: "fails", 3: "holds",
    }  # fmt: skip
    pmd = results[2]
    assert pmd["name"] == "round_trip"
    assert pmd["granule"] == "4K"
    assert pmd["counterexample"] == "0x0040000000000401"
    assert pmd["confirmed"] is True
    moment = pmd["counterexamples"][0]["moments"][2]
    assert moment["value"] == "0x0040000000000400"
    assert moment["meant"] == "leaf"
    assert moment["hardware"] == "invalid"
    assert moment["machine"] == "translation fault, level 2"
    assert results[3]["counterexample"] is None
    assert results[3]["confirmed"] is None


@pytest.mark.parametrize("command", ["check", "prove"])
def test_7_0_1_keeps_the_round_trip(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main(["encodings", command, "linux-7.0.1", *ROUND_TRIP]) == 0
    told = capsys.readouterr().out
    assert "round_trip             ok   ok   ok" in told
    assert "3 results: 3 hold, 0 fail, 0 unknown" in told


def test_two_runs_give_the_same_document(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("check", "linux-7.0", "--level", "2", "--granule", "4K", "--full")
    assert _json(capsys, *words) == _json(capsys, *words)


def test_a_failure_is_told_in_full_for_a_reader(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encodings", "check", "linux-7.0", *ROUND_TRIP, "--level", "2"]) == 1
    told = capsys.readouterr().out
    stays_invalid = "0x0040000000000400  invalid, meant to be leaf; a store: translation fault"
    for words in (
        "linux-7.0: Linux 7.0 without KPTI",
        "Checked on up to 65536 values a level",
        "Why: The panic this tool was made for",
        "Here: The walk asks pXd_sect",
        f"after set_memory_valid_on   {stays_invalid}, level 2",
        "confirmed: run on the machine and in the model, which agree",
    ):
        assert words in told


def test_what_was_run_is_told_also_where_only_the_model_could(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--property", "round_trip_any_leaf", "--property", "tlbi_any_leaf", "--level", "2"]
    assert main(["encodings", "check", "linux-7.0.1", "--granule", "4K", *words]) == 1
    assert "a store: no fault (permitted: no fault)" in capsys.readouterr().out
    assert main(["encodings", "check", "linux-7.0.1-lpa2", "--granule", "4K lpa2", *words]) == 1
    assert "run in the reference model alone" in capsys.readouterr().out


def test_counterexamples_are_not_run_if_so_asked(capsys: pytest.CaptureFixture[str]) -> None:
    document = _json(capsys, "check", "linux-7.0", *ROUND_TRIP, "--no-run")[1]
    assert {one["confirmed"] for one in document["properties"]} == {None}


def test_what_the_prover_leaves_open_cannot_be_judged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Prover, "refute", lambda *_: Result.UNKNOWN)
    code, document = _json(capsys, "prove", "linux-7.0.1", *ROUND_TRIP)
    assert code == 4
    assert {one["result"] for one in document["properties"]} == {"unknown"}
    assert document["properties"][0]["undecided"]
    assert main(["encodings", "prove", "linux-7.0.1", *ROUND_TRIP]) == 4
    assert "unknown at 4K level 2: after set_memory_valid off, on" in capsys.readouterr().out


def test_junit_has_a_case_for_each_property_and_place(tmp_path: Path) -> None:
    file = tmp_path / "result.xml"
    assert main(["encodings", "check", "linux-7.0", *ROUND_TRIP, "--junit", str(file)]) == 1
    (suite,) = ET.parse(file).getroot()  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "0")
    cases = {case.get("name"): case for case in suite}
    failure = cases["round_trip[4K level 2]"].find("failure")
    assert failure is not None
    assert "0x0040000000000401" in str(failure.text)
    assert cases["round_trip[4K level 3]"].find("failure") is None


def test_several_encodings_of_a_file_are_several_suites_and_documents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, result = tmp_path / "own.py", tmp_path / "result.xml"
    own.write_text(
        "from harness.encodings import encoding\n"
        "ENCODINGS = [encoding('bare'), encoding('kvm-stage2')]\n",
        "utf-8",
    )
    words = ["--encoding", str(own), "--granule", "4K", "--level", "3"]
    assert main(["encodings", "check", *words, "--junit", str(result), "--json"]) == 1
    documents = json.loads(capsys.readouterr().out)
    assert [one["encoding"] for one in documents] == ["bare", "kvm-stage2"]
    suites = ET.parse(result).getroot()  # noqa: S314 - our own file
    assert [suite.get("failures") for suite in suites] == ["0", "1"]


def test_the_list_names_every_encoding_and_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    document = _json(capsys, "list")[1]
    known = {one["name"]: one["tables"] for one in document["encodings"]}
    assert known["linux-7.0.1"] == ["4K", "16K", "64K", "64K lpa"]
    assert known["linux-7.0.1-kpti-lpa2"] == ["4K lpa2", "16K lpa2"]
    assert {"bare", "linux-6.1", "kvm-stage2"} <= set(known)
    assert "round_trip" in {one["name"] for one in document["properties"]}
    assert main(["encodings", "list"]) == 0
    assert "kvm-stage2             KVM's stage 2" in capsys.readouterr().out
    assert main(["encodings", "list", "--properties"]) == 0
    assert "round_trip (levels with operations" in capsys.readouterr().out


def test_a_difference_is_told_with_counts_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = _json(capsys, "diff", "linux-7.0", "linux-7.0.1", "--granule", "4K")
    assert code == 1
    found = {
        (one["kind"], one["name"]): one
        for one in document["differences"]
        if one["granule"] == "4K" and one["level"] == 2
    }
    walk = found["question of the walk that", "changes attributes"]
    assert 0 < walk["count"] < walk["tried"]
    assert walk["examples"][0] == {
        "value": "0x0000000000000800", "linux-7.0": "false", "linux-7.0.1": "true",
    }  # fmt: skip
    assert ("writing of the state", "invalid leaf") in found
    assert ("predicate", "pmd_leaf") not in found
    assert ("operation", "set_memory_valid_off") in found


def test_what_only_one_of_the_two_has_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encodings", "diff", "linux-6.1", "linux-7.0.1", "--granule", "4K"]) == 1
    told = capsys.readouterr().out
    assert "4K level 3: predicate of linux-7.0.1 only pte_present_invalid" in told
    assert "4K level 2: predicate pmd_present: " in told
    assert "16K" not in told


def test_an_encoding_does_not_differ_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encodings", "diff", "kvm-stage2", "kvm-stage2"]) == 0
    assert capsys.readouterr().out == "0 differences\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["check", "linux-2.4"], "no encoding is called 'linux-2.4'"),
        (["check", "bare", "--property", "round_trap"], "did you mean 'round_trip'?"),
        (["check", "kvm-stage2", "--granule", "8K"], "kvm-stage2 has no tables '8K'"),
        (["check", "bare", "--granule", "4K", "--granule", "8K"], "bare has no tables '8K'"),
        (["check", "bare", "--level", "7"], "says anything of bare there"),
        (["check", "bare", "--property", "round_trip"], "says anything of bare there"),
        (["diff", "kvm-stage2", "linux-7.0"], "have no tables in common"),
        (["check", "--encoding", "absent.toml"], "absent.toml: cannot be read"),
    ],
)
def test_what_does_not_exist_is_one_error(
    capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert main(["encodings", *words]) == 2
    told = capsys.readouterr()
    assert reason in told.err
    assert told.out == ""


def test_a_check_needs_a_name_or_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["encodings", "check"])
    assert ended.value.code == 2
    assert "give the NAME of an encoding, or --encoding FILE" in capsys.readouterr().err


def test_a_file_is_checked_listed_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.py"
    file.write_text("from sound_kernel import sound_kernel\nENCODING = sound_kernel()\n", "utf-8")
    assert main(["encodings", "check", "--encoding", str(file)]) == 0
    assert main(["encodings", "list", "--encoding", str(file)]) == 0
    assert "sound                  a sound kernel (4K)" in capsys.readouterr().out
    assert main(["encodings", "diff", "sound", "bare", "--encoding", str(file)]) == 1
    assert main(["encodings", "check", "sound", "--encoding", str(file)]) == 0
