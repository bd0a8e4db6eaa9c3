"""The program `mmu-harness`: finds the verb, loads only its module, turns errors to exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import textwrap
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from harness import __version__
from harness.errors import ExitCode, HarnessError


class VerbModule(Protocol):
    """What a module of `harness.cli` defines for its verb."""

    DESCRIPTION: str
    """What the verb does, in paragraphs; those with indented lines are shown as they stand.

    One that begins `exit codes of VERB:` takes the place of `EXIT_CODES`.
    """
    EXAMPLE: str
    """Command lines that work as they stand."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's arguments."""

    def execute(self, arguments: argparse.Namespace) -> ExitCode:
        """Do it, print the result, return the exit code."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One line of `mmu-harness --help`."""

    name: str
    summary: str


VERBS = (
    Verb("run", "run scenarios, judge every fault, show the trace"),
    Verb("replay", "rebuild and rerun the fault of a kernel log"),
    Verb("explore", "run a scenario under every permitted choice, show each outcome"),
    Verb("litmus", "run litmus tests for virtual memory under every permitted choice"),
    Verb("walk", "translate an address of a scenario, or every case of a file"),
    Verb("dump", "show translation tables as Linux's ptdump does, whole, or what changed in them"),
    Verb("cases", "compare files of answers, or make cases out of a seed"),
    Verb("encodings", "hold a kernel's encoding of table entries against its properties"),
    Verb("decode", "show the fields of a register, descriptor or syndrome"),
)

_WIDTH = 80
"""Columns of a description: the narrowest terminal that is usual."""

EXIT_CODES = """exit codes:
  0  as expected, or permitted by the architecture
  1  a finding: a fault not permitted, an expectation missed, a property violated
  2  bad input or usage
  3  the harness itself failed
  4  cannot judge: unsupported, an engine missing, a bound reached"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; errors of the tree become one line on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
    except HarnessError as error:
        print(f"mmu-harness: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away (`| head`): end quietly, as every filter does.
        _drop_output()
        return ExitCode.EXPECTED
    except KeyboardInterrupt:
        print("mmu-harness: interrupted", file=sys.stderr)
        return 130
    return code


def run() -> None:
    """Entry point of the console script: what no `HarnessError` foresees is no finding, 1."""
    try:
        code = main()
    except OSError as error:
        # Whoever opens a file names it in an InputError: what is left is our own output.
        print(f"mmu-harness: output: {error.strerror}", file=sys.stderr)
        _drop_output()
        code = ExitCode.HARNESS_FAILED
    except Exception:  # noqa: BLE001 - Python itself would exit with 1
        traceback.print_exc()
        print("mmu-harness: the harness itself failed, as shown above", file=sys.stderr)
        code = ExitCode.HARNESS_FAILED
    sys.exit(code)


def _drop_output() -> None:
    """Let nothing that is still buffered be written when the program ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _described(verb: str, description: str) -> tuple[str, str]:
    """Return the description, wrapped, and the exit codes: the verb's own if it states them."""
    paragraphs = description.split("\n\n")
    own = [each for each in paragraphs if each.startswith(f"exit codes of {verb}:")]
    shown = [
        each if "\n " in each else textwrap.fill(each, _WIDTH, break_on_hyphens=False)
        for each in paragraphs
        if each not in own
    ]
    return "\n\n".join(shown), own[0] if own else EXIT_CODES


def _dispatch(words: list[str]) -> int:
    named = next((word for word in words if not word.startswith("-")), None)
    parser = argparse.ArgumentParser(
        prog="mmu-harness",
        description="Run AArch64 snippets on real page tables and judge every fault against arm64.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mmu-harness {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        if verb.name == named:
            module = cast("VerbModule", importlib.import_module(f"harness.cli.{verb.name}"))
            description, codes = _described(verb.name, module.DESCRIPTION)
            chosen = verbs.add_parser(
                verb.name,
                help=verb.summary,
                description=description,
                epilog=f"examples:\n{module.EXAMPLE}\n\n{codes}",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            module.add_arguments(chosen)
            chosen.set_defaults(execute=module.execute)
        else:
            verbs.add_parser(verb.name, help=verb.summary, add_help=False)
    arguments = parser.parse_args(words)
    return int(arguments.execute(arguments))
