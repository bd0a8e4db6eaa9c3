"""A case's `expect` held against an answer, a disagreement of an engine put down to its cause."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from harness.cases import Answer, Case, Unsupported, compare
from harness.errors import UnsupportedError
from harness.oracle.comparison import known_divergences, seen_of
from harness.oracle.divergences import has_its_own_mmu, joined
from harness.oracle.seen import agrees
from harness.oracle.translator import ModelTranslator, Translator

_UNTOLD = {"attributes", "updates"}
"""Keys of an answer that no engine tells."""


class Finding(Enum):
    """What an answer is to the expectation of its case."""

    AGREES = "agrees"
    KNOWN = "known divergence"
    DISAGREES = "disagrees"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Checked:
    """The finding on one case."""

    finding: Finding
    detail: str = ""
    """Where the answer departs from `expect`, or why the case cannot be judged."""
    divergence: str = ""
    """The id of a known divergence, or several joined by `+`."""

    def __str__(self) -> str:
        if self.finding is Finding.KNOWN:
            return f"{self.finding.value} {self.divergence}: {self.detail}"
        if self.finding is Finding.UNSUPPORTED:
            return f"{self.finding.value}: {self.detail}"
        return self.detail


@dataclass(slots=True)
class Tally:
    """Counts of findings, and of the known divergences by id."""

    engine: str
    findings: Counter[Finding] = field(default_factory=Counter)
    divergences: Counter[str] = field(default_factory=Counter)

    def add(self, checked: Checked) -> None:
        """Count one more."""
        self.findings[checked.finding] += 1
        if checked.finding is Finding.KNOWN:
            self.divergences[checked.divergence] += 1

    def lines(self) -> list[str]:
        """Return the counts in a line; for an engine with its own MMU, then those by cause."""
        count = self.findings
        disagreeing = count[Finding.DISAGREES] + count[Finding.KNOWN]
        summary = (
            f"{count.total()} cases with an expectation: {count[Finding.AGREES]} agree, "
            f"{disagreeing} disagree, {count[Finding.UNSUPPORTED]} unsupported"
        )
        lines = [summary]
        if has_its_own_mmu(self.engine):
            rows = sorted(self.divergences.items(), key=lambda row: (-row[1], row[0]))
            lines += [f"{number:8}  known divergence {name}" for name, number in rows]
            lines.append(f"{count[Finding.DISAGREES]:8}  unexplained")
        return lines


def check_case(case: Case, translator: Translator) -> Checked:
    """Ask `translator` and return what its answer is to `case.expect`.

    A divergence is known only where the model meets the expectation: otherwise the expectation
    itself is in question. What an engine does not tell (attributes, updates) is no disagreement.
    """
    if case.expect is None:
        raise ValueError(case.id)
    found = translator.answer(case)
    if isinstance(found, Unsupported) and case.expect.get("outcome") != "unsupported":
        return Checked(Finding.UNSUPPORTED, found.reason)
    differences = compare(case.expect, found)
    if not differences:
        return Checked(Finding.AGREES)
    if has_its_own_mmu(translator.name):
        told = [each for each in differences if each.key not in _UNTOLD] or differences
        return _explained(case, found, "; ".join(map(str, told)), translator.name)
    return Checked(Finding.DISAGREES, "; ".join(map(str, differences)))


def _explained(case: Case, found: Answer, detail: str, engine: str) -> Checked:
    model = ModelTranslator().answer(case)
    if isinstance(found, Unsupported) or compare(case.expect or {}, model):
        return Checked(Finding.DISAGREES, detail)
    if isinstance(model, Unsupported):
        return Checked(Finding.UNSUPPORTED, model.reason)
    seen = seen_of(found)
    if agrees(seen, model):
        return Checked(Finding.AGREES)
    try:
        known = known_divergences(engine, case, seen)
    except UnsupportedError as error:
        return Checked(Finding.UNSUPPORTED, str(error))
    if known:
        return Checked(Finding.KNOWN, detail, joined(known))
    return Checked(Finding.DISAGREES, detail)
