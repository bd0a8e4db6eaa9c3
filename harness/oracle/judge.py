"""`judge`: a run's trace read beside the history that it makes, every access against the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.errors import LimitError, UnsupportedError
from harness.execution import Execution
from harness.machine.placed import entered, external_abort, touches_memory
from harness.memory import PAGE_SIZE, DescriptorMemory
from harness.oracle.departures import Disagreement
from harness.oracle.divergences import Divergence, explain_by_divergences, joined
from harness.oracle.explain import (
    explain_agreement,
    explain_disagreement,
    explain_of_both_values,
    place_of,
)
from harness.oracle.history import History
from harness.oracle.permitted import PermittedOutcome, PermittedOutcomes
from harness.oracle.seen import Aborted, Seen, agrees
from harness.oracle.sightings import Sighting, moved, sightings
from harness.oracle.unbroken import UnbrokenChanges
from harness.oracle.verdict import Judgment, Verdict, VerdictKind
from harness.trace import EndReason
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.outcome import Fault, Outcome, Translation
from harness.vmsa.tlb.choice import Choice


def judge(execution: Execution) -> Verdict:
    """Compare every fault, access and fetch of a run with what the architecture permits.

    A run that reached a limit gives `incomplete`, one that the engine or the model cannot do
    `unsupported`; neither is ever `agrees`.
    """
    judge_ = _Judge(execution)
    end = execution.trace.end
    try:
        judge_.read_trace()
    except UnsupportedError as error:
        return judge_.conclude(VerdictKind.UNSUPPORTED, str(error))
    except LimitError as error:
        return judge_.conclude(VerdictKind.INCOMPLETE, str(error))
    if end.reason is EndReason.LIMIT:
        return judge_.conclude(VerdictKind.INCOMPLETE, f"The run reached a limit: {end.detail}")
    if end.reason is EndReason.UNSUPPORTED:
        return judge_.conclude(VerdictKind.UNSUPPORTED, end.detail)
    return judge_.conclude()


class _Judge:
    """Reads one trace. Completed accesses of one page and moment are looked up once."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._profile = execution.scenario.profile
        self._history = History(self._profile, execution.memory, execution.system_registers)
        self._permitted = PermittedOutcomes(self._profile, self._history)
        self._unbroken = UnbrokenChanges(execution, self._profile)
        self._pages: dict[tuple[object, ...], tuple[PermittedOutcome, ...]] = {}
        self._pages_epoch = self._history.epoch
        self._judged = 0
        self._faults: list[Judgment] = []
        self._findings: dict[tuple[int, str | None], Judgment] = {}
        self._last_access: tuple[Sighting, tuple[PermittedOutcome, ...]] | None = None
        self._last_fetch: tuple[Sighting, tuple[PermittedOutcome, ...]] | None = None

    def read_trace(self) -> None:
        """Compare everything; UnsupportedError and LimitError where that cannot be done."""
        execution = self._execution
        for event, sighting in sightings(execution.trace.events, execution.scenario.run.el):
            if sighting is not None:
                self._judged += 1
                if isinstance(sighting.seen, Aborted):
                    self._compare_fault(sighting)
                else:
                    self._compare_completed(sighting)
            self._history.feed(event)
            self._unbroken.note(event)

    def _compare_completed(self, sighting: Sighting) -> None:
        access, seen = sighting.access, sighting.seen
        permitted = self._permitted_of(access)
        if access.kind is AccessKind.FETCH:
            self._last_fetch = (sighting, permitted)
        else:
            self._last_access = (sighting, permitted)
        if not any(agrees(seen, item.outcome) for item in _at_offset(permitted, access.va)):
            self._note_unless_agreed(self._judgment(sighting, self._reachable(access)))

    def _permitted_of(self, access: Access) -> tuple[PermittedOutcome, ...]:
        """Return the permitted outcomes; for an aligned access those of its whole page."""
        if self._pages_epoch != self._history.epoch:
            self._pages.clear()
            self._pages_epoch = self._history.epoch
        if access.size & (access.size - 1) or access.va % access.size or access.size > PAGE_SIZE:
            return self._reachable(access)
        page = VirtualAddress(access.va & ~(PAGE_SIZE - 1))
        key = (
            page,
            access.kind,
            access.size,
            access.el,
            access.pan,
            access.uao,
            access.unprivileged,
            access.operation,
        )
        found = self._pages.get(key)
        if found is None:
            found = self._pages[key] = self._reachable(access)
        return found

    def _reachable(self, access: Access) -> tuple[PermittedOutcome, ...]:
        """Return the permitted outcomes; where no memory answers, an external abort."""
        return tuple(
            replace(permitted, outcome=self._answer(access, permitted.outcome))
            for permitted in self._permitted.of(access)
        )

    def _answer(self, access: Access, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Fault) or not touches_memory(access):
            return outcome
        for va, pa in entered(access, outcome):
            if not self._history.memory.covers(pa):
                return external_abort(access, va)
        return outcome

    def _compare_fault(self, sighting: Sighting) -> None:
        judgment = self._judgment(sighting, self._reachable(sighting.access))
        self._faults.append(judgment)
        self._note_unless_agreed(judgment)

    def _note_unless_agreed(self, judgment: Judgment) -> None:
        if judgment.kind is not VerdictKind.AGREES:
            self._findings.setdefault((judgment.pc, judgment.divergence), judgment)

    def _judgment(self, sighting: Sighting, permitted: tuple[PermittedOutcome, ...]) -> Judgment:
        access, seen = sighting.access, sighting.seen
        place = place_of(sighting.pc, sighting.label)
        chosen = next((item for item in permitted if agrees(seen, item.outcome)), None)
        if chosen:
            steps = self._permitted.steps(access, chosen)
            text = explain_agreement(place, access, seen, chosen, steps)
            kind, divergence = VerdictKind.AGREES, None
        elif of_both := self._of_both_values(access, seen):
            steps = self._permitted.steps(access, permitted[0])
            text = explain_of_both_values(place, access, seen, of_both)
            kind, divergence = VerdictKind.AGREES, None
        else:
            steps = self._permitted.steps(access, permitted[0])
            known = self._known(access, seen, permitted)
            text = explain_disagreement(place, access, seen, permitted, steps, known)
            kind = VerdictKind.KNOWN_DIVERGENCE if known else VerdictKind.DISAGREES
            divergence = joined(known) if known else None
        return Judgment(
            sighting.number,
            sighting.pc,
            sighting.label,
            access,
            seen,
            kind,
            divergence,
            text,
            permitted,
            steps,
        )

    def _of_both_values(self, access: Access, seen: Seen) -> Choice | None:
        """Return what permits `seen` where a live entry was changed without break-before-make."""
        return next(
            (
                choice
                for choice in self._unbroken.outcomes(access)
                if agrees(seen, self._answer(access, choice.outcome))
            ),
            None,
        )

    def _known(
        self, access: Access, seen: Seen, permitted: tuple[PermittedOutcome, ...]
    ) -> tuple[Divergence, ...] | None:
        """Return the known divergences that account for what was seen, from any permitted walk."""
        engine = self._execution.engine
        for item in permitted:
            old = {word.address: word.value for word in item.old_words}
            memory = _Overlay(self._history.memory, old)
            disagreement = Disagreement(self._profile, item.registers, memory, access, seen)
            found = explain_by_divergences(engine, disagreement)
            if found:
                return found
        return None

    def conclude(self, kind: VerdictKind | None = None, reason: str = "") -> Verdict:
        """Return the verdict: of what was compared, or `kind` for `reason` if it may not be one."""
        findings = tuple(self._findings.values())
        deciding = (
            next((each for each in findings if each.kind is VerdictKind.DISAGREES), None)
            or next(iter(findings), None)
            or next(iter(self._faults), None)
            or self._last_judgment()
        )
        if kind is None:
            kind = deciding.kind if deciding else VerdictKind.AGREES
            reason = deciding.explanation if deciding else "Nothing was accessed."
        divergence = deciding.divergence if deciding else None
        return Verdict(
            kind,
            divergence if kind is VerdictKind.KNOWN_DIVERGENCE else None,
            reason,
            deciding,
            tuple(self._faults),
            findings,
            self._judged,
        )

    def _last_judgment(self) -> Judgment | None:
        """Return the judgment of the last data access, or else of the last fetch."""
        last = self._last_access or self._last_fetch
        if last is None:
            return None
        sighting, permitted = last
        return self._judgment(sighting, _at_offset(permitted, sighting.access.va))


@dataclass(frozen=True, slots=True)
class _Overlay:
    """A memory with some words as they were."""

    memory: DescriptorMemory
    words: Mapping[PhysicalAddress, int]

    def read64(self, address: PhysicalAddress) -> int | None:
        if address in self.words:
            return self.words[address]
        return self.memory.read64(address)


def _at_offset(
    permitted: tuple[PermittedOutcome, ...], va: VirtualAddress
) -> tuple[PermittedOutcome, ...]:
    """Return outcomes that were found for another address of the page as those of `va`."""
    return tuple(
        replace(item, outcome=replace(item.outcome, pa=moved(item.outcome.pa, va)))
        if isinstance(item.outcome, Translation)
        else item
        for item in permitted
    )
