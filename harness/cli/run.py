"""`mmu-harness run`: scenarios are run, judged by the reference model, and shown."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from harness.cli.output import write_whole
from harness.errors import ExitCode
from harness.runner.judged import JudgedRun

DESCRIPTION = (
    "Run scenarios and judge every fault and access against what the architecture permits. A "
    "SCENARIO is a file NAME.scenario.toml, or the name of a shipped one. A known divergence of "
    "the engine counts as expected; a missed [expect] is a finding."
)
EXAMPLE = """\
  mmu-harness run invalid_block_store
  mmu-harness run --json my.scenario.toml
  mmu-harness run --mmu model --tlb stale load_without_maintenance
  mmu-harness run --list"""

_WORST_FIRST = (ExitCode.FINDING, ExitCode.CANNOT_JUDGE, ExitCode.EXPECTED)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="a file or a name")
    parser.add_argument("--list", action="store_true", help="list the shipped scenarios")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.add_argument("--trace", action="store_true", help="show every event of the run")
    parser.add_argument("--junit", metavar="FILE", help="write JUnit XML as well")
    parser.add_argument(
        "--mmu",
        choices=("unicorn", "model"),
        default="unicorn",
        help="who translates: Unicorn's own MMU (default), or the reference model",
    )
    parser.add_argument(
        "--tlb",
        metavar="POLICY",
        help="which permitted outcome the reference model takes: fresh (default: as memory is "
        "now), stale (the oldest values as long as allowed), random:SEED",
    )
    parser.add_argument(
        "--assembler",
        choices=("keystone", "gnu"),
        help="who assembles snippets (default: Keystone, or what the snippet asks for)",
    )
    parser.set_defaults(usage_error=parser.error)


def execute(arguments: argparse.Namespace) -> ExitCode:
    """Run every scenario, then print: bad input in one leaves no output of another."""
    if arguments.list:
        return _list()
    if not arguments.scenarios:
        arguments.usage_error("give at least one SCENARIO, or --list")
    if arguments.tlb and arguments.mmu != "model":
        arguments.usage_error("--tlb goes with --mmu model: no policy rules Unicorn's own TLB")
    runs = _run_all(arguments)
    if arguments.junit:
        from harness.report.junit import junit_text

        write_whole(arguments.junit, junit_text(runs))
    print(_report(runs, json=arguments.json, trace=arguments.trace), end="")
    codes = {run.exit_code for run in runs}
    return next(code for code in _WORST_FIRST if code in codes)


def _run_all(arguments: argparse.Namespace) -> list[JudgedRun]:
    from harness.library import find
    from harness.machine.policies import policy_named
    from harness.runner import Mmu, run_and_judge
    from harness.scenario_file import load

    mmu = Mmu(arguments.mmu)
    policy = policy_named(arguments.tlb) if arguments.tlb else None
    scenarios = [load(find(name)) for name in arguments.scenarios]
    return [
        run_and_judge(scenario, assembler=arguments.assembler, mmu=mmu, policy=policy)
        for scenario in scenarios
    ]


def _report(runs: Sequence[JudgedRun], *, json: bool, trace: bool) -> str:
    if json:
        from harness.report.document import run_document, to_json

        documents = [run_document(run, trace=trace) for run in runs]
        return to_json(documents[0] if len(documents) == 1 else documents)
    from harness.report.text import run_text

    return "\n".join(run_text(run, trace=trace) for run in runs)


def _list() -> ExitCode:
    from harness import library
    from harness.scenario_file import load

    for name in library.names():
        print(f"{name:<32} {load(library.find(name)).summary}")
    return ExitCode.EXPECTED
