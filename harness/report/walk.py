"""A walk shown: each step with its level, place, descriptor, decision and rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.vmsa.outcome import Step


def walk_lines(steps: Sequence[Step]) -> Iterator[str]:
    """Yield a walk, one line a decision; the stage is named where stage 2 takes part."""
    both = any(step.stage != 1 for step in steps)
    for step in steps:
        stage = f"stage {step.stage} " if both else ""
        level = "" if step.level is None else f"level {step.level}"
        entry = ""
        if step.descriptor is not None and step.table is not None and step.index is not None:
            entry = f"{step.table:#x}[{step.index}] = {step.descriptor:#018x}  "
        yield f"{stage}{level:<8}  {entry}{step.decision}  [{step.rule}]"


def steps_document(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return a walk, one object a decision; None where a decision has no table or level."""
    return [
        {
            "stage": step.stage,
            "level": step.level,
            "table": _hex(step.table),
            "index": step.index,
            "address": _hex(step.address),
            "descriptor": _hex(step.descriptor),
            "decision": step.decision,
            "rule": step.rule,
        }
        for step in steps
    ]


def _hex(value: int | None) -> str | None:
    return None if value is None else hex(value)
