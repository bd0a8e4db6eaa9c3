"""A judged run as plain text: the verdict, each fault with its walk, injections, the end."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from harness.arch.syndromes import describe_esr
from harness.oracle.explain import made
from harness.oracle.seen import Aborted, describe_outcome
from harness.oracle.verdict import Judgment, VerdictKind
from harness.report.events import injections_of, label_at_end
from harness.report.lines import event_line
from harness.report.walk import walk_lines
from harness.runner.judged import JudgedRun
from harness.trace import EndReason, Event, FaultTaken, Instruction

BEFORE = 4
"""Instructions shown before a fault."""
AFTER = 2
"""Instructions shown after a fault that was handled."""
MOST = 10
"""Faults, findings and changes of an injection shown."""

VERDICTS = {
    VerdictKind.AGREES: "agrees",
    VerdictKind.KNOWN_DIVERGENCE: "known divergence",
    VerdictKind.DISAGREES: "DISAGREES",
    VerdictKind.UNSUPPORTED: "unsupported",
    VerdictKind.INCOMPLETE: "incomplete",
}
_ENDS = {
    EndReason.RETURNED: "returned",
    EndReason.FAULT: "at a fault, no handler installed",
    EndReason.EXCEPTION: "at an exception, no handler installed",
    EndReason.LIMIT: "at a limit",
    EndReason.UNSUPPORTED: "at something that the engine cannot do",
}
_DETAILED = (EndReason.EXCEPTION, EndReason.LIMIT, EndReason.UNSUPPORTED)
"""Ends that nothing else in the report explains."""
_WIDTH = 100


def run_text(judged: JudgedRun, *, trace: bool = False) -> str:
    """Return the report of one run; `trace` shows every event in place of those around faults."""
    return "\n".join(_lines(judged, trace=trace)) + "\n"


def verdict_line(judged: JudgedRun) -> str:
    """Return the verdict in a word or two: `agrees`, `known divergence: ID`, `DISAGREES`."""
    verdict = judged.verdict
    word = VERDICTS[verdict.kind]
    return f"{word}: {verdict.divergence}" if verdict.divergence else word


def _lines(judged: JudgedRun, *, trace: bool) -> Iterator[str]:
    execution, verdict = judged.execution, judged.verdict
    scenario = execution.scenario
    yield f"{scenario.name}: {scenario.summary}"
    yield f"  machine  {scenario.profile.name} on {execution.engine}"
    yield f"  verdict  {verdict_line(judged)}"
    yield from _wrapped(verdict.explanation)
    yield from _expectation_lines(judged)
    faults = {id(fault) for fault in verdict.faults}
    told = [*verdict.faults, *(one for one in verdict.findings if id(one) not in faults)]
    events = execution.trace.events
    groups = _repeats(told)
    for number, group in enumerate(groups[:MOST], 1):
        judgment = group[0]
        yield ""
        yield from _judgment_lines(group, number, deciding=verdict.deciding in group)
        if not trace:
            yield "  trace"
            yield from _indented(_around(events, judgment))
    if len(groups) > MOST:
        yield f"\n... and {sum(map(len, groups[MOST:]))} more: --json has them all"
    yield from _injection_lines(judged)
    yield ""
    yield from _end_lines(judged)
    if trace:
        yield ""
        yield "trace"
        yield from _indented(map(event_line, events))


def _repeats(told: Sequence[Judgment]) -> list[list[Judgment]]:
    """Return what a reader cannot tell apart together: a fault again at one pc, judged alike."""
    groups: dict[tuple[object, ...], list[Judgment]] = {}
    for judgment in told:
        permitted = tuple(
            (describe_outcome(one.outcome), one.is_current) for one in judgment.permitted
        )
        alike = (judgment.pc, judgment.seen, judgment.kind, judgment.explanation, permitted)
        # An access that was not taken as a fault is told on its own.
        once = None if isinstance(judgment.seen, Aborted) else len(groups)
        groups.setdefault((*alike, once), []).append(judgment)
    return list(groups.values())


def _expectation_lines(judged: JudgedRun) -> Iterator[str]:
    if judged.execution.scenario.expect is None:
        return
    if not judged.missed:
        yield "  expect   met"
    for sentence in judged.missed:
        yield f"  expect   MISSED: {sentence}"


def _judgment_lines(group: Sequence[Judgment], number: int, *, deciding: bool) -> Iterator[str]:
    judgment = group[0]
    place = f"{judgment.pc:#x}" + (f" ({judgment.label})" if judgment.label else "")
    access = judgment.access
    seen = judgment.seen
    if isinstance(seen, Aborted):
        times = f", taken {len(group)} times" if len(group) > 1 else ""
        yield f"{number}. fault at {place}, instruction {judgment.number}{times}"
        yield f"  ESR_EL1  {seen.esr:#018x}  {describe_esr(seen.esr)}"
        yield f"  FAR_EL1  {seen.far:#018x}"
    else:
        yield f"{number}. access at {place}, instruction {judgment.number}"
    if not deciding:
        yield f"  verdict  {VERDICTS[judgment.kind]}"
        yield from _wrapped(judgment.explanation)
    yield f"  walk     {made(access)} at {access.va:#018x} from EL{access.el}"
    yield from _indented(walk_lines(judgment.steps))
    for index, outcome in enumerate(judgment.permitted):
        lead = "         " if index else "  permits"
        past = "" if outcome.is_current else ", by a walk of the past"
        yield f"{lead}  {describe_outcome(outcome.outcome)}{past}"


def _around(events: Sequence[Event], judgment: Judgment) -> Iterator[str]:
    """Yield the events shortly before and after the instruction, marked with `>`."""
    last = judgment.number + AFTER
    for event in events:
        if judgment.number - BEFORE <= event.number <= last:
            here = event.number == judgment.number and isinstance(event, Instruction | FaultTaken)
            yield f"{'>' if here else ' '} {event_line(event)}"


def _injection_lines(judged: JudgedRun) -> Iterator[str]:
    records = injections_of(judged.execution)
    if records:
        yield ""
        yield "injections"
    for record in records:
        if not record.writes:
            yield f"  {record.number}. {record.when}: its moment did not come"
        for write in record.writes[:MOST]:
            became = write.note or f"-> {write.new:#018x}"
            yield (
                f"  {record.number}. {record.when}: at instruction {write.number}, "
                f"{write.address:#x}: {write.old:#018x} {became}"
            )
        if len(record.writes) > MOST:
            yield f"  {record.number}. ... and {len(record.writes) - MOST} more: --json has all"


def _end_lines(judged: JudgedRun) -> Iterator[str]:
    end = judged.execution.trace.end
    label = label_at_end(judged.execution)
    place = f"{end.pc:#x}" + (f" ({label})" if label else "")
    detail = f": {end.detail.rstrip('.')}" if end.detail and end.reason in _DETAILED else ""
    yield f"ended {_ENDS[end.reason]}{detail}, at {place} after {_count(end.number, 'instruction')}"
    yield f"{_count(judged.verdict.judged, 'access', 'accesses')} judged, fetches included"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _wrapped(text: str) -> list[str]:
    margin = " " * 11
    return textwrap.wrap(
        text, _WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
    )


def _indented(lines: Iterator[str] | map[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)
