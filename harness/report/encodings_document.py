"""An encoding's properties, the list of encodings and a comparison as JSON documents, and JUnit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from harness.encodings.definition import Encoding
from harness.encodings.difference import Difference
from harness.encodings.finding import Counterexample, Finding, Method, Report, Result
from harness.encodings.properties import PROPERTIES
from harness.regress import Confirmation
from harness.report.encodings_matrix import Confirmations

SCHEMA = "mmu-harness/encodings/1"
Document = dict[str, Any]


def report_document(report: Report, confirmed: Confirmations) -> Document:
    """Return what a check or a proof found. No times: the same input gives the same bytes."""
    proof = report.method is Method.PROVE
    return {
        "schema": SCHEMA,
        "command": report.method.value,
        "encoding": report.encoding.name,
        "summary": report.encoding.summary,
        "values": "every 64-bit value" if proof else report.values,
        "properties": [_finding(report.encoding, one, confirmed) for one in report.findings],
    }


def list_document(encodings: Sequence[Encoding]) -> Document:
    """Return the encodings with their tables, and the properties."""
    return {
        "schema": SCHEMA,
        "command": "list",
        "encodings": [
            {
                "name": one.name,
                "summary": one.summary,
                "tables": [form.label for form in one.forms],
            }
            for one in encodings
        ],
        "properties": [
            {"name": one.name, "meaning": one.meaning, "why": one.why, "levels": one.levels}
            for one in PROPERTIES.values()
        ],
    }


def difference_document(left: str, right: str, found: Sequence[Difference]) -> Document:
    """Return where two encodings differ."""
    return {
        "schema": SCHEMA,
        "command": "diff",
        "left": left,
        "right": right,
        "differences": [
            {
                "granule": one.form.granule.label,
                "format": one.form.output.value,
                "level": one.level,
                "kind": one.kind,
                "name": one.name,
                "count": one.count,
                "tried": one.tried,
                "examples": [
                    {"value": f"{each.value:#018x}", left: each.left, right: each.right}
                    for each in one.examples
                ],
            }
            for one in found
        ],
    }


def _finding(encoding: Encoding, finding: Finding, confirmed: Confirmations) -> Document:
    examples = finding.counterexamples
    first = examples[0] if examples else None
    run = confirmed.get(first) if first is not None else None
    place = finding.place
    document: Document = {
        "name": finding.property.name,
        "level": place.level,
        "granule": place.form.granule.label,
        "format": place.form.output.value,
        "stage": place.form.stage,
        "result": finding.result.value,
        "claims": finding.claims,
        "counterexample": None if first is None else f"{first.value:#018x}",
        "confirmed": None if run is None else run.confirmed,
    }
    if first is not None:
        document |= {
            "meaning": finding.property.meaning,
            "why": finding.property.why,
            "remark": encoding.remarks.get(finding.property.name),
            "confirmation": None if run is None else run.explanation,
            "counterexamples": [_example(one, confirmed.get(one)) for one in examples],
        }
    if finding.undecided:
        document["undecided"] = list(finding.undecided)
    return document


def _example(example: Counterexample, run: Confirmation | None) -> Document:
    moments = []
    for number, one in enumerate(example.moments):
        seen = run.observations[number] if run is not None else None
        moments.append(
            {
                "label": one.label,
                "level": one.place.level,
                "value": f"{one.value:#018x}",
                "meant": one.meant and one.meant.value,
                "hardware": one.hardware.value,
                "true": list(one.true),
                "fields": list(one.fields),
                "machine": seen and seen.machine,
                "model": seen and seen.model,
                "divergence": seen and seen.divergence,
            }
        )
    return {"claim": example.claim.text, "otherwise": example.claim.otherwise, "moments": moments}


def junit_text(reports: Sequence[Report]) -> str:
    """Return a test suite for each report: a test case for each property at each place."""
    root = ET.Element("testsuites")
    for report in reports:
        _suite(root, report)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, report: Report) -> None:
    suite = ET.SubElement(
        root,
        "testsuite",
        name=f"mmu-harness encodings {report.method.value} {report.encoding.name}",
        tests=str(len(report.findings)),
        failures=str(len(report.broken)),
        errors=str(len(report.undecided)),
    )
    for one in report.findings:
        where = f"{one.place.form.label} level {one.place.level}"
        case = ET.SubElement(
            suite, "testcase", classname=one.property.name, name=f"{one.property.name}[{where}]"
        )
        if one.result is Result.FAILS:
            text = "\n".join(
                f"{each.claim.otherwise}: {each.value:#018x}" for each in one.counterexamples
            )
            message = one.counterexamples[0].claim.otherwise
            ET.SubElement(case, "failure", message=message).text = text
        elif one.result is Result.UNKNOWN:
            ET.SubElement(case, "error", message="not decided").text = "\n".join(one.undecided)
