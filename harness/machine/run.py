"""What every run has, whoever translates: numbers, limits, exceptions that are taken, its end."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

from harness.arch import pstate
from harness.arch.addresses import VirtualAddress
from harness.arch.exception_classes import ExceptionClass
from harness.arch.registers import REGISTERS, sctlr
from harness.arch.registers import esr as syndrome
from harness.arch.syndromes import Syndrome, describe_esr
from harness.machine.engine import STATE_MODE
from harness.machine.events import Executing
from harness.machine.exception_entry import enter_el1
from harness.machine.parts import Parts, Wanted
from harness.trace import End, EndReason, ExceptionEntry, FaultTaken
from harness.vmsa.access import Access

FETCH_ABORTS = (ExceptionClass.INSTRUCTION_ABORT_LOWER, ExceptionClass.INSTRUCTION_ABORT_SAME)
_ABORTS = (*FETCH_ABORTS, ExceptionClass.DATA_ABORT_LOWER, ExceptionClass.DATA_ABORT_SAME)
_CHECK_EVERY = 64
"""Instructions between looks at the clock and at the memory written."""
_VECTOR_FAULTS = 64
"""Faults of the vector itself, with no instruction between them, after which a run gives up."""

PC_ALIGNMENT = Syndrome(ExceptionClass.PC_ALIGNMENT).to_int()
ILLEGAL_STATE = Syndrome(ExceptionClass.ILLEGAL_EXECUTION_STATE).to_int()
SP_ALIGNMENT = Syndrome(ExceptionClass.SP_ALIGNMENT).to_int()
UNDEFINED = Syndrome(ExceptionClass.UNKNOWN).to_int()


class Run(ABC):
    """One call of `run` or `step`."""

    def __init__(self, parts: Parts, wanted: Wanted) -> None:
        self._core = parts.core
        self._memory = parts.memory
        self._registers = parts.registers
        self._progress = parts.progress
        self._wanted = wanted
        self._listener = wanted.listener
        self._mode = (1, False, False)
        self._illegal = False
        self._labels: dict[int, str] = {}
        self._vector_faults = 0
        self._vector: int | None = None
        self._first = self._progress.number
        self._deadline = time.monotonic() + wanted.limits.seconds
        self._memory_limit = parts.memory_limit
        self._memory_bound = parts.memory.written + parts.memory_limit
        self._end: End | None = None
        self._paused = False

    def _is_over(self) -> bool:
        return self._paused or self._end is not None

    def _may_begin(self, pc: int) -> bool:
        """Count the next instruction, unless this run ends before it."""
        limits = self._wanted.limits
        progress = self._progress
        begun = progress.number - self._first
        if self._end is not None:
            return False
        if self._wanted.single and begun:
            self._pause()
        elif pc in self._wanted.stop_at:
            self._stop(EndReason.RETURNED, pc)
        elif begun >= limits.instructions:
            self._stop(EndReason.LIMIT, pc, f"{limits.instructions} instructions")
        elif begun % _CHECK_EVERY == 0 and time.monotonic() > self._deadline:
            self._stop(EndReason.LIMIT, pc, f"{limits.seconds:g} s")
        elif begun % _CHECK_EVERY == 0 and self._memory.written > self._memory_bound:
            self._stop(EndReason.LIMIT, pc, f"{self._memory_limit} bytes of memory written")
        else:
            progress.number += 1
            return True
        return False

    def _take(
        self, esr: int, *, far: int, elr: int, pc: VirtualAddress, access: Access | None = None
    ) -> None:
        """Take an exception to EL1, or end the run where no vectors are installed.

        `pc` and `access` are of the instruction that caused it.
        """
        number = self._progress.number
        ec = syndrome.EC.get(esr)
        is_abort = ec in _ABORTS
        if is_abort:
            self._progress.faults += 1
            place = VirtualAddress(far)
            self._listener.event(FaultTaken(number, pc, self._label(pc), access, esr, place, 1))
        vbar = self._core.read_system("VBAR_EL1")
        entry = enter_el1(
            before=self._core.read_pstate(),
            vbar=vbar,
            sctlr_el1=self._core.read_system("SCTLR_EL1"),
        )
        has_far = is_abort or ec == ExceptionClass.PC_ALIGNMENT
        self._registers.take(entry, esr=esr, elr=elr, far=far if has_far else None)
        if not vbar:
            reason = EndReason.FAULT if is_abort else EndReason.EXCEPTION
            self._stop(reason, pc, describe_esr(esr).rstrip("."))
            return
        self._registers.jump(entry)
        self._entered()
        self._read_mode()
        return_address = VirtualAddress(elr)
        self._listener.event(
            ExceptionEntry(number, entry.pc, entry.offset, esr, return_address, entry.spsr)
        )
        if is_abort:
            self._listener.after_fault(self._progress.faults, number)
        self._watch_vector(entry.pc, is_repeat=ec in FETCH_ABORTS and elr == self._vector)
        if self._wanted.single:
            self._pause()

    def _watch_vector(self, vector: int, *, is_repeat: bool) -> None:
        """End a run whose vector cannot be fetched: it would fault for ever."""
        self._vector = vector
        self._vector_faults = self._vector_faults + 1 if is_repeat else 0
        if self._vector_faults >= _VECTOR_FAULTS:
            detail = f"the vector at {vector:#x} faults itself, {_VECTOR_FAULTS} times in a row"
            self._stop(EndReason.LIMIT, vector, detail)

    def _lacking(self, esr: int, executing: Executing | None) -> str:
        """Return what the core lacks, where it calls UNDEFINED what the architecture has."""
        if syndrome.EC.get(esr) != ExceptionClass.UNKNOWN or executing is None:
            return ""
        system = executing.system
        is_for_el1 = self._mode[0] == 1 and not executing.word >> 18 & 1  # op1 of 4 and more: EL2
        is_known = system is not None and (system.register is None or system.register in REGISTERS)
        if system is None or not is_known or not is_for_el1:
            return ""
        return f"{system.name}: {self._core.name} lacks it"

    @abstractmethod
    def _entered(self) -> None:
        """Be told that an exception was entered, before anyone hears of it."""

    @abstractmethod
    def _halt(self) -> None:
        """Be told that this run goes no further."""

    def _stop(self, reason: EndReason, pc: int, detail: str = "") -> None:
        self._end = End(self._progress.number, VirtualAddress(pc), reason, detail)
        self._halt()

    def _pause(self) -> None:
        self._paused = True
        self._halt()

    def _read_mode(self) -> None:
        self._set_mode(self._core.state()[STATE_MODE])

    def _set_mode(self, state: int) -> None:
        self._mode = (
            pstate.EL.get(state),
            bool(pstate.PAN.get(state)),
            bool(pstate.UAO.get(state)),
        )
        self._illegal = bool(pstate.IL.get(state))

    def _checks_sp(self) -> bool:
        part = sctlr.SA if self._mode[0] else sctlr.SA0
        return bool(part.get(self._core.read_system("SCTLR_EL1")))

    def _label(self, pc: VirtualAddress) -> str:
        label = self._labels.get(pc)
        if label is None:
            label = self._labels[pc] = self._wanted.program.label(pc)
        return label
