"""An exploration as a JSON document: plain values, the same for the same scenario."""

from __future__ import annotations

from typing import Any

from harness.explore.explored import Explored
from harness.explore.results import Outcome
from harness.explore.steppable import FaultSeen, FinalState

EXPLORE_SCHEMA = "mmu-harness/explore/1"


def explore_document(explored: Explored) -> dict[str, Any]:
    """Return every outcome with its witness; addresses, registers and words as hex strings.

    `choices`, the witness in words, is null for outcomes past the first EXPLAINED that break no
    claim. `advice` is null where it was not sought, empty where no insertion helps.
    """
    exploration, advice = explored.exploration, explored.advice
    return {
        "schema": EXPLORE_SCHEMA,
        "scenario": explored.scenario.name,
        "summary": explored.scenario.summary,
        "profile": explored.scenario.profile.name,
        "complete": exploration.complete,
        "incomplete": list(exploration.incomplete),
        "executions": exploration.executions,
        "followed": exploration.followed,
        "instructions": exploration.steps,
        "outcomes": [_outcome(explored, outcome) for outcome in exploration.outcomes],
        "broken": [
            {"claim": each.claim, **_outcome(explored, each.outcome)} for each in explored.broken
        ],
        "advice": None
        if advice is None
        else [
            {"before": each.place.label, "insert": list(each.instructions), "text": each.text}
            for each in advice
        ],
    }


def _outcome(explored: Explored, outcome: Outcome) -> dict[str, Any]:
    choices = explored.told.get(outcome.witness)
    return {
        "state": _state(outcome.state),
        "faults": [_fault(each) for each in outcome.state.faults],
        "count": outcome.count,
        "witness": list(outcome.witness),
        "choices": None
        if choices is None
        else [
            {"place": each.place, "identity": each.identity, "explanation": each.explanation}
            for each in choices
        ],
    }


def _state(state: FinalState) -> dict[str, Any]:
    return {
        "registers": {name: hex(value) for name, value in state.registers},
        "memory": {name: hex(value) for name, value in state.memory},
        "end": state.end,
    }


def _fault(fault: FaultSeen) -> dict[str, Any]:
    return {
        "label": fault.label,
        "pc": hex(fault.pc),
        "kind": fault.kind or None,
        "esr": hex(fault.esr),
        "far": hex(fault.far),
    }
