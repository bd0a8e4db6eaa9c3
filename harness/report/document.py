"""A judged run as a JSON document: plain values, the same for the same run.

Addresses, registers and descriptors are hex strings, as in case files; levels, indices and counts
are numbers.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from harness.arch.syndromes import decode_abort
from harness.cases.answers import answer_document
from harness.oracle.permitted import PermittedOutcome
from harness.oracle.seen import Aborted
from harness.oracle.verdict import Judgment
from harness.report.events import InjectionRecord, event_name, injections_of, label_at_end
from harness.report.walk import steps_document
from harness.runner.judged import JudgedRun
from harness.trace import Event
from harness.vmsa.access import Access

RUN_SCHEMA = "mmu-harness/run/1"

_PLAIN_NUMBERS = frozenset({"number", "el", "target_el", "size", "offset"})
"""Fields of events that are counts or small numbers, not addresses or contents."""


def run_document(judged: JudgedRun, *, trace: bool = False) -> dict[str, Any]:
    """Return the whole of what is known of a run; `trace` adds every event."""
    execution, verdict = judged.execution, judged.verdict
    scenario, end = execution.scenario, execution.trace.end
    document: dict[str, Any] = {
        "schema": RUN_SCHEMA,
        "scenario": scenario.name,
        "summary": scenario.summary,
        "engine": execution.engine,
        "profile": scenario.profile.name,
        "verdict": verdict.kind.value,
        "divergence": verdict.divergence,
        "explanation": verdict.explanation,
        "judged": verdict.judged,
        # An oracle that gave up has judged the first of them only.
        "faults": [
            fault_document(fault, taken.target_el)
            for fault, taken in zip(verdict.faults, execution.trace.faults, strict=False)
        ],
        "walk": steps_document(verdict.steps),
        "permitted": [_permitted(outcome) for outcome in verdict.permitted],
        "findings": [_judgment(finding) for finding in verdict.findings],
        "injections": [_injection(record) for record in injections_of(execution)],
        "expectation": {
            "stated": scenario.expect is not None,
            "missed": list(judged.missed),
        },
        "end": {
            "reason": end.reason.value,
            "pc": hex(end.pc),
            "label": label_at_end(execution),
            "instructions": end.number,
            "detail": end.detail,
        },
        "registers": {name: hex(value) for name, value in execution.trace.registers.items()},
    }
    if trace:
        document["trace"] = trace_document(execution.trace.events)
    return document


def fault_document(fault: Judgment, target_el: int) -> dict[str, Any]:
    """Return one abort that was taken, in the keys of a case's answer, and what is said of it."""
    document = _judgment(fault)
    if isinstance(fault.seen, Aborted):
        abort = decode_abort(fault.seen.esr)
        document["outcome"] = "fault"
        if abort is not None:
            document |= {"fault": abort.kind.value, "stage": 1, "s1ptw": abort.s1ptw}
            document |= {} if abort.level is None else {"level": abort.level}
        document["target_el"] = target_el
        document |= {"esr": hex(fault.seen.esr), "far": hex(fault.seen.far)}
    document["walk"] = steps_document(fault.steps)
    document["permitted"] = [_permitted(outcome) for outcome in fault.permitted]
    return document


def trace_document(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return every event, each with its kind under `event`."""
    return [{"event": event_name(event), **_fields(event)} for event in events]


def to_json(document: object) -> str:
    """Return the text of a document: indented, keys in the order given, one newline at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _judgment(judgment: Judgment) -> dict[str, Any]:
    return {
        "number": judgment.number,
        "pc": hex(judgment.pc),
        "label": judgment.label,
        "access": _access(judgment.access),
        "verdict": judgment.kind.value,
        "divergence": judgment.divergence,
        "explanation": judgment.explanation,
    }


def _access(access: Access) -> dict[str, Any]:
    return {
        "va": hex(access.va),
        "type": access.kind.value,
        "size": access.size,
        "el": access.el,
        "pan": int(access.pan),
        "uao": int(access.uao),
        "unprivileged": access.unprivileged,
        "operation": access.operation.value,
    }


def _permitted(outcome: PermittedOutcome) -> dict[str, Any]:
    document = answer_document("", outcome.outcome)
    del document["id"]
    return {
        **document,
        "current": outcome.is_current,
        "old_words": [
            {"address": hex(word.address), "value": hex(word.value), "current": hex(word.current)}
            for word in outcome.old_words
        ],
        "old_registers": list(outcome.old_registers),
    }


def _injection(record: InjectionRecord) -> dict[str, Any]:
    return {
        "when": record.when,
        "fired": bool(record.writes),
        "changes": [
            {
                "number": write.number,
                "address": hex(write.address),
                "old": hex(write.old),
                "new": hex(write.new),
                **({"note": write.note} if write.note else {}),
            }
            for write in record.writes
        ],
    }


def _fields(event: Event) -> dict[str, Any]:
    return {
        field.name: _value(field.name, getattr(event, field.name))
        for field in dataclasses.fields(event)
    }


def _value(name: str, value: object) -> object:
    match value:
        case Access():
            return _access(value)
        case StrEnum():
            return value.value
        case bool() | str() | None:
            return value
        case int():
            return value if name in _PLAIN_NUMBERS else hex(value)
        case _:
            raise TypeError(f"an event holds a {type(value).__name__} in {name}")
