"""`mmu-harness run` from a shell: exit codes, documents, files, errors of one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness import library
from harness.cli.main import main

VA = "0xffff000019600000"
SCENARIO = f"""
[scenario]
summary = "a store into a block"

[[map]]
va = "{VA}"
pa = "0x199600000"
size = "2M"
attributes = "linux-7.0:PAGE_KERNEL"

[[inject]]
when = {{ label = "store" }}
edit = {{ va = "{VA}", clear = "VALID" }}

[expect]
fault = "translation"
esr = "0x96000046"

[run]
snippet = "store.S"
registers = {{ x0 = "{VA}" }}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Return a scenario whose store faults as expected."""
    (tmp_path / "store.S").write_text("store: stp x1, x2, [x0]\nret\n", encoding="utf-8")
    path = tmp_path / "store.scenario.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def rewrite(path: Path, old: str, new: str, name: str = "other") -> Path:
    """Return a variant of a scenario beside it."""
    other = path.with_name(f"{name}.scenario.toml")
    other.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return other


def test_a_run_as_expected_exits_with_0(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(scenario)]) == 0
    out, err = capsys.readouterr()
    assert "verdict  agrees" in out
    assert "expect   met" in out
    assert err == ""


def test_a_missed_expectation_exits_with_1(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(rewrite(scenario, "0x96000046", "0x96000006"))]) == 1
    assert "MISSED: ESR_EL1 0x96000006 was expected" in capsys.readouterr().out


def test_the_reference_mmu_and_its_policy_are_named_and_decide(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--mmu", "model", str(scenario)]) == 0
    assert "the reference model as its MMU, TLB fresh" in capsys.readouterr().out
    assert main(["run", "--mmu", "model", "--tlb", "stale", "--json", str(scenario)]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["engine"].endswith("TLB stale")
    assert document["verdict"] == "agrees"
    assert document["faults"] == []
    assert main(["run", "--mmu", "model", "--tlb", "random:3", "--json", str(scenario)]) == 0
    assert not json.loads(capsys.readouterr().out)["expectation"]["stated"]


def test_a_policy_that_is_none_or_that_rules_nothing_is_bad_usage(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--mmu", "model", "--tlb", "lru", str(scenario)]) == 2
    assert "no TLB policy is called 'lru': fresh, stale or random:SEED" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--tlb", "stale", str(scenario)])
    assert stopped.value.code == 2
    assert "--tlb goes with --mmu model" in capsys.readouterr().err


def test_a_reached_limit_exits_with_4(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario.with_name("store.S").write_text("store: b store\n", encoding="utf-8")
    limited = rewrite(scenario, "[run]", "[run]\nlimit.instructions = 50")
    assert main(["run", str(limited)]) == 4
    assert "verdict  incomplete" in capsys.readouterr().out


def test_the_json_of_two_runs_is_the_same_byte_for_byte(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for _ in range(2):
        assert main(["run", "--json", "--trace", str(scenario)]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    document = json.loads(texts[0])
    assert document["schema"] == "mmu-harness/run/1"
    (fault,) = document["faults"]
    assert (fault["fault"], fault["level"], fault["esr"]) == ("translation", 2, "0x96000046")
    assert fault["label"] == "store"
    assert [step["level"] for step in document["walk"] if step["descriptor"]] == [0, 1, 2]
    assert document["injections"][0]["fired"] is True


def test_two_processes_print_the_same_bytes(scenario: Path) -> None:
    command = [sys.executable, "-m", "harness", "run", "--json", "--trace", str(scenario)]
    one, other = (subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2))
    assert one == other


def test_several_scenarios_are_a_list_and_the_worst_exit_code(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missed = rewrite(scenario, "0x96000046", "0x96000006")
    assert main(["run", "--json", str(scenario), str(missed)]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert first["expectation"] == {"stated": True, "missed": []}
    assert len(second["expectation"]["missed"]) == 1


def test_the_trace_is_shown_when_asked(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--trace", str(scenario)])
    out = capsys.readouterr().out
    assert "\ntrace\n" in out
    assert "stp x1, x2, [x0]" in out
    assert "injection 1: descriptor at" in out


def test_junit_is_written_whole(scenario: Path, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    assert main(["run", "--junit", str(file), str(scenario)]) == 0
    suite = ET.parse(file).getroot()  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "junit.xml",
        "store.S",
        "store.scenario.toml",
    ]


def test_a_file_that_cannot_be_written_is_bad_input(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "absent" / "junit.xml"
    assert main(["run", "--junit", str(file), str(scenario)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"mmu-harness: {file}: cannot be written: No such file or directory\n"


def test_a_stream_is_written_as_it_is(scenario: Path) -> None:
    assert main(["run", "--junit", "/dev/null", str(scenario)]) == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("size =", "sise =", "8: [[map]] has no key 'sise'; did you mean 'size'?"),
        ('"store" }', '"stor" }', "11: the snippet has no label 'stor'; did you mean 'store'?"),
        ('"2M"', '"3K"', "5: "),
        ('pa = "0x199600000"', 'pa = "0x199601000"\nas = "block"', "5: "),
        (
            "[expect]",
            f"[[map]]\nva = '{VA}'\npa = 0\nsize = 4096\nattributes = {{ AF = 1 }}\n[expect]",
            "overlaps mapping of line",
        ),
        (
            f'va = "{VA}", clear',
            'va = "0x4000", level = 3, clear',
            "11: injection 1 cannot be made",
        ),
        ("[expect]", "maintenance = 'tlbi vaae9'\n[expect]", "vaae9"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    scenario: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, reason: str
) -> None:
    assert main(["run", str(rewrite(scenario, old, new))]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"mmu-harness: {scenario.with_name('other.scenario.toml')}:")
    assert reason in err
    assert err.count("\n") == 1


def test_a_bad_statement_of_a_snippet_is_named_by_its_own_line(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snippet = scenario.with_name("store.S")
    snippet.write_text("store: nop\nfrobnicate x1\n", encoding="utf-8")
    assert main(["run", str(scenario)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"mmu-harness: {snippet}:2")
    assert err.count("\n") == 1


def test_an_unknown_name_is_refused_with_the_names_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "_PLACES", (tmp_path,))
    (tmp_path / "stale_block.scenario.toml").touch()
    assert main(["run", "stale_blok"]) == 2
    err = capsys.readouterr().err
    assert "no shipped scenario is called 'stale_blok'" in err
    assert "did you mean 'stale_block'?" in err


def test_no_scenario_at_all_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run"])
    assert caught.value.code == 2
    assert "give at least one SCENARIO" in capsys.readouterr().err


def test_the_shipped_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(library.names())


def test_help_shows_an_example_and_loads_no_engine() -> None:
    code = (
        "import sys; from harness.cli.main import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'unicorn', 'capstone', 'keystone', 'rich', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "mmu-harness run invalid_block_store" in done.stdout
    assert done.stdout.endswith("[]\n")
