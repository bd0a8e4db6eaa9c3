"""One access through an engine's own MMU, with nothing set up but registers and table words.

The whole physical memory of the guest is answered from a dictionary of words, so that tables may
lie anywhere, a case costs no mapping, and the engine tells the location of each access. The code
that makes the access lies in a small memory of its own, reached through the other TTBR's half of
the address space: the fields of TCR_EL1 for that half are the probe's, all else is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.arch.exception_classes import ExceptionClass
from harness.arch.fields import Field
from harness.arch.registers import esr, sctlr, tcr
from harness.errors import EngineError
from harness.machine.engine import STATE_PC, CoreSyndrome, Engine, Missing
from harness.vmsa.access import AccessKind

HOME = 0x0000_0FFF_FFFF_0000
"""Physical address of the probe's own memory: the last 64KB of 44 bits, which the core has."""
HOME_SIZE = 0x1_0000
_PHYSICAL_SIZE = 1 << 48
_CODE = 0x8000
_SLOT = 8
_DONE = 0x0000_0000
"""UDF #0: what follows the access, and ends it well."""

_FETCH_ABORTS = frozenset(
    {ExceptionClass.INSTRUCTION_ABORT_LOWER, ExceptionClass.INSTRUCTION_ABORT_SAME}
)
_ABORTS = _FETCH_ABORTS | {ExceptionClass.DATA_ABORT_LOWER, ExceptionClass.DATA_ABORT_SAME}


class AnsweringEngine(Engine, Protocol):
    """An engine whose physical memory can be a function."""

    def answer_memory(
        self,
        base: int,
        size: int,
        read: Callable[[int, int], int],
        write: Callable[[int, int, int], None],
    ) -> None:
        """Give physical addresses from `base` to `read(pa, size)`, `write(pa, size, value)`.

        No code can lie there: a fetch that is translated to it is a `Missing`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Probed:
    """What one access came to: an abort, a location, or PAR_EL1 of an AT.

    All None: the instruction ended without an abort and without reaching memory.
    """

    abort: CoreSyndrome | None = None
    pa: int | None = None
    par: int | None = None


class TranslationProbe:
    """Makes accesses one by one; each with its own registers and words, and an empty TLB.

    `engine` has HOME_SIZE bytes of memory at HOME and nothing else; `home` is written there.
    """

    def __init__(self, engine: AnsweringEngine, instructions: tuple[int, ...]) -> None:
        self.name = engine.name
        self._engine = engine
        self._words: Mapping[int, int] = {}
        self._pa: int | None = None
        self._abort: CoreSyndrome | None = None
        self._slots = _slots(instructions)
        for base, end in ((0, HOME), (HOME + HOME_SIZE, _PHYSICAL_SIZE)):
            engine.answer_memory(base, end - base, self._read, lambda _pa, _size, _value: None)

    # What the engine reports while it runs (harness.machine.engine.Hooks).

    def on_instruction(self, pc: int) -> None:
        """Learn nothing: each run is one access and its end."""

    def on_memory(self, pa: int, _size: int, *, write: bool) -> None:  # noqa: ARG002 - either
        """Note the location of the first access."""
        if self._pa is None:
            self._pa = pa

    def on_exception(self, *, fetch: bool) -> None:  # noqa: ARG002 - the syndrome tells
        """Note an abort; any other exception is the UDF behind the access."""
        syndrome = self._engine.syndrome()
        if esr.EC.get(syndrome.esr) in _ABORTS:
            self._abort = syndrome
        self._engine.stop()

    def access(
        self,
        registers: Mapping[str, int],
        words: Mapping[int, int],
        va: int,
        instruction: int | None,
        pstate: int,
        *,
        translates: bool = False,
    ) -> Probed:
        """Execute `instruction` on [x0] with x0 = `va`, or fetch from `va` if it is None.

        `words`: the physical memory, else zero. `translates`: the instruction is an AT.
        """
        self._prepare(registers, words, va, pstate)
        if instruction is None:
            return self._fetch(va)
        start = self._address(registers, va, pstate >> 2 & 0b11, self._slots[instruction])
        self._run(start)
        if self._abort is not None:
            if self._abort.far == start and esr.EC.get(self._abort.esr) in _FETCH_ABORTS:
                raise EngineError(f"{self.name}: the probe's own code at {start:#x} does not run")
            return Probed(self._abort)
        if translates:
            return Probed(par=self._engine.read_system("PAR_EL1"))
        return Probed(pa=None if self._pa is None else self._pa & ~0xFFF | va & 0xFFF)

    def _fetch(self, va: int) -> Probed:
        missing = self._run(va)
        if self._abort is not None:
            return Probed(self._abort)
        if missing is None or missing.kind is not AccessKind.FETCH:
            raise EngineError(f"{self.name}: the fetch from {va:#x} ended in no known way")
        return Probed(pa=missing.pa)

    def _run(self, pc: int) -> Missing | None:
        self._engine.write_general(STATE_PC, pc)
        return self._engine.start(self)

    def _prepare(
        self, registers: Mapping[str, int], words: Mapping[int, int], va: int, pstate: int
    ) -> None:
        self._words = words
        self._pa = self._abort = None
        engine = self._engine
        control = registers.get("TCR_EL1", 0)
        if va >> 55 & 1:
            control = control & ~_LOWER_FIELDS | _LOWER_HOME
            low, high = HOME, registers.get("TTBR1_EL1", 0)
        else:
            control = control & ~_UPPER_FIELDS | _UPPER_HOME
            low, high = registers.get("TTBR0_EL1", 0), HOME
        engine.write_pstate(pstate)
        engine.write_system("TCR_EL1", control)
        engine.write_system("TTBR0_EL1", low)
        engine.write_system("TTBR1_EL1", high)
        engine.write_system("MAIR_EL1", registers.get("MAIR_EL1", 0))
        engine.write_system("SCTLR_EL1", registers.get("SCTLR_EL1", 0))
        engine.write_general(0, va)
        engine.flush_tlb()

    def _address(self, registers: Mapping[str, int], va: int, el: int, offset: int) -> int:
        """Return the virtual address of the probe's memory at `offset`, as code of `el`."""
        if not sctlr.M.get(registers.get("SCTLR_EL1", 0)):
            return HOME + offset
        page = 0 if el else 1
        if va >> 55 & 1:
            return page * HOME_SIZE + offset
        return (1 << 64) - (page + 1) * HOME_SIZE + offset

    def _read(self, pa: int, size: int) -> int:
        word = self._words.get(pa & ~7, 0)
        return word >> 8 * (pa & 7) & (1 << 8 * size) - 1


