"""One translator held against another over many cases, each disagreement put down to its cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.cases import Case, Unsupported
from harness.errors import UnsupportedError
from harness.memory import WordMemory
from harness.oracle.departures import Disagreement
from harness.oracle.divergences import Divergence, explain_by_divergences, joined
from harness.oracle.seen import Aborted, Completed, Seen, agrees, describe, describe_outcome
from harness.oracle.translator import Translator
from harness.vmsa.outcome import Fault, Outcome

KEPT = 100
"""Disagreements that are kept with their answers; all are counted."""


@dataclass(frozen=True, slots=True)
class Disagreeing:
    """One case on which the two differ for no known reason."""

    case: Case
    expected: Outcome
    seen: Seen

    def __str__(self) -> str:
        return (
            f"{self.case.id}: {describe_outcome(self.expected)}, but the other says: "
            f"{describe(self.seen)}"
        )


@dataclass(slots=True)
class Comparison:
    """Counts by cause; `cases` is their sum."""

    reference: str
    other: str
    cases: int = 0
    agreements: int = 0
    divergences: Counter[str] = field(default_factory=Counter)
    """By id; a case that needs several counts under their ids joined by `+`."""
    unsupported: Counter[str] = field(default_factory=Counter)
    """By reason."""
    disagreements: int = 0
    disagreeing: list[Disagreeing] = field(default_factory=list)
    """The first `KEPT` of them."""

    def table(self) -> list[tuple[str, int]]:
        """Return (cause, count), the most frequent of each kind first."""
        rows = [("agrees", self.agreements)]
        rows += [(f"known divergence {name}", count) for name, count in _sorted(self.divergences)]
        rows += [(f"unsupported: {reason}", count) for reason, count in _sorted(self.unsupported)]
        rows.append(("disagrees", self.disagreements))
        return rows


def compare_translators(
    cases: Iterable[Case], reference: Translator, other: Translator
) -> Comparison:
    """Ask both about every case. `reference` is the model, against which `other` is held.

    Outcomes agree where ESR and FAR, or the location, or the compared bits of PAR_EL1 do;
    attributes and updates count for nothing, as engines do not tell them.
    """
    result = Comparison(reference.name, other.name)
    for case in cases:
        result.cases += 1
        expected, found = reference.answer(case), other.answer(case)
        if isinstance(expected, Unsupported):
            result.unsupported[expected.reason] += 1
        elif isinstance(found, Unsupported):
            result.unsupported[found.reason] += 1
        else:
            _compare(result, case, expected, seen_of(found))
    return result


def _compare(result: Comparison, case: Case, expected: Outcome, seen: Seen) -> None:
    if agrees(seen, expected):
        result.agreements += 1
        return
    try:
        known = known_divergences(result.other, case, seen)
    except UnsupportedError as error:
        # The engine went on where the model stops, to something that the model cannot follow.
        result.unsupported[str(error)] += 1
        return
    if known:
        result.divergences[joined(known)] += 1
        return
    result.disagreements += 1
    if len(result.disagreeing) < KEPT:
        result.disagreeing.append(Disagreeing(case, expected, seen))


def known_divergences(engine: str, case: Case, seen: Seen) -> tuple[Divergence, ...] | None:
    """Return the departures of `engine` that together account for what it did, else None.

    UnsupportedError where they lead to what the model does not have.
    """
    memory = WordMemory(case.memory)
    disagreement = Disagreement(case.profile, case.registers, memory, case.access, seen)
    return explain_by_divergences(engine, disagreement)


def seen_of(outcome: Outcome) -> Seen:
    """Return what an engine answered as something seen."""
    if isinstance(outcome, Fault):
        return Aborted(outcome.esr, outcome.far)
    return Completed(outcome.pa, outcome.par)


def _sorted(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
