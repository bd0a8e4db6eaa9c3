"""Replayed reports as a JSON document: facts, walk, verdict, each null where it is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import ExitCode
from harness.oops.replay import Replay, exit_code_of
from harness.oops.report import LEVEL_NAMES, FaultReport
from harness.oops.syndrome import syndrome_fields
from harness.report.document import run_document
from harness.report.walk import steps_document

SCHEMA = "mmu-harness/replay/1"

_OF_THE_RUN = ("engine", "verdict", "divergence", "explanation", "faults", "permitted")


def replay_document(replays: Sequence[Replay], files: Mapping[str, str]) -> dict[str, Any]:
    """Return the document of one or more logs; `files` are written scenarios by report title."""
    return {
        "schema": SCHEMA,
        "reports": [_report(one, files.get(one.report.title)) for one in replays],
        "reproduced": sum(one.reproduced is True for one in replays),
        "findings": sum(one.exit_code is ExitCode.FINDING for one in replays),
        "exit_code": int(exit_code_of(tuple(replays))),
    }


def _report(replay: Replay, file: str | None) -> dict[str, Any]:
    report = replay.report
    return {
        **_facts(report),
        "missing": list(replay.missing),
        "contradictions": list(replay.contradictions),
        "notes": list(replay.notes),
        "reproduced": replay.reproduced,
        "reproduced_by": replay.by,
        **_cause(replay),
        **_run(replay),
        "walk": steps_document(replay.walk.steps) if replay.walk else [],
        "counterfactual": _counterfactual(replay),
        "scenario": file,
    }


def _facts(report: FaultReport) -> dict[str, Any]:
    return {
        "log": report.name,
        "number": report.number,
        "lines": [report.first_line, report.last_line],
        "headline": report.phrase,
        "error": report.error,
        "oops_number": report.oops_number,
        "esr": _esr(report.esr),
        "esr_source": report.esr_source.value if report.esr_source else None,
        "esr_fields": None if report.esr is None else syndrome_fields(report.esr),
        "far": _address(report.far),
        "address": _address(report.address),
        "fault": report.fault,
        "level": report.level,
        "access": report.access.value if report.access else None,
        "granule": report.granule.label if report.granule else None,
        "va_bits": report.va_bits,
        "pgtable": report.pgtable,
        "pgdp": _address(report.pgdp),
        "pgdp_is_physical": report.root is not None,
        "entries": {name: _address(report.entries.get(name)) for name in LEVEL_NAMES},
        "no_tables": report.no_tables,
        "cpu": report.cpu,
        "comm": report.comm,
        "kernel": report.kernel,
        "pstate": _esr(report.pstate),
        "pc": _address(report.pc),
        "pc_symbol": report.pc_symbol,
        "lr": _address(report.lr),
        "lr_symbol": report.lr_symbol,
        "registers": {name: _address(value) for name, value in report.registers.items()},
        "registers_complete": report.registers_complete,
        "code": [None if word is None else f"{word:#010x}" for word in report.code],
        "code_text": report.code_text,
        "faulting_word": _esr(report.faulting_word),
        "interleaved_with": list(report.interleaved_with),
        "where": dict(report.where),
    }


def _cause(replay: Replay) -> dict[str, Any]:
    cause = replay.cause
    bit = cause.deciding if cause else None
    return {
        "cause": cause.sentence if cause else None,
        "kernel_says": cause.kernel or None if cause else None,
        "deciding_bit": None
        if bit is None
        else {
            "bit": bit.bit,
            "field": bit.name,
            "address": hex(bit.place),
            "descriptor": _address(bit.descriptor),
            "pa": hex(bit.pa),
        },
    }


def _run(replay: Replay) -> dict[str, Any]:
    if replay.run is None:
        verdict = "unsupported" if replay.not_run else None
        return {
            **dict.fromkeys(_OF_THE_RUN),
            "verdict": verdict,
            "explanation": replay.not_run or None,
            "faults": [],
            "permitted": [],
        }
    document = run_document(replay.run)
    return {key: document[key] for key in _OF_THE_RUN}


def _counterfactual(replay: Replay) -> dict[str, Any] | None:
    changed = replay.counterfactual
    if changed is None:
        return None
    document = run_document(changed.run)
    return {
        "bit": changed.bit.bit,
        "value": changed.bit.value,
        "landed": changed.landed,
        "pa": hex(changed.bit.pa),
        "verdict": document["verdict"],
        "faults": document["faults"],
    }


def _address(value: int | None) -> str | None:
    return None if value is None else f"{value:#018x}"


def _esr(value: int | None) -> str | None:
    return None if value is None else f"{value:#010x}"
