"""What a walk may still see of the past: old descriptor words and registers, and until when.

`History` is fed the events of a trace in program order. At any moment it answers, for a word of
memory or a translation register, which values a walk of the PE's next access may use. The rules
(DDI 0487, D8 "TLB maintenance", B2 on translation table walks):

* a store is certain to be seen by the PE's own walks after a DSB that completes it and then a
  context synchronisation event; until then old and new are both possible;
* a valid old descriptor may have been cached: it stays usable until a TLBI that covers it, issued
  after the store was complete, was itself completed by a DSB (of all access types) and followed by
  a context synchronisation event;
* an MSR to a translation register takes effect by the next context synchronisation event; what
  was cached under the old value stays usable until a TLBI that covers it.

The set errs to the permissive side: FEAT_ETS2 and FEAT_ETS3, which take early values away, and
the order between two pending stores are not used.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import Profile
from harness.arch.registers import tcr
from harness.memory import PhysicalMemory
from harness.trace import (
    DescriptorWrite,
    Event,
    ExceptionEntry,
    ExceptionReturn,
    Maintenance,
    MaintenanceKind,
    MemoryAccess,
    RegisterWrite,
)
from harness.vmsa.access import AccessKind
from harness.vmsa.tlb.barriers import Barrier, read_dsb
from harness.vmsa.tlb.invalidation import CachedEntry, Invalidation, read_tlbi

TRANSLATION_REGISTERS = frozenset(
    {
        *("SCTLR_EL1", "TCR_EL1", "TCR2_EL1", "TTBR0_EL1", "TTBR1_EL1", "MAIR_EL1"),
        *("PIR_EL1", "PIRE0_EL1", "POR_EL0", "POR_EL1"),
        *("HCR_EL2", "VTCR_EL2", "VTTBR_EL2", "S2PIR_EL2"),
    }
)
"""Registers whose old value may still count; writes to others take effect at once."""


_STORES = frozenset({AccessKind.WRITE, AccessKind.READ_WRITE})


class Hold(Enum):
    """Why a walk may use a value."""

    CURRENT = "current"
    PENDING = "pending"
    """Replaced, but nothing has made the PE's walks see the new value yet."""
    CACHED = "cached"
    """Replaced for certain; usable only from a TLB, so only where it could be cached."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a walk may use. `since`: only later TLBIs can have removed a cached copy."""

    value: int
    hold: Hold
    since: int = 0


class _Progress(Enum):
    ISSUED = 0
    COMPLETED = 1
    SYNCHRONISED = 2


@dataclass(frozen=True, slots=True)
class _OldValue:
    """A value that was replaced; `progress` is that of the store or MSR which replaced it."""

    value: int
    progress: _Progress
    since: int

    def candidate(self) -> Candidate:
        seen = self.progress is _Progress.SYNCHRONISED
        return Candidate(self.value, Hold.CACHED if seen else Hold.PENDING, self.since)


_OldValues = dict[int, _OldValue]
"""Of one word or register, by value, in the order in which they were last replaced."""


@dataclass(frozen=True, slots=True)
class _IssuedTlbi:
    invalidation: Invalidation
    clock: int
    completed: bool
    """A DSB has completed it; it takes full effect with a context synchronisation event."""


def _clock(tlbi: _IssuedTlbi) -> int:
    return tlbi.clock


