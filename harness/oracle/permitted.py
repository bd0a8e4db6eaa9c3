"""The outcomes that the architecture permits for one access at one moment of a run.

At this stage: the walk of the memory and registers as they are now, or as they were before changes
that are not yet followed by all the maintenance that makes them certain (`harness.oracle.history`
says which). Walks are enumerated lazily: only a changed word that a walk in fact reads branches.
The first outcome is always that of the present.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

from harness.arch.faults import FaultKind
from harness.arch.features import Profile
from harness.arch.granule import Granule
from harness.arch.registers import sctlr, tcr
from harness.errors import LimitError
from harness.memory import PAGE_SIZE
from harness.oracle.choosing import ChoosingMemory, OldWord, Read, ReplayMemory, old_words
from harness.oracle.history import Candidate, History, Hold
from harness.vmsa.access import Access
from harness.vmsa.outcome import Fault, Outcome, Step
from harness.vmsa.tlb.invalidation import CachedEntry
from harness.vmsa.translate import Mmu, translate
from harness.vmsa.walk import Trail

MAX_WALKS = 1024
"""Walks of one access; more pending changes than that are refused, not judged in part."""

_NEVER_CACHED = frozenset({FaultKind.TRANSLATION, FaultKind.ACCESS_FLAG, FaultKind.ADDRESS_SIZE})
_NG = 1 << 11
_NOT_CACHED_REGISTERS = frozenset({"POR_EL0", "POR_EL1"})


@dataclass(frozen=True, slots=True)
class PermittedOutcome:
    """One outcome, with the walk that leads to it."""

    outcome: Outcome
    registers: Mapping[str, int]
    reads: tuple[Read, ...]
    """Every word the walk read, in order."""
    old_registers: tuple[str, ...] = ()

    @property
    def old_words(self) -> tuple[OldWord, ...]:
        """The words that the walk took from the past."""
        return old_words(self.reads)

    @property
    def is_current(self) -> bool:
        """Whether this is the walk of the present."""
        return not self.old_words and not self.old_registers


class PermittedOutcomes:
    """Answers, for an access made now, what a history permits."""

    def __init__(self, profile: Profile, history: History) -> None:
        self._profile = profile
        self._history = history
        self._mmus: dict[tuple[tuple[str, int], ...], Mmu] = {}

    def of(self, access: Access) -> tuple[PermittedOutcome, ...]:
        """Return every permitted outcome of `access`, the one of the present first.

        Raises LimitError if more than MAX_WALKS walks would have to be looked at.
        """
        found: dict[Hashable, PermittedOutcome] = {}
        words = cache(self._history.words)
        walks = 0
        for registers, held in self._register_choices():
            mmu = self._mmu(registers)
            choices: list[int] | None = []
            while choices is not None:
                memory = ChoosingMemory(words, choices)
                self._consider(
                    found, access, registers, held, memory, mmu.translate(memory, access)
                )
                choices = memory.next_choices()
                walks += 1
                if walks > MAX_WALKS:
                    raise LimitError(
                        f"more than {MAX_WALKS} combinations of pending changes for the access to "
                        f"{access.va:#x}"
                    )
        return tuple(found.values())

    def steps(self, access: Access, permitted: PermittedOutcome) -> tuple[Step, ...]:
        """Return the walk that leads to one of the outcomes of `access`, step by step."""
        memory = ReplayMemory(permitted.reads)
        return self._mmu(permitted.registers).steps(memory, access)[1]

    def _consider(
        self,
        found: dict[Hashable, PermittedOutcome],
        access: Access,
        registers: Mapping[str, int],
        held: Mapping[str, Candidate],
        memory: ChoosingMemory,
        outcome: Outcome,
    ) -> None:
        identity = _identity(outcome)
        if identity in found:
            return
        new = PermittedOutcome(outcome, registers, tuple(memory.reads), tuple(sorted(held)))
        cached = [read for read in memory.reads if read.candidate.hold is Hold.CACHED]
        cached_registers = {k: c for k, c in held.items() if c.hold is Hold.CACHED}
        if (cached or cached_registers) and not self._may_be_cached(
            access, new, cached, cached_registers
        ):
            return
        found[identity] = new

    def _register_choices(
        self,
    ) -> Iterator[tuple[dict[str, int], dict[str, Candidate]]]:
        """Yield register files with the old values they use, the present one first."""
        names = self._history.changed_registers
        options = [self._register_options(name) for name in names]
        for choice in product(*options):
            registers = dict(self._history.registers)
            held = {}
            for name, candidate in zip(names, choice, strict=True):
                registers[name] = candidate.value
                if candidate.hold is not Hold.CURRENT:
                    held[name] = candidate
            yield registers, held

    def _register_options(self, name: str) -> tuple[Candidate, ...]:
        current, *old = self._history.register(name)
        options = [current]
        for candidate in old:
            if candidate.hold is Hold.PENDING:
                options.append(candidate)
                continue
            value = _cacheable_part(name, current.value, candidate.value)
            if value != current.value:
                options.append(Candidate(value, Hold.CACHED, candidate.since))
        return tuple(options)

    def _mmu(self, registers: Mapping[str, int]) -> Mmu:
        key = tuple(sorted(registers.items()))
        mmu = self._mmus.get(key)
        if mmu is None:
            mmu = self._mmus[key] = Mmu(self._profile, registers)
        return mmu

    def _may_be_cached(
        self,
        access: Access,
        walk: PermittedOutcome,
        cached: list[Read],
        cached_registers: Mapping[str, Candidate],
    ) -> bool:
        """Return whether a TLB can still hold everything that `walk` takes from one."""
        lookups = self._lookups(access, walk)
        uncached = lookups[-1].address if lookups and _is_never_cached(walk.outcome) else None
        for read in cached:
            if read.address == uncached:
                return False
            held = [lookup.entry for lookup in lookups if lookup.address == read.address]
            since = read.candidate.since
            if any(self._history.was_invalidated(entry, since) for entry in held):
                return False
        return all(
            self._register_may_be_cached(walk, lookups, candidate)
            for candidate in cached_registers.values()
        )

    def _register_may_be_cached(
        self, walk: PermittedOutcome, lookups: list[_Lookup], candidate: Candidate
    ) -> bool:
        """Return whether entries made under an old register value can give this walk.

        They can if the first descriptor was cached: as a table, or as a leaf that did not fault;
        and if they match the present ASID, which only a global leaf does without being its own.
        """
        never_cached = _is_never_cached(walk.outcome)
        if not lookups or (len(lookups) == 1 and never_cached):
            return False
        entry = lookups[0].entry
        if _asid(walk.registers) != _asid(self._history.registers):
            entry = next(lookup.entry for lookup in lookups if lookup.is_last)
            if never_cached or not entry.is_global:
                return False
        return not self._history.was_invalidated(entry, candidate.since)

    def _lookups(self, access: Access, walk: PermittedOutcome) -> list[_Lookup]:
        """Return the stage 1 descriptors that `walk` read, as TLB entries, in its order."""
        trail: Trail = []
        context = self._mmu(walk.registers).context
        translate(context, ReplayMemory(walk.reads), access, trail)
        trail = [lookup for lookup in trail if lookup.parameters.stage == 1]
        aborted = isinstance(walk.outcome, Fault) and (
            walk.outcome.kind is FaultKind.EXTERNAL_ON_WALK
        )
        asid = _asid(self._history.registers)
        found = []
        page = int(access.va)
        for index, lookup in enumerate(trail):
            following = trail[index + 1] if index + 1 < len(trail) else None
            is_last = following is None or following.level <= lookup.level
            leaf = is_last and not (following is None and aborted)
            entry = CachedEntry(
                va=page,
                asid=asid,
                granule=Granule(lookup.parameters.granule_bits),
                level=lookup.level,
                leaf=leaf,
                is_global=leaf and not lookup.descriptor & _NG,
            )
            found.append(_Lookup(lookup.address, entry, is_last))
            if is_last:
                page = (page & ~(PAGE_SIZE - 1)) + PAGE_SIZE
        return found


@dataclass(frozen=True, slots=True)
class _Lookup:
    address: int
    entry: CachedEntry
    is_last: bool
    """The walk of this page of the access ends here."""


def _identity(outcome: Outcome) -> Hashable:
    """Return what makes two outcomes the same."""
    updates = tuple(sorted(outcome.updates.items()))
    if isinstance(outcome, Fault):
        return (outcome.kind, outcome.esr, outcome.far, outcome.stage, outcome.ipa, updates)
    return (
        outcome.pa,
        outcome.further,
        outcome.attributes,
        outcome.ipa,
        outcome.par,
        updates,
    )


def _is_never_cached(outcome: Outcome) -> bool:
    """Return whether the last descriptor of the walk generates a fault that keeps it uncached."""
    return isinstance(outcome, Fault) and outcome.kind in _NEVER_CACHED


def _cacheable_part(name: str, current: int, old: int) -> int:
    """Return what a TLB entry may keep of a register's `old` value, the rest being current.

    Of SCTLR_EL1 only WXN may be cached, of the overlay registers nothing (DDI 0487, D24.2).
    """
    if name == "SCTLR_EL1":
        return current & ~sctlr.WXN.mask | old & sctlr.WXN.mask
    return current if name in _NOT_CACHED_REGISTERS else old


def _asid(registers: Mapping[str, int]) -> int:
    """Return the current ASID: in TTBR1 or TTBR0 by TCR_EL1.A1, 8 or 16 bits by TCR_EL1.AS."""
    control = registers.get("TCR_EL1", 0)
    holder = "TTBR1_EL1" if tcr.A1.get(control) else "TTBR0_EL1"
    asid = registers.get(holder, 0) >> 48
    return asid & 0xFFFF if tcr.AS.get(control) else asid & 0xFF
