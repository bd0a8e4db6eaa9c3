"""The machine with the reference MMU: an engine executes, the reference model translates."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import Profile
from harness.errors import HarnessError
from harness.machine.events import TRANSLATION_REGISTERS
from harness.machine.host_memory import HostMemory
from harness.machine.parts import Wanted
from harness.machine.policies import Chooser, Fresh, Policy
from harness.machine.processor import DEFAULT_MEMORY_LIMIT, Processor
from harness.machine.reference_mmu import ReferenceMmu, SavedMmu, TableMemory
from harness.machine.replaced import KEPT_REGISTERS
from harness.machine.stage import Fetched, ReferenceParts, Stage
from harness.machine.stepping import Stepping
from harness.memory import PAGE_SIZE, PhysicalMemory
from harness.trace import End, MaintenanceKind

PA_BITS = 52
"""Physical addresses: the engine has its own, which only this machine knows."""


@dataclass(frozen=True, slots=True)
class _SavedTranslation:
    mmu: SavedMmu
    begun: bool
    fetched: Fetched | None


@dataclass(frozen=True, slots=True)
class SavedPe:
    """All of a machine but its memory; opaque."""

    core: object
    kept: Mapping[str, int]
    translation: _SavedTranslation
    number: int
    faults: int


class ModelMachine(Processor):
    """A machine that executes with Unicorn and translates with the reference model.

    `memory` is copied. `policy` chooses among the outcomes that the architecture permits a PE with
    `profile`. `tables` are the physical ranges that hold translation tables at first; what walks
    read later on counts as one too. `memory_limit` bounds the bytes, in whole pages, that a run
    may write to.

    Every instruction's accesses are decoded and translated before it executes: an instruction that
    the decoder does not know ends the run, refused by name. Maintenance, barriers, AT, and moves
    to translation registers never reach the core.
    """

    def __init__(
        self,
        memory: PhysicalMemory,
        profile: Profile,
        *,
        policy: Policy | None = None,
        tables: Iterable[range] = (),
        memory_limit: int = DEFAULT_MEMORY_LIMIT,
    ) -> None:
        from harness.machine.unicorn_machine import stepping_engine

        host = HostMemory(memory, PA_BITS)
        engine = stepping_engine(host)
        super().__init__(engine, host, memory_limit=memory_limit, kept=frozenset(KEPT_REGISTERS))
        self.policy: Policy = policy or Fresh()
        self.mmu = ReferenceMmu(profile, TableMemory(host, tables))
        self._profile = profile
        self._engine = engine
        self._stage = Stage()
        self._executed: set[int] = set()

    @property
    def name(self) -> str:
        """Name and version of the engine, and what translates."""
        return f"{self._core.name}, the reference model as its MMU, TLB {self.policy.name}"

    def stepping(self, wanted: Wanted, chooser: Chooser) -> Stepping:
        """Return a run that asks `chooser`, to be driven one instruction at a time."""
        own = ReferenceParts(
            self._engine, self.mmu, chooser, self._profile, self._stage, self._executed
        )
        return Stepping(self._parts, wanted, own)

    @property
    def number(self) -> int:
        """Instructions begun so far."""
        return self._progress.number

    def general_registers(self) -> tuple[int, ...]:
        """Return x0…x30, all at once."""
        return self._engine.state()[:31]

    def journal(self) -> dict[int, int]:
        """Return what from now on holds each written word, with its value before.

        By backing address.
        """
        self._stage.stored = {}
        return self._stage.stored

    def save_pe(self) -> SavedPe:
        """Return the state of the PE: a snapshot without memory."""
        progress = self._progress
        return SavedPe(
            self._core.save(),
            self._registers.save(),
            self._save(),
            progress.number,
            progress.faults,
        )

    def load_pe(self, saved: SavedPe) -> None:
        """Go back to a state of the PE; memory is as it was then already."""
        self._core.load(saved.core)
        self._registers.load(saved.kept)
        self._progress.number, self._progress.faults = saved.number, saved.faults
        self._load(saved.translation)

    def fingerprint(self) -> Hashable:
        """Return a value that is equal only where registers and MMU will go on in the same ways.

        For equal memory; the numbers of instructions and faults have no part in it.
        """
        fetched = self._stage.fetched
        return (
            self._engine.fingerprint(),
            tuple(self._registers.save().values()),
            self.mmu.fingerprint(),
            self._stage.begun,
            fetched and (fetched.executing.word, fetched.frame),
        )

    def _registers_written(self, names: Collection[str]) -> None:
        if not TRANSLATION_REGISTERS.isdisjoint(name.upper() for name in names):
            self.mmu.reset(self._registers.system())

    def _memory_written(self, pages: Collection[int]) -> None:
        if not self._executed.isdisjoint(pages):
            self._core.forget_code()

    def write_memory(self, address: PhysicalAddress, data: bytes) -> None:
        """Write physical memory as another observer would: no TLB is told.

        Walks see it as they see a store of the PE: not for certain before a DSB and an ISB.
        ValueError where there is no memory.
        """
        words = [
            self._memory.backing_page(word) + word % PAGE_SIZE
            for word in range(address & -8, address + len(data), 8)
        ]
        before = [self.read64(PhysicalAddress(word)) or 0 for word in words]
        super().write_memory(address, data)
        for word, old in zip(words, before, strict=True):
            new = self.read64(PhysicalAddress(word)) or 0
            if self._stage.stored is not None:
                self._stage.stored.setdefault(word, old)
            if new != old:
                self.mmu.stored(word, old, new)

    def _execute_maintenance(
        self, kind: MaintenanceKind, operation: str, operand: int | None
    ) -> None:
        self.mmu.executed(kind.value, operation, operand)

    def _go(self, wanted: Wanted) -> End | None:
        return self.stepping(wanted, self.policy).go()

    def _save(self) -> _SavedTranslation:
        return _SavedTranslation(self.mmu.save(), self._stage.begun, self._stage.fetched)

    def _load(self, saved: object) -> None:
        if not isinstance(saved, _SavedTranslation):
            raise HarnessError("the snapshot is of another kind of machine")
        self.mmu.load(saved.mmu)
        self._stage.begun, self._stage.fetched = saved.begun, saved.fetched
