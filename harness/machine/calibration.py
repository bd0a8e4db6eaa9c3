"""Finds what the harness needs in the bytes of the engine's saved context.

Unicorn enters no exception and reports no syndrome, but the state that it saves holds both, at
places that no interface tells. Known exceptions are provoked, and their known numbers searched
for: a place that is not found exactly once in all of them is a refusal, never a guess.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.arch.addresses import PhysicalAddress
from harness.errors import EngineError
from harness.machine.engine import STATE_PC, Engine
from harness.machine.host_memory import HostMemory
from harness.memory import PAGE_SIZE, PhysicalMemory, Region

SYNDROME = struct.Struct("<IIQI")
"""Syndrome, AArch32's fault status (of no use here), faulting address, target exception level."""
STATE = struct.Struct("<33QI")
"""x0…x30, the SP in use, PC, and PSTATE without flags and masks."""


@dataclass(frozen=True, slots=True)
class Provoked:
    """The context after one exception, and what it must hold. `far` None: not of this kind."""

    context: bytes
    syndrome: int
    far: int | None
    target_el: int
    registers: tuple[int, ...]
    """x0…x30, SP and PC."""
    mode: int
    """PSTATE.M: exception level and stack pointer."""


@dataclass(frozen=True, slots=True)
class ContextLayout:
    """Offsets of `SYNDROME` and `STATE` in the context's bytes."""

    syndrome: int
    state: int


def locate(provoked: Sequence[Provoked]) -> ContextLayout:
    """Return where every context holds its numbers; EngineError unless each place is unique."""
    return ContextLayout(
        _only("exception syndrome", [set(_syndromes(one)) for one in provoked]),
        _only("general registers", [set(_states(one)) for one in provoked]),
    )


def _only(what: str, found: Sequence[set[int]]) -> int:
    places = set.intersection(*found) if found else set()
    if len(places) != 1:
        raise EngineError(
            f"this build of Unicorn is not one that can be calibrated: the {what} is at "
            f"{len(places)} places of its saved context ({len(found)} exceptions provoked), "
            "not at one; install unicorn 2.1.4"
        )
    return places.pop()


def _syndromes(one: Provoked) -> Iterator[int]:
    for offset in _occurrences(one.context, struct.pack("<I", one.syndrome)):
        if offset + SYNDROME.size > len(one.context):
            continue
        _, _, far, target_el = SYNDROME.unpack_from(one.context, offset)
        if one.far in (None, far) and target_el == one.target_el:
            yield offset


def _states(one: Provoked) -> Iterator[int]:
    pattern = struct.pack(f"<{len(one.registers)}Q", *one.registers)
    for offset in _occurrences(one.context, pattern):
        if offset + STATE.size > len(one.context):
            continue
        if STATE.unpack_from(one.context, offset)[-1] & 0x1F == one.mode:
            yield offset


def _occurrences(data: bytes, pattern: bytes) -> Iterator[int]:
    """Yield the offsets of `pattern` that are aligned to 4 bytes, as the engine's fields are."""
    offset = data.find(pattern)
    while offset >= 0:
        if offset % 4 == 0:
            yield offset
        offset = data.find(pattern, offset + 1)


class UncalibratedEngine(Engine, Protocol):
    """An engine that can show its saved context, and has nothing found in it yet."""

    def context_bytes(self) -> bytes:
        """Return the saved context."""
        ...


# Instruction, x0, and the syndrome and FAR that must come of it.
_EXCEPTIONS = (
    (0xF940_0001, 0x5A_5A5A_5A58, 0x9600_0005, 0x5A_5A5A_5A58),  # ldr x1, [x0]
    (0xF900_0001, 0x2B_4C6D_8E98, 0x9600_0045, 0x2B_4C6D_8E98),  # str x1, [x0]
    (0xD400_B421, 0x13_5724_68A0, 0x5600_05A1, None),  # svc #0x5a1
)
_CODE = 0x1000


def calibrate(make: Callable[[HostMemory], UncalibratedEngine]) -> ContextLayout:
    """Provoke known exceptions in engines from `make`; EngineError unless each place is unique."""
    return locate([_provoke(make, *exception) for exception in _EXCEPTIONS])


def _provoke(
    make: Callable[[HostMemory], UncalibratedEngine],
    word: int,
    x0: int,
    syndrome: int,
    far: int | None,
) -> Provoked:
    """Execute `word` where only the first gibibyte is mapped, by a level 1 block at address 0."""
    image = PhysicalMemory([Region(PhysicalAddress(0), 2 * PAGE_SIZE)])
    image.write64(PhysicalAddress(0), 0x401)
    image.write(_CODE, word.to_bytes(4, "little"))
    engine = make(HostMemory(image))
    for name, value in (("MAIR_EL1", 0xFF), ("TCR_EL1", 25 | 1 << 23), ("SCTLR_EL1", 1)):
        engine.write_system(name, value)
    for index in range(1, 32):
        engine.write_general(index, 0xA5C3_0000_0000_0000 | index * 0x0101_0101)
    engine.write_general(0, x0)
    engine.write_general(STATE_PC, _CODE)
    seen = _OneException(engine)
    engine.start(seen)
    found = Provoked(
        context=seen.context,
        syndrome=syndrome,
        far=far,
        target_el=1,
        registers=tuple(engine.read_general(index) for index in range(33)),
        mode=engine.read_pstate() & 0x1F,
    )
    engine.close()
    return found


class _OneException:
    """Keeps the context as it is at the first exception, and stops there."""

    def __init__(self, engine: UncalibratedEngine) -> None:
        self._engine = engine
        self.context = b""

    def on_instruction(self, pc: int) -> None:
        """Let it execute."""

    def on_memory(self, pa: int, size: int, *, write: bool) -> None:
        """Let it happen."""

    def on_exception(self, *, fetch: bool) -> None:
        """Keep the context."""
        del fetch
        self.context = self._engine.context_bytes()
        self._engine.stop()
