"""`mmu-harness replay` at a shell: text, JSON, written scenarios, exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import oops_logs
import pytest

from harness.cli.main import main
from harness.runner import run_and_judge
from harness.scenario_file import load


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "panic.txt"
    path.write_text(oops_logs.stamped())
    return path


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    main(["replay", "--json", *words])
    parsed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return parsed


def test_the_text_names_fault_walk_cause_and_result(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(log)]) == 0
    text = capsys.readouterr().out
    for piece in (
        "0x96000046  Data abort from the current exception level: Translation fault, level 2",
        "FAR          0xffff0000c0de1040",
        "aa0003e0 aa0103e1 d503201f d503201f (f9000020)  str x0, [x1]",
        "pmd  0x42001000[6] = 0x00e80000c0c00704",
        "bit 0 is clear, otherwise a well-formed 2M block: an invalid large leaf",
        "ESR and FAR come out as recorded",
        "with bit 0 (Valid) of the descriptor at 0x42001030 set: the write lands at 0xc0de1040",
    ):
        assert piece in text


def test_json_has_the_keys_that_checkers_rely_on(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, str(log))
    assert found["schema"] == "mmu-harness/replay/1"
    (report,) = found["reports"]
    assert report["esr"] == "0x96000046"
    assert report["far"] == "0xffff0000c0de1040"
    assert (report["fault"], report["level"], report["access"]) == ("translation", 2, "write")
    assert (report["granule"], report["va_bits"], report["pgtable"]) == ("4K", 48, "swapper")
    assert report["entries"]["pmd"] == "0x00e80000c0c00704"
    assert report["entries"]["pte"] is None
    assert report["pc_symbol"] == "store_word+0x14/0x40"
    assert report["code"][-1] == "0xf9000020"
    assert report["missing"] == report["contradictions"] == []
    assert report["reproduced"] is True
    assert (report["verdict"], report["divergence"]) == ("agrees", None)
    assert report["faults"][0]["esr"] == "0x96000046"
    assert [step["level"] for step in report["walk"]][:3] == [0, 1, 2]
    assert report["permitted"]
    assert report["counterfactual"]["landed"] is True


def test_the_text_of_a_finding_says_what_contradicts_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.txt"
    path.write_text(
        oops_logs.text(oops_logs.replaced("pmd=00e80000c0c00704", "pmd=00e80000c0c00705"))
    )
    assert main(["replay", str(path)]) == 1
    text = capsys.readouterr().out
    assert "NOT REPRODUCED by unicorn" in text
    assert "the engine took no fault" in text
    assert "- the printed entries give: completed at 0xc0de1040; the log has ESR" in text


def test_the_text_of_a_report_that_is_cut_short_says_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.txt"
    path.write_text(oops_logs.HEADLINE[0])
    assert main(["replay", str(path)]) == 4
    text = capsys.readouterr().out
    assert "ESR          not in the log" in text
    assert "not replayed: the log lacks what a replay needs" in text
    assert "- ESR: no line gives it in full" in text


def test_two_runs_give_the_same_bytes(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["replay", "--json", str(log)])
    first = capsys.readouterr().out
    main(["replay", "--json", str(log)])
    assert capsys.readouterr().out == first


def test_a_report_that_was_not_executed_has_null_for_reproduced_and_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.txt"
    path.write_text(oops_logs.text(oops_logs.without("Code:")))
    (report,) = document(capsys, str(path))["reports"]
    assert report["reproduced"] is None
    assert report["verdict"] is None
    assert report["faults"] == []
    assert report["missing"] == ["faulting instruction: no Code line"]
    assert report["walk"]
    assert main(["replay", str(path)]) == 4


def test_standard_input_and_many_reports_end_in_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = oops_logs.stamped() + oops_logs.stamped(oops_logs.without("Code:"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(twice.encode())))
    assert main(["replay", "-"]) == 0
    text = capsys.readouterr().out
    assert "report 2 of 2 in standard input" in text
    rows = [line.split() for line in text.splitlines()[-3:]]
    assert rows[0][0] == "REPORT"
    assert rows[1][-1] == "reproduced"
    assert rows[2][-3:] == ["decoded,", "walk", "agrees"]


def test_a_written_scenario_is_one_that_run_accepts_and_reproduces_the_fault(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "made" / "here"
    (report,) = document(capsys, "--write-scenario", str(folder), str(log))["reports"]
    assert report["scenario"] == str(folder / "panic-1.scenario.toml")
    assert sorted(path.name for path in folder.iterdir()) == ["panic-1.S", "panic-1.scenario.toml"]
    judged = run_and_judge(load(folder / "panic-1.scenario.toml"))
    assert judged.missed == ()
    assert judged.execution.trace.faults[0].esr == 0x96000046
    assert judged.execution.trace.faults[0].far == 0xFFFF0000C0DE1040


def test_a_fault_that_the_engine_is_known_not_to_take_is_not_expected_of_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device = oops_logs.text()
    for old, new in (
        ("ffff0000c0de1040", "ffff0000c0de1041"),
        ("pmd=00e80000c0c00704", "pmd=00680000c0c00711"),
        ("0000000096000046", "0000000096000061"),
        ("FSC = 0x06: level 2 translation fault", "FSC = 0x21: alignment fault"),
        ("ISS = 0x00000046", "ISS = 0x00000061"),
    ):
        device = device.replace(old, new)
    path = tmp_path / "device.txt"
    path.write_text(device)
    folder = tmp_path / "out"
    (report,) = document(capsys, "--write-scenario", str(folder), str(path))["reports"]
    assert (report["verdict"], report["reproduced"]) == ("known_divergence", True)
    assert report["reproduced_by"] == "the reference model"
    written = folder / "device-1.scenario.toml"
    assert '# fault = "alignment"' in written.read_text()
    assert run_and_judge(load(written)).passed


def test_reports_of_one_name_are_written_to_different_files(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / "panic.txt"
    other.parent.mkdir()
    other.write_text(log.read_text())
    folder = tmp_path / "out"
    document(capsys, "--write-scenario", str(folder), str(log), str(other))
    names = sorted(path.name for path in folder.glob("*.toml"))
    assert names == ["panic-1-2.scenario.toml", "panic-1.scenario.toml"]


def test_text_from_the_log_cannot_leave_its_place_in_a_written_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = oops_logs.stamped().replace("paging request", 'x"\x00\u2028"""\\ request')
    path = tmp_path / "a\nb.txt"
    path.write_text(hostile)
    document(capsys, "--write-scenario", str(tmp_path / "out"), str(path))
    (written,) = (tmp_path / "out").glob("*.toml")
    assert load(written).run.entry == "faulting"


def test_a_bad_log_leaves_nothing_written_and_says_so_in_one_line(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("nothing here\n")
    folder = tmp_path / "out"
    assert main(["replay", "--write-scenario", str(folder), str(log), str(empty)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == f"mmu-harness: {empty}: no arm64 fault report in it\n"
    assert not folder.exists()


@pytest.mark.parametrize("name", ["absent.txt", "."])
def test_a_log_that_cannot_be_read_is_bad_input(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_bad_input(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--write-scenario", str(log / "below"), str(log)]) == 2
    assert "cannot be created" in capsys.readouterr().err
