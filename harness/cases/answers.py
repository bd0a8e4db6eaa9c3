"""Answers: what a translator says of a case, as a JSON object; and how two answers compare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.cases.case import Document
from harness.vmsa.outcome import Fault, MemoryAttributes, Translation


@dataclass(frozen=True, slots=True)
class Unsupported:
    """What a translator cannot model: named, never guessed."""

    reason: str


Answer = Translation | Fault | Unsupported


@dataclass(frozen=True, slots=True)
class Difference:
    """One key on which an answer is not what was expected; None where a side lacks it."""

    key: str
    expected: object
    found: object

    def __str__(self) -> str:
        return f"{self.key}: expected {_shown(self.expected)}, found {_shown(self.found)}"


def _shown(value: object) -> str:
    return "nothing" if value is None else json.dumps(value)


def answer_document(identifier: str, answer: Answer) -> dict[str, Any]:
    """Return the answer as a JSON object with every key that applies, always in the same order."""
    if isinstance(answer, Unsupported):
        return {"id": identifier, "outcome": "unsupported", "reason": answer.reason}
    if isinstance(answer, Fault):
        return _fault(identifier, answer)
    return _translation(identifier, answer)


def answer_line(identifier: str, answer: Answer) -> str:
    """Return the answer as one line of an answer file, without its end."""
    return json.dumps(answer_document(identifier, answer))


def _fault(identifier: str, fault: Fault) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": identifier,
        "outcome": "fault",
        "fault": fault.kind.value,
        "stage": fault.stage,
        "s1ptw": fault.s1ptw,
    }
    if fault.level is not None:
        document["level"] = fault.level
    document["target_el"] = fault.target_el
    document["esr"] = hex(fault.esr)
    document["far"] = hex(fault.far)
    if fault.ipa is not None:
        document["ipa"] = hex(fault.ipa)
    if fault.hpfar is not None:
        document["hpfar"] = hex(fault.hpfar)
    document["updates"] = _updates(fault.updates)
    return document


def _translation(identifier: str, translation: Translation) -> dict[str, Any]:
    document: dict[str, Any] = {"id": identifier, "outcome": "ok"}
    if translation.par is not None:
        document["par"] = hex(translation.par)
    else:
        document["pa"] = hex(translation.pa)
        if translation.ipa is not None:
            document["ipa"] = hex(translation.ipa)
        if translation.attributes is not None:
            document["attributes"] = _attributes(translation.attributes)
    document["updates"] = _updates(translation.updates)
    return document


def _attributes(attributes: MemoryAttributes) -> dict[str, str]:
    if attributes.device is not None:
        return {"type": attributes.type, "device": attributes.device}
    named = {
        "type": attributes.type,
        "inner": attributes.inner,
        "outer": attributes.outer,
        "shareability": attributes.shareability,
    }
    return {key: value for key, value in named.items() if value is not None}


def _updates(updates: Mapping[int, int]) -> dict[str, str]:
    if not updates:
        return {}
    return {hex(address): hex(word) for address, word in sorted(updates.items())}


def compare(expect: Document, answer: Answer) -> tuple[Difference, ...]:
    """Return where `answer` departs from `expect`; only the keys of `expect` count."""
    return compare_documents(expect, answer_document("", answer))


def compare_documents(expect: Document, found: Document) -> tuple[Difference, ...]:
    """Return where an answer, as a JSON object, departs from `expect`.

    `par` is compared under `par_mask` where `expect` gives one.
    """
    differences = []
    for key, expected in expect.items():
        if key in {"par_mask", "id"}:
            continue
        content = found.get(key)
        if content == expected:
            continue
        if key == "par" and content is not None and "par_mask" in expect:
            mask = int(expect["par_mask"], 16)
            if (int(expected, 16) ^ int(content, 16)) & mask == 0:
                continue
        differences.append(Difference(key, expected, content))
    return tuple(differences)
