"""`mmu-harness dump` from a shell: before and after a run, as one kernel, as a document."""

from __future__ import annotations

import json

import pytest

from harness.cli.main import main

BLOCK = "0xffff000019600000-0xffff000019800000           2M PMD       RW NX SHD AF        BLK UXN"


def dump(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what the verb prints."""
    assert main(["dump", *words]) == 0
    return capsys.readouterr().out


def test_before_its_run_the_block_is_there_and_after_it_is_invalid(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert f"{BLOCK}    MEM/NORMAL-TAGGED\n" in dump(capsys, "invalid_block_store")
    after = dump(capsys, "invalid_block_store", "--after")
    assert BLOCK.replace("PMD  ", "PMD F") in after
    assert after.startswith("---[ TTBR0_EL1 ]---\n")


def test_linux_7_0_does_not_see_the_invalid_block(capsys: pytest.CaptureFixture[str]) -> None:
    after = dump(capsys, "invalid_block_store", "--after", "--as", "linux-7.0", "--half", "high")
    assert "-0xffff000019800000 " not in after
    assert after.startswith("---[ Linear Mapping start ]---\n")
    assert after.endswith(": pmd_leaf is false\n")


def test_regions_that_the_scenario_names_have_markers(capsys: pytest.CaptureFixture[str]) -> None:
    text = dump(capsys, "realm_share_linux_7_0", "--half", "high")
    lines = text.splitlines()
    start = lines.index("---[ shared buffer start ]---")
    assert lines[start + 1].startswith(BLOCK)
    assert lines[start + 2] == "---[ shared buffer end ]---"


def test_the_panics_block_is_hidden_from_linux_7_0_and_given_back_by_7_0_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hidden = dump(capsys, "realm_share_linux_7_0", "--after", "--as", "linux-7.0")
    assert hidden.endswith("# not shown: PMD of 0xffff000019600000, 0x00e8800199600704 at "
                           "0x40003658: pmd_leaf is false\n")  # fmt: skip
    back = dump(capsys, "realm_share_linux_7_0_1", "--after", "--as", "linux-7.0.1")
    assert f"{BLOCK}    MEM/NORMAL-TAGGED\n" in back
    assert "#" not in back


def test_a_run_is_compared_with_its_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    text = dump(capsys, "--diff", "invalid_block_store")
    assert text.splitlines()[:2] == [
        "--- invalid_block_store before",
        "+++ invalid_block_store after",
    ]
    assert f"-{BLOCK}" in text
    assert text.endswith("0x00e8000199600705 -> 0x00e8000199600704 -VALID\n")
    assert dump(capsys, "--diff", "valid_block_store") == ""


def test_two_scenarios_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert dump(capsys, "--diff", "valid_block_store", "invalid_block_store") == ""
    text = dump(capsys, "--diff", "valid_block_store", "invalid_block_store", "--after", "--json")
    (change,) = json.loads(text)["changes"]
    assert change == {
        "register": "TTBR1_EL1",
        "va": "0xffff000019600000",
        "level": 2,
        "name": "PMD",
        "count": 1,
        "old": "0xe8000199600705",
        "new": "0xe8000199600704",
    }


def test_the_document_has_lines_tables_and_entries(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("invalid_block_store", "--after", "--as", "linux-7.0", "--json", "--half", "high")
    text = dump(capsys, *words)
    document = json.loads(text)
    assert (document["schema"], document["moment"]) == ("mmu-harness/dump/1", "after")
    assert document["as"] == "linux-7.0"
    (half,) = document["halves"]
    assert half["lines"][0] == {"marker": "Linear Mapping start", "start": "0xffff000000000000"}
    (hidden,) = half["not_shown"]
    assert (hidden["descriptor"], hidden["why"]) == ("0xe8000199600704", "pmd_leaf is false")
    (block,) = (entry for entry in half["entries"] if entry["level"] == 2)
    assert (block["va"], block["pa"], block["valid"]) == (
        "0xffff000019600000",
        "0x199600000",
        False,
    )
    assert [table["level"] for table in half["tables"]] == [0, 1, 2, 3, 1, 2, 3]
    assert dump(capsys, *words) == text


def test_the_tree_is_of_both_halves(capsys: pytest.CaptureFixture[str]) -> None:
    text = dump(capsys, "invalid_block_store", "--tree")
    assert text.index("TTBR0_EL1:") < text.index("TTBR1_EL1:")
    assert "[203]        0x00e8000199600705  0xffff000019600000 -> 0x199600000\n" in text


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["valid_block_store", "split_block"], "give one SCENARIO"),
        (["--diff", "a", "b", "c"], "two with --diff"),
        (["--diff", "--tree", "split_block"], "--tree shows one state"),
        (["--diff", "--after", "split_block"], "no --after"),
        (["no_such_scenario"], "no shipped scenario"),
        (["split_block", "--as", "linux-99"], "no encoding is called 'linux-99'"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["dump", *words])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert reason in capsys.readouterr().err.splitlines()[-1]
