"""Every outcome that the architecture permits for one access in one state.

Walks are enumerated lazily: only a word with a past that a walk in fact reads branches. Each walk
is then judged: what it took from a TLB must be able to be there still (`caching`), and a hardware
update must have found in memory what the walk read (MemSwapTableDesc): a value that only a TLB
holds is never written back, the walk is then done again with what memory holds.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from harness.arch.addresses import PhysicalAddress
from harness.arch.faults import FaultKind
from harness.arch.features import Feature, Profile
from harness.arch.granule import Granule
from harness.errors import LimitError, UnsupportedError
from harness.memory import PAGE_SIZE, DescriptorMemory
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.context import Context
from harness.vmsa.descriptor import ACCESS_FLAG, LAST_LEVEL, NO_TRANSLATION
from harness.vmsa.outcome import Fault, Outcome, Translation
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import request_of
from harness.vmsa.syndrome import abort
from harness.vmsa.tlb import bbm, words
from harness.vmsa.tlb.caching import Level, Walk, is_permitted, is_uncacheable
from harness.vmsa.tlb.candidates import (
    Candidate,
    ChoosingMemory,
    RegisterOptions,
    Taken,
    register_options,
    word_candidates,
)
from harness.vmsa.tlb.choice import (
    Choice,
    ChoiceKind,
    HardwareUpdate,
    Source,
    WordRead,
)
from harness.vmsa.tlb.contiguous import other_members
from harness.vmsa.tlb.effects import present_asid
from harness.vmsa.tlb.invalidation import CachedEntry
from harness.vmsa.tlb.state import TranslationState
from harness.vmsa.translate import translate
from harness.vmsa.walk import Lookup, Trail

MAX_WALKS = 1024
"""Walks of one access; more pending changes than that are refused, not judged in part."""

_NG = 1 << 11
_ETS2_FAULTS = frozenset({FaultKind.TRANSLATION, FaultKind.ACCESS_FLAG})


@dataclass(frozen=True, slots=True)
class _Found:
    """A walk that the architecture permits."""

    outcome: Outcome
    registers: RegisterOptions
    reads: tuple[Taken, ...]
    updates: tuple[HardwareUpdate, ...]
    trail: tuple[Lookup, ...]


@dataclass(frozen=True, slots=True)
class _Noting:
    """Memory, and what was read of it."""

    memory: DescriptorMemory
    noted: dict[int, int | None]

    def read64(self, address: PhysicalAddress) -> int | None:
        found = self.noted[address] = self.memory.read64(address)
        return found


class Enumeration:
    """The walks of one access in one state, and every word that they looked at."""

    def __init__(
        self,
        profile: Profile,
        contexts: dict[Hashable, Context],
        state: TranslationState,
        memory: DescriptorMemory,
        access: Access,
    ) -> None:
        self._profile = profile
        self._contexts = contexts
        self._state = state
        self.looked_at: dict[int, int | None] = {}
        """Address and present value of every word that any of the walks read."""
        self._memory = _Noting(memory, self.looked_at)
        self._access = access

    def choices(self) -> tuple[Choice, ...]:
        """Return every permitted choice, that of the present first, then the younger first.

        LimitError if more than MAX_WALKS walks would have to be looked at; UnsupportedError where
        a changed descriptor is one of stage 2.
        """
        walks = list(self._walks())
        walks += list(self._of_runs(walks))
        found: dict[Hashable, Choice] = {}
        for walk in walks:
            choice = self._choice(walk)
            found.setdefault(_sameness(choice), choice)
        for choice in (*self._amalgams(walks), *self._conflicts(walks)):
            found.setdefault(_sameness(choice), choice)
        return tuple(sorted(found.values(), key=lambda each: (_ORDER[each.kind], each.age)))

    def _walks(self) -> Iterator[_Found]:
        count = 0
        for registers in register_options(self._state):
            context = self._context(registers)
            updates = self._sets_access_flag(context)

            def candidates(
                address: int, current: int, *, updates: bool = updates
            ) -> tuple[Candidate, ...]:
                return word_candidates(
                    self._state,
                    address,
                    current,
                    access_flag_updates=updates,
                    completed_is_seen=self._profile.has(Feature.ETS2),
                )

            choices: list[int] | None = []
            while choices is not None:
                count += 1
                if count > MAX_WALKS:
                    raise LimitError(
                        f"more than {MAX_WALKS} combinations of pending changes for the access to "
                        f"{self._access.va:#x}"
                    )
                memory = ChoosingMemory(self._memory, candidates, choices)
                trail: Trail = []
                outcome = translate(context, memory, self._access, trail)
                walk = self._judged(registers, outcome, tuple(memory.reads), tuple(trail))
                if walk is not None:
                    yield walk
                choices = memory.next_choices()

    def _context(self, registers: RegisterOptions) -> Context:
        context = self._contexts.get(registers.key)
        if context is None:
            context = Context(self._profile, registers.values, "EL1&0")
            self._contexts[registers.key] = context
        return context

    def _sets_access_flag(self, context: Context) -> bool:
        if not context.stage1_enabled:
            return False
        return context.stage1(self._access.va).access_flag_updates

    def _judged(
        self,
        registers: RegisterOptions,
        outcome: Outcome,
        reads: tuple[Taken, ...],
        trail: tuple[Lookup, ...],
    ) -> _Found | None:
        """Return the walk if it is permitted."""
        updates = _updates(outcome, reads)
        if updates is None:
            return None
        if registers.held or any(read.candidate.source is not Source.MEMORY for read in reads):
            early = not (
                self._profile.has(Feature.ETS2)
                and isinstance(outcome, Fault)
                and outcome.kind in _ETS2_FAULTS
            )
            for walk, is_last in self._split(registers, outcome, reads, trail):
                cacheable = not is_last or not is_uncacheable(outcome)
                if not is_permitted(
                    self._state, walk, last_is_cacheable=cacheable, early_reads=early
                ):
                    return None
        return _Found(outcome, registers, reads, updates, trail)

    def _split(
        self,
        registers: RegisterOptions,
        outcome: Outcome,
        reads: tuple[Taken, ...],
        trail: tuple[Lookup, ...],
    ) -> Iterator[tuple[Walk, bool]]:
        """Yield the walks that the access made, one for each page that it touches."""
        by_value = {(read.address, read.candidate.value): read.candidate for read in reads}
        by_address = {read.address: read.candidate for read in reads}
        lookups: list[list[Lookup]] = [[]]
        for lookup in trail:
            if lookup.parameters.stage != 1:
                if by_address[lookup.address].old is not None:
                    raise UnsupportedError("a change of a live stage 2 descriptor is not modelled")
                continue
            if lookups[-1] and lookup.level <= lookups[-1][-1].level:
                lookups.append([])
            lookups[-1].append(lookup)
        present = {
            **registers.values,
            **{name: self._state.register(name) for name, _ in registers.since},
        }
        looked_up_under, formed_under = present_asid(present), present_asid(registers.values)
        page = int(self._access.va)
        for number, mine in enumerate(lookups):
            is_last = number == len(lookups) - 1
            aborted = (
                is_last
                and isinstance(outcome, Fault)
                and outcome.kind is FaultKind.EXTERNAL_ON_WALK
            )
            levels = []
            for position, lookup in enumerate(mine):
                leaf = position == len(mine) - 1 and not aborted
                entry = CachedEntry(
                    va=page,
                    asid=formed_under,
                    granule=Granule(lookup.parameters.granule_bits),
                    level=lookup.level,
                    leaf=leaf,
                    is_global=leaf and not lookup.descriptor & _NG,
                )
                addresses = (lookup.address, lookup.address + 8)
                parts = addresses if lookup.parameters.d128 else addresses[:1]
                used = tuple(
                    by_value.get((address, lookup.descriptor), by_address[address])
                    for address in parts
                )
                levels.append(Level(used, entry, not (leaf and self._keeps_out(lookup))))
            yield (
                Walk(levels, not aborted, registers.since, formed_under, looked_up_under),
                is_last,
            )
            page = (page & ~(PAGE_SIZE - 1)) + PAGE_SIZE

    def _keeps_out(self, lookup: Lookup) -> bool:
        """Return whether a block's nT keeps it out of the TLB (FEAT_BBM)."""
        heeded = bbm.bbm_level(self._profile) > 0 and lookup.level < LAST_LEVEL
        return heeded and bool(lookup.descriptor & NO_TRANSLATION)

    def _choice(self, walk: _Found) -> Choice:
        reads = tuple(
            WordRead(
                read.address,
                read.candidate.value,
                read.candidate.source,
                read.current,
                read.candidate.age,
            )
            for read in walk.reads
        )
        stale = any(read.source is not Source.MEMORY for read in reads) or walk.registers.held
        left = {read.address: read.value for read in reads}
        left.update((update.address, update.new) for update in walk.updates)
        writes = self._access.kind in {AccessKind.WRITE, AccessKind.READ_WRITE}
        discharges = tuple(
            promise
            for promise in self._state.promises
            if writes
            and isinstance(walk.outcome, Translation)
            and left.get(promise.address) == promise.value
        )
        held = walk.registers.held
        return Choice(
            identity=words.identity(reads, held, walk.updates),
            kind=ChoiceKind.STALE if stale else ChoiceKind.PRESENT,
            outcome=walk.outcome,
            reads=reads,
            registers=held,
            updates=walk.updates,
            explanation=words.explanation(reads, held, walk.updates),
            rule=words.rule(reads, held),
            discharges=discharges,
        )

    def _pairs(
        self, walks: list[_Found]
    ) -> Iterator[tuple[_Found, Lookup, tuple[int, int], frozenset[bbm.Change]]]:
        """Yield descriptors of which two values are usable that break-before-make keeps apart."""
        if self._state.is_settled:
            return
        usable: dict[tuple[int, int], dict[int, tuple[_Found, Lookup]]] = {}
        for walk in walks:
            for lookup in walk.trail:
                if lookup.parameters.stage == 1 and not lookup.parameters.d128:
                    values = usable.setdefault((lookup.address, lookup.level), {})
                    values.setdefault(lookup.descriptor & ~ACCESS_FLAG, (walk, lookup))
        for mine in usable.values():
            for (new_walk, new), (_, old) in combinations(mine.values(), 2):
                parameters = self._context(new_walk.registers).stage1(self._access.va)
                differing = bbm.changes(
                    parameters, new.parameters, new.level, old.descriptor, new.descriptor
                )
                if differing:
                    yield new_walk, new, (old.descriptor, new.descriptor), differing

    def _amalgams(self, walks: list[_Found]) -> Iterator[Choice]:
        for walk, lookup, (old, new), _ in self._pairs(walks):
            for value in bbm.amalgams(self._profile, lookup.parameters, lookup.level, old, new):
                mixed = self._again(walk, lookup.address, Candidate(value, Source.AMALGAM))
                if not mixed.outcome.updates:
                    yield replace(self._choice(mixed), kind=ChoiceKind.AMALGAM)

    def _of_runs(self, walks: list[_Found]) -> Iterator[_Found]:
        """Yield the walks that end in another descriptor of the leaf's contiguous run."""
        for walk in walks:
            for lookup in walk.trail:
                if lookup.parameters.stage != 1:
                    continue
                for value, old in other_members(self._state, self._memory, lookup):
                    other = Candidate(value, Source.TLB, old, age=1)
                    again = self._again(walk, lookup.address, other)
                    found = self._judged(walk.registers, again.outcome, again.reads, again.trail)
                    if found is not None:
                        yield found

    def _again(self, walk: _Found, address: int, instead: Candidate) -> _Found:
        """Return `walk` with another value of the word at `address`, not yet judged."""
        fixed = {read.address: (read.candidate,) for read in walk.reads}
        fixed[address] = (instead,)

        def candidates(where: int, current: int) -> tuple[Candidate, ...]:
            return fixed.get(where) or (Candidate(current, Source.MEMORY),)

        memory = ChoosingMemory(self._memory, candidates, [])
        trail: Trail = []
        outcome = translate(self._context(walk.registers), memory, self._access, trail)
        return replace(
            walk, outcome=outcome, reads=tuple(memory.reads), updates=(), trail=tuple(trail)
        )

    def _conflicts(self, walks: list[_Found]) -> Iterator[Choice]:
        for walk, lookup, values, differing in self._pairs(walks):
            if not bbm.may_conflict(self._profile, lookup.parameters, lookup.level, values):
                continue
            context = self._context(walk.registers)
            record = FaultRecord(FaultKind.TLB_CONFLICT, None, words.BREAK_BEFORE_MAKE)
            request = request_of(context, self._access)
            target = 2 if context.routed_to_el2 and self._access.el == 0 else 1
            reads = self._choice(walk).reads
            yield Choice(
                identity=f"conflict {lookup.address:#x}",
                kind=ChoiceKind.CONFLICT,
                outcome=abort(record, request, self._access.va, target, {}),
                reads=reads,
                registers=(),
                updates=(),
                explanation=words.conflict(lookup.address, lookup.level, values, differing),
                rule=words.BREAK_BEFORE_MAKE,
            )


