"""One address of a scenario's initial tables, walked and explained."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import Any

from harness.arch.addresses import VirtualAddress
from harness.cases import answer_document
from harness.cli.numbers import parse_number
from harness.errors import ExitCode, ValueSyntaxError
from harness.library import find
from harness.runner import build_image
from harness.scenario_file import load
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.outcome import Fault, Outcome, Step
from harness.vmsa.translate import Mmu

SCHEMA = "mmu-harness/walk/1"
_LARGEST_ACCESS = 64
_WIDTH = 100


def walk_address(arguments: argparse.Namespace) -> ExitCode:
    """Print the walk of one access; a fault is a result like any other."""
    va = VirtualAddress(parse_number(arguments.va))
    size = arguments.size
    if not 0 < size <= _LARGEST_ACCESS or size & (size - 1):
        raise ValueSyntaxError(f"--size {size} is no power of two up to {_LARGEST_ACCESS}")
    access = Access(
        va,
        AccessKind(arguments.type),
        size=size,
        el=arguments.el,
        pan=arguments.pan,
        unprivileged=arguments.unprivileged,
    )
    scenario = load(find(arguments.scenario))
    image = build_image(scenario)
    mmu = Mmu(scenario.profile, image.system_registers)
    outcome, steps = mmu.steps(image.memory, access)
    if arguments.json:
        print(json.dumps(walk_document(access, outcome, steps), indent=2))
    else:
        print(walk_text(access, outcome, steps))
    return ExitCode.EXPECTED


def walk_document(access: Access, outcome: Outcome, steps: tuple[Step, ...]) -> dict[str, Any]:
    """Return the walk as the JSON document of this verb."""
    answer = answer_document("", outcome)
    del answer["id"]
    return {
        "schema": SCHEMA,
        "va": hex(access.va),
        "access": access.kind.value,
        "answer": answer,
        "walk": [_step(step) for step in steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "stage": step.stage,
        "level": step.level,
        "table": _hex(step.table),
        "index": step.index,
        "address": _hex(step.address),
        "descriptor": _hex(step.descriptor),
        "decision": step.decision,
        "rule": step.rule,
        "fields": [
            {
                "name": each.field.name,
                "bits": each.field.position,
                "value": hex(each.content),
                "meaning": each.meaning,
            }
            for each in step.fields
        ],
    }


def _shown(step: Step) -> list[str]:
    """Return the fields of a descriptor that are not zero, as many a line as fit."""
    words = [f"{each.field.name}={each.content:#x}" for each in step.fields if each.content]
    return textwrap.wrap(" ".join(words), _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _hex(value: int | None) -> str | None:
    return None if value is None else hex(value)


def walk_text(access: Access, outcome: Outcome, steps: tuple[Step, ...]) -> str:
    """Return the walk as lines: one for each lookup, one for the end, one for the result."""
    lines = [f"{access.kind.value} of {access.size} byte(s) at {access.va:#018x}, EL{access.el}"]
    for step in steps:
        if step.descriptor is None:
            lines.append(f"  {step.decision}  [{step.rule}]")
        else:
            lines.append(
                f"  stage {step.stage} level {step.level}: table {step.table:#x} index "
                f"{step.index} at {step.address:#x}: {step.descriptor:#018x}"
            )
            lines.append(f"    {step.decision}  [{step.rule}]")
            lines.extend(_shown(step))
    if isinstance(outcome, Fault):
        lines.append(f"  ESR_EL{outcome.target_el} = {outcome.esr:#x}, FAR = {outcome.far:#x}")
    return "\n".join(lines)
