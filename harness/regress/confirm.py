"""Runs what a counterexample says of hardware: each descriptor in live tables, and a store.

A counterexample is confirmed if its claim is false of the descriptor as a plain number, and both
the machine and the reference model take a Translation fault at the descriptor's level exactly where
the counterexample has hardware take it for invalid. Where no machine walks such tables, the model
alone is asked, and the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.faults import FaultKind
from harness.encodings.definition import Hardware
from harness.encodings.finding import Counterexample, Moment
from harness.oracle.verdict import VerdictKind
from harness.regress.model import outcome_of
from harness.regress.scene import can_run, scenario_of
from harness.runner import run_and_judge
from harness.runner.judged import JudgedRun
from harness.vmsa.outcome import Fault, Outcome


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of a store through the descriptor of one moment."""

    moment: Moment
    machine: str | None
    """`no fault`, or the fault with its level; None where no machine walks such tables."""
    model: str
    agrees: bool
    """Whether all that was seen is what the counterexample says."""
    divergence: str | None = None
    """The known departure of the machine's walker that decided, if one did."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Whether the counterexample is real. `confirmed` is what `--json` says."""

    confirmed: bool
    observations: tuple[Observation, ...]
    explanation: str


def confirm(example: Counterexample) -> Confirmation:
    """Run the counterexample; EngineMissingError or EngineError where the machine cannot."""
    found = tuple(
        _on_machine(example, number, moment) if can_run(moment.place.form) else _in_model(moment)
        for number, moment in enumerate(example.moments)
    )
    confirmed = example.is_broken and all(one.agrees for one in found)
    return Confirmation(confirmed, found, _explanation(found, confirmed=confirmed))


def _in_model(moment: Moment) -> Observation:
    outcome = outcome_of(moment)
    agrees = _is_invalid(outcome, moment) is (moment.hardware is Hardware.INVALID)
    return Observation(moment, None, _words(outcome), agrees)


def _on_machine(example: Counterexample, number: int, moment: Moment) -> Observation:
    judged = run_and_judge(scenario_of(example, number))
    outcome = outcome_of(moment)
    expected = moment.hardware is Hardware.INVALID
    divergence = judged.verdict.divergence
    seen = judged.execution.trace.faults
    agrees = _is_invalid(outcome, moment) is expected
    if judged.verdict.kind is VerdictKind.KNOWN_DIVERGENCE:
        return Observation(moment, _seen_words(judged), _words(outcome), agrees, divergence)
    fault = bool(seen) and _seen_invalid(judged, moment)
    agrees = agrees and fault is expected and judged.verdict.kind is VerdictKind.AGREES
    return Observation(moment, _seen_words(judged), _words(outcome), agrees)


def _is_invalid(outcome: Outcome, moment: Moment) -> bool:
    return (
        isinstance(outcome, Fault)
        and outcome.kind is FaultKind.TRANSLATION
        and outcome.level == moment.place.level
    )


def _seen_invalid(judged: JudgedRun, moment: Moment) -> bool:
    from harness.arch.syndromes import decode_abort

    abort = decode_abort(judged.execution.trace.faults[0].esr)
    return (
        abort is not None
        and abort.kind is FaultKind.TRANSLATION
        and abort.level == moment.place.level
    )


def _words(outcome: Outcome) -> str:
    if not isinstance(outcome, Fault):
        return "no fault"
    level = "" if outcome.level is None else f", level {outcome.level}"
    return f"{outcome.kind.value} fault{level}"


def _seen_words(judged: JudgedRun) -> str:
    from harness.arch.syndromes import decode_abort

    faults = judged.execution.trace.faults
    if not faults:
        return "no fault"
    abort = decode_abort(faults[0].esr)
    if abort is None:
        return f"ESR {faults[0].esr:#x}"
    level = "" if abort.level is None else f", level {abort.level}"
    return f"{abort.kind.value} fault{level}"


def _explanation(found: tuple[Observation, ...], *, confirmed: bool) -> str:
    if not confirmed:
        return "what was run is not what the counterexample says"
    departures = sorted({one.divergence for one in found if one.divergence})
    if any(one.machine is None for one in found):
        return "run in the reference model alone: no machine of the harness walks such tables"
    if departures:
        return (
            "run on the machine and in the model; the machine's walker departs from the "
            f"architecture there ({', '.join(departures)}), so the model decides"
        )
    return "run on the machine and in the model, which agree"