_ORDER = {kind: number for number, kind in enumerate(ChoiceKind)}


def _updates(outcome: Outcome, reads: tuple[Taken, ...]) -> tuple[HardwareUpdate, ...] | None:
    """Return the compare-and-swaps of hardware in order; None if one would not find its value."""
    found = []
    by_address = {read.address: read.candidate for read in reads}
    for address, new in outcome.updates.items():
        candidate = by_address[address]
        expected = candidate.value
        if candidate.source is Source.TLB or (candidate.old is not None and candidate.old.atomic):
            return None
        in_past = candidate.source is Source.EARLIER
        flagged = expected | ACCESS_FLAG
        if flagged not in {expected, new}:
            found.append(HardwareUpdate(address, expected, flagged, in_past))
            expected = flagged
        found.append(HardwareUpdate(address, expected, new, in_past))
    return tuple(found)


def _sameness(choice: Choice) -> Hashable:
    """Return what makes two choices the same: all that can be told apart later."""
    outcome = choice.outcome
    left: Hashable
    if isinstance(outcome, Fault):
        left = (outcome.kind, outcome.esr, outcome.far, outcome.stage, outcome.ipa)
    else:
        left = (outcome.pa, outcome.further, outcome.attributes, outcome.ipa, outcome.par)
    return (left, choice.updates, choice.discharges)
