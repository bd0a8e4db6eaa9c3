"""A report replayed: the model on its tables, the machine on its instruction, and what both say."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.arch.addresses import VirtualAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.syndromes import describe_esr
from harness.errors import EngineMissingError, ExitCode, InputError, LimitError, UnsupportedError
from harness.oops.cause import Cause, DecidingBit, cause_of
from harness.oops.contradictions import contradictions
from harness.oops.instruction import same_address
from harness.oops.missing import missing_for_run, missing_for_walk
from harness.oops.model import ModelWalk, model_walk, same_fault
from harness.oops.rebuild import Rebuilt, assumptions, rebuild
from harness.oops.report import FaultReport
from harness.oops.tables import RebuiltTables, Refusal, rebuild_tables
from harness.oracle.seen import describe_outcome
from harness.oracle.verdict import VerdictKind
from harness.runner import run_and_judge
from harness.runner.judged import JudgedRun
from harness.scenario import Scenario
from harness.trace import FaultTaken

_NARROW = 48
REFERENCE_MODEL = "the reference model"
_MODEL_DECIDES = (VerdictKind.KNOWN_DIVERGENCE, VerdictKind.UNSUPPORTED)
"""Verdicts that say that this engine cannot show what the architecture demands."""
_NOT_EXECUTED = (UnsupportedError, EngineMissingError, LimitError, InputError)
"""What keeps a rebuilt report from being run; InputError: no machine can be laid out like that."""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The same run with the deciding bit changed: what became of the access."""

    bit: DecidingBit
    run: JudgedRun

    @property
    def landed(self) -> bool:
        """Whether the instruction took no fault."""
        return not self.run.execution.trace.faults


@dataclass(frozen=True, slots=True)
class Replay:
    """All that is said of one report. None and empty where a part could not be done.

    `reproduced`: whether ESR (without the instruction syndrome, ISS[24:14], which no translation
    decides) and FAR come out as recorded; None where nothing could be executed. `by` names what
    reproduced it: the engine, or the reference model where the engine is known not to be able to.
    """

    report: FaultReport
    contradictions: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    tables: RebuiltTables | None = None
    walk: ModelWalk | None = None
    cause: Cause | None = None
    rebuilt: Rebuilt | None = None
    run: JudgedRun | None = None
    not_run: str = ""
    """Why the engine did not run what the model could judge."""
    reproduced: bool | None = None
    by: str | None = None
    counterfactual: Counterfactual | None = None

    @property
    def seen(self) -> tuple[int, VirtualAddress] | None:
        """ESR and FAR of the run's first fault."""
        fault = _first_fault(self.run)
        return None if fault is None else (fault.esr, fault.far)

    @property
    def exit_code(self) -> ExitCode:
        """A finding, as expected, or not to be judged."""
        if self.contradictions or self.reproduced is False:
            return ExitCode.FINDING
        return ExitCode.EXPECTED if self.reproduced else ExitCode.CANNOT_JUDGE


def replay(report: FaultReport) -> Replay:
    """Decode, walk and run a report, as far as the log allows."""
    result = Replay(
        report,
        contradictions(report),
        (*missing_for_walk(report), *missing_for_run(report)),
        report.remarks,
    )
    if missing_for_walk(report):
        return result
    tables = rebuild_tables(report)
    if isinstance(tables, Refusal):
        return replace(result, contradictions=(*result.contradictions, tables.reason))
    notes = (*result.notes, *tables.notes, *assumptions(report, tables))
    result = replace(result, tables=tables, notes=notes)
    try:
        walk = model_walk(report, tables)
    except UnsupportedError as error:
        return replace(result, missing=(*result.missing, f"a model of it: {error}"))
    result = replace(
        result,
        walk=walk,
        cause=cause_of(report, tables, walk),
        contradictions=(*result.contradictions, *_of_model(report, walk)),
        notes=(*result.notes, *walk.recorded.notes),
    )
    rebuilt = rebuild(report)
    return result if isinstance(rebuilt, Refusal) else _executed(result, rebuilt, walk)


