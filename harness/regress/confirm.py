"""Runs what a counterexample says of hardware: each descriptor in live tables, and a store.

A counterexample is confirmed if its claim is false of the descriptor as a plain number, and both
the machine and the reference model take a Translation fault at the descriptor's level exactly where
the counterexample has hardware take it for invalid. Where no machine walks such tables, the model
alone is asked, and the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.faults import FaultKind
from harness.arch.syndromes import Abort, decode_abort
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
    divergence = judged.verdict.divergence
    expected = moment.hardware is Hardware.INVALID
    if moment.stale:
        model = _permitted_words(judged)
        agrees = judged.verdict.kind in {VerdictKind.AGREES, VerdictKind.KNOWN_DIVERGENCE}
        return Observation(moment, _seen_words(judged), model, agrees, divergence)
    outcome = outcome_of(moment)
    agrees = _is_invalid(outcome, moment) is expected
    if judged.verdict.kind is not VerdictKind.KNOWN_DIVERGENCE:
        agrees = agrees and judged.verdict.kind is VerdictKind.AGREES
        agrees = agrees and _seen_invalid(judged, moment) is expected
    return Observation(moment, _seen_words(judged), _words(outcome), agrees, divergence)


def _is_invalid(outcome: Outcome, moment: Moment) -> bool:
    return (
        isinstance(outcome, Fault)
        and outcome.kind is FaultKind.TRANSLATION
        and outcome.level == moment.place.level
    )


def _abort(judged: JudgedRun) -> Abort | None:
    """Return the abort that ended the run, None where there was none that is modelled."""
    faults = judged.execution.trace.faults
    return decode_abort(faults[0].esr) if faults else None


def _seen_invalid(judged: JudgedRun, moment: Moment) -> bool:
    abort = _abort(judged)
    return (
        abort is not None
        and abort.kind is FaultKind.TRANSLATION
        and abort.level == moment.place.level
    )


def _permitted_words(judged: JudgedRun) -> str:
    """Say every outcome that is permitted for the last store, that of the new entry first."""
    deciding = judged.verdict.deciding
    permitted = deciding.permitted if deciding else ()
    return " or ".join(dict.fromkeys(_words(one.outcome) for one in permitted))


def _words(outcome: Outcome) -> str:
    if not isinstance(outcome, Fault):
        return "no fault"
    level = "" if outcome.level is None else f", level {outcome.level}"
    return f"{outcome.kind.value} fault{level}"


def _seen_words(judged: JudgedRun) -> str:
    abort = _abort(judged)
    if abort is None:
        faults = judged.execution.trace.faults
        return f"ESR {faults[0].esr:#x}" if faults else "no fault"
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
