"""What the machine needs of an emulator: registers, memory, a soft TLB, and reports while it runs.

The machine gives architectural meaning to these; an engine has none of it to get wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from harness.vmsa.access import AccessKind

STATE_SP, STATE_PC, STATE_MODE = 31, 32, 33
"""Indices of an engine's state: x0…x30 come first."""


class CoreSyndrome(NamedTuple):
    """What the core noted for the exception that it just raised."""

    esr: int
    far: int
    target_el: int


@dataclass(frozen=True, slots=True)
class Missing:
    """An access that reached no memory."""

    kind: AccessKind
    """READ, WRITE or FETCH, of the engine's own access."""
    pa: int
    pc: int
    """Of its instruction; the engine's own may have gone on."""


class Hooks(Protocol):
    """What an engine reports while it runs. What is raised here ends `start`, which raises it."""

    def on_instruction(self, pc: int) -> None:
        """Be told before an instruction executes; it was fetched."""
        ...

    def on_memory(self, pa: int, size: int, *, write: bool) -> None:
        """Be told before the engine loads or stores; its accesses are not the architecture's."""
        ...

    def on_exception(self, *, fetch: bool) -> None:
        """Be told of an exception; PC is its preferred return address, `fetch` a prefetch abort."""
        ...


class Core(Protocol):
    """One AArch64 PE that enters no exceptions itself: its registers."""

    @property
    def name(self) -> str:
        """Name and version."""
        ...

    def state(self) -> tuple[int, ...]:
        """Return x0…x30, the SP in use, PC, and PSTATE without its flags and masks."""
        ...

    def syndrome(self) -> CoreSyndrome:
        """Return what the core noted for the last exception."""
        ...

    def read_general(self, index: int) -> int:
        """Return x0…x30 (0…30), the SP in use (31) or PC (32)."""
        ...

    def write_general(self, index: int, value: int) -> None:
        """Write what `read_general` reads."""
        ...

    def read_pstate(self) -> int:
        """Return PSTATE in SPSR's positions."""
        ...

    def write_pstate(self, value: int) -> None:
        """Write PSTATE; the stack pointers stay where they are."""
        ...

    def has_system(self, name: str) -> bool:
        """Return whether the core has the system register."""
        ...

    def read_system(self, name: str) -> int:
        """Return a system register by the manual's name."""
        ...

    def write_system(self, name: str, value: int) -> None:
        """Write a system register without its side effects: the TLB keeps what it has."""
        ...

    def flush_tlb(self) -> None:
        """Forget every translation."""
        ...

    def forget_code(self) -> None:
        """Forget every instruction that was decoded: its memory changed."""
        ...

    def save(self) -> object:
        """Return every register; neither memory nor TLB."""
        ...

    def load(self, saved: object) -> None:
        """Bring the registers back."""
        ...

    def close(self) -> None:
        """Give the engine's memory back."""
        ...


class Engine(Core, Protocol):
    """An emulator that translates by itself."""

    def start(self, hooks: Hooks) -> Missing | None:
        """Execute from PC until `stop`, or until an access that reaches no memory."""
        ...

    def stop(self) -> None:
        """Stop before the next instruction; in `on_instruction`, before that one."""
        ...

    def translate(self, va: int, kind: AccessKind) -> int | None:
        """Return where an access of this mode would go, by the TLB as it is; None: a fault."""
        ...


Pages = Mapping[int, int]
"""Virtual page to frame: where the page's bytes are in the engine's own address space."""


class SteppingEngine(Core, Protocol):
    """An emulator that is told every translation, and executes one instruction at a time."""

    def execute(self, pc: int, code: Pages, data: Pages) -> CoreSyndrome | None:
        """Execute the instruction at `pc`; what the core noted if it raised an exception.

        It is fetched through `code`, and loads and stores through `data`, pages and frames of
        4 KiB: EngineError if it needs another. PC is then the next instruction's, or the
        exception's preferred return address.
        """
        ...

    def fingerprint(self) -> bytes:
        """Return a digest of every register: equal only where all of them are."""
        ...
