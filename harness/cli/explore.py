"""`mmu-harness explore`: a scenario under every choice that the architecture permits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from harness.errors import ExitCode

if TYPE_CHECKING:
    from harness.explore.explored import Explored

DESCRIPTION = """\
Run a scenario under every choice that the architecture permits: which old descriptors a TLB may
still hold, which walks may come before earlier stores, when hardware sets AF. Print the distinct
final outcomes (registers, memory, faults), how many executions end in each, and the choices of
one that does. The scenario's [expect] is not held against them: it speaks of a single run.

conditions (EXPR):
  x4 == 0x1111, w0 != 3, [0x80000000] < 5     registers, words at physical addresses
  fault, fault == translation, fault at LABEL  any fault, of a kind, at an instruction
  end == returned                              why it ended
  and, or, not, ( )

exit codes of explore:
  0  explored whole, and every claim holds
  1  a forbidden outcome is permitted, or an outcome lacks what is required of all
  2  bad input: no such scenario, a condition that cannot be read
  4  a bound was reached, or something is not modelled: what was not found may exist"""
EXAMPLE = """\
  mmu-harness explore load_without_isb
  mmu-harness explore break_before_make --forbid 'fault or x5 != 0x2222'
  mmu-harness explore load_without_dsb --require 'fault == translation' --advise
  mmu-harness explore --json handler_repairs_page"""

DEFAULT_EXECUTIONS = 10_000
DEFAULT_INSTRUCTIONS = 10_000
DEFAULT_STATES = 200_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("scenario", metavar="SCENARIO", help="a file or a name")
    parser.add_argument(
        "--forbid",
        action="append",
        default=[],
        metavar="EXPR",
        help="no execution may end so; may be given again",
    )
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="EXPR",
        help="every execution must end so; may be given again",
    )
    parser.add_argument(
        "--advise",
        action="store_true",
        help="where a claim is broken, try which barrier or TLBI is missing",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    for name, default, what in (
        ("executions", DEFAULT_EXECUTIONS, "executions that are followed"),
        ("instructions", DEFAULT_INSTRUCTIONS, "instructions of one execution"),
        ("states", DEFAULT_STATES, "states that are remembered"),
    ):
        parser.add_argument(
            f"--limit-{name}",
            type=_count,
            default=default,
            metavar="N",
            help=f"bound of {what} (default: {default})",
        )
    parser.add_argument(
        "--assembler",
        choices=("keystone", "gnu"),
        help="who assembles snippets (default: Keystone, or what the snippet asks for)",
    )
    parser.set_defaults(usage_error=parser.error)


def execute(arguments: argparse.Namespace) -> ExitCode:
    """Explore, then print."""
    if arguments.advise and not (arguments.forbid or arguments.require):
        arguments.usage_error("--advise needs a --forbid or --require to say what goes wrong")
    explored = _explore(arguments)
    print(_report(explored, json=arguments.json), end="")
    if explored.broken:
        return ExitCode.FINDING
    return ExitCode.EXPECTED if explored.is_whole else ExitCode.CANNOT_JUDGE


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError("a number from 1 on is needed")
    return int(text)


def _explore(arguments: argparse.Namespace) -> Explored:
    from harness.explore.explored import Claims, explore_scenario
    from harness.explore.explorer import Bounds
    from harness.explore.expression import parse_condition
    from harness.library import find
    from harness.scenario_file import load

    claims = Claims(
        tuple(parse_condition(text) for text in arguments.forbid),
        tuple(parse_condition(text) for text in arguments.require),
    )
    bounds = Bounds(
        arguments.limit_executions, arguments.limit_instructions, arguments.limit_states
    )
    return explore_scenario(
        load(find(arguments.scenario)),
        claims,
        bounds,
        assembler=arguments.assembler,
        advice=arguments.advise,
    )


def _report(explored: Explored, *, json: bool) -> str:
    if json:
        from harness.report.document import to_json
        from harness.report.explore_document import explore_document

        return to_json(explore_document(explored))
    from harness.report.explore_text import explore_text

    return explore_text(explored)
