"""`mmu-harness cases`: what one can do with case and answer files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from harness.cases import compare_documents, name_of, read_lines
from harness.errors import CaseError, ExitCode, Location

DESCRIPTION = (
    "Compare answer files. diff A B reads both in step, as they answer the same cases in the same "
    "order, and reports every key of A's answers on which B differs (par under par_mask, if A "
    "gives one); an `expect` in A, when A is a case file, counts as its answer."
)
EXAMPLE = """\
  mmu-harness cases diff answers.jsonl others.jsonl.gz
  mmu-harness cases diff cases.jsonl.gz answers.jsonl"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    diff = actions.add_parser("diff", help="compare two answer files", description=DESCRIPTION)
    diff.add_argument("expected", metavar="A")
    diff.add_argument("found", metavar="B")


def execute(arguments: argparse.Namespace) -> ExitCode:
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
