"""`mmu-harness walk`: one address of a scenario, level by level; or every case of a file."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Mapping

from harness.errors import ExitCode
from harness.oracle.translator import ModelTranslator, Translator

DESCRIPTION = (
    "Translate. With SCENARIO and VA: one address in the scenario's initial tables, each lookup "
    "with its descriptor, the decision and the rule that makes it. With --cases: answer every "
    "case of a file (JSON Lines, plain or .gz, - for standard input), one line each, in order. "
    "--check prints where the answers depart from the cases' `expect`. Where Unicorn departs for a "
    "known reason, its divergence is named and counted: only what is unexplained is a finding."
)
EXAMPLE = """\
  mmu-harness walk invalid_block_store 0xffff000019600000
  mmu-harness walk invalid_block_store 0xffff000019600000 --type write --json
  mmu-harness walk --cases cases.jsonl.gz > answers.jsonl
  mmu-harness walk --cases cases.jsonl --check
  mmu-harness walk --cases cases.jsonl --engine unicorn --check"""


def _unicorn() -> Translator:
    from harness.oracle.unicorn_translator import UnicornTranslator

    return UnicornTranslator()


ENGINES: Mapping[str, Callable[[], Translator]] = {"model": ModelTranslator, "unicorn": _unicorn}


_ALLOCATIONS = 100_000
"""Between two looks for cyclic garbage while cases are answered."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("scenario", nargs="?", metavar="SCENARIO", help="a file or a shipped name")
    parser.add_argument("va", nargs="?", metavar="VA", help="virtual address to translate")
    parser.add_argument("--cases", metavar="FILE", help="answer the cases of FILE, - for stdin")
    parser.add_argument(
        "--engine", choices=sorted(ENGINES), default="model", help="who answers the cases"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="hold the answers against the cases' `expect`: print disagreements, their causes as "
        "far as known, and counts, not answers",
    )
    access = parser.add_argument_group("the access to VA")
    access.add_argument("--type", choices=("read", "write", "fetch"), default="read")
    access.add_argument("--size", type=int, default=8, metavar="BYTES")
    access.add_argument("--el", type=int, choices=(0, 1), default=1)
    access.add_argument("--unprivileged", action="store_true", help="as LDTR or STTR")
    access.add_argument("--pan", action="store_true", help="with PSTATE.PAN set")
    parser.add_argument("--json", action="store_true", help="print the walk as a JSON document")
    parser.set_defaults(usage_error=parser.error)


def execute(arguments: argparse.Namespace) -> ExitCode:
    """Walk one address or answer a file of cases."""
    if arguments.cases is not None:
        if arguments.scenario is not None:
            arguments.usage_error("--cases takes no SCENARIO")
        translator = ENGINES[arguments.engine]()
        check = _check if arguments.check else _answer
        return check(arguments.cases, translator)
    if arguments.va is None:
        arguments.usage_error("give SCENARIO and VA, or --cases FILE")
    from harness.cli.walk_address import walk_address

    return walk_address(arguments)


def _answer(file: str, translator: Translator) -> ExitCode:
    """Print one answer a case; a bad line ends the program after the answers before it."""
    from harness.cases import answer_line, read_cases

    # Nothing that the loop makes is cyclic: its collection is left to reference counts.
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)
    write = sys.stdout.write
    answer = translator.answer
    for case in read_cases(file):
        write(answer_line(case.id, answer(case)) + "\n")
    return ExitCode.EXPECTED


def _check(file: str, translator: Translator) -> ExitCode:
    """Print each disagreement with `expect` and its cause if it is known, then the counts."""
    from harness.cases import read_cases
    from harness.oracle.checking import Finding, Tally, check_case

    tally = Tally(translator.name)
    for case in read_cases(file):
        if case.expect is None:
            continue
        checked = check_case(case, translator)
        tally.add(checked)
        if checked.finding is not Finding.AGREES:
            print(f"{case.id}: {checked}")
    print(*tally.lines(), sep="\n")
    if tally.findings[Finding.DISAGREES]:
        return ExitCode.FINDING
    return ExitCode.CANNOT_JUDGE if tally.findings[Finding.UNSUPPORTED] else ExitCode.EXPECTED
