"""A run in progress: what the engine reports becomes events, exceptions and the end."""

from __future__ import annotations

import time

from harness.arch import pstate
from harness.arch.addresses import VirtualAddress
from harness.arch.exception_classes import ExceptionClass
from harness.arch.faults import FaultKind
from harness.arch.registers import REGISTERS, sctlr
from harness.arch.registers import esr as syndrome
from harness.arch.syndromes import Abort, Syndrome, describe_esr, encode_abort
from harness.arch.system_instructions import SystemInstructionKind
from harness.errors import EngineError
from harness.machine.accesses import decode_accesses
from harness.machine.code_reader import Meaning
from harness.machine.engine import STATE_MODE, STATE_PC, Missing
from harness.machine.events import (
    Executing,
    Observed,
    access_at,
    completed,
    descriptor_writes,
    virtual_of,
)
from harness.machine.exception_entry import enter_el1
from harness.machine.parts import Parts, Wanted
from harness.machine.registers_before import RegistersBefore
from harness.memory import PAGE_SIZE
from harness.trace import End, EndReason, ExceptionEntry, FaultTaken, Instruction
from harness.vmsa.access import Access, AccessKind, Operation

_FETCH_ABORTS = (ExceptionClass.INSTRUCTION_ABORT_LOWER, ExceptionClass.INSTRUCTION_ABORT_SAME)
_ABORTS = (*_FETCH_ABORTS, ExceptionClass.DATA_ABORT_LOWER, ExceptionClass.DATA_ABORT_SAME)
_CHECK_EVERY = 64
"""Instructions between looks at the clock and at the memory written."""
_VECTOR_FAULTS = 64
"""Faults of the vector itself, with no instruction between them, after which a run gives up."""
_CHANGES_MODE = (
    SystemInstructionKind.ERET,
    SystemInstructionKind.MSR,
    SystemInstructionKind.MSR_IMMEDIATE,
)
_INSTRUCTION = 4
_SP_ALIGNMENT = 16


