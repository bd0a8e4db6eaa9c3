"""`mmu-harness replay`: fault reports of kernel logs, decoded, walked, executed and explained."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.output import write_whole
from harness.errors import ExitCode, InputError, Location

if TYPE_CHECKING:
    from harness.oops.replay import Replay

DESCRIPTION = """\
Read the fault reports of arm64 kernel logs (dmesg, syslog, serial, quoted mail), rebuild the page
tables and registers of each, execute the faulting instruction, and say whether ESR_EL1 and FAR_EL1
come out as recorded, and why. LOG is a file, or - for standard input; all its reports are taken.

What the log does not say is not guessed: a report that lacks something is decoded, with a list of
what is missing. A fault that Unicorn's own MMU cannot take is judged by the reference model alone.

exit codes of replay:
  0  at least one report was reproduced, and none contradicts itself; others may be decoded only
  1  a report contradicts itself, or ESR and FAR do not come out as recorded
  2  a log cannot be read, or holds no fault report
  4  no report could be replayed: what is missing is listed"""
EXAMPLE = """\
  mmu-harness replay docs/panic.log
  mmu-harness replay - < docs/panic.log
  mmu-harness replay --json --write-scenario scenarios docs/panic.log"""

STANDARD_INPUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "logs", nargs="+", metavar="LOG", help="a log file, or - for standard input"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.add_argument(
        "--write-scenario",
        metavar="DIR",
        help="write each rebuilt report as NAME.scenario.toml and NAME.S",
    )


def execute(arguments: argparse.Namespace) -> ExitCode:
    """Replay every report of every log, then write and print."""
    from harness.oops.parse import parse_reports
    from harness.oops.replay import exit_code_of, replay

    logs = [parse_reports(data, name) for data, name in map(_read, arguments.logs)]
    replays = [replay(report) for reports in logs for report in reports]
    files = _write(replays, arguments.write_scenario) if arguments.write_scenario else {}
    if arguments.json:
        from harness.report.document import to_json
        from harness.report.replay_document import replay_document

        print(to_json(replay_document(replays, files)), end="")
    else:
        from harness.report.replay_text import replay_text, summary_table

        counts = {report.title: len(reports) for reports in logs for report in reports}
        texts = [
            replay_text(one, count=counts[one.report.title], file=files.get(one.report.title))
            for one in replays
        ]
        if len(replays) > 1:
            texts.append(summary_table(replays))
        print("\n".join(texts), end="")
    return exit_code_of(tuple(replays))


def _read(name: str) -> tuple[bytes, str]:
    from harness.oops.decode_text import MAX_BYTES

    if name == STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_BYTES + 1), "standard input"
    try:
        with Path(name).open("rb") as log:
            return log.read(MAX_BYTES + 1), name
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", Location(name)) from None


def _write(replays: Sequence[Replay], folder: str) -> dict[str, str]:
    """Write the scenario of every report that has one; return the file of each by its title."""
    from harness.oops.rebuild import scenario_name
    from harness.oops.replay import REFERENCE_MODEL
    from harness.oops.scenario_text import scenario_files

    texts: dict[str, str] = {}
    written: dict[str, str] = {}
    for one in replays:
        if one.rebuilt is None:
            continue
        name = plain = scenario_name(one.report)
        attempt = 1
        while f"{name}.S" in texts:
            attempt += 1
            name = f"{plain}-{attempt}"
        files = scenario_files(one.rebuilt, name, taken=one.by != REFERENCE_MODEL)
        texts |= files
        written[one.report.title] = str(Path(folder) / list(files)[-1])
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be created: {error.strerror}", Location(folder)) from None
    for file, text in texts.items():
        write_whole(str(Path(folder) / file), text)
    return written
