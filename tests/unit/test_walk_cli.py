"""`mmu-harness walk SCENARIO VA`: one address, level by level."""

from __future__ import annotations

import json

import pytest

from harness.cli.main import main

SCENARIO = "stale_block_store"
VA = "0xffff000019600000"


def walk(*words: str) -> int:
    return main(["walk", SCENARIO, *words])


def test_every_level_is_shown_with_descriptor_fields_decision_and_rule(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert walk(VA) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"read of 8 bytes at {VA} from EL1"
    levels = [line for line in lines if line.startswith("  level")]
    assert [line.split()[1] for line in levels] == ["0", "1", "2"]
    assert levels[2].endswith("  block of 2M at 0x199600000  [AArch64.DecodeDescriptorType]")
    assert any("UXN=0x1" in line and "SH=0x3" in line for line in lines)
    assert lines[-1].strip().startswith("read at PA 0x199600000, Normal, inner WB")


def test_a_fault_is_shown_with_its_syndrome(capsys: pytest.CaptureFixture[str]) -> None:
    assert walk("0xffff00001a000000", "--type", "write") == 0
    *_, syndrome, address = capsys.readouterr().out.splitlines()
    assert syndrome.startswith("  ESR_EL1 0x96000046  Data abort from the current exception level")
    assert address == "  FAR_EL1 0xffff00001a000000"


def test_the_json_document_has_the_answer_and_the_steps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert walk(VA, "--json", "--el", "0", "--size", "4") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mmu-harness/walk/1"
    assert document["answer"]["fault"] == "permission"
    assert [step["level"] for step in document["walk"]] == [0, 1, 2, 2]
    block = document["walk"][2]
    assert block["descriptor"] == "0xe8000199600701"
    names = {field["name"]: field["value"] for field in block["fields"]}
    assert names["AP[2:1]"] == "0x0"
    assert document["walk"][3]["rule"] == "AArch64.S1CheckPermissions"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((SCENARIO, "nowhere"), "is no number"),
        ((SCENARIO, VA, "--size", "3"), "--size 3 is no power of two"),
        (("no_such_scenario", VA), "no_such_scenario"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["walk", *words]) == 2
    output = capsys.readouterr()
    assert reason in output.err
    assert len(output.err.splitlines()) == 1


@pytest.mark.parametrize("words", [[], [SCENARIO], [SCENARIO, VA, "--cases", "-"]])
def test_wrong_usage_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["walk", *words])
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err