class History:
    """Memory and translation registers with their past, as one PE's walks may see them."""

    def __init__(
        self, profile: Profile, memory: PhysicalMemory, registers: Mapping[str, int]
    ) -> None:
        self._profile = profile
        self._memory = memory.copy()
        self._registers = dict(registers)
        self._old_words: dict[int, _OldValues] = {}
        self._old_registers: dict[str, _OldValues] = {}
        self._unsynchronised: set[int] = set()
        self._walked: set[int] = set()
        self._pending_tlbis: list[_IssuedTlbi] = []
        self._done_tlbis: list[_IssuedTlbi] = []
        self._clock = 0
        self._epoch = 0

    @property
    def epoch(self) -> int:
        """Grows with every change of what a walk may see; equal epochs give equal answers."""
        return self._epoch

    @property
    def memory(self) -> PhysicalMemory:
        """The memory as it is now; to read only."""
        return self._memory

    @property
    def registers(self) -> Mapping[str, int]:
        """The registers as they are now."""
        return self._registers

    @property
    def changed_registers(self) -> tuple[str, ...]:
        """The registers of which an old value may still count, by name."""
        return tuple(sorted(self._old_registers))

    def words(self, address: PhysicalAddress) -> tuple[Candidate, ...]:
        """Return the values that a walk may read at `address`, the current one first.

        Empty where there is no memory.
        """
        current = self._memory.read64(address)
        if current is None:
            return ()
        key = self._memory.backing(address)
        self._walked.add(key)
        return _candidates(current, self._old_words.get(key, {}))

    def register(self, name: str) -> tuple[Candidate, ...]:
        """Return the values that a walk may use of a register (absent: 0), current first."""
        return _candidates(self._registers.get(name, 0), self._old_registers.get(name, {}))

    def was_invalidated(self, entry: CachedEntry, since: int) -> bool:
        """Return whether a TLBI later than `since` covers `entry` and has taken full effect."""
        later = bisect_right(self._done_tlbis, since, key=_clock)
        return any(tlbi.invalidation.covers(entry) for tlbi in self._done_tlbis[later:])

    def feed(self, event: Event) -> None:
        """Take the next event of the trace into account."""
        if isinstance(event, MemoryAccess):
            self._store(event)
        elif isinstance(event, DescriptorWrite):
            self._replace_word(event.address, event.new)
        elif isinstance(event, RegisterWrite):
            self._replace_register(event.register, event.value)
        elif isinstance(event, Maintenance):
            self._maintain(event)
        elif isinstance(event, ExceptionEntry | ExceptionReturn):
            self._synchronise()

    def _store(self, event: MemoryAccess) -> None:
        """Follow a guest's store, so that a table which the guest fills is walked as filled.

        Where a value is not known, the engine's DescriptorWrite says what became of a table.
        """
        if event.access.kind not in _STORES or event.value is None:
            return
        # What crosses the page lies at another physical address, which the event does not give.
        length = min(event.access.size, 4096 - event.pa % 4096)
        data = event.value.to_bytes(event.access.size, "little")[:length]
        first, last = event.pa & ~7, (event.pa + length - 1) & ~7
        window = bytearray(self._memory.read(first, last + 8 - first) or b"")
        if not window:
            return
        window[event.pa - first : event.pa - first + length] = data
        for offset in range(0, len(window), 8):
            word = int.from_bytes(window[offset : offset + 8], "little")
            self._replace_word(PhysicalAddress(first + offset), word)

    def _replace_word(self, address: PhysicalAddress, new: int) -> None:
        old = self._memory.read64(address)
        if old is None or old == new:
            return
        key = self._memory.backing(address)
        values = self._old_words.setdefault(key, {})
        values.pop(old, None)
        values[old] = _OldValue(old, _Progress.ISSUED, self._clock)
        self._unsynchronised.add(key)
        self._memory.write64(address, new)
        if key in self._walked:
            self._epoch += 1

    def _replace_register(self, name: str, new: int) -> None:
        old = self._registers.get(name, 0)
        self._registers[name] = new
        if old == new or name not in TRANSLATION_REGISTERS:
            return
        values = self._old_registers.setdefault(name, {})
        values.pop(old, None)
        # No DSB is needed for an MSR: it waits for the context synchronisation event only.
        values[old] = _OldValue(old, _Progress.COMPLETED, self._clock)
        self._epoch += 1

    def _maintain(self, event: Maintenance) -> None:
        if event.kind is MaintenanceKind.TLBI:
            self._clock += 1
            ds = bool(tcr.DS.get(self._registers.get("TCR_EL1", 0)))
            invalidation = read_tlbi(event.operation, event.operand, self._profile, ds=ds)
            self._pending_tlbis.append(_IssuedTlbi(invalidation, self._clock, completed=False))
        elif event.kind is MaintenanceKind.DSB:
            self._complete(read_dsb(event.operation))
        elif event.kind is MaintenanceKind.ISB:
            self._synchronise()

    def _complete(self, barrier: Barrier) -> None:
        if barrier.stores:
            for key in self._unsynchronised:
                values = self._old_words[key]
                for old, value in values.items():
                    if value.progress is _Progress.ISSUED:
                        values[old] = replace(
                            value, progress=_Progress.COMPLETED, since=self._clock
                        )
        self._pending_tlbis = [
            replace(tlbi, completed=True)
            if barrier.completes(tlbi.invalidation.operation)
            else tlbi
            for tlbi in self._pending_tlbis
        ]

    def _synchronise(self) -> None:
        """Let a context synchronisation event take effect."""
        if self._old_registers or not self._walked.isdisjoint(self._old_words):
            self._epoch += 1
        for key in tuple(self._unsynchronised):
            self._settle_word(key)
        for values in self._old_registers.values():
            for old, value in values.items():
                if value.progress is not _Progress.SYNCHRONISED:
                    values[old] = replace(value, progress=_Progress.SYNCHRONISED, since=self._clock)
        done = [tlbi for tlbi in self._pending_tlbis if tlbi.completed]
        if done:
            self._pending_tlbis = [tlbi for tlbi in self._pending_tlbis if not tlbi.completed]
            for tlbi in done:
                insort(self._done_tlbis, tlbi, key=_clock)
            self._forget(done)

    def _settle_word(self, key: int) -> None:
        kept: _OldValues = {}
        for old, value in self._old_words[key].items():
            if value.progress is _Progress.ISSUED:
                kept[old] = value
            elif old & 1:
                kept[old] = replace(value, progress=_Progress.SYNCHRONISED)
            # What was invalid could never be cached: only the new value is left of it.
        self._old_words[key] = kept
        if not kept:
            del self._old_words[key]
        if all(value.progress is not _Progress.ISSUED for value in kept.values()):
            self._unsynchronised.discard(key)

    def _forget(self, done: list[_IssuedTlbi]) -> None:
        """Drop what a TLBI of the whole regime has removed for certain, and spent TLBIs."""
        total = [tlbi.clock for tlbi in done if tlbi.invalidation.is_total]
        if total:
            horizon = max(total)
            self._old_words = _younger(self._old_words, horizon)
            self._old_registers = _younger(self._old_registers, horizon)
            self._done_tlbis = [tlbi for tlbi in self._done_tlbis if tlbi.clock > horizon]
        elif not self._old_words and not self._old_registers:
            # An old value of the future can be removed by later TLBIs only.
            self._done_tlbis = []


Key = TypeVar("Key")


def _younger(table: dict[Key, _OldValues], horizon: int) -> dict[Key, _OldValues]:
    kept = {
        key: {
            old: value
            for old, value in values.items()
            if value.progress is not _Progress.SYNCHRONISED or value.since >= horizon
        }
        for key, values in table.items()
    }
    return {key: values for key, values in kept.items() if values}


def _candidates(current: int, old: _OldValues) -> tuple[Candidate, ...]:
    """Return the current value, then the old ones; a value that is current again counts once."""
    others = (value.candidate() for value in old.values() if value.value != current)
    return (Candidate(current, Hold.CURRENT), *others)
