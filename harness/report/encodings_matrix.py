"""An encoding's properties as a matrix, and each failure in full, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill

from harness.encodings.finding import Counterexample, Finding, Method, Report, Result
from harness.encodings.levels import NAMES
from harness.encodings.properties import PROPERTIES
from harness.regress import Confirmation

Confirmations = Mapping[Counterexample, Confirmation]
"""What came of running the counterexamples that were run."""

_MARKS = {Result.HOLDS: "ok", Result.FAILS: "FAIL", Result.UNKNOWN: "?"}
_CELL = 5
_WIDTH = 100


def report_text(report: Report, confirmed: Confirmations, *, full: bool = False) -> str:
    """Return the matrix and the failures; `full`: every counterexample, not one a claim."""
    lines = [f"{report.encoding.name}: {report.encoding.summary}", _reach(report), ""]
    lines += _matrix(report)
    for name in PROPERTIES:
        findings = [one for one in report.findings if one.property.name == name]
        if any(one.result is not Result.HOLDS for one in findings):
            lines += ["", *_property(report, findings, confirmed, full=full)]
    held = sum(one.result is Result.HOLDS for one in report.findings)
    counts = (
        f"{len(report.findings)} results: {held} hold, {len(report.broken)} fail, "
        f"{len(report.undecided)} unknown ({report.seconds:.1f} s)"
    )
    lines += ["", counts]
    return "\n".join(lines) + "\n"


def _reach(report: Report) -> str:
    if report.method is Method.PROVE:
        return "Proved or refuted over every 64-bit value."
    return (
        f"Checked on up to {report.values} values a level: every pattern of the bits that some "
        "question asks for,\neach with four fillings of all others (0, 1, 01…, 10…)."
    )


def _matrix(report: Report) -> Iterator[str]:
    columns = list(dict.fromkeys((one.place.form, one.place.level) for one in report.findings))
    forms = list(dict.fromkeys(form for form, _ in columns))
    columns = [(form, level) for form in forms for level in form.levels if (form, level) in columns]
    width = max(len(name) for name in PROPERTIES) + 2
    tops, levels = " " * width, " " * width
    for form in forms:
        mine = [level for one, level in columns if one == form]
        tops += form.label.ljust(_CELL * len(mine) + 2)
        levels += "".join(str(level).ljust(_CELL) for level in mine) + "  "
    yield tops.rstrip()
    yield levels.rstrip()
    results = {
        (one.property.name, one.place.form, one.place.level): one.result for one in report.findings
    }
    for name in PROPERTIES:
        row = name.ljust(width)
        for form in forms:
            for one, level in columns:
                if one == form:
                    result = results.get((name, form, level))
                    row += ("." if result is None else _MARKS[result]).ljust(_CELL)
            row += "  "
        if any((name, form, level) in results for form, level in columns):
            yield row.rstrip()


def _property(
    report: Report, findings: list[Finding], confirmed: Confirmations, *, full: bool
) -> Iterator[str]:
    about = findings[0].property
    yield f"{about.name}: {about.meaning}"
    yield fill(f"Why: {about.why}", _WIDTH, initial_indent="  ", subsequent_indent="  ")
    remark = report.encoding.remarks.get(about.name)
    if remark and any(one.result is Result.FAILS for one in findings):
        yield fill(f"Here: {remark}", _WIDTH, initial_indent="  ", subsequent_indent="  ")
    seen: dict[tuple[str, int], list[str]] = {}
    first: dict[tuple[str, int], Counterexample] = {}
    for one in findings:
        for example in one.counterexamples:
            key = (example.claim.otherwise, one.place.level)
            seen.setdefault(key, []).append(one.place.form.label)
            first.setdefault(key, example)
        for text in one.undecided:
            yield f"  unknown at {one.place.form.label} level {one.place.level}: {text}"
    for (otherwise, level), labels in seen.items():
        name = NAMES[level] if level in NAMES else str(level)
        yield f"  level {level} ({name}; {', '.join(labels)}): {otherwise}"
        example = first[otherwise, level]
        if full or example in confirmed:
            yield from _example(example, confirmed.get(example))


def _example(example: Counterexample, confirmation: Confirmation | None) -> Iterator[str]:
    moments = example.moments
    width = max(len(one.label) for one in moments)
    for number, moment in enumerate(moments):
        meant = f", meant to be {moment.meant}" if moment.meant else ""
        line = f"      {moment.label:<{width}}  {moment.value:#018x}  {moment.hardware}{meant}"
        if confirmation is not None:
            seen = confirmation.observations[number]
            line += f"; a store: {seen.machine or seen.model}"
            if moment.stale:
                line += f" (permitted: {seen.model})"
        yield line
    telling = next((one for one in moments if one.meant not in {None, one.hardware}), moments[0])
    asked = ", ".join(telling.true) or "nothing"
    yield f"      asked of {telling.value:#018x}, these are true: {asked}"
    yield f"      fields of {moments[0].value:#018x}: {' '.join(moments[0].fields)}"
    if confirmation is not None:
        word = "confirmed" if confirmation.confirmed else "NOT CONFIRMED"
        yield f"      {word}: {confirmation.explanation}"
