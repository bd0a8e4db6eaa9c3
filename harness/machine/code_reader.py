"""The instruction words that a machine is about to execute, and what each means."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from harness.arch.system_instructions import SystemInstruction, decode_system_instruction
from harness.errors import UnsupportedError
from harness.machine.accesses import decode_accesses
from harness.machine.engine import Engine
from harness.machine.host_memory import HostMemory
from harness.memory import PAGE_SIZE
from harness.vmsa.access import AccessKind

_NOT_REPRODUCIBLE = ("S3_3_C14_", "S3_3_C2_C4_", "S3_3_C9_C13_")
"""Generic names of the counters and timers, RNDR and RNDRRS, and the cycle counter."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word says by itself, without register values."""

    word: int
    system: SystemInstruction | None
    has_accesses: bool
    refusal: str = ""
    """Why the machine does not execute it; empty where it does."""


@functools.lru_cache(maxsize=4096)
def meaning_of(word: int) -> Meaning:
    """Return what `word` is."""
    system = decode_system_instruction(word)
    if system is not None and (system.register or "").startswith(_NOT_REPRODUCIBLE):
        return Meaning(word, system, False, f"{system.name}: no two runs would read the same")
    try:
        has_accesses = bool(decode_accesses(word, 0, _zero))
    except UnsupportedError as error:
        return Meaning(word, system, False, str(error))
    return Meaning(word, system, has_accesses)


def _zero(_register: str) -> int:
    return 0


class CodeReader:
    """Reads words where the engine fetches them: by its TLB, as stale as that may be."""

    def __init__(self, engine: Engine, memory: HostMemory) -> None:
        self._engine = engine
        self._memory = memory
        self._frames: dict[int, int] = {}
        self._meanings: dict[int, Meaning] = {}
        self._executed: set[int] = set()

    def at(self, pc: int) -> Meaning | None:
        """Return the instruction at `pc`, which the engine is about to execute.

        None where `pc` no longer translates: the engine decoded it before that changed.
        """
        meaning = self._meanings.get(pc)
        if meaning is None:
            word = self._word(pc)
            if word is not None:
                meaning = self._meanings[pc] = meaning_of(word)
        return meaning

    def forget_translations(self) -> None:
        """Ask the engine again where each page is."""
        self._frames.clear()
        self._meanings.clear()

    def note_store(self, page: int) -> None:
        """Read anew if the guest wrote to a page, by backing address, that was executed."""
        if page in self._executed:
            self._meanings.clear()

    def note_change(self, pages: Iterable[int]) -> None:
        """Read anew after writes of the harness, of which the engine knows nothing by itself."""
        if not self._executed.isdisjoint(pages):
            self._engine.forget_code()
            self._executed.clear()
            self.forget_translations()

    def _word(self, pc: int) -> int | None:
        page = pc & -PAGE_SIZE
        frame = self._frames.get(page)
        if frame is None:
            address = self._engine.translate(pc, AccessKind.FETCH)
            if address is None:
                return None
            frame = self._frames[page] = address & -PAGE_SIZE
            self._executed.add(self._memory.backing_page(frame))
        data = self._memory.read(frame + pc - page, 4)
        return int.from_bytes(data or b"", "little")