def home(instructions: tuple[int, ...]) -> bytes:
    """Return the contents of the probe's own memory: a table, and code for each instruction."""
    memory = bytearray(HOME_SIZE)
    # One table of 64KB pages for either half: entries 0 and 511 are EL1's, 1 and 510 EL0's.
    for index, el in ((0, 1), (511, 1), (1, 0), (510, 0)):
        memory[8 * index : 8 * index + 8] = _page(el).to_bytes(8, "little")
    for word, offset in _slots(instructions).items():
        code = word.to_bytes(4, "little") + _DONE.to_bytes(4, "little")
        memory[offset : offset + _SLOT] = code
    return bytes(memory)


def _slots(instructions: tuple[int, ...]) -> dict[int, int]:
    """Return where the code of each instruction lies in the probe's memory."""
    return {word: _CODE + _SLOT * slot for slot, word in enumerate(instructions)}


def _page(el: int) -> int:
    """Return a level 3 descriptor of HOME: read-only, executable at `el` alone."""
    never_at_other_el = 1 << 54 if el else 1 << 53
    return HOME | 0b11 | 0b11 << 6 | 0b11 << 8 | 1 << 10 | never_at_other_el


def _fields(*fields: Field) -> int:
    return sum(field.mask for field in fields)


_LOWER_FIELDS = _fields(tcr.T0SZ, tcr.EPD0, tcr.TG0, tcr.TBI0, tcr.HPD0, tcr.TBID0)
_UPPER_FIELDS = _fields(tcr.T1SZ, tcr.EPD1, tcr.TG1, tcr.TBI1, tcr.HPD1, tcr.TBID1)
# 25 bits of address and 64KB pages: one table, level 3.
_LOWER_HOME = tcr.TG0.set(tcr.T0SZ.set(0, 39), 1)
_UPPER_HOME = tcr.TG1.set(tcr.T1SZ.set(0, 39), 3)
