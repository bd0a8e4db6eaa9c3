"""`mmu-harness litmus`: litmus tests for virtual memory, run through exploration."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ExitCode, HarnessError

if TYPE_CHECKING:
    from harness.litmus.judge import Kind, Verdict

DESCRIPTION = """\
Run single-thread AArch64 litmus tests for virtual memory (herdtools7's format) under every choice
that the architecture permits, and print the final states in herd7's words. A fault ends the thread
unless the test has a handler. Tests of more threads, and instructions, headers or variants that
are not modelled, are refused by name; the other tests are run all the same.

exit codes of litmus:
  0  every test is as its kind says: a Forbidden state was never reached, a Required one always
  1  one is not
  2  a test cannot be parsed
  4  a test was refused, or a bound was reached: what was not found may exist"""
EXAMPLE = """\
  mmu-harness litmus tests/STR-DSB-ISB.litmus
  mmu-harness litmus --kinds tests/kinds.txt tests/*.litmus
  mmu-harness litmus --json tests/STR-DSB-ISB.litmus"""

_WORST_FIRST = (
    ExitCode.HARNESS_FAILED,
    ExitCode.FINDING,
    ExitCode.BAD_INPUT,
    ExitCode.CANNOT_JUDGE,
    ExitCode.EXPECTED,
)
DEFAULT_EXECUTIONS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a test, NAME.litmus")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.add_argument(
        "--kinds",
        metavar="FILE",
        help="hold the tests to these kinds, a line each: NAME Allowed|Forbidden|Required",
    )
    parser.add_argument(
        "--executions",
        type=_count,
        default=DEFAULT_EXECUTIONS,
        metavar="N",
        help=f"bound of executions a test (default: {DEFAULT_EXECUTIONS})",
    )


def execute(arguments: argparse.Namespace) -> ExitCode:
    """Run every test; what one of them lacks keeps no other from being run."""
    from harness.litmus.kinds import read_kinds

    expected = read_kinds(Path(arguments.kinds)) if arguments.kinds else {}
    verdicts: list[Verdict] = []
    refused: dict[str, str] = {}
    codes = {ExitCode.EXPECTED}
    for file in arguments.files:
        try:
            verdict = _run(file, arguments.executions)
        except HarnessError as error:
            refused[file] = str(error)
            codes.add(error.exit_code)
            print(f"mmu-harness: {error}", file=sys.stderr)
            continue
        verdicts.append(verdict)
        codes.add(_code(verdict, expected))
        if not arguments.json:
            _show(verdict)
    if arguments.json:
        _print_document(verdicts, expected, refused)
    elif expected:
        from harness.report.litmus_text import summary_text

        print(summary_text(verdicts, expected, refused), end="")
    return next(code for code in _WORST_FIRST if code in codes)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError("a number from 1 on is needed")
    return int(text)


def _run(file: str, executions: int) -> Verdict:
    from harness.explore.explorer import Bounds
    from harness.explore.litmus import run_test
    from harness.litmus.parse import read_test

    return run_test(read_test(Path(file)), Bounds(executions=executions))


def _code(verdict: Verdict, expected: Mapping[str, Kind]) -> ExitCode:
    if not verdict.is_as(expected.get(verdict.test.test.name, verdict.kind)):
        return ExitCode.FINDING
    return ExitCode.CANNOT_JUDGE if verdict.incomplete else ExitCode.EXPECTED


def _show(verdict: Verdict) -> None:
    from harness.report.litmus_text import verdict_text

    print(verdict_text(verdict), flush=True)


def _print_document(
    verdicts: Sequence[Verdict], expected: Mapping[str, Kind], refused: Mapping[str, str]
) -> None:
    from harness.report.document import to_json
    from harness.report.litmus_document import litmus_document

    print(to_json(litmus_document(verdicts, expected, refused)), end="")