class Running:
    """One call of `run` or `step`; `Hooks` of the engine."""

    def __init__(self, parts: Parts, wanted: Wanted) -> None:
        self._parts = parts
        self._engine = parts.engine
        self._memory = parts.memory
        self._progress = parts.progress
        self._wanted = wanted
        self._listener = wanted.listener
        self._executing: Executing | None = None
        self._observed = Observed()
        self._lost_store = False
        self._mode = (1, False, False)
        self._illegal = False
        self._sp_is_misaligned = False
        self._refetches = False
        self._labels: dict[int, str] = {}
        self._vector_faults = 0
        self._vector: int | None = None
        self._first = self._progress.number
        self._deadline = time.monotonic() + wanted.limits.seconds
        self._memory_bound = parts.memory.written + parts.memory_limit
        self._end: End | None = None
        self._paused = False

    def go(self) -> End | None:
        """Execute until the end, None where a single instruction did not reach one."""
        self._read_mode()
        self._parts.code.forget_translations()
        while not self._is_over():
            before = self._progress.number
            missing = self._engine.start(self)
            if missing is not None:
                self._abort_externally(missing)
            elif self._progress.number == before and not self._is_over() and not self._refetches:
                pc = self._engine.read_general(STATE_PC)
                raise EngineError(f"{self._engine.name} does not go on at {pc:#x}")
        return self._end

    def _is_over(self) -> bool:
        return self._paused or self._end is not None

    # Reports of the engine

    def on_instruction(self, pc: int) -> None:
        """End the last instruction, and begin this one."""
        self._finish_instruction()
        if not self._may_begin(pc):
            return
        # AArch64.CheckPCAlignment and CheckForIllegalExecutionState: the core has neither.
        if pc % _INSTRUCTION:
            self._take(Syndrome(ExceptionClass.PC_ALIGNMENT).to_int(), far=pc, elr=pc)
            return
        if self._illegal:
            self._take(Syndrome(ExceptionClass.ILLEGAL_EXECUTION_STATE).to_int(), far=0, elr=pc)
            return
        self._vector_faults = 0
        address = VirtualAddress(pc)
        number = self._progress.number
        meaning = self._parts.code.at(pc)
        if meaning is None:
            self._fetch_again(pc)
            return
        self._refetches = False
        if meaning.refusal:
            self._stop(EndReason.UNSUPPORTED, pc, meaning.refusal)
            return
        executing = self._executing = self._begin(meaning, address)
        self._listener.before_instruction(number, address, executing.accesses)
        self._listener.event(
            Instruction(number, address, meaning.word, executing.label, self._mode[0])
        )
        if self._sp_is_misaligned:
            # AArch64.CheckSPAlignment: the core has none.
            self._take(Syndrome(ExceptionClass.SP_ALIGNMENT).to_int(), far=0, elr=pc)

    def on_memory(self, pa: int, size: int, *, write: bool) -> None:
        """Note where the instruction's loads and stores go."""
        if self._executing is None:
            return
        first = PAGE_SIZE - pa % PAGE_SIZE
        self._note(pa, min(size, first), write=write)
        if size > first:
            second = self._second_page(pa, first, write=write)
            if second is not None:
                self._note(second, size - first, write=write)

    def on_exception(self, *, fetch: bool) -> None:
        """Enter the exception that the core raised."""
        self._refetches = False
        if fetch:
            self._finish_instruction()
            pc = self._engine.read_general(STATE_PC)
            if not self._may_begin(pc):
                return
        noted = self._engine.syndrome()
        elr = self._engine.read_general(STATE_PC)
        if noted.target_el != 1:
            self._stop(EndReason.UNSUPPORTED, elr, f"an exception to EL{noted.target_el}")
            return
        refusal = self._lacking(noted.esr)
        if refusal:
            self._stop(EndReason.UNSUPPORTED, elr, refusal)
            return
        self._take(noted.esr, far=noted.far, elr=elr)

    # One instruction

    def _begin(self, meaning: Meaning, pc: VirtualAddress) -> Executing:
        el, pan, uao = self._mode
        before = RegistersBefore(self._engine)
        accesses: tuple[Access, ...] = ()
        if meaning.has_accesses:
            accesses = decode_accesses(meaning.word, pc, before.by_name, el=el, pan=pan, uao=uao)
        self._sp_is_misaligned = before.base_sp % _SP_ALIGNMENT != 0 and self._checks_sp()
        operand = spsr = None
        system = meaning.system
        if system is not None:
            if system.rt is not None and system.kind is not SystemInstructionKind.MRS:
                operand = before.x(system.rt)
            if system.kind is SystemInstructionKind.ERET:
                spsr = self._engine.read_system("SPSR_EL1")
        number, label = self._progress.number, self._label(pc)
        return Executing(number, pc, label, meaning.word, system, operand, spsr, accesses)

    def _fetch_again(self, pc: int) -> None:
        """Make the engine fetch an instruction that it decoded before its page was taken away."""
        if self._refetches:
            raise EngineError(f"{self._engine.name} executes at {pc:#x}, which does not translate")
        self._refetches = True
        self._progress.number -= 1
        self._engine.flush_tlb()
        self._engine.stop()

    def _checks_sp(self) -> bool:
        part = sctlr.SA if self._mode[0] else sctlr.SA0
        return bool(part.get(self._engine.read_system("SCTLR_EL1")))

    def _finish_instruction(self) -> None:
        """Tell what the instruction did that was executing, if one was."""
        executing, self._executing = self._executing, None
        if executing is None:
            return
        for event in completed(executing, self._observed, self._memory.read):
            self._listener.event(event)
        self._forget_observed()
        if self._lost_store:
            detail = "a store across two pages, of which the second cannot be followed"
            self._stop(EndReason.UNSUPPORTED, executing.pc, detail)
        if executing.system is not None:
            self._parts.code.forget_translations()
            if executing.system.kind in _CHANGES_MODE:
                self._read_mode()

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
            self._stop(EndReason.LIMIT, pc, f"{limits.seconds:g} seconds")
        elif begun % _CHECK_EVERY == 0 and self._memory.written > self._memory_bound:
            self._stop(EndReason.LIMIT, pc, f"{self._parts.memory_limit} bytes of memory written")
        else:
            progress.number += 1
            return True
        return False

    def _note(self, pa: int, size: int, *, write: bool) -> None:
        observed = self._observed
        if not write:
            observed.reads.append((pa, size))
            return
        observed.writes.append((pa, size))
        self._memory.note_write(pa, size)
        page = self._memory.backing_page(pa)
        self._parts.code.note_store(page)
        backing = page + pa % PAGE_SIZE
        if any(backing in table for table in self._parts.tables):
            for word in range(backing & -8, backing + size, 8):
                if word not in observed.old_words:
                    data = self._memory.read(word, 8)
                    observed.old_words[word] = int.from_bytes(data or b"", "little")

    def _second_page(self, pa: int, first: int, *, write: bool) -> int | None:
        """Return where an access goes on, of which the engine reports the first page only."""
        found = virtual_of(self._executing.accesses if self._executing else (), pa)
        if found is None:
            return None
        va = (found[1] + first) & (1 << 64) - 1
        second = self._engine.translate(va, AccessKind.WRITE if write else AccessKind.READ)
        # An unprivileged store may succeed where this mode's own would not.
        self._lost_store |= second is None and write
        return second

    # Exceptions

    def _take(self, esr: int, *, far: int, elr: int) -> None:
        """Take an exception to EL1, or end the run where no vectors are installed."""
        executing, self._executing = self._executing, None
        number = self._progress.number
        for event in descriptor_writes(number, self._observed, self._memory.read):
            self._listener.event(event)
        self._forget_observed()
        ec = syndrome.EC.get(esr)
        is_abort = ec in _ABORTS
        pc = executing.pc if executing else VirtualAddress(elr)
        if is_abort:
            self._progress.faults += 1
            access = self._faulting(executing, ec, far)
            place = VirtualAddress(far)
            self._listener.event(FaultTaken(number, pc, self._label(pc), access, esr, place, 1))
        vbar = self._engine.read_system("VBAR_EL1")
        entry = enter_el1(
            before=self._engine.read_pstate(),
            vbar=vbar,
            sctlr_el1=self._engine.read_system("SCTLR_EL1"),
        )
        has_far = is_abort or ec == ExceptionClass.PC_ALIGNMENT
        self._parts.registers.take(entry, esr=esr, elr=elr, far=far if has_far else None)
        if not vbar:
            reason = EndReason.FAULT if is_abort else EndReason.EXCEPTION
            self._stop(reason, pc, describe_esr(esr).rstrip("."))
            return
        self._parts.registers.jump(entry)
        self._parts.code.forget_translations()
        self._read_mode()
        return_address = VirtualAddress(elr)
        self._listener.event(
            ExceptionEntry(number, entry.pc, entry.offset, esr, return_address, entry.spsr)
        )
        if is_abort:
            self._listener.after_fault(self._progress.faults, number)
        self._watch_vector(entry.pc, is_repeat=ec in _FETCH_ABORTS and elr == self._vector)
        if self._wanted.single:
            self._pause()

    def _watch_vector(self, vector: int, *, is_repeat: bool) -> None:
        """End a run whose vector cannot be fetched: it would fault for ever."""
        self._vector = vector
        self._vector_faults = self._vector_faults + 1 if is_repeat else 0
        if self._vector_faults >= _VECTOR_FAULTS:
            detail = f"the vector at {vector:#x} faults itself, {_VECTOR_FAULTS} times in a row"
            self._stop(EndReason.LIMIT, vector, detail)

    def _abort_externally(self, missing: Missing) -> None:
        """Take the external abort for an access that no memory answered."""
        pc = missing.pc
        self._engine.write_general(STATE_PC, pc)
        lower_el = self._mode[0] == 0
        if missing.kind is AccessKind.FETCH:
            self._finish_instruction()
            if self._may_begin(pc):
                abort = Abort(FaultKind.EXTERNAL, fetch=True, lower_el=lower_el)
                self._take(encode_abort(abort), far=pc, elr=pc)
            return
        found = virtual_of(self._executing.accesses if self._executing else (), missing.pa)
        if found is None:
            raise EngineError(f"an access to {missing.pa:#x} at {pc:#x} is of no instruction")
        access, va = found
        far = access.va if access.operation is Operation.DC_ZVA else va
        is_write = access.kind is AccessKind.WRITE
        abort = Abort(FaultKind.EXTERNAL, write=is_write, lower_el=lower_el)
        self._take(encode_abort(abort), far=far, elr=pc)

    def _faulting(self, executing: Executing | None, ec: int, far: int) -> Access | None:
        if executing is not None:
            return access_at(executing.accesses, far)
        el, pan, uao = self._mode
        is_fetch = ec in _FETCH_ABORTS
        return Access(VirtualAddress(far), AccessKind.FETCH, 4, el, pan, uao) if is_fetch else None

    def _lacking(self, esr: int) -> str:
        """Return what the core lacks, where it calls UNDEFINED what the architecture has."""
        executing = self._executing
        if syndrome.EC.get(esr) != ExceptionClass.UNKNOWN or executing is None:
            return ""
        system = executing.system
        is_for_el1 = self._mode[0] == 1 and not executing.word >> 18 & 1  # op1 of 4 and more: EL2
        is_known = system is not None and (system.register is None or system.register in REGISTERS)
        if system is None or not is_known or not is_for_el1:
            return ""
        return f"{system.name}: {self._engine.name} lacks it"

    # The rest

    def _stop(self, reason: EndReason, pc: int, detail: str = "") -> None:
        self._end = End(self._progress.number, VirtualAddress(pc), reason, detail)
        self._engine.stop()

    def _pause(self) -> None:
        self._paused = True
        self._engine.stop()

    def _read_mode(self) -> None:
        state = self._engine.state()[STATE_MODE]
        self._mode = (
            pstate.EL.get(state),
            bool(pstate.PAN.get(state)),
            bool(pstate.UAO.get(state)),
        )
        self._illegal = bool(pstate.IL.get(state))

    def _label(self, pc: VirtualAddress) -> str:
        label = self._labels.get(pc)
        if label is None:
            label = self._labels[pc] = self._wanted.program.label(pc)
        return label

    def _forget_observed(self) -> None:
        observed = self._observed
        if observed.reads or observed.writes:
            self._observed = Observed()
