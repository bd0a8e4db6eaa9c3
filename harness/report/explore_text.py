"""An exploration as text: how much was explored, each outcome, and one way to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from harness.arch.syndromes import decode_abort
from harness.explore.explored import Explored
from harness.explore.results import Outcome
from harness.explore.steppable import FaultSeen
from harness.trace import EndReason

_ENDS: Mapping[str, str] = MappingProxyType(
    {
        EndReason.RETURNED.value: "reaches its end",
        EndReason.FAULT.value: "ends at a fault without a handler",
        EndReason.EXCEPTION.value: "ends at an exception without a handler",
    }
)
_MARGIN = "    "


def explore_text(explored: Explored) -> str:
    """Return the report; ends in a newline.

    Registers and words are those that some outcome changed, the same in every outcome, so that
    outcomes can be compared line by line.
    """
    return "\n".join(_lines(explored)) + "\n"


def _lines(explored: Explored) -> Iterator[str]:
    exploration = explored.exploration
    yield f"{explored.scenario.name}: {explored.scenario.summary}"
    yield (
        f"{'complete' if exploration.complete else 'INCOMPLETE'}: "
        f"{_count(exploration.executions, 'execution')}, "
        f"{_count(len(exploration.outcomes), 'distinct outcome')}"
    )
    for reason in exploration.incomplete:
        yield f"bound reached: {reason}; what was not found may exist"
    if not exploration.outcomes:
        yield "no execution was followed to its end: nothing is known of the outcomes"
    told = [each for each in exploration.outcomes if each.witness in explored.told]
    changed = _changed(explored)
    for number, outcome in enumerate(exploration.outcomes, start=1):
        if outcome.witness in explored.told:
            yield ""
            yield from _outcome_lines(explored, outcome, number, changed)
    if len(told) < len(exploration.outcomes):
        yield ""
        yield f"{len(exploration.outcomes) - len(told)} more outcomes: --json shows them all"
    yield from _claim_lines(explored)


def _outcome_lines(
    explored: Explored, outcome: Outcome, number: int, changed: frozenset[str]
) -> Iterator[str]:
    state = outcome.state
    yield f"outcome {number}: {_count(outcome.count, 'execution')}, {_end(state.end)}"
    yield from (_MARGIN + _fault(fault) for fault in state.faults)
    registers = [f"{name} = {value:#x}" for name, value in state.registers if name in changed]
    if registers:
        yield f"{_MARGIN}registers: {', '.join(registers)}"
    words = {**dict(explored.at_first.memory), **dict(state.memory)}
    memory = [f"[{name}] = {value:#018x}" for name, value in words.items()]
    if memory:
        yield f"{_MARGIN}memory: {', '.join(memory)}"
    if outcome.witness:
        yield f"{_MARGIN}one way there:"
    yield from (_MARGIN + line for line in _witness_lines(explored, outcome))


def _witness_lines(explored: Explored, outcome: Outcome) -> Iterator[str]:
    choices = explored.told[outcome.witness]
    if not choices:
        yield "nothing to choose: the architecture permits no other execution"
    for choice in choices:
        yield f"  {choice.place}:"
        yield f"    {choice.explanation or choice.identity}"


def _claim_lines(explored: Explored) -> Iterator[str]:
    numbers = {each.state: at for at, each in enumerate(explored.exploration.outcomes, start=1)}
    for broken in explored.broken:
        yield ""
        yield f"BROKEN: {broken.claim}"
        number = numbers[broken.outcome.state]
        yield f"{_MARGIN}outcome {number} is permitted; the shortest witness:"
        yield from (_MARGIN + line for line in _witness_lines(explored, broken.outcome))
    if explored.advice is None:
        return
    yield ""
    yield from (each.text for each in explored.advice)
    if not explored.advice:
        yield "no single insertion of barriers and a TLBI was found that keeps the claims"


def _changed(explored: Explored) -> frozenset[str]:
    """Return the registers that some outcome leaves with another value than they had."""
    first = dict(explored.at_first.registers)
    return frozenset(
        name
        for outcome in explored.exploration.outcomes
        for name, value in outcome.state.registers
        if value != first[name]
    )


def _fault(fault: FaultSeen) -> str:
    place = f"{fault.pc:#x}" + (f" ({fault.label})" if fault.label else "")
    abort = decode_abort(fault.esr)
    if abort is None:
        return f"exception at {place}: ESR_EL1 {fault.esr:#x}"
    level = "" if abort.level is None else f", level {abort.level}"
    access = "fetch" if abort.fetch else "write" if abort.write else "read"
    return (
        f"{fault.kind} fault{level}, on a {access} at {place}: ESR_EL1 {fault.esr:#x}, "
        f"FAR_EL1 {fault.far:#018x}"
    )


def _end(reason: str) -> str:
    return _ENDS.get(reason, reason)


def _count(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"
