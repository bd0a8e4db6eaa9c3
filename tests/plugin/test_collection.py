"""The pytest plugin in other people's test suites: what it collects, shows, and costs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from harness.pytest_plugin import SUFFIX, items
from harness.scenario import Scenario
from harness.scenario_file import SUFFIX as SUFFIX_OF_FILES

pytest_plugins = ["pytester"]

VA = "0xffff000019600000"
STORE = "store: stp x1, x2, [x0]\nret\n"
SCENARIO = f"""
[scenario]
summary = "a store into a block"

[[map]]
va = "{VA}"
pa = "0x199600000"
size = "2M"
attributes = "linux-7.0:PAGE_KERNEL"

[run]
snippet = "store.S"
registers = {{ x0 = "{VA}" }}
"""
INVALIDATED = f"""
[[inject]]
when = {{ label = "store" }}
edit = {{ va = "{VA}", clear = "VALID" }}
"""
EXPECT_FAULT = '[expect]\nfault = "translation"\nlevel = 2\naccess = "write"\nesr = "0x96000046"\n'
EXPECT_NONE = '[expect]\nfault = "none"\nend = "returned"\n'


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Import once what every suite in this process would otherwise import anew."""
    for name in ("machine.unicorn_machine", "oracle.judge", "pytest_plugin.bench"):
        importlib.import_module(f"harness.{name}")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a suite that has the snippet."""
    (pytester.path / "store.S").write_text(STORE, encoding="utf-8")
    return pytester


def put(suite: pytest.Pytester, text: str, name: str = "store") -> Path:
    """Write a scenario into the suite."""
    path = suite.path / f"{name}{SUFFIX}"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_plugin_and_the_loader_mean_the_same_files() -> None:
    assert SUFFIX == SUFFIX_OF_FILES


def test_a_scenario_file_is_a_test_that_passes(suite: pytest.Pytester) -> None:
    put(suite, SCENARIO + INVALIDATED + EXPECT_FAULT)
    result = suite.runpytest("-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["store.scenario.toml::store PASSED*"])


def test_nothing_else_is_collected(suite: pytest.Pytester) -> None:
    for name in ("pyproject.toml", "scenario.toml", "x.scenario.toml.bak", "notes.txt"):
        (suite.path / name).write_text("", encoding="utf-8")
    suite.runpytest().assert_outcomes()


def test_a_missed_expectation_fails_with_walk_and_both_syndromes(suite: pytest.Pytester) -> None:
    put(suite, SCENARIO + INVALIDATED + EXPECT_FAULT.replace("0x96000046", "0x96000006"))
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*MISSED: ESR_EL1 0x96000006 was expected (*on a read), and is 0x96000046 (*write)",
            "*level 2*0x0068000199600700*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*items.py*")


def test_a_fault_that_was_not_expected_fails(suite: pytest.Pytester) -> None:
    put(suite, SCENARIO + INVALIDATED + EXPECT_NONE)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*MISSED: no fault was expected, and one came: 0x96000046*"])


def test_a_fault_that_did_not_come_fails(suite: pytest.Pytester) -> None:
    put(suite, SCENARIO + EXPECT_FAULT)
    suite.runpytest().assert_outcomes(failed=1)


def test_a_bad_scenario_fails_in_one_line(suite: pytest.Pytester) -> None:
    put(suite, SCENARIO.replace("size", "sise"))
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*store.scenario.toml:8: *no key 'sise'; did you mean 'size'?"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_what_the_harness_does_not_support_is_skipped_by_name(suite: pytest.Pytester) -> None:
    put(suite, SCENARIO + "[translation]\nSCTLR_EL1.M = 0\n")
    result = suite.runpytest("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*SCTLR_EL1.M = 0*"])


def test_what_the_engine_cannot_do_is_skipped_by_name(suite: pytest.Pytester) -> None:
    tlbi_rvae1 = "store: .word 0xd5088620\nret\n"
    (suite.path / "store.S").write_text(tlbi_rvae1, encoding="utf-8")
    put(suite, SCENARIO)
    result = suite.runpytest("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*rvae1*"])


def test_a_failure_of_the_harness_itself_shows_its_traceback(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_scenario: Scenario, **_choices: object) -> None:
        raise RuntimeError("a broken promise")

    monkeypatch.setattr(items, "run_and_judge", broken)
    put(suite, SCENARIO)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a broken promise*"])


def test_the_user_says_who_translates(suite: pytest.Pytester) -> None:
    expected = EXPECT_FAULT + EXPECT_NONE.replace("[expect]", "[expect.stale]")
    put(suite, SCENARIO + INVALIDATED + expected)
    for options in ((), ("--mmu", "model"), ("--mmu", "model", "--tlb", "stale")):
        suite.runpytest(*options).assert_outcomes(passed=1)
    put(suite, SCENARIO + INVALIDATED + EXPECT_FAULT)
    result = suite.runpytest("--mmu", "model", "--tlb", "stale")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the reference model as its MMU, TLB stale*"])


def test_an_endless_snippet_fails_as_incomplete(suite: pytest.Pytester) -> None:
    (suite.path / "store.S").write_text("store: b store\n", encoding="utf-8")
    put(suite, SCENARIO + "limit.instructions = 100\n")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*verdict  incomplete*"])


def test_the_fixture_states_a_scenario_in_a_test(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        f"""
        def test_store_into_an_invalid_block_faults(mmu):
            mmu.map({VA}, 0x199600000, "2M", "linux-7.0:PAGE_KERNEL", shape="block")
            mmu.load("store: stp x1, x2, [x0]; ret")
            mmu.start(x0={VA}, x1=1, x2=2)
            before = mmu.run()
            assert before.verdict == "agrees"
            assert before.faults == ()
            assert before.end == "returned"
            assert before.memory(0x199600008) == 2

            mmu.inject(when={{"label": "store"}}, edit={{"va": {VA}, "clear": "VALID"}})
            after = mmu.run()
            assert after.verdict == "agrees"
            (fault,) = after.faults
            assert (fault.kind, fault.level, fault.access) == ("translation", 2, "write")
            assert (fault.esr, fault.far) == (0x96000046, {VA})
            assert fault.label == "store"
            assert after.memory(0x199600008) == 0
            assert after.divergence is None
        """
    )
    suite.runpytest().assert_outcomes(passed=1)


def test_a_failing_test_shows_what_the_machine_did(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        f"""
        def test_store(mmu):
            mmu.map({VA}, 0x199600000, "4K", {{"AP": "RO", "AF": 1, "SH": "ISH"}})
            mmu.load("store: str x1, [x0]\\nret").start(x0={VA})
            assert not mmu.run().faults
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*what the machine did*", "*Permission fault, level 3*"])


