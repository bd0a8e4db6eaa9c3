"""`judge`: a run's trace read beside the history that it makes, every access against the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.syndromes import Abort, decode_abort, encode_abort
from harness.errors import LimitError, UnsupportedError
from harness.execution import Execution
from harness.memory import PAGE_SIZE, DescriptorMemory
from harness.oracle.departures import Disagreement
from harness.oracle.divergences import Divergence, explain_by_divergences, joined
from harness.oracle.explain import explain_agreement, explain_disagreement, place_of
from harness.oracle.history import History
from harness.oracle.permitted import PermittedOutcome, PermittedOutcomes
from harness.oracle.seen import Aborted, Completed, Seen, agrees
from harness.oracle.verdict import Judgment, Verdict, VerdictKind
from harness.trace import (
    DescriptorWrite,
    EndReason,
    Event,
    FaultTaken,
    Instruction,
    Maintenance,
    MaintenanceKind,
    MemoryAccess,
)
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.outcome import Fault, Outcome, Translation

_BY_ADDRESS = ("vac", "vau", "vap", "vadp")
"""How the names of DC and IC operations by virtual address end."""


@dataclass(frozen=True, slots=True)
class _Sighting:
    """One access of the trace, ready to be compared."""

    number: int
    pc: VirtualAddress
    label: str
    access: Access
    seen: Seen


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
        self._pages: dict[tuple[object, ...], tuple[PermittedOutcome, ...]] = {}
        self._pages_epoch = self._history.epoch
        self._el = execution.scenario.run.el
        self._label = ""
        self._judged = 0
        self._faults: list[Judgment] = []
        self._findings: dict[tuple[int, str | None], Judgment] = {}
        self._last_access: tuple[_Sighting, tuple[PermittedOutcome, ...]] | None = None
        self._last_fetch: tuple[_Sighting, tuple[PermittedOutcome, ...]] | None = None

    def read_trace(self) -> None:
        """Compare everything; UnsupportedError and LimitError where that cannot be done."""
        events = self._execution.trace.events
        for index, event in enumerate(events):
            if isinstance(event, Instruction):
                self._el, self._label = event.el, event.label
                if not _fetch_faults(events, index):
                    self._compare_completed(self._fetch(event))
            elif isinstance(event, MemoryAccess):
                self._compare_completed(self._data(event))
            elif isinstance(event, FaultTaken):
                self._compare_fault(event)
            elif isinstance(event, Maintenance) and _is_by_address(event):
                self._compare_completed(self._maintenance(event))
            self._history.feed(event)

    def _fetch(self, event: Instruction) -> _Sighting:
        access = Access(event.pc, AccessKind.FETCH, 4, event.el)
        return _Sighting(event.number, event.pc, event.label, access, Completed(None))

    def _data(self, event: MemoryAccess) -> _Sighting:
        access, pa = event.access, event.pa
        if access.operation is Operation.DC_ZVA:
            # Its bytes begin below Xt, which is what is translated.
            pa = _moved(pa, access.va)
        return _Sighting(event.number, event.pc, self._label, access, Completed(pa))

    def _maintenance(self, event: Maintenance) -> _Sighting:
        access = Access(
            VirtualAddress(event.operand or 0),
            AccessKind.READ,
            1,
            self._el,
            operation=Operation.CACHE_MAINTENANCE,
        )
        return _Sighting(event.number, event.pc, self._label, access, Completed(None))

    def _compare_completed(self, sighting: _Sighting) -> None:
        self._judged += 1
        access, seen = sighting.access, sighting.seen
        permitted = self._permitted_of(access)
        if access.kind is AccessKind.FETCH:
            self._last_fetch = (sighting, permitted)
        else:
            self._last_access = (sighting, permitted)
        if not any(agrees(seen, item.outcome) for item in _at_offset(permitted, access.va)):
            self._note_finding(self._judgment(sighting, self._reachable(access)))

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
        if (
            isinstance(outcome, Fault)
            or access.operation is Operation.CACHE_MAINTENANCE
            or self._history.memory.covers(outcome.pa)
        ):
            return outcome
        abort = Abort(
            FaultKind.EXTERNAL,
            fetch=access.kind is AccessKind.FETCH,
            lower_el=access.el == 0,
            write=access.kind is AccessKind.WRITE,
        )
        return Fault(FaultKind.EXTERNAL, encode_abort(abort), access.va)

    def _compare_fault(self, event: FaultTaken) -> None:
        self._judged += 1
        seen = Aborted(event.esr, event.far)
        access = event.access or _access_of(seen)
        if access is None:
            raise UnsupportedError(
                f"the fault at {place_of(event.pc, event.label)} with ESR {event.esr:#x} reports "
                "no abort that is modelled, or not the access that it depends on"
            )
        sighting = _Sighting(event.number, event.pc, event.label, access, seen)
        judgment = self._judgment(sighting, self._reachable(access))
        self._faults.append(judgment)
        if judgment.kind is not VerdictKind.AGREES:
            self._note_finding(judgment)

    def _note_finding(self, judgment: Judgment) -> None:
        self._findings.setdefault((judgment.pc, judgment.divergence), judgment)

    def _judgment(self, sighting: _Sighting, permitted: tuple[PermittedOutcome, ...]) -> Judgment:
        access, seen = sighting.access, sighting.seen
        place = place_of(sighting.pc, sighting.label)
        chosen = next((item for item in permitted if agrees(seen, item.outcome)), None)
        if chosen:
            steps = self._permitted.steps(access, chosen)
            text = explain_agreement(place, access, seen, chosen, steps)
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
        replace(item, outcome=replace(item.outcome, pa=_moved(item.outcome.pa, va)))
        if isinstance(item.outcome, Translation)
        else item
        for item in permitted
    )


def _moved(pa: PhysicalAddress, va: VirtualAddress) -> PhysicalAddress:
    return PhysicalAddress(pa & ~(PAGE_SIZE - 1) | va % PAGE_SIZE)


def _fetch_faults(events: Sequence[Event], index: int) -> bool:
    """Return whether the instruction that was about to execute could not be fetched."""
    following = index + 1
    while isinstance(events[following], DescriptorWrite | Maintenance):
        following += 1
    event = events[following]
    if not isinstance(event, FaultTaken):
        return False
    abort = decode_abort(event.esr)
    return abort is not None and abort.fetch and event.number == events[index].number


def _is_by_address(event: Maintenance) -> bool:
    """Return whether a DC or IC names an address (DC ZVA is a MemoryAccess)."""
    return event.kind in {MaintenanceKind.DC, MaintenanceKind.IC} and event.operation.endswith(
        _BY_ADDRESS
    )


def _access_of(seen: Aborted) -> Access | None:
    """Return the access that a syndrome tells of, None where it does not tell enough."""
    abort = seen.abort
    if abort is None or abort.kind is FaultKind.ALIGNMENT:
        return None
    if abort.fetch:
        kind, size = AccessKind.FETCH, 4
    else:
        kind, size = (AccessKind.WRITE if abort.write else AccessKind.READ), 1
    operation = Operation.CACHE_MAINTENANCE if abort.cache_maintenance else Operation.PLAIN
    return Access(seen.far, kind, size, 0 if abort.lower_el else 1, operation=operation)
