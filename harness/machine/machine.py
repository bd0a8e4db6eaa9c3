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
from harness.scenario import Limits
from harness.trace import End, Event
from harness.vmsa.access import Access


class Listener(Protocol):
    """What the machine tells while it runs. An exception raised here ends the run and is raised.

    For one instruction, in this order: `before_instruction`, its `Instruction` event, the events
    that it causes. An instruction that cannot be fetched has a number too, but only its fault's
    events. In `before_instruction` and `after_fault` a listener may read the machine, write its
    memory and translation registers, and have it maintain its TLB; never in `event`.
    """

    def before_instruction(
        self, number: int, pc: VirtualAddress, accesses: tuple[Access, ...]
    ) -> None:
        """Be told before instruction `number` executes, which data accesses it is about to make."""
        ...

    def event(self, event: Event) -> None:
        """Be told of every event but `End`, in program order."""
        ...

    def after_fault(self, fault: int, number: int) -> None:
        """Be told after the `fault`-th abort was taken by instruction `number`.

        Its handler has not run yet; where no handler is installed, the listener is not told.
        """
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
        """Return x0…x30, sp, pc, pstate (as SPSR shows it) or a system register.

        System registers go by the manual's names, SP_EL0 and SP_EL1 among them; ValueSyntaxError
        for a name that is none.
        """
        ...

    def write_register(self, name: str, value: int) -> None:
        """Write a register; a system register takes full effect before the next instruction."""
        ...

    def write_registers(self, values: Mapping[str, int]) -> None:
        """Write several, pstate before the rest, so that `sp` is that of the new mode."""
        ...

    def read_memory(self, address: PhysicalAddress, size: int) -> bytes | None:
        """Return bytes of physical memory, None where there is none."""
        ...

    def write_memory(self, address: PhysicalAddress, data: bytes) -> None:
        """Write physical memory as another observer would: no TLB is told.

        ValueError where there is no memory.
        """
        ...

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return an aligned 64-bit word of physical memory, None where there is none."""
        ...

    def write64(self, address: PhysicalAddress, value: int) -> None:
        """Write an aligned 64-bit word of physical memory, as `write_memory` does."""
        ...

    def memory(self) -> PhysicalMemory:
        """Return a copy of the whole physical memory."""
        ...

    def maintain(self, operation: str, operand: int | None) -> None:
        """Execute one maintenance instruction outside the program (`tlbi vaae1`, `dsb ish`).

        It is told to the listener as a Maintenance event with `injected` set. UnsupportedError
        for an operation that the machine does not know.
        """
        ...

    def run(
        self,
        program: Program,
        listener: Listener,
        limits: Limits,
        stop_at: frozenset[VirtualAddress],
    ) -> End:
        """Execute from PC until an address of `stop_at`, an unhandled exception or a limit.

        An exception is unhandled when VBAR_EL1 is 0. The numbers of instructions and faults go on
        from where the last `run` or `step` ended; `limits` count from the beginning of this one.
        """
        ...

    def step(
        self, program: Program, listener: Listener, stop_at: frozenset[VirtualAddress]
    ) -> End | None:
        """Execute one instruction, the entry of an exception that it causes included.

        None while the run could go on. An address of `stop_at` at PC ends it before it executes.
        """
        ...

    def system_registers(self) -> Mapping[str, int]:
        """Return every system register that translation or an exception depends on."""
        ...

    def snapshot(self) -> Snapshot:
        """Return the whole state: registers, memory, numbers of instructions and faults."""
        ...

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a state that this machine was in, with an empty TLB."""
        ...

    def close(self) -> None:
        """Give the engine's memory back."""
        ...
