"""Judged runs as JUnit XML, for continuous integration."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from harness.errors import ExitCode
from harness.report.text import run_text, verdict_line
from harness.runner.judged import JudgedRun


def junit_text(runs: Sequence[JudgedRun]) -> str:
    """Return one test suite; a finding is a failure, what cannot be judged is an error.

    No times and no hosts: the same runs give the same bytes.
    """
    codes = [run.exit_code for run in runs]
    suite = ET.Element(
        "testsuite",
        name="mmu-harness run",
        tests=str(len(runs)),
        failures=str(codes.count(ExitCode.FINDING)),
        errors=str(codes.count(ExitCode.CANNOT_JUDGE)),
    )
    for run, code in zip(runs, codes, strict=True):
        scenario = run.execution.scenario
        case = ET.SubElement(suite, "testcase", classname="scenario", name=scenario.name)
        text = _printable(run_text(run))
        if code is ExitCode.EXPECTED:
            ET.SubElement(case, "system-out").text = text
        else:
            tag = "failure" if code is ExitCode.FINDING else "error"
            message = run.missed[0] if run.missed else verdict_line(run)
            ET.SubElement(case, tag, message=_printable(message)).text = text
    ET.indent(suite)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"
    )


def _printable(text: str) -> str:
    """Return the text with characters that XML cannot hold shown as escapes."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
        for character in text
    )
