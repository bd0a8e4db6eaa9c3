"""The Machine protocol: something that executes AArch64 instructions on physical memory.

A machine knows nothing of scenarios and judges nothing. It executes, enters exceptions as the
architecture says, and tells a listener what happens; the runner decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.machine.program import Program
from harness.memory import PhysicalMemory
from harness.trace import End, Event


class Listener(Protocol):
    """What the machine tells while it runs. An exception raised here ends the run and is raised."""

    def before_instruction(self, number: int, pc: VirtualAddress) -> None:
        """Be told before instruction `number` executes; memory may be edited here."""
        ...

    def event(self, event: Event) -> None:
        """Be told of every event but `End`, in program order."""
        ...

    def after_fault(self, number: int) -> None:
        """Be told after the `number`-th fault was taken, before its handler runs."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A machine's whole state; opaque, good only for the machine that made it."""

    token: object


class Machine(Protocol):
    """One PE with its memory."""

    @property
    def name(self) -> str:
        """Name and version of the engine."""
        ...

    def read_register(self, name: str) -> int:
        """Return x0…x30, sp, pc, pstate or a system register by the manual's name."""
        ...

    def write_register(self, name: str, value: int) -> None:
        """Write a register; a system register takes full effect before the next instruction."""
        ...

    def read_memory(self, address: PhysicalAddress, size: int) -> bytes | None:
        """Return bytes of physical memory, None where there is none."""
        ...

    def write_memory(self, address: PhysicalAddress, data: bytes) -> None:
        """Write physical memory as another observer would: no TLB is told."""
        ...

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return an aligned 64-bit word of physical memory, None where there is none."""
        ...

    def memory(self) -> PhysicalMemory:
        """Return a copy of the whole physical memory."""
        ...

    def maintain(self, operation: str, operand: int | None) -> None:
        """Execute one maintenance instruction outside the program (`tlbi vaae1`, `dsb ish`)."""
        ...

    def run(
        self,
        program: Program,
        listener: Listener,
        limits: tuple[int, float],
        stop_at: frozenset[VirtualAddress],
    ) -> End:
        """Execute from PC until an address of `stop_at`, an unhandled exception or a limit.

        `limits`: instructions and seconds. An exception is unhandled when VBAR_EL1 is 0.
        """
        ...

    def system_registers(self) -> Mapping[str, int]:
        """Return every system register that translation or an exception depends on."""
        ...

    def snapshot(self) -> Snapshot:
        """Return the whole state: registers, memory, the engine's TLB as far as it can."""
        ...

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a state that this machine was in."""
        ...

    def close(self) -> None:
        """Give the engine's memory back."""
        ...
