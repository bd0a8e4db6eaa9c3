"""A small machine for tests: bare words at EL1 and EL0, 4K tables laid out by hand.

Addresses, 48 bits in both halves: DATA is a 2 MiB block of memory at DATA_PA, CODE and USER show
the megabyte at RAM, for EL1 and (read-write-execute) for EL0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES, Profile
from harness.machine.model_machine import ModelMachine
from harness.machine.policies import Policy
from harness.machine.processor import Processor
from harness.machine.program import Program
from harness.machine.unicorn_machine import UnicornMachine
from harness.memory import PhysicalMemory, Region
from harness.scenario import Limits
from harness.trace import End, Event
from harness.vmsa.access import Access

RAM = 0x8000_0000
DATA_PA = 0x1_9960_0000
DATA = 0xFFFF_0000_1960_0000
KERNEL = 0xFFFF_0000_8000_0000
USER = 0x40_0000
CODE_OFFSET = 0x1_0000
VECTORS_OFFSET = 0x2_0000
CODE = KERNEL + CODE_OFFSET
USER_CODE = USER + CODE_OFFSET
VECTORS = KERNEL + VECTORS_OFFSET

PANIC_BLOCK = 0x00E8_0001_9960_0704
"""The level 2 descriptor of the panic: a block but for bit 0."""
DATA_ENTRY = 0x8000_3000 + 8 * ((DATA >> 21) & 511)
"""Where the descriptor of DATA lies."""
TABLES = range(RAM, RAM + 0x8000)

EL1H, EL1T, EL0 = 0x3C5, 0x3C4, 0x3C0
SCTLR = 0x30D0_0800 | 1 << 12 | 1 << 2 | 1
SPAN = 1 << 23
"""Of SCTLR."""


MAIR = 0xFF | 0xFF << 8 | 0x00 << 16
"""Attributes 0 and 1 are Normal write-back, 2 is Device-nGnRnE."""

_Told = TypeVar("_Told")


class Notes:
    """A listener that keeps everything; `before` and `after` are actions by number."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.before: dict[int, Callable[[], object]] = {}
        self.after: dict[int, Callable[[], object]] = {}

    def before_instruction(
        self, number: int, pc: VirtualAddress, accesses: tuple[Access, ...]
    ) -> None:
        """Act, where an action waits for this instruction."""
        del pc, accesses
        if number in self.before:
            self.before[number]()

    def event(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    def after_fault(self, fault: int, number: int) -> None:
        """Act, where an action waits for this fault."""
        del number
        if fault in self.after:
            self.after[fault]()


def image(descriptor: int, extra: Sequence[Region] = ()) -> PhysicalMemory:
    memory = PhysicalMemory(
        [
            Region(PhysicalAddress(RAM), 1 << 20),
            Region(PhysicalAddress(DATA_PA), 2 << 20),
            *extra,
        ]
    )
    for address, value in (
        (0x8000_1000, 0x8000_2003),  # TTBR1 level 0: 0xffff0000_...
        (0x8000_2000, 0x8000_3003),  # level 1: DATA
        (DATA_ENTRY, descriptor),
        (0x8000_2000 + 8 * ((KERNEL >> 30) & 511), 0x8000_5003),
        (0x8000_5000, 0x8000_0705),  # level 2: KERNEL, read-write-execute at EL1
        (0x8000_4000, 0x8000_6003),  # TTBR0
        (0x8000_6000, 0x8000_7003),
        (0x8000_7000 + 8 * 2, 0x8000_0745),  # level 2: USER, read-write-execute at EL0
    ):
        memory.write64(PhysicalAddress(address), value)
    return memory


def words(*instructions: int) -> bytes:
    return struct.pack(f"<{len(instructions)}I", *instructions)


_Machine = TypeVar("_Machine", bound=Processor)


class Rig(Generic[_Machine]):
    """A machine with code at CODE, and what it told."""

    def __init__(
        self,
        open_machine: Callable[[PhysicalMemory], _Machine],
        *code: int,
        descriptor: int,
        vectors: Mapping[int, Sequence[int]] | None,
        extra: Sequence[Region],
    ) -> None:
        memory = image(descriptor, extra)
        data = words(*code)
        memory.write(RAM + CODE_OFFSET, data)
        for offset, handler in (vectors or {}).items():
            memory.write(RAM + VECTORS_OFFSET + offset, words(*handler))
        self.machine = open_machine(memory)
        self.machine.write_registers(
            {
                "MAIR_EL1": MAIR,
                "TCR_EL1": 16 | 16 << 16 | 0b10 << 30 | 0b101 << 32 | 1 << 36,
                "TTBR0_EL1": 0x8000_4000,
                "TTBR1_EL1": 0x8000_1000,
                "SCTLR_EL1": SCTLR,
                "VBAR_EL1": VECTORS if vectors else 0,
                "pstate": EL1H,
                "pc": CODE,
                "x0": DATA,
            }
        )
        self.notes = Notes()
        self.program = Program(
            VirtualAddress(CODE), data, {"start": VirtualAddress(CODE)}, (), "words"
        )
        self.end_at = CODE + len(data)

    def run(
        self, *, instructions: int = 1000, seconds: float = 10.0, end_at: int | None = None
    ) -> End:
        """Run to the end of the code, or to `end_at`."""
        stop = VirtualAddress(self.end_at if end_at is None else end_at)
        limits = Limits(instructions, seconds)
        return self.machine.run(self.program, self.notes, limits, frozenset({stop}))

    def told(self, kind: type[_Told]) -> list[_Told]:
        """Return the events of one kind."""
        return [event for event in self.notes.events if isinstance(event, kind)]

    def set(self, **registers: int) -> None:
        """Write registers by name."""
        self.machine.write_registers(registers)

    def __getitem__(self, register: str) -> int:
        return self.machine.read_register(register)


class Bench(Rig[UnicornMachine]):
    """The same with Unicorn's own MMU."""

    def __init__(
        self,
        *code: int,
        descriptor: int = PANIC_BLOCK | 1,
        vectors: Mapping[int, Sequence[int]] | None = None,
        extra: Sequence[Region] = (),
        memory_limit: int = 1 << 24,
    ) -> None:
        super().__init__(
            lambda memory: UnicornMachine(memory, tables=[TABLES], memory_limit=memory_limit),
            *code,
            descriptor=descriptor,
            vectors=vectors,
            extra=extra,
        )


class ModelBench(Rig[ModelMachine]):
    """The same with the reference MMU."""

    def __init__(
        self,
        *code: int,
        policy: Policy | None = None,
        profile: Profile = PROFILES["max"],
        descriptor: int = PANIC_BLOCK | 1,
        vectors: Mapping[int, Sequence[int]] | None = None,
        extra: Sequence[Region] = (),
    ) -> None:
        super().__init__(
            lambda memory: ModelMachine(memory, profile, policy=policy, tables=[TABLES]),
            *code,
            descriptor=descriptor,
            vectors=vectors,
            extra=extra,
        )
