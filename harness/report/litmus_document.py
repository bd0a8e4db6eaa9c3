"""Verdicts on litmus tests as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.litmus.judge import Kind, Verdict

LITMUS_SCHEMA = "mmu-harness/litmus/1"


def litmus_document(
    verdicts: Sequence[Verdict], expected: Mapping[str, Kind], refused: Mapping[str, str]
) -> dict[str, Any]:
    """Return every verdict and, by file, the reason of every test that was not run.

    `expected` holds kinds by test name; a test that it does not name is held to its own claim.
    """
    return {
        "schema": LITMUS_SCHEMA,
        "tests": [
            _test(verdict, expected.get(verdict.test.test.name, verdict.kind))
            for verdict in verdicts
        ],
        "refused": [{"file": file, "reason": reason} for file, reason in refused.items()],
    }


def _test(verdict: Verdict, expected: Kind) -> dict[str, Any]:
    test = verdict.test.test
    return {
        "name": test.name,
        "file": test.file,
        "kind": verdict.kind.value,
        "expected": expected.value,
        "as_expected": verdict.is_as(expected),
        "ok": verdict.is_ok,
        "observation": verdict.observation.value,
        "positive": verdict.positive,
        "negative": verdict.negative,
        "complete": not verdict.incomplete,
        "incomplete": list(verdict.incomplete),
        "states": [
            {"text": state.text, "holds": state.holds, "witness": list(state.witness)}
            for state in verdict.states
        ],
    }
