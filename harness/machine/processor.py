"""One PE over an engine: the Machine protocol, with snapshots and injected maintenance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn, cast

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.system_instructions import encode_maintenance
from harness.errors import HarnessError, UnsupportedError
from harness.machine.engine import STATE_PC, Core
from harness.machine.host_memory import HostMemory, SavedMemory
from harness.machine.machine import Listener, Snapshot
from harness.machine.parts import Parts, Progress, Wanted
from harness.machine.program import Program
from harness.machine.register_file import RegisterFile
from harness.memory import PAGE_SIZE, PhysicalMemory
from harness.scenario import Limits
from harness.trace import End, Maintenance, MaintenanceKind

DEFAULT_MEMORY_LIMIT = 256 << 20
"""Bytes, in whole pages, that a run may write to."""

_NO_LIMITS = Limits(instructions=1 << 62, seconds=float("inf"))


@dataclass(frozen=True, slots=True)
class _Saved:
    owner: object
    core: object
    kept: Mapping[str, int]
    memory: SavedMemory
    translation: object
    number: int
    faults: int


class Processor(ABC):
    """The Machine protocol over an engine; see `harness.machine.machine.Machine`.

    `memory` is what the engine works on; `kept` names registers that the core lacks and the
    machine has. What depends on who translates is a subclass's.
    """

    def __init__(
        self,
        core: Core,
        memory: HostMemory,
        *,
        memory_limit: int,
        kept: frozenset[str] = frozenset(),
    ) -> None:
        self._core = core
        self._memory = memory
        self._registers = RegisterFile(core, kept)
        self._progress = Progress()
        self._parts = Parts(core, memory, self._registers, self._progress, memory_limit)
        self._listener: Listener | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """Name and version of the engine, and what translates."""

    @abstractmethod
    def _registers_written(self, names: Collection[str]) -> None:
        """Let registers that someone else than the program wrote take their full effect."""

    @abstractmethod
    def _memory_written(self, pages: Collection[int]) -> None:
        """Be told which pages, by backing address, someone else than the engine wrote to."""

    @abstractmethod
    def _execute_maintenance(
        self, kind: MaintenanceKind, operation: str, operand: int | None
    ) -> None:
        """Maintain TLB and caches."""

    @abstractmethod
    def _go(self, wanted: Wanted) -> End | None:
        """Run."""

    @abstractmethod
    def _save(self) -> object:
        """Return the state of whatever translates."""

    @abstractmethod
    def _load(self, saved: object) -> None:
        """Bring it back; registers and memory are back already."""

    def read_register(self, name: str) -> int:
        """Return x0…x30, sp, pc, pstate (as SPSR shows it) or a system register by name."""
        return self._registers.read(name)

    def write_register(self, name: str, value: int) -> None:
        """Write a register; a system register takes full effect before the next instruction."""
        self._registers.write(name, value)
        self._registers_written((name,))

    def write_registers(self, values: Mapping[str, int]) -> None:
        """Write several, pstate before the rest, so that `sp` is that of the new mode."""
        self._registers.write_all(values)
        self._registers_written(tuple(values))

    def system_registers(self) -> Mapping[str, int]:
        """Return every system register that translation or an exception depends on."""
        return self._registers.system()

    def read_memory(self, address: PhysicalAddress, size: int) -> bytes | None:
        """Return bytes of physical memory, None where there is none."""
        return self._memory.read(address, size)

    def write_memory(self, address: PhysicalAddress, data: bytes) -> None:
        """Write physical memory as another observer would: no TLB is told.

        ValueError where there is no memory.
        """
        self._memory.write(address, data)
        pages = range(address & -PAGE_SIZE, address + len(data), PAGE_SIZE)
        self._memory_written([self._memory.backing_page(page) for page in pages])

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return an aligned 64-bit word of physical memory, None where there is none."""
        data = self._memory.read(address, 8)
        return None if data is None else int.from_bytes(data, "little")

    def write64(self, address: PhysicalAddress, value: int) -> None:
        """Write an aligned 64-bit word of physical memory, as `write_memory` does."""
        self.write_memory(address, value.to_bytes(8, "little"))

    def memory(self) -> PhysicalMemory:
        """Return a copy of the whole physical memory."""
        return self._memory.image()

    def maintain(self, operation: str, operand: int | None) -> None:
        """Execute one maintenance instruction outside the program (`tlbi vaae1`, `dsb ish`).

        UnsupportedError for AT and DC ZVA, which do more than maintain, and for no instruction.
        """
        name = " ".join(operation.lower().split())
        try:
            encode_maintenance(name)
        except ValueError as error:
            raise UnsupportedError(str(error)) from None
        kind = MaintenanceKind(name.split(maxsplit=1)[0])
        if kind is MaintenanceKind.AT or name == "dc zva":
            raise UnsupportedError(f"{name} is not maintenance: it writes a register or memory")
        self._execute_maintenance(kind, name, operand)
        if self._listener is not None:
            pc = VirtualAddress(self._core.read_general(STATE_PC))
            number = self._progress.number
            self._listener.event(Maintenance(number, pc, kind, name, operand, injected=True))

    def run(
        self,
        program: Program,
        listener: Listener,
        limits: Limits,
        stop_at: frozenset[VirtualAddress],
    ) -> End:
        """Execute from PC until an address of `stop_at`, an unhandled exception or a limit.

        Without vectors (VBAR_EL1 is 0) ESR_EL1, FAR_EL1, ELR_EL1 and SPSR_EL1 are written as for
        any exception; PC and PSTATE stay those of the instruction.
        """
        end = self._run(Wanted(program, listener, limits, stop_at))
        if end is None:
            raise HarnessError("a run ended without a reason")
        return end

    def step(
        self, program: Program, listener: Listener, stop_at: frozenset[VirtualAddress]
    ) -> End | None:
        """Execute one instruction, the entry of an exception that it causes included."""
        return self._run(Wanted(program, listener, _NO_LIMITS, stop_at, single=True))

    def snapshot(self) -> Snapshot:
        """Return the whole state: registers, memory, numbers of instructions and faults."""
        progress = self._progress
        saved = _Saved(
            self,
            self._core.save(),
            self._registers.save(),
            self._memory.save(),
            self._save(),
            progress.number,
            progress.faults,
        )
        return Snapshot(saved)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a state that this machine was in."""
        saved = snapshot.token
        if not isinstance(saved, _Saved) or saved.owner is not self:
            raise HarnessError("the snapshot is of another machine")
        self._core.load(saved.core)
        self._registers.load(saved.kept)
        self._memory_written(self._memory.restore(saved.memory))
        self._progress.number, self._progress.faults = saved.number, saved.faults
        self._load(saved.translation)

    def close(self) -> None:
        """Give the engine's memory back; the machine cannot be used again."""
        if isinstance(self._core, _Closed):
            return
        self._core.close()
        # A call into the freed engine would end the process.
        self._core = cast("Core", _Closed())
        self._registers = RegisterFile(self._core)
        self._parts = replace(self._parts, core=self._core, registers=self._registers)

    def _run(self, wanted: Wanted) -> End | None:
        if isinstance(self._core, _Closed):
            raise HarnessError("the machine is closed")
        self._listener = wanted.listener
        try:
            return self._go(wanted)
        finally:
            self._listener = None


class _Closed:
    """Stands where the engine was."""

    def __getattr__(self, name: str) -> NoReturn:
        raise HarnessError(f"the machine is closed: it has no {name} any more")
