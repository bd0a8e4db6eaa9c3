"""One address of a scenario's initial tables, walked and explained."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import Any

from harness.arch.addresses import VirtualAddress
from harness.arch.syndromes import describe_esr
from harness.cases import answer_document
from harness.cli.numbers import parse_number
from harness.errors import ExitCode, ValueSyntaxError
from harness.library import find
from harness.oracle.explain import made
from harness.report.walk import steps_document, walk_lines
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
        "walk": [
            {**document, "fields": _fields(step)}
            for document, step in zip(steps_document(steps), steps, strict=True)
        ],
    }


def _fields(step: Step) -> list[dict[str, str]]:
    return [
        {
            "name": each.field.name,
            "bits": each.field.position,
            "value": hex(each.content),
            "meaning": each.meaning,
        }
        for each in step.fields
    ]


def walk_text(access: Access, outcome: Outcome, steps: tuple[Step, ...]) -> str:
    """Return the walk as lines: for each lookup one and its fields, then the result."""
    lines = [f"{made(access)} at {access.va:#018x} from EL{access.el}"]
    for line, step in zip(walk_lines(steps), steps, strict=True):
        lines.append(f"  {line}")
        lines.extend(_shown(step))
    if isinstance(outcome, Fault):
        lines.append(f"  ESR_EL{outcome.target_el} {outcome.esr:#x}  {describe_esr(outcome.esr)}")
        lines.append(f"  FAR_EL{outcome.target_el} {outcome.far:#018x}")
    return "\n".join(lines)


def _shown(step: Step) -> list[str]:
    """Return the fields of a descriptor that are not zero, as many a line as fit."""
    words = [f"{each.field.name}={each.content:#x}" for each in step.fields if each.content]
    margin = " " * 12
    return textwrap.wrap(" ".join(words), _WIDTH, initial_indent=margin, subsequent_indent=margin)