def exit_code_of(replays: tuple[Replay, ...]) -> ExitCode:
    """Return one code for a whole log: a finding, else a reproduction, else nothing to judge."""
    codes = {one.exit_code for one in replays}
    for code in (ExitCode.FINDING, ExitCode.EXPECTED):
        if code in codes:
            return code
    return ExitCode.CANNOT_JUDGE


def with_bit_changed(scenario: Scenario, bit: DecidingBit) -> Scenario:
    """Return the scenario with the deciding descriptor changed, and nothing expected of it."""
    memory = tuple(
        replace(part, words=(bit.descriptor,)) if part.pa == bit.place and part.words else part
        for part in scenario.memory
    )
    return replace(scenario, memory=memory, expect=None)


def _executed(result: Replay, rebuilt: Rebuilt, walk: ModelWalk) -> Replay:
    notes = tuple(note for note in rebuilt.notes if note not in result.notes)
    result = replace(result, rebuilt=rebuilt, notes=(*result.notes, *notes))
    beyond = _beyond_the_engine(rebuilt.tables)
    if beyond:
        return _by_the_model(result, walk, beyond)
    try:
        run = run_and_judge(rebuilt.scenario)
    except _NOT_EXECUTED as error:
        return _by_the_model(result, walk, str(error))
    reproduced, by = _judged(result.report, walk, run)
    result = replace(result, run=run, reproduced=reproduced, by=by)
    bit = result.cause.deciding if result.cause else None
    # An instruction that does not make the recorded access says nothing about it either way.
    if bit and reproduced and by == engine_of(run):
        result = replace(result, counterfactual=_counterfactual(rebuilt, bit))
    return result


def engine_of(run: JudgedRun) -> str:
    """Return the name of what executed and translated."""
    return run.execution.engine


def _beyond_the_engine(tables: RebuiltTables) -> str:
    """Return why Unicorn's own MMU cannot walk such tables, empty where it can."""
    if tables.geometry.format is OutputFormat.LPA2:
        return "Unicorn's own MMU has no 52-bit addresses of 4K and 16K pages (FEAT_LPA2)"
    if tables.geometry.ia_bits > _NARROW:
        return "Unicorn's own MMU has no 52-bit addresses of 64K pages (FEAT_LVA)"
    return ""


def _by_the_model(result: Replay, walk: ModelWalk, why: str) -> Replay:
    agrees = walk.agrees_with(result.report)
    return replace(result, not_run=why, reproduced=agrees, by=REFERENCE_MODEL)


def _judged(report: FaultReport, walk: ModelWalk, run: JudgedRun) -> tuple[bool | None, str | None]:
    fault = _first_fault(run)
    engine = engine_of(run)
    if fault is not None and _is_recorded(fault, report):
        return True, engine
    if run.verdict.kind is VerdictKind.INCOMPLETE:
        return None, None
    if run.verdict.kind in _MODEL_DECIDES and walk.agrees_with(report):
        return True, REFERENCE_MODEL
    return False, engine


def _is_recorded(fault: FaultTaken, report: FaultReport) -> bool:
    same_syndrome = report.esr is not None and same_fault(fault.esr, report.esr)
    return same_syndrome and same_address(fault.far, report.far)


def _counterfactual(rebuilt: Rebuilt, bit: DecidingBit) -> Counterfactual | None:
    try:
        return Counterfactual(bit, run_and_judge(with_bit_changed(rebuilt.scenario, bit)))
    except _NOT_EXECUTED:
        return None


def _first_fault(run: JudgedRun | None) -> FaultTaken | None:
    return next(iter(run.execution.trace.faults), None) if run else None


def _of_model(report: FaultReport, walk: ModelWalk) -> tuple[str, ...]:
    """Say where the printed entries do not give the recorded fault."""
    found = list(walk.recorded.contradictions)
    if not walk.agrees_with(report) and report.esr is not None:
        found.append(
            f"the printed entries give: {describe_outcome(walk.outcome)}; the log has ESR "
            f"{report.esr:#010x}: {describe_esr(report.esr).rstrip('.')}. The kernel reads the "
            "entries after the fault: they need not be what the hardware walked"
        )
    return tuple(found)
