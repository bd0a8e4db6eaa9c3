"""`mmu-harness cases`: compare answer files, and make cases."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from harness.cases import answer_document, case_line, compare_documents, name_of, read_lines
from harness.errors import CaseError, ExitCode, Location
from harness.oracle.translator import ModelTranslator
from harness.sweep import CATEGORIES, generate_cases

DESCRIPTION = "Compare answer files (diff), or make cases out of a seed (generate)."
_DIFF = (
    "Compare two answer files. They are read in step, as they answer the same cases in the same "
    "order, and every key of A's answers on which B differs is reported (par under par_mask, if A "
    "gives one); an `expect` in A, when A is a case file, counts as its answer."
)
EXAMPLE = """\
  mmu-harness cases diff answers.jsonl others.jsonl.gz
  mmu-harness cases diff cases.jsonl.gz answers.jsonl
  mmu-harness cases generate --category s2 --count 1000 --seed 7 > cases.jsonl"""
_GENERATE = (
    "Print cases, one a line: machines whose registers and tables mostly make sense, and an access "
    "each. The same category, seed and number give the same case. Without --category, of each."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    diff = actions.add_parser("diff", help="compare two answer files", description=_DIFF)
    diff.add_argument("expected", metavar="A")
    diff.add_argument("found", metavar="B")
    diff.set_defaults(action=_diff)
    generate = actions.add_parser("generate", help="make cases", description=_GENERATE)
    generate.add_argument(
        "--category", action="append", choices=CATEGORIES, help="may be given more than once"
    )
    generate.add_argument("--count", type=_number, default=100, help="cases of each category")
    generate.add_argument("--seed", type=int, default=1)
    generate.add_argument(
        "--expect", action="store_true", help="with the reference model's answers as `expect`"
    )
    generate.set_defaults(action=_generate)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no count")
    return int(text)


def execute(arguments: argparse.Namespace) -> ExitCode:
    """Do what the action says."""
    done: ExitCode = arguments.action(arguments)
    return done


def _generate(arguments: argparse.Namespace) -> ExitCode:
    translator = ModelTranslator()
    categories = arguments.category or CATEGORIES
    for case in generate_cases(categories, arguments.count, arguments.seed):
        expect = None
        if arguments.expect:
            expect = answer_document(case.id, translator.answer(case))
            del expect["id"]
        sys.stdout.write(case_line(replace(case, expect=expect)) + "\n")
    return ExitCode.EXPECTED


def _diff(arguments: argparse.Namespace) -> ExitCode:
    """Print the differences and their count; 1 if there are any."""
    count = differing = 0
    pairs = zip_longest(_answers(arguments.expected), _answers(arguments.found))
    for expected, found in pairs:
        if expected is None or found is None:
            longer = arguments.found if expected is None else arguments.expected
            raise CaseError("has more answers than the other file", Location(longer, count + 1))
        count += 1
        (at, left), (_, right) = expected, found
        if left["id"] != right["id"]:
            raise CaseError(f"answers {left['id']!r} where the other has {right['id']!r}", at)
        differences = compare_documents(left, right)
        if differences:
            differing += 1
            print(f"{left['id']}: {'; '.join(map(str, differences))}")
    print(f"{count} answers: {count - differing} agree, {differing} differ")
    return ExitCode.FINDING if differing else ExitCode.EXPECTED


def _answers(file: str) -> Iterator[tuple[Location, dict[str, Any]]]:
    for number, line in read_lines(file):
        at = Location(name_of(file), number)
        try:
            document = json.loads(line)
        except json.JSONDecodeError as error:
            raise CaseError(f"not JSON: {error.msg} at column {error.colno}", at) from None
        if not isinstance(document, dict) or "id" not in document:
            raise CaseError("is no answer: not an object with an id", at)
        expect = document.get("expect")
        if isinstance(expect, dict):
            document = {"id": document["id"], **expect}
        yield at, document
