"""A run under the reference MMU: one instruction after the other, translated before it executes.

An instruction has two stages. In each the model is asked first, for everything; then the stage is
carried out as a whole. So a choice that is still open leaves the PE as it was before the stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.system_instructions import SystemInstructionKind
from harness.errors import EngineError, LimitError, UnsupportedError
from harness.machine.accesses import decode_accesses
from harness.machine.code_reader import Meaning, meaning_of
from harness.machine.engine import STATE_MODE, STATE_PC, STATE_SP
from harness.machine.events import Executing, system_events
from harness.machine.parts import Parts, Wanted
from harness.machine.placed import (
    STORE_EXCLUSIVES,
    Placed,
    entered,
    external_abort,
    place,
    touches_memory,
)
from harness.machine.reference_mmu import Plan
from harness.machine.replaced import (
    KEPT_REGISTERS,
    is_for_the_core_alone,
    is_replaced,
    lacking_feature,
)
from harness.machine.run import ILLEGAL_STATE, PC_ALIGNMENT, SP_ALIGNMENT, UNDEFINED, Run
from harness.machine.stage import Fetched, ReferenceParts
from harness.memory import PAGE_SIZE
from harness.trace import (
    DescriptorWrite,
    End,
    EndReason,
    Event,
    ExceptionReturn,
    Instruction,
    MemoryAccess,
)
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.outcome import Fault, Outcome, Translation

HARDWARE = "hardware"
"""Who wrote a descriptor, in a DescriptorWrite: AF or the dirty state."""

_K = SystemInstructionKind
_INSTRUCTION = 4
_SP_MULTIPLE = 16
_XZR = 31


class Stepping(Run):
    """One call of `run` or `step`; `one` may also be called from outside, to explore."""

    def __init__(self, parts: Parts, wanted: Wanted, own: ReferenceParts) -> None:
        super().__init__(parts, wanted)
        self._engine = own.engine
        self._mmu = own.mmu
        self._chooser = own.chooser
        self._profile = own.profile
        self._stage = own.stage
        self._executed = own.executed
        self._tells = not wanted.quiet
        self._state: tuple[int, ...] = ()

    def go(self) -> End | None:
        """Execute until the end, None where a single instruction did not reach one."""
        while not self._is_over():
            self.one()
        return self._end

    @property
    def end(self) -> End | None:
        """The end, once it is reached."""
        return self._end

    def resume(self, end: End | None) -> None:
        """Take up a state in which the run had ended for `end`, or had not."""
        self._end = end
        self._vector_faults = 0

    def read_word(self, address: int) -> int:
        """Return an aligned 64-bit word of memory."""
        return int.from_bytes(self._memory.read(address, 8) or b"", "little")

    def write_word(self, address: int, value: int) -> None:
        """Write one, for nobody to be told."""
        self._memory.write(address, value.to_bytes(8, "little"))
        if self._memory.backing_page(address) in self._executed:
            self._core.forget_code()

    def one(self) -> None:
        """Execute one instruction, or what is left of it.

        What the chooser raises is raised; the machine is then as it was before the stage.
        """
        self._read_state()
        pc = VirtualAddress(self._state[STATE_PC])
        stage = self._stage
        if not stage.begun:
            if not self._may_begin(pc):
                return
            stage.begun = True
        try:
            if stage.fetched is None and not self._fetch(pc):
                return
            if stage.fetched is not None:
                self._execute(stage.fetched)
        except UnsupportedError as error:
            self._stop(EndReason.UNSUPPORTED, pc, str(error))
        except LimitError as error:
            self._stop(EndReason.LIMIT, pc, str(error))

    # The first stage: an instruction is fetched

    def _fetch(self, pc: VirtualAddress) -> bool:
        """Fetch the instruction; False where something else came of it."""
        # AArch64.CheckPCAlignment
        if pc % _INSTRUCTION:
            self._take(PC_ALIGNMENT, far=pc, elr=pc, pc=pc)
            return False
        el, pan, uao = self._mode
        access = Access(pc, AccessKind.FETCH, _INSTRUCTION, el, pan, uao)
        plan = Plan(self._mmu, self._chooser, self._progress.number, pc)
        outcome = self._answered(access, plan.translate(access))
        self._commit(plan)
        if isinstance(outcome, Fault):
            self._take_fault(outcome, access, pc)
            return False
        self._vector_faults = 0
        meaning = meaning_of(self._word(outcome.pa))
        refusal = meaning.refusal
        if refusal:
            self._stop(EndReason.UNSUPPORTED, pc, refusal)
            return False
        # AArch64.CheckIllegalState
        if self._illegal:
            self._take(ILLEGAL_STATE, far=0, elr=pc, pc=pc)
            return False
        fetched = self._begin(meaning, pc, outcome.pa)
        executing = fetched.executing
        number = executing.number
        self._listener.before_instruction(number, pc, executing.accesses)
        if self._tells:
            self._tell(Instruction(number, pc, meaning.word, executing.label, el))
        self._stage.fetched = fetched
        return True

    def _begin(self, meaning: Meaning, pc: VirtualAddress, pa: int) -> Fetched:
        el, pan, uao = self._mode
        accesses: tuple[Access, ...] = ()
        if meaning.has_accesses:
            accesses = decode_accesses(
                meaning.word, pc, self._register_before, el=el, pan=pan, uao=uao
            )
        operand = spsr = None
        system = meaning.system
        replaced = alone = False
        if system is not None:
            if system.rt is not None and system.kind is not _K.MRS:
                operand = 0 if system.rt == _XZR else self._state[system.rt]
            if system.kind is _K.ERET:
                spsr = self._core.read_system("SPSR_EL1")
            replaced = is_replaced(system, meaning.word, el)
            alone = el == 0 and is_for_the_core_alone(
                system, meaning.word, el, self._core.read_system("SCTLR_EL1")
            )
        label = self._label(pc) if self._tells else ""
        number = self._progress.number
        executing = Executing(number, pc, label, meaning.word, system, operand, spsr, accesses)
        return Fetched(executing, self._frame(pa), replaced, alone)

    def _word(self, pa: PhysicalAddress) -> int:
        self._executed.add(self._memory.backing_page(pa))
        return int.from_bytes(self._memory.read(pa, _INSTRUCTION) or b"", "little")

    # The second stage: it executes

    def _execute(self, fetched: Fetched) -> None:
        executing = fetched.executing
        pc = executing.pc
        if self._state[STATE_SP] % _SP_MULTIPLE and self._uses_sp(executing) and self._checks_sp():
            # AArch64.CheckSPAlignment
            self._take(SP_ALIGNMENT, far=0, elr=pc, pc=pc)
            return
        if executing.system is not None:
            if self._refuse(executing):
                return
            if fetched.is_for_the_core_alone:
                self._run_in_core(fetched, (), {})
                return
        plan = self._begin_plan(executing)
        placed = self._translate(plan, executing)
        if placed is None:
            return
        self._plan_loads(plan, placed)
        self._commit(plan)
        if fetched.is_replaced:
            self._replace(executing)
        else:
            self._run_in_core(fetched, placed, plan.patches)

    def _begin_plan(self, executing: Executing) -> Plan:
        if executing.accesses:
            self._mmu.addressed(executing.word)
        return Plan(self._mmu, self._chooser, executing.number, executing.pc)

    def _translate(self, plan: Plan, executing: Executing) -> list[Placed] | None:
        """Translate every access; None if one faulted, and its exception was taken."""
        placed = []
        for access in executing.accesses:
            outcome = self._answered(access, plan.translate(access))
            if isinstance(outcome, Fault):
                self._commit(plan)
                self._take_fault(outcome, access, executing.pc)
                return None
            if access.kind is AccessKind.AT:
                self._registers.write("PAR_EL1", outcome.par or 0)
            elif touches_memory(access):
                placed.append(place(access, outcome))
        return placed

    def _refuse(self, executing: Executing) -> bool:
        """Take the exception of an instruction that this machine does not have."""
        system, pc = executing.system, executing.pc
        if system is None:
            return False
        if lacking_feature(system, self._profile) is not None:
            self._take(UNDEFINED, far=0, elr=pc, pc=pc)
            return True
        if self._mode[0] == 0 and system.register in KEPT_REGISTERS:
            self._stop(EndReason.UNSUPPORTED, pc, f"{system.name} at EL0 (CPACR_EL1.E0POE)")
            return True
        return False

    def _plan_loads(self, plan: Plan, placed: Iterable[Placed]) -> None:
        """Choose what loads of descriptors find that hardware updates."""
        if not self._mmu.hardware_may_have_written(plan.state):
            return
        for one in placed:
            if one.loads:
                for word in one.words():
                    if self._memory.backing_page(word) in self._mmu.memory.pages:
                        plan.read(one.access, word, atomic=one.stores)

    def _run_in_core(
        self, fetched: Fetched, placed: Iterable[Placed], patches: Mapping[int, int]
    ) -> None:
        executing = fetched.executing
        pc = executing.pc
        pages: dict[int, int] = {}
        before: list[tuple[int, int, bool]] = []
        for one in placed:
            for piece in one.pieces:
                pages[piece.va & -PAGE_SIZE] = self._frame(piece.pa)
            if one.stores:
                self._note_stores(one, before)
        held = {word: self.read_word(word) for word in patches}
        self._put(patches)
        raised = self._engine.execute(pc, {pc & -PAGE_SIZE: fetched.frame}, pages)
        if raised is not None:
            self._put(held)
            self._raise(executing, *raised)
            return
        self._tell_accesses(executing, placed)
        self._put(held)
        self._follow_stores(executing, before)
        self._finish(executing)

    def _frame(self, pa: int) -> int:
        frame = self._memory.frame(pa & -PAGE_SIZE)
        if frame is None:
            raise EngineError(f"{pa:#x} was translated to, and there is no memory")
        return frame

    def _follow_stores(self, executing: Executing, before: Iterable[tuple[int, int, bool]]) -> None:
        """Let the MMU know of the words that changed."""
        for word, old, atomic in before:
            new = self.read_word(word)
            if new == old:
                continue
            if self._tells and word & -PAGE_SIZE in self._mmu.memory.pages:
                number = executing.number
                self._tell(DescriptorWrite(number, PhysicalAddress(word), old, new, "guest"))
            self._mmu.stored(word, old, new, atomic=atomic)

    def _note_stores(self, one: Placed, before: list[tuple[int, int, bool]]) -> None:
        """Note words as they are before a store."""
        for piece in one.pieces:
            self._memory.note_write(piece.pa, piece.size)
        for address in one.words():
            page = self._memory.backing_page(address)
            word = page + address % PAGE_SIZE
            old = self.read_word(word)
            if self._stage.stored is not None:
                self._stage.stored.setdefault(word, old)
            before.append((word, old, one.loads))

    def _raise(self, executing: Executing, esr: int, far: int, target_el: int) -> None:
        """Enter an exception that the core raised: SVC, BRK, UNDEFINED, a trap."""
        del far
        elr = self._core.read_general(STATE_PC)
        refusal = self._lacking(esr, executing)
        if target_el != 1:
            refusal = f"an exception to EL{target_el}"
        if refusal:
            self._stop(EndReason.UNSUPPORTED, executing.pc, refusal)
            return
        self._take(esr, far=0, elr=elr, pc=executing.pc)

    def _replace(self, executing: Executing) -> None:
        """Do what the core does not: it goes on behind the instruction."""
        system = executing.system
        if system is not None and system.kind is _K.MSR:
            self._registers.write(system.register or "", executing.operand or 0)
        elif system is not None and system.kind is _K.MRS and system.rt != _XZR:
            value = self._registers.read(system.register or "")
            self._core.write_general(system.rt or 0, value)
        self._core.write_general(STATE_PC, executing.pc + _INSTRUCTION)
        self._finish(executing)

    def _finish(self, executing: Executing) -> None:
        """Let the MMU know of an instruction that completed."""
        self._stage.begun, self._stage.fetched = False, None
        system = executing.system
        mmu = self._mmu
        mmu.completed(executing.word, executing.accesses)
        if system is None:
            if _is_one_of(executing.word, *_CONDITIONAL_BRANCHES):
                mmu.branched()
            return
        if self._tells or system.kind is _K.ERET:
            for event in system_events(executing, system):
                if self._tells or isinstance(event, ExceptionReturn):
                    self._tell(event)
        if system.kind is _K.MSR:
            mmu.wrote_register(system.register or "", executing.operand or 0)
        else:
            mmu.executed(system.kind.value, system.name, executing.operand)

    # Faults

    def _answered(self, access: Access, outcome: Outcome) -> Translation | Fault:
        """Return `outcome`, or the external abort of an access that no memory answers."""
        if isinstance(outcome, Fault) or not touches_memory(access):
            return outcome
        for va, pa in entered(access, outcome):
            if self._memory.frame(pa) is None:
                return external_abort(access, va)
        return outcome

    def _take_fault(self, fault: Fault, access: Access, pc: VirtualAddress) -> None:
        if fault.target_el != 1:
            self._stop(EndReason.UNSUPPORTED, pc, f"an exception to EL{fault.target_el}")
            return
        self._take(fault.esr, far=fault.far, elr=pc, pc=pc, access=access)

    def _entered(self) -> None:
        self._stage.begun, self._stage.fetched = False, None
        self._mmu.entered_exception()

    def _halt(self) -> None:
        self._stage.begun, self._stage.fetched = False, None

    # What hardware writes, and what is told

    def _commit(self, plan: Plan) -> None:
        """Go on from the plan: hardware writes what it updates."""
        plan.commit()
        for update in plan.updates:
            address = PhysicalAddress(update.address)
            if self._stage.stored is not None:
                word = self._memory.backing_page(address) + address % PAGE_SIZE
                self._stage.stored.setdefault(word, self.read_word(address))
            self.write_word(address, update.new)
            if self._tells:
                number = self._progress.number
                self._tell(DescriptorWrite(number, address, update.expected, update.new, HARDWARE))

    def _tell_accesses(self, executing: Executing, placed: Iterable[Placed]) -> None:
        if not self._tells:
            return
        for one in placed:
            if one.access.operation in STORE_EXCLUSIVES and not self._has_stored(executing):
                continue
            data = b"".join(self._memory.read(piece.pa, piece.size) or b"" for piece in one.pieces)
            value = int.from_bytes(data, "little")
            self._tell(MemoryAccess(executing.number, executing.pc, one.access, one.pa, value))

    def _has_stored(self, executing: Executing) -> bool:
        """Return whether a store exclusive has stored: its status register says so."""
        status = executing.word >> 16 & 0b11111
        return status == _XZR or not self._core.read_general(status)

    def _tell(self, event: Event) -> None:
        self._listener.event(event)

    # The core's state

    def _read_state(self) -> None:
        self._state = self._core.state()
        self._set_mode(self._state[STATE_MODE])

    def _register_before(self, name: str) -> int:
        return self._state[STATE_SP if name == "sp" else int(name[1:])]

    def _uses_sp(self, executing: Executing) -> bool:
        """Return whether an access has SP as its base: bits 9:5 of every load and store."""
        if executing.system is not None or not executing.accesses:
            return False
        word = executing.word
        return word >> 5 & 0b11111 == _XZR and not _is_one_of(word, _LOAD_LITERAL)

    def _put(self, words: Mapping[int, int]) -> None:
        for word, value in words.items():
            self.write_word(word, value)


# (mask, value) of the conditional branches (DDI 0487, C4.1): B.cond, BC.cond; CBZ, CBNZ; TBZ, TBNZ.
_CONDITIONAL_BRANCHES = (
    (0xFF00_0000, 0x5400_0000),
    (0x7E00_0000, 0x3400_0000),
    (0x7E00_0000, 0x3600_0000),
)
# The same of loads whose bits 9:5 are no base register.
_LOAD_LITERAL = (0x3B00_0000, 0x1800_0000)


def _is_one_of(word: int, *spaces: tuple[int, int]) -> bool:
    return any(word & mask == value for mask, value in spaces)
