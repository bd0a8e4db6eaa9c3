"""`mmu-harness encodings`: descriptor encodings held to properties, proved, and compared."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.cli.output import write_whole
from harness.errors import ExitCode, ValueSyntaxError

if TYPE_CHECKING:
    from harness.encodings import Encoding
    from harness.encodings.difference import Difference
    from harness.encodings.finding import Report
    from harness.report.encodings_matrix import Confirmations

DESCRIPTION = (
    "Hold a kernel's encoding of page-table entries against properties that it must have at every "
    "level and through every operation. `check` tries every pattern of the bits that mean "
    "something; `prove` decides every 64-bit value with the prover Z3. A counterexample is the "
    "smallest descriptor that breaks a claim, and is run on the machine and in the model. "
    "docs/encodings.md says how to add an encoding."
)
EXAMPLE = """\
  mmu-harness encodings list
  mmu-harness encodings check linux-7.0
  mmu-harness encodings prove linux-7.0.1 --property round_trip --granule 4K
  mmu-harness encodings check --encoding my_kernel.toml --junit result.xml
  mmu-harness encodings diff linux-7.0 linux-7.0.1"""


_WORST_FIRST = (ExitCode.FINDING, ExitCode.CANNOT_JUDGE, ExitCode.EXPECTED)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    verbs = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, dest="command"
    )
    shown = verbs.add_parser("list", help="the encodings, and the properties")
    shown.add_argument("--properties", action="store_true", help="list the properties instead")
    for name, words in (
        ("check", "try every pattern of the bits that mean something"),
        ("prove", "decide every 64-bit value with Z3"),
    ):
        held = verbs.add_parser(name, help=words)
        held.add_argument("name", nargs="?", metavar="NAME", help="an encoding")
        held.add_argument("--property", action="append", default=[], help="only this one")
        held.add_argument("--granule", action="append", default=[], help="4K, 16K, `64K lpa`, …")
        held.add_argument("--level", action="append", default=[], type=int)
        held.add_argument("--junit", metavar="FILE", help="write JUnit XML as well")
        held.add_argument("--no-run", action="store_true", help="do not run the counterexamples")
        held.add_argument("--full", action="store_true", help="show and run every counterexample")
    verbs.choices["prove"].add_argument(
        "--seconds", type=float, default=20, help="for each claim, else it is unknown (default: 20)"
    )
    compared = verbs.add_parser("diff", help="what two encodings read or write differently")
    compared.add_argument("left", metavar="A")
    compared.add_argument("right", metavar="B")
    compared.add_argument("--granule", action="append", default=[], help="4K, 16K, `64K lpa`, …")
    for command in verbs.choices.values():
        command.add_argument(
            "--encoding",
            action="append",
            default=[],
            metavar="FILE",
            help="a Python module or TOML file with more encodings",
        )
        command.add_argument("--json", action="store_true", help="print a JSON document")
    parser.set_defaults(usage_error=parser.error)


def execute(arguments: argparse.Namespace) -> ExitCode:
    """List, hold or compare."""
    from harness.encoding_file import load

    loaded = [one for file in arguments.encoding for one in load(file)]
    if arguments.command == "list":
        return _list(arguments, loaded)
    if arguments.command == "diff":
        return _diff(arguments, loaded)
    return _hold(arguments, loaded)


def _named(name: str, loaded: Sequence[Encoding]) -> Encoding:
    from harness.encodings import encoding

    return next((one for one in loaded if one.name == name), None) or encoding(name)


def _list(arguments: argparse.Namespace, loaded: Sequence[Encoding]) -> ExitCode:
    from harness.encodings import encoding, names

    known = [*loaded, *(encoding(name) for name in names())]
    if arguments.properties:
        from harness.encodings.properties import PROPERTIES

        for one in PROPERTIES.values():
            print(f"{one.name} ({one.levels})\n  {one.meaning}\n  {one.why}")
    elif arguments.json:
        from harness.report.document import to_json
        from harness.report.encodings_document import list_document

        print(to_json(list_document(known)), end="")
    else:
        for each in known:
            tables = ", ".join(form.label for form in each.forms)
            print(f"{each.name:<22} {each.summary} ({tables})")
    return ExitCode.EXPECTED


def _hold(arguments: argparse.Namespace, loaded: Sequence[Encoding]) -> ExitCode:
    if arguments.name is None and not loaded:
        arguments.usage_error("give the NAME of an encoding, or --encoding FILE")
    chosen = loaded if arguments.name is None else [_named(arguments.name, loaded)]
    reports = [_report(arguments, one) for one in chosen]
    confirmed = [_confirm(report, arguments) for report in reports]
    if arguments.junit:
        from harness.report.encodings_document import junit_text

        write_whole(arguments.junit, junit_text(reports))
    if arguments.json:
        from harness.report.document import to_json
        from harness.report.encodings_document import report_document

        documents = list(map(report_document, reports, confirmed))
        print(to_json(documents[0] if len(documents) == 1 else documents), end="")
    else:
        from harness.report.encodings_matrix import report_text

        shown = zip(reports, confirmed, strict=True)
        print("\n".join(report_text(*each, full=arguments.full) for each in shown), end="")
    codes = {_exit_code(report) for report in reports}
    return next(code for code in _WORST_FIRST if code in codes)


def _report(arguments: argparse.Namespace, one: Encoding) -> Report:
    from harness.encodings.properties import properties_named

    properties = properties_named(arguments.property)
    known = {form.label: form for form in one.forms}
    for label in arguments.granule:
        if label not in known:
            raise ValueSyntaxError(f"{one.name} has no tables {label!r} ({', '.join(known)})")
    forms = [known[label] for label in arguments.granule or known]
    if arguments.command == "prove":
        from harness.encodings.proving import prove

        report = prove(one, properties, forms, arguments.level, seconds=arguments.seconds)
    else:
        from harness.encodings.checking import check

        report = check(one, properties, forms, arguments.level)
    if not report.findings:
        raise ValueSyntaxError(f"no property that was chosen says anything of {one.name} there")
    return report


def _confirm(report: Report, arguments: argparse.Namespace) -> Confirmations:
    """Run one counterexample of each failure, or all of them."""
    if arguments.no_run:
        return {}
    from harness.regress import confirm

    chosen = [
        example
        for finding in report.broken
        for example in finding.counterexamples[: None if arguments.full else 1]
    ]
    return {example: confirm(example) for example in chosen}


def _exit_code(report: Report) -> ExitCode:
    if report.broken:
        return ExitCode.FINDING
    return ExitCode.CANNOT_JUDGE if report.undecided else ExitCode.EXPECTED


def _diff(arguments: argparse.Namespace, loaded: Sequence[Encoding]) -> ExitCode:
    from harness.encodings.difference import differences

    left, right = (_named(name, loaded) for name in (arguments.left, arguments.right))
    found = differences(left, right, arguments.granule)
    if arguments.json:
        from harness.report.document import to_json
        from harness.report.encodings_document import difference_document

        print(to_json(difference_document(left.name, right.name, found)), end="")
    else:
        for one in found:
            _print_difference(one, left.name, right.name)
        print(f"{len(found)} differences")
    return ExitCode.FINDING if found else ExitCode.EXPECTED


def _print_difference(one: Difference, left: str, right: str) -> None:
    where = f"{one.form.label} level {one.level}"
    count = f": {one.count} of {one.tried} values" if one.tried else ""
    print(f"{where}: {one.kind} {one.name}{count}")
    for example in one.examples:
        print(f"    {example.value:#018x}  {left}: {example.left}  {right}: {example.right}")
