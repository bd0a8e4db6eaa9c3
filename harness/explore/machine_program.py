"""A program on the machine with the reference MMU, to be explored."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.syndromes import decode_abort
from harness.errors import HarnessError, LimitError, UnsupportedError
from harness.explore.steppable import Alternative, ChoicePoint, FaultSeen, FinalState
from harness.machine.injections import Injector
from harness.machine.model_machine import ModelMachine
from harness.machine.policies import Question
from harness.machine.program import Program
from harness.machine.session import SavedSession, Session
from harness.trace import EndReason, Event, FaultTaken
from harness.vmsa.access import Access
from harness.vmsa.tlb.choice import HardwareUpdate

GENERAL_REGISTERS = tuple(f"x{number}" for number in range(31))
_NUMBERS = {name: number for number, name in enumerate(GENERAL_REGISTERS)}

_NOT_SET, _SET = (
    Alternative("as it is", "hardware leaves the access flag as it is"),
    Alternative("access flag set", "hardware has set AF without an access of the program"),
)


@dataclass(frozen=True, slots=True)
class Watched:
    """What of a final state can be told apart.

    `memory`: 64-bit words by the name of their place; None: every word that differs from what it
    was at first. `descriptors`: words of tables in which hardware may still set AF at the end.
    """

    registers: tuple[str, ...] = GENERAL_REGISTERS
    """Some of x0…x30."""
    memory: Mapping[str, int] | None = None
    descriptors: tuple[int, ...] = ()


class _Listener:
    """Remembers faults, and lets an injector act."""

    def __init__(self, injector: Injector | None) -> None:
        self.faults: tuple[FaultSeen, ...] = ()
        self.injector = injector

    def before_instruction(
        self, number: int, pc: VirtualAddress, accesses: tuple[Access, ...]
    ) -> None:
        if self.injector is not None:
            self.injector.before_instruction(number, pc, accesses)

    def event(self, event: Event) -> None:
        if isinstance(event, FaultTaken):
            abort = decode_abort(event.esr)
            kind = abort.kind.value if abort else ""
            seen = FaultSeen(event.label, event.pc, kind, event.esr, event.far)
            self.faults = (*self.faults, seen)

    def after_fault(self, fault: int, number: int) -> None:
        if self.injector is not None:
            self.injector.after_fault(fault, number)

    def save(self) -> Hashable:
        return (self.faults, self.injector.save() if self.injector else ())

    def load(self, saved: Hashable) -> None:
        if not isinstance(saved, tuple):
            raise HarnessError("the state is of another listener")
        self.faults, waiting = saved
        if self.injector is not None:
            self.injector.load(waiting)


@dataclass(frozen=True, slots=True)
class _Saved:
    session: SavedSession
    settled: int
    question: Question | None
    update: HardwareUpdate | None


MakeInjector = Callable[[Callable[[Event], None]], Injector]
"""Makes the injector of a program, given whom to tell of its changes."""


class MachineProgram:
    """A `Steppable` over `machine`, which holds the program and its registers already.

    The execution ends at an address of `stop_at`, or with an exception that has no vector.
    """

    def __init__(
        self,
        machine: ModelMachine,
        program: Program,
        stop_at: frozenset[VirtualAddress],
        watched: Watched,
        injector: MakeInjector | None = None,
    ) -> None:
        self._machine = machine
        self._program = program
        self._watched = watched
        self._listener = _Listener(injector(_ignore) if injector else None)
        self._session = Session(machine, program, self._listener, stop_at)
        self._steps = 0
        self._settled = 0
        """Descriptors of which it is decided whether hardware sets AF at the end."""
        self._question: Question | None = None
        self._update: HardwareUpdate | None = None

    @property
    def steps(self) -> int:
        """Instructions executed so far, over all executions."""
        return self._steps

    @property
    def code(self) -> Program:
        """The machine code that is executed."""
        return self._program

    @property
    def injector(self) -> Injector | None:
        """What acts between instructions."""
        return self._listener.injector

    def initial_word(self, address: int) -> int | None:
        """Return the 64-bit word at a physical address as it was at first; None for no memory."""
        return self._session.initial_word(address)

    def advance(self, limit: int) -> ChoicePoint | None:
        """Execute up to the next choice of two or more; None at the end of the execution."""
        session = self._session
        while session.end is None:
            before = session.number
            question = session.step()
            self._steps += session.number - before
            if question is not None:
                self._question = question
                return self._point(question)
            if not self.is_possible():
                return None
            if session.number > limit:
                raise LimitError(f"{limit} instructions of one execution")
        self._check_end()
        return self._settle()

    def choose(self, index: int) -> None:
        """Take one of the alternatives that `advance` has returned."""
        if self._question is not None:
            self._session.answer(index)
            self._question = None
        elif self._update is not None:
            if index:
                self._machine.write64(PhysicalAddress(self._update.address), self._update.new)
            self._update = None
            self._settled += 1

    def is_possible(self) -> bool:
        """Return whether the architecture has this execution."""
        mmu = self._machine.mmu
        ended = self._session.end is not None
        return mmu.model.is_possible(mmu.state, ended=ended)

    def final_state(self) -> FinalState:
        """Return what is left."""
        values = self._machine.general_registers()
        end = self._session.end
        return FinalState(
            tuple((name, values[_NUMBERS[name]]) for name in self._watched.registers),
            tuple(self._memory()),
            self._listener.faults,
            end.reason.value if end else "",
        )

    def fingerprint(self) -> Hashable:
        """Return a value that is equal only for states that go on in the same ways."""
        return (self._session.fingerprint(), self._settled, self._session.end is None)

    def snapshot(self) -> object:
        """Return the whole state."""
        return _Saved(self._session.save(), self._settled, self._question, self._update)

    def restore(self, snapshot: object) -> None:
        """Go back to a state of this program."""
        if not isinstance(snapshot, _Saved):
            raise HarnessError("the snapshot is of another program")
        self._session.load(snapshot.session)
        self._settled = snapshot.settled
        self._question, self._update = snapshot.question, snapshot.update

    def _point(self, question: Question) -> ChoicePoint:
        label = self._program.label(question.pc)
        where = f"{question.pc:#x} ({label})" if label else f"{question.pc:#x}"
        access = question.access
        return ChoicePoint(
            f"instruction {question.number} at {where}, {access.kind.value} of {access.va:#x}",
            tuple(Alternative(each.identity, each.explanation) for each in question.options),
        )

    def _settle(self) -> ChoicePoint | None:
        """Offer, for one watched descriptor after the other, that hardware sets its AF."""
        mmu = self._machine.mmu
        descriptors: Sequence[int] = self._watched.descriptors
        while self._settled < len(descriptors):
            address = descriptors[self._settled]
            self._update = mmu.model.spontaneous(mmu.state, mmu.memory, address)
            if self._update is not None:
                return ChoicePoint(f"at the end, descriptor at {address:#x}", (_NOT_SET, _SET))
            self._settled += 1
        return None

    def _check_end(self) -> None:
        end = self._session.end
        if end is not None and end.reason is EndReason.UNSUPPORTED:
            raise UnsupportedError(end.detail)
        if end is not None and end.reason is EndReason.LIMIT:
            raise LimitError(end.detail)

    def _memory(self) -> list[tuple[str, int]]:
        places = self._watched.memory
        if places is None:
            return [(hex(word), value) for word, value in sorted(self._session.words().items())]
        return [
            (name, self._machine.read64(PhysicalAddress(address)) or 0)
            for name, address in sorted(places.items())
        ]


def _ignore(event: Event) -> None:
    """Let a change of an injection be told to nobody."""
    del event
