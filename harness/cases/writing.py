"""Cases as JSON objects and lines: what `parse_case` reads back as the same case."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from harness.arch.features import PROFILES
from harness.arch.implementation import Implementation
from harness.cases.case import Case
from harness.vmsa.access import Access, Operation


def case_document(case: Case) -> dict[str, Any]:
    """Return the case as a JSON object."""
    document: dict[str, Any] = {"id": case.id, "regime": case.regime.label}
    if PROFILES.get(case.profile.name) == case.profile:
        document["profile"] = case.profile.name
    else:
        document["features"] = sorted((*case.profile.features, *case.refused))
        document["pa_bits"] = case.profile.pa_bits
        document["implementation"] = _choices(case.profile.implementation)
    document["registers"] = {name: hex(value) for name, value in case.registers.items()}
    document["memory"] = {hex(address): hex(word) for address, word in case.memory.items()}
    document["access"] = _access(case.access)
    if case.expect is not None:
        document["expect"] = dict(case.expect)
    return document


def case_line(case: Case) -> str:
    """Return the case as one line of a case file, without its end."""
    return json.dumps(case_document(case))


def _choices(implementation: Implementation) -> dict[str, Any]:
    """Return the choices that are not the usual ones."""
    usual = Implementation()
    return {
        field.name: getattr(implementation, field.name)
        for field in fields(Implementation)
        if getattr(implementation, field.name) != getattr(usual, field.name)
    }


def _access(access: Access) -> dict[str, Any]:
    document: dict[str, Any] = {
        "va": hex(access.va),
        "type": access.kind.value,
        "size": access.size,
        "el": access.el,
        "pan": int(access.pan),
        "uao": int(access.uao),
        "unprivileged": access.unprivileged,
    }
    if access.operation is not Operation.PLAIN:
        document["operation"] = access.operation.value
    return document
