"""`mmu-harness dump`: the tables of a scenario, as a kernel's own dump would show them or whole."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from harness.errors import ExitCode

if TYPE_CHECKING:
    from harness.cli.dumped import Dumped
    from harness.encodings import Encoding

DESCRIPTION = (
    "Show the translation tables of a scenario in the text of Linux's kernel_page_tables (ptdump): "
    "every entry, or with --as what the dump of one kernel shows of them. Comments (#) name what "
    "it does not show, and tables that point wildly. With --diff: what differs between the tables "
    "of two scenarios, or, of one, between before and after its run."
)
EXAMPLE = """\
  mmu-harness dump invalid_block_store --after --as linux-7.0
  mmu-harness dump split_block --tree
  mmu-harness dump --diff invalid_block_store
  mmu-harness dump --diff valid_block_store invalid_block_store --after --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("scenarios", nargs="+", metavar="SCENARIO", help="a file or a shipped name")
    parser.add_argument("--after", action="store_true", help="the tables as the run leaves them")
    parser.add_argument("--diff", action="store_true", help="what differs: A B, or A and its run")
    parser.add_argument("--tree", action="store_true", help="tables, indices and descriptors")
    parser.add_argument("--as", metavar="ENCODING", dest="encoding", help="what that kernel sees")
    parser.add_argument(
        "--encoding",
        action="append",
        default=[],
        metavar="FILE",
        dest="files",
        help="a Python module or TOML file with more encodings",
    )
    parser.add_argument("--half", choices=("low", "high"), help="TTBR0's or TTBR1's tables only")
    parser.add_argument(
        "--mmu",
        choices=("unicorn", "model"),
        default="unicorn",
        help="who translates in the run of --after and --diff (default: Unicorn's own MMU)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.set_defaults(usage_error=parser.error)


def execute(arguments: argparse.Namespace) -> ExitCode:
    """Dump one state, or compare two."""
    from harness.cli.dumped import dumped

    names = arguments.scenarios
    if len(names) > (2 if arguments.diff else 1):
        arguments.usage_error("give one SCENARIO, or two with --diff")
    if arguments.diff and arguments.tree:
        arguments.usage_error("--tree shows one state: it does not go with --diff")
    encoding = _encoding(arguments)
    if not arguments.diff:
        _show(arguments, dumped(names[0], arguments, after=arguments.after), encoding)
        return ExitCode.EXPECTED
    if len(names) == 1:
        if arguments.after:
            arguments.usage_error("--diff of one SCENARIO is before and after its run: no --after")
        before = dumped(names[0], arguments, after=False)
        after = dumped(names[0], arguments, after=True)
    else:
        before, after = (dumped(name, arguments, after=arguments.after) for name in names)
    _compare(arguments, before, after, encoding)
    return ExitCode.EXPECTED


def _encoding(arguments: argparse.Namespace) -> Encoding | None:
    from harness.encoding_file import load
    from harness.encodings import encoding

    loaded = [one for file in arguments.files for one in load(file)]
    if arguments.encoding is None:
        return None
    named = (one for one in loaded if one.name == arguments.encoding)
    return next(named, None) or encoding(arguments.encoding)


def _show(arguments: argparse.Namespace, state: Dumped, encoding: Encoding | None) -> None:
    from harness.report.dump_text import dump_half, dump_text
    from harness.report.dump_tree import tree_text

    if arguments.tree and not arguments.json:
        print("\n".join(tree_text(half.tables, encoding) for half in state.halves), end="")
        return
    dumps = [dump_half(half.tables, half.markers, encoding) for half in state.halves]
    if not arguments.json:
        print(dump_text(dumps), end="")
        return
    from harness.report.document import to_json
    from harness.report.dump_document import dump_document

    tables = [half.tables for half in state.halves]
    print(
        to_json(
            dump_document(
                state.name,
                state.moment,
                None if encoding is None else encoding.name,
                list(zip(tables, dumps, strict=True)),
            )
        ),
        end="",
    )


def _compare(
    arguments: argparse.Namespace, before: Dumped, after: Dumped, encoding: Encoding | None
) -> None:
    from harness.report.dump_diff import changes_of, diff_text
    from harness.report.dump_text import dump_half

    pairs = list(zip(before.halves, after.halves, strict=True))
    changes = [(new.tables.geometry, changes_of(old.tables, new.tables)) for old, new in pairs]
    names = (f"{before.name} {before.moment}", f"{after.name} {after.moment}")
    if arguments.json:
        from harness.report.document import to_json
        from harness.report.dump_document import diff_document

        shown_as = None if encoding is None else encoding.name
        print(to_json(diff_document(names, shown_as, changes)), end="")
        return
    dumps = [
        (
            dump_half(old.tables, old.markers, encoding),
            dump_half(new.tables, new.markers, encoding),
        )
        for old, new in pairs
    ]
    print(diff_text(names, dumps, changes, encoding), end="")
