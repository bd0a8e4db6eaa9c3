"""One PE over an engine: the Machine protocol, with snapshots and injected maintenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn, cast

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.system_instructions import encode_maintenance
from harness.errors import HarnessError, UnsupportedError
from harness.machine.code_reader import CodeReader
from harness.machine.engine import STATE_PC, Engine
from harness.machine.host_memory import HostMemory, SavedMemory
from harness.machine.machine import Listener, Snapshot
from harness.machine.parts import Parts, Progress, Wanted
from harness.machine.program import Program
from harness.machine.register_file import RegisterFile
from harness.machine.running import Running
from harness.memory import PAGE_SIZE, PhysicalMemory
from harness.scenario import Limits
from harness.trace import End, Maintenance, MaintenanceKind
from harness.vmsa.access import AccessKind

DEFAULT_MEMORY_LIMIT = 256 << 20
"""Bytes, in whole pages, that a run may write to."""

_NO_LIMITS = Limits(instructions=1 << 62, seconds=float("inf"))


@dataclass(frozen=True, slots=True)
class _Saved:
    registers: object
    memory: SavedMemory
    number: int
    faults: int


class Processor:
    """The Machine protocol over an engine; see `harness.machine.machine.Machine`.

    `memory` is what the engine works on. Snapshots hold registers and memory; an engine's TLB
    can be neither read nor written, so that restoring one empties it: the next access of each
    page walks. Two machines that restore equal snapshots go on alike, which keeping whatever the
    TLB happens to hold would not give.
    """

    def __init__(
        self,
        engine: Engine,
        memory: HostMemory,
        *,
        tables: Iterable[range],
        memory_limit: int,
    ) -> None:
        self._engine = engine
        self._memory = memory
        self._registers = RegisterFile(engine)
        self._code = CodeReader(engine, memory)
        self._progress = Progress()
        self._parts = Parts(
            engine,
            memory,
            self._registers,
            self._code,
            self._progress,
            tuple(_backing(memory, table) for table in tables),
            memory_limit,
        )
        self._listener: Listener | None = None

    @property
    def name(self) -> str:
        """Name and version of the engine, and what translates."""
        return f"{self._engine.name}, its own MMU"

    def read_register(self, name: str) -> int:
        """Return x0…x30, sp, pc, pstate (as SPSR shows it) or a system register by name."""
        return self._registers.read(name)

    def write_register(self, name: str, value: int) -> None:
        """Write a register; a system register takes full effect before the next instruction."""
        self._registers.write(name, value)
        self._code.forget_translations()

    def write_registers(self, values: Mapping[str, int]) -> None:
        """Write several, pstate before the rest, so that `sp` is that of the new mode."""
        self._registers.write_all(values)
        self._code.forget_translations()

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
        self._code.note_change(self._memory.backing_page(page) for page in pages)

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

    def translate(self, va: VirtualAddress, kind: AccessKind) -> PhysicalAddress | None:
        """Return where an access of the present mode would go by the TLB as it is; None: a fault.

        What the TLB lacks is walked for and kept, as for the access itself.
        """
        address = self._engine.translate(va, kind)
        return None if address is None else PhysicalAddress(address)

    def maintain(self, operation: str, operand: int | None) -> None:
        """Execute one maintenance instruction outside the program (`tlbi vaae1`, `dsb ish`).

        A TLBI empties the whole TLB, at once: an implementation may always drop more than it is
        told to, and earlier. Barriers and cache maintenance have nothing to wait for or to clean.
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
        if kind is MaintenanceKind.TLBI:
            self._engine.flush_tlb()
            self._code.forget_translations()
        elif kind is MaintenanceKind.IC:
            self._engine.forget_code()
        if self._listener is not None:
            pc = VirtualAddress(self._engine.read_general(STATE_PC))
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
        end = self._go(Wanted(program, listener, limits, stop_at))
        if end is None:
            raise HarnessError("a run ended without a reason")
        return end

    def step(
        self, program: Program, listener: Listener, stop_at: frozenset[VirtualAddress]
    ) -> End | None:
        """Execute one instruction, the entry of an exception that it causes included."""
        return self._go(Wanted(program, listener, _NO_LIMITS, stop_at, single=True))

    def snapshot(self) -> Snapshot:
        """Return registers, memory, and the numbers of instructions and faults."""
        progress = self._progress
        saved = _Saved(self._engine.save(), self._memory.save(), progress.number, progress.faults)
        return Snapshot(saved)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a state that this machine was in, with an empty TLB."""
        saved = snapshot.token
        if not isinstance(saved, _Saved):
            raise HarnessError("the snapshot is of another kind of machine")
        self._engine.load(saved.registers)
        self._engine.flush_tlb()
        self._code.forget_translations()
        self._code.note_change(self._memory.restore(saved.memory))
        self._progress.number, self._progress.faults = saved.number, saved.faults

    def close(self) -> None:
        """Give the engine's memory back; the machine cannot be used again."""
        if isinstance(self._engine, _Closed):
            return
        self._engine.close()
        # A call into the freed engine would end the process.
        self._engine = cast("Engine", _Closed())
        self._registers = RegisterFile(self._engine)
        self._code = CodeReader(self._engine, self._memory)
        self._parts = replace(
            self._parts, engine=self._engine, registers=self._registers, code=self._code
        )

    def _go(self, wanted: Wanted) -> End | None:
        self._listener = wanted.listener
        try:
            return Running(self._parts, wanted).go()
        finally:
            self._listener = None


class _Closed:
    """Stands where the engine was."""

    def __getattr__(self, name: str) -> NoReturn:
        raise HarnessError(f"the machine is closed: it has no {name} any more")


def _backing(memory: HostMemory, table: range) -> range:
    start = memory.backing_page(table.start) + table.start % PAGE_SIZE
    return range(start, start + len(table))
