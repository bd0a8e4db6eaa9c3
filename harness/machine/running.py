"""A run in progress: what the engine reports becomes events, exceptions and the end."""

from __future__ import annotations

from harness.arch.addresses import VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.registers import esr as syndrome
from harness.arch.syndromes import Abort, encode_abort
from harness.arch.system_instructions import SystemInstructionKind
from harness.errors import EngineError
from harness.machine.accesses import decode_accesses
from harness.machine.code_reader import CodeReader, Meaning
from harness.machine.engine import STATE_PC, Engine, Missing
from harness.machine.events import (
    Executing,
    Observed,
    access_at,
    completed,
    descriptor_writes,
    virtual_of,
)
from harness.machine.parts import Parts, Wanted
from harness.machine.registers_before import RegistersBefore
from harness.machine.run import FETCH_ABORTS, ILLEGAL_STATE, PC_ALIGNMENT, SP_ALIGNMENT, Run
from harness.memory import PAGE_SIZE
from harness.trace import End, EndReason, Instruction
from harness.vmsa.access import Access, AccessKind, Operation

_CHANGES_MODE = (
    SystemInstructionKind.ERET,
    SystemInstructionKind.MSR,
    SystemInstructionKind.MSR_IMMEDIATE,
)
_INSTRUCTION = 4
_SP_MULTIPLE = 16


class Running(Run):
    """One call of `run` or `step`; `Hooks` of the engine."""

    def __init__(
        self,
        parts: Parts,
        wanted: Wanted,
        engine: Engine,
        code: CodeReader,
        tables: tuple[range, ...],
    ) -> None:
        super().__init__(parts, wanted)
        self._engine = engine
        self._code = code
        self._tables = tables
        self._executing: Executing | None = None
        self._observed = Observed()
        self._lost_store = False
        self._sp_is_misaligned = False
        self._refetches = False

    def go(self) -> End | None:
        """Execute until the end, None where a single instruction did not reach one."""
        self._read_mode()
        self._code.forget_translations()
        while not self._is_over():
            before = self._progress.number
            missing = self._engine.start(self)
            if missing is not None:
                self._abort_externally(missing)
            elif self._progress.number == before and not self._is_over() and not self._refetches:
                pc = self._engine.read_general(STATE_PC)
                raise EngineError(f"{self._engine.name} does not go on at {pc:#x}")
        return self._end

    # Reports of the engine

    def on_instruction(self, pc: int) -> None:
        """End the last instruction, and begin this one."""
        self._finish_instruction()
        if not self._may_begin(pc):
            return
        # AArch64.CheckPCAlignment and AArch64.CheckIllegalState: the core has neither.
        if pc % _INSTRUCTION:
            self._take_from(PC_ALIGNMENT, far=pc, elr=pc)
            return
        if self._illegal:
            self._take_from(ILLEGAL_STATE, far=0, elr=pc)
            return
        self._vector_faults = 0
        address = VirtualAddress(pc)
        number = self._progress.number
        meaning = self._code.at(pc)
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
            self._take_from(SP_ALIGNMENT, far=0, elr=pc)

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
        refusal = self._lacking(noted.esr, self._executing)
        if refusal:
            self._stop(EndReason.UNSUPPORTED, elr, refusal)
            return
        self._take_from(noted.esr, far=noted.far, elr=elr)

    # One instruction

    def _begin(self, meaning: Meaning, pc: VirtualAddress) -> Executing:
        el, pan, uao = self._mode
        before = RegistersBefore(self._engine)
        accesses: tuple[Access, ...] = ()
        if meaning.has_accesses:
            accesses = decode_accesses(meaning.word, pc, before.by_name, el=el, pan=pan, uao=uao)
        self._sp_is_misaligned = before.base_sp % _SP_MULTIPLE != 0 and self._checks_sp()
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
            self._code.forget_translations()
            if executing.system.kind in _CHANGES_MODE:
                self._read_mode()

    def _note(self, pa: int, size: int, *, write: bool) -> None:
        observed = self._observed
        if not write:
            observed.reads.append((pa, size))
            return
        observed.writes.append((pa, size))
        self._memory.note_write(pa, size)
        page = self._memory.backing_page(pa)
        self._code.note_store(page)
        backing = page + pa % PAGE_SIZE
        if any(backing in table for table in self._tables):
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

    def _take_from(self, esr: int, *, far: int, elr: int) -> None:
        """Take an exception of the instruction that executes, or of the fetch of one."""
        executing, self._executing = self._executing, None
        for event in descriptor_writes(self._progress.number, self._observed, self._memory.read):
            self._listener.event(event)
        self._forget_observed()
        pc = executing.pc if executing else VirtualAddress(elr)
        access = self._faulting(executing, syndrome.EC.get(esr), far)
        self._take(esr, far=far, elr=elr, pc=pc, access=access)

    def _entered(self) -> None:
        self._code.forget_translations()

    def _halt(self) -> None:
        self._engine.stop()

    def _abort_externally(self, missing: Missing) -> None:
        """Take the external abort for an access that no memory answered."""
        pc = missing.pc
        self._engine.write_general(STATE_PC, pc)
        lower_el = self._mode[0] == 0
        if missing.kind is AccessKind.FETCH:
            self._finish_instruction()
            if self._may_begin(pc):
                abort = Abort(FaultKind.EXTERNAL, fetch=True, lower_el=lower_el)
                self._take_from(encode_abort(abort), far=pc, elr=pc)
            return
        found = virtual_of(self._executing.accesses if self._executing else (), missing.pa)
        if found is None:
            raise EngineError(f"an access to {missing.pa:#x} at {pc:#x} is of no instruction")
        access, va = found
        far = access.va if access.operation is Operation.DC_ZVA else va
        is_write = access.kind is AccessKind.WRITE
        abort = Abort(FaultKind.EXTERNAL, write=is_write, lower_el=lower_el)
        self._take_from(encode_abort(abort), far=far, elr=pc)

    def _faulting(self, executing: Executing | None, ec: int, far: int) -> Access | None:
        if executing is not None:
            return access_at(executing.accesses, far)
        el, pan, uao = self._mode
        is_fetch = ec in FETCH_ABORTS
        return Access(VirtualAddress(far), AccessKind.FETCH, 4, el, pan, uao) if is_fetch else None

    # The rest

    def _forget_observed(self) -> None:
        observed = self._observed
        if observed.reads or observed.writes:
            self._observed = Observed()
