"""A run under the reference MMU that stops at every choice, and can be put back cheaply."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.machine.machine import Listener
from harness.machine.model_machine import ModelMachine, SavedPe
from harness.machine.parts import Wanted
from harness.machine.policies import Question
from harness.machine.program import Program
from harness.scenario import Limits
from harness.trace import End

_NO_LIMITS = Limits(instructions=1 << 62, seconds=float("inf"))


class SavableListener(Listener, Protocol):
    """A listener whose own state is part of an execution's."""

    def save(self) -> Hashable:
        """Return the state: equal only for states that act alike from then on."""
        ...

    def load(self, saved: Hashable) -> None:
        """Go back to a state."""
        ...


@dataclass(frozen=True, slots=True)
class SavedSession:
    """Everything that can change; opaque."""

    machine: SavedPe
    words: Mapping[int, int]
    """Contents of every word that was ever written, by backing address."""
    answers: tuple[int, ...]
    end: End | None
    listener: Hashable


class _UndecidedError(Exception):
    """A question that nobody has answered yet."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.place)
        self.question = question


class _Script:
    """Answers the questions that were answered before, in their order."""

    def __init__(self) -> None:
        self.answers: tuple[int, ...] = ()

    def choose(self, question: Question) -> int:
        if question.place > len(self.answers):
            raise _UndecidedError(question)
        return self.answers[question.place - 1]


class Session:
    """One execution of a program on a machine that nobody else uses meanwhile.

    `listener` is told of faults, of exceptions, and of what is about to execute.
    """

    def __init__(
        self,
        machine: ModelMachine,
        program: Program,
        listener: SavableListener,
        stop_at: frozenset[VirtualAddress],
    ) -> None:
        self._machine = machine
        self._listener = listener
        self._script = _Script()
        wanted = Wanted(program, listener, _NO_LIMITS, stop_at, quiet=True)
        self._stepping = machine.stepping(wanted, self._script)
        self._initial = machine.journal()

    @property
    def number(self) -> int:
        """Instructions begun in this execution."""
        return self._machine.number

    @property
    def end(self) -> End | None:
        """Why it is over, None while it goes on."""
        return self._stepping.end

    def step(self) -> Question | None:
        """Execute one instruction, or up to a question that `answer` has to answer first."""
        try:
            self._stepping.one()
        except _UndecidedError as undecided:
            return undecided.question
        return None

    def answer(self, index: int) -> None:
        """Answer the question that `step` has returned."""
        self._script.answers = (*self._script.answers, index)

    def words(self) -> dict[int, int]:
        """Return every word that is not as it was at first, by backing address."""
        initial = self._initial
        return {word: value for word, value in self._contents().items() if value != initial[word]}

    def initial_word(self, address: int) -> int | None:
        """Return the 64-bit word at an address as it was at first; None where there is none."""
        now = self._machine.read64(PhysicalAddress(address))
        return self._initial.get(address, now)

    def save(self) -> SavedSession:
        """Return the whole state."""
        return SavedSession(
            self._machine.save_pe(),
            self._contents(),
            self._script.answers,
            self._stepping.end,
            self._listener.save(),
        )

    def load(self, saved: SavedSession) -> None:
        """Go back to a state of this session."""
        contents = self._contents()
        for word, initial in self._initial.items():
            value = saved.words.get(word, initial)
            if value != contents[word]:
                self._stepping.write_word(word, value)
        self._machine.load_pe(saved.machine)
        self._script.answers = saved.answers
        self._stepping.resume(saved.end)
        self._listener.load(saved.listener)

    def fingerprint(self) -> Hashable:
        """Return a value that is equal only for states that go on in the same ways."""
        return (
            self._machine.fingerprint(),
            frozenset(self.words().items()),
            self._script.answers[self._machine.mmu.asked :],
            self._listener.save(),
        )

    def _contents(self) -> dict[int, int]:
        read = self._stepping.read_word
        return {word: read(word) for word in self._initial}