def test_a_fault_in_a_failed_assertion_has_its_numbers_in_hexadecimal(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile(
        """
        def test_store(mmu):
            mmu.load("store: str x1, [x0]").start(x0=0xffff000019600000)
            assert mmu.run().faults == ()
        """
    )
    result = suite.runpytest("-vv")
    seen = "kind=translation, level=0, access=write, esr=0x96000044, far=0xffff000019600000"
    result.stdout.fnmatch_lines([f"*FaultSeen({seen}, pc=0x*, label='store')*"])


def test_the_fixture_takes_what_a_scenario_file_takes(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from pathlib import Path

        def test_load(mmu):
            mmu.machine(profile="neoverse-n1").translation(granule="16K", va_bits=47)
            mmu.map(0x10000, 0x80000000, "16K", "linux-7.0:PAGE_KERNEL", level=3)
            mmu.memory(0x80000000, words=[0x1234])
            mmu.load_file(Path(__file__).with_name("load.S"), entry="first")
            mmu.code_at(0x400000, 0x90000000).start(x0=0x10000).limit(10)
            result = mmu.run()
            assert result.registers["x1"] == 0x1234
            assert result.trace.end.number == 3
            assert "neoverse-n1" in str(result)
        """
    )
    (suite.path / "load.S").write_text("nop\nfirst: ldr x1, [x0]\nnop\nret\n", encoding="utf-8")
    suite.runpytest().assert_outcomes(passed=1)


def test_a_bad_argument_of_the_fixture_is_one_error(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest
        from harness.errors import ScenarioError

        def test_errors(mmu):
            with pytest.raises(ScenarioError, match="size = '4Q' is not a number"):
                mmu.map(0, 0, "4Q", "linux-7.0:PAGE_KERNEL")
            with pytest.raises(ScenarioError, match="nothing is loaded"):
                mmu.run()
            with pytest.raises(ScenarioError, match="no key 'fil'; did you mean 'fill'"):
                mmu.memory(0, fil="zero")
        """
    )
    suite.runpytest().assert_outcomes(passed=1)


def test_the_plugin_alone_imports_no_engine_and_little_else() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import harness.pytest_plugin; "
        "print(*sorted(name for name in set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["harness", "harness.pytest_plugin"]


def test_a_suite_without_scenarios_loads_no_part_of_the_harness(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import sys

        def test_light():
            loaded = {name for name in sys.modules if name.startswith("harness")}
            assert loaded <= {"harness", "harness.pytest_plugin"}
            assert not {"unicorn", "capstone", "keystone"} & set(sys.modules)
        """
    )
    suite.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_plugin_is_measured_by_coverage_run(suite: pytest.Pytester) -> None:
    put(suite, SCENARIO)
    command = [sys.executable, "-m", "coverage"]
    subprocess.run(
        [*command, "run", "--source", "harness.pytest_plugin", "-m", "pytest", "-q"],
        cwd=suite.path,
        check=True,
        capture_output=True,
    )
    report = subprocess.run(
        [*command, "report", "--include", "*/items.py"],
        cwd=suite.path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "items.py" in report.stdout
