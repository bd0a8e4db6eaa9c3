"""`mmu-harness litmus` at a shell: herd7's lines, kinds, JSON, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
TEST = """\
AArch64 {name}
{{ 0:X0=(oa:phy_y); 0:X1=pte_x; 0:X3=x; x=1; y=2; }}
P0;
STR X0,[X1];
{code}
LDR W4,[X3];
{condition}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, code, condition in (
        ("stale", "", "exists 0:X4=1"),
        ("gone", "DSB ISH;TLBI VMALLE1;DSB ISH;ISB;", "exists 0:X4=1"),
        ("claim", "", "~exists 0:X4=1"),
        ("refused", "LDG X0,[X1];", "exists true"),
        ("broken", "", "exists 0:X4"),
    ):
        text = TEST.format(name=name, code=code, condition=condition)
        (tmp_path / f"{name}.litmus").write_text(text)
    return tmp_path


def files(folder: Path, *names: str) -> list[str]:
    return [str(folder / f"{name}.litmus") for name in names]


def test_each_test_is_shown_in_herd_s_words(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["litmus", *files(folder, "stale", "gone")]) == 0
    stale, gone = capsys.readouterr().out.strip().split("\n\n")
    assert stale.splitlines() == [
        "Test stale Allowed",
        "States 2",
        "0:X4=1;",
        "0:X4=2;",
        "Ok",
        "Witnesses",
        "Positive: 1 Negative: 1",
        "Observation stale Sometimes 1 1",
    ]
    assert gone.splitlines()[-1] == "Observation gone Never 0 1"


def test_a_claim_that_is_not_true_is_a_finding(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["litmus", *files(folder, "claim")]) == 1
    assert "\nNo\n" in capsys.readouterr().out


@pytest.mark.parametrize(("kind", "code"), [("Allowed", 0), ("Forbidden", 1), ("Required", 1)])
def test_kinds_are_what_the_tests_are_held_to(
    kind: str, code: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = folder / "kinds.txt"
    kinds.write_text(f"stale {kind}\ngone Forbidden\n")
    assert main(["litmus", "--kinds", str(kinds), *files(folder, "stale", "gone")]) == code
    summary = capsys.readouterr().out.splitlines()[-3:]
    assert summary[0].split()[:3] == ["stale", kind, "Sometimes"]
    assert ("NOT AS EXPECTED" in summary[0]) is bool(code)
    assert summary[2].startswith(f"2 tests: {code} not as expected, 0 Allowed and never seen")


def test_a_refused_test_keeps_no_other_from_being_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["litmus", *files(folder, "refused", "gone")]) == 4
    captured = capsys.readouterr()
    assert "Observation gone Never" in captured.out
    assert re.search(r"refused.litmus:5: LDG: FEAT_MTE", captured.err)


def test_a_test_that_cannot_be_parsed_is_bad_input(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["litmus", *files(folder, "broken", "gone", "refused")]) == 2
    captured = capsys.readouterr()
    assert "broken.litmus:8: `=` is expected, not the end of the part" in captured.err
    assert "Observation gone Never" in captured.out


def test_a_finding_outweighs_what_was_not_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["litmus", *files(folder, "broken", "claim", "refused")]) == 1
    assert "Observation claim Sometimes 1 1" in capsys.readouterr().out


def test_a_bound_that_is_reached_is_said_and_no_verdict(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["litmus", "--executions", "1", *files(folder, "stale")]) == 4
    assert "Incomplete stale: 1 executions" in capsys.readouterr().out


def test_json_says_the_same_as_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["litmus", "--json", *files(folder, "stale", "refused")]) == 4
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mmu-harness/litmus/1"
    (entry,) = document["tests"]
    assert (entry["name"], entry["observation"]) == ("stale", "Sometimes")
    assert [state["text"] for state in entry["states"]] == ["0:X4=1;", "0:X4=2;"]
    assert [refused["file"] for refused in document["refused"]] == files(folder, "refused")


def test_the_output_is_the_same_every_time(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["litmus", "--json", *files(folder, "stale")])
    first = capsys.readouterr().out
    main(["litmus", "--json", *files(folder, "stale")])
    assert capsys.readouterr().out == first


def test_a_bound_that_is_none_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["litmus", "--executions", "0", *files(folder, "stale")])
    assert raised.value.code == 2
    assert "a number from 1 on" in capsys.readouterr().err


def test_the_example_of_the_documentation_is_what_comes_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs" / "litmus.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    example, output = blocks[1:3]
    path = tmp_path / "unmap.litmus"
    path.write_text(example)
    assert main(["litmus", str(path)]) == 0
    assert capsys.readouterr().out.strip() == output.strip()
    path.write_text(example.replace("L0: LDR", "ISB ;\nL0: LDR"))
    main(["litmus", str(path)])
    assert "Never 0 1" in capsys.readouterr().out
