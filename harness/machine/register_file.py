"""Registers by name over an engine: banked stack pointers, PSTATE, registers that show it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch import pstate
from harness.arch.fields import Kind
from harness.arch.registers import REGISTERS
from harness.arch.registers import pstate as views
from harness.arch.registers.exceptions import CURRENT_EL
from harness.errors import UnsupportedError, ValueSyntaxError, did_you_mean
from harness.machine.engine import STATE_PC, STATE_SP, Core
from harness.machine.events import TRANSLATION_REGISTERS
from harness.machine.exception_entry import Entry, uses_sp_el0

_GENERAL: Mapping[str, int] = MappingProxyType(
    {**{f"x{number}": number for number in range(31)}, "sp": STATE_SP, "pc": STATE_PC}
)
_SYSTEM = MappingProxyType({name.casefold(): name for name in REGISTERS})
_PSTATE_VIEWS: Mapping[str, int] = MappingProxyType(
    {
        register.name: sum(
            part.mask for part in register.layout if part.kind not in (Kind.RES0, Kind.RES1)
        )
        for register in (*views.REGISTERS, REGISTERS[CURRENT_EL.name])
    }
)
"""System registers that are fields of PSTATE, at the same bits."""

TRANSLATION_AND_EXCEPTIONS = (
    *("SCTLR_EL1", "TCR_EL1", "TTBR0_EL1", "TTBR1_EL1", "MAIR_EL1", "CONTEXTIDR_EL1"),
    *("VBAR_EL1", "ESR_EL1", "FAR_EL1", "ELR_EL1", "SPSR_EL1", "PAR_EL1", "SP_EL0", "SP_EL1"),
)
"""What a translation or an exception of EL1&0 depends on, or leaves."""


class RegisterFile:
    """x0…x30, sp, pc, pstate and system registers, whatever the case of their letters.

    ValueSyntaxError for a name that is none; UnsupportedError for a register that the core lacks,
    unless it is to hold 0, which is what it means to lack it. `kept`: registers that the core
    lacks and this file has instead.
    """

    def __init__(self, engine: Core, kept: frozenset[str] = frozenset()) -> None:
        self._engine = engine
        self._kept = dict.fromkeys(sorted(kept), 0)

    def read(self, name: str) -> int:
        """Return the register's value."""
        wanted = name.casefold()
        if wanted in _GENERAL:
            return self._engine.read_general(_GENERAL[wanted])
        if wanted == "pstate":
            return self._engine.read_pstate()
        known = _system_name(name)
        if known in _PSTATE_VIEWS:
            return self._engine.read_pstate() & _PSTATE_VIEWS[known]
        if known in _BANKS and known == self._live_bank():
            return self._engine.read_general(STATE_SP)
        if known in self._kept:
            return self._kept[known]
        return self._engine.read_system(known) if self._engine.has_system(known) else 0

    def write(self, name: str, value: int) -> None:
        """Write the register; a translation register at once has its full effect."""
        wanted = name.casefold()
        if value < 0 or value >> 64:
            raise ValueSyntaxError(f"{value:#x} does not fit the 64 bits of {name}")
        if wanted in _GENERAL:
            self._engine.write_general(_GENERAL[wanted], value)
        elif wanted == "pstate":
            self.write_pstate(value)
        else:
            self._write_system(_system_name(name), value)

    def write_all(self, values: Mapping[str, int]) -> None:
        """Write several, pstate first: it decides which stack pointer `sp` is."""
        for name in sorted(values, key=lambda name: name.casefold() != "pstate"):
            self.write(name, values[name])

    def write_pstate(self, value: int) -> None:
        """Write PSTATE, and let SP be the stack pointer that it then selects."""
        if pstate.M4.get(value) or pstate.EL.get(value) > 1:
            raise UnsupportedError(f"PSTATE {value:#x} is not that of AArch64 at EL0 or EL1")
        engine = self._engine
        old = self._live_bank()
        new = _BANKS[not uses_sp_el0(value)]
        if old != new:
            engine.write_system(old, engine.read_general(STATE_SP))
            engine.write_general(STATE_SP, engine.read_system(new))
        engine.write_pstate(value)

    def take(self, entry: Entry, *, esr: int, elr: int, far: int | None) -> None:
        """Write what an exception to EL1 writes; PC, PSTATE and SP follow in `jump`."""
        engine = self._engine
        engine.write_system("ESR_EL1", esr)
        engine.write_system("ELR_EL1", elr)
        engine.write_system("SPSR_EL1", entry.spsr)
        if far is not None:
            engine.write_system("FAR_EL1", far)

    def jump(self, entry: Entry) -> None:
        """Go on at the vector."""
        self.write_pstate(entry.pstate)
        self._engine.write_general(STATE_PC, entry.pc)

    def system(self) -> Mapping[str, int]:
        """Return what a translation or an exception depends on."""
        return {name: self.read(name) for name in (*TRANSLATION_AND_EXCEPTIONS, *self._kept)}

    def save(self) -> Mapping[str, int]:
        """Return the registers that the core lacks."""
        return dict(self._kept)

    def load(self, saved: Mapping[str, int]) -> None:
        """Bring them back."""
        self._kept = dict(saved)

    def _write_system(self, name: str, value: int) -> None:
        if name == CURRENT_EL.name:
            raise ValueSyntaxError("CurrentEL cannot be written: write pstate")
        if name in _PSTATE_VIEWS:
            mask = _PSTATE_VIEWS[name]
            self.write_pstate(self._engine.read_pstate() & ~mask | value & mask)
        elif name in _BANKS and name == self._live_bank():
            self._engine.write_general(STATE_SP, value)
        elif name in self._kept:
            self._kept[name] = value
        elif self._engine.has_system(name):
            self._engine.write_system(name, value)
            if name in TRANSLATION_REGISTERS or name.endswith("_EL2"):
                self._engine.flush_tlb()
        elif value:
            raise UnsupportedError(f"{self._engine.name} has no {name}")

    def _live_bank(self) -> str:
        return _BANKS[not uses_sp_el0(self._engine.read_pstate())]


_BANKS = ("SP_EL0", "SP_EL1")


def _system_name(name: str) -> str:
    known = _SYSTEM.get(name.casefold())
    if known is None:
        hint = did_you_mean(name, (*_GENERAL, "pstate", *REGISTERS))
        raise ValueSyntaxError(f"no register is called {name!r}{hint}")
    return known
