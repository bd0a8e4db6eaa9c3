"""A tiny PE for tests of exploration: a handful of instructions on real tables, one thread.

Variables `x`, `y`, `a` and `b` are words at the start of a page each; `pte_x` is the level 3
descriptor of the page of x, itself mapped so that a program can load and store it. Physical
pages are called phy_x and so on. A program is a tuple of instructions, each a tuple of the
mnemonic and its operands; a fault ends it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from vmsa_machine import AF, DBM, INNER, MAIR, PAGE, SCTLR, TABLES, TCR

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import Feature, Profile
from harness.arch.implementation import Implementation
from harness.errors import LimitError
from harness.explore.explorer import Bounds, explore
from harness.explore.results import Exploration
from harness.explore.steppable import Alternative, ChoicePoint, FaultSeen, FinalState
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.outcome import Fault
from harness.vmsa.tlb.choice import Choice, ReadChoice
from harness.vmsa.tlb.model import TranslationModel
from harness.vmsa.tlb.state import TranslationState

NAMES = ("x", "y", "a", "b")
VAS = {name: 0x1_0000 + 0x1000 * number for number, name in enumerate(NAMES)}
PAS = {name: 0x5_0000 + 0x1000 * number for number, name in enumerate(NAMES)}
PTES = {f"pte_{name}": TABLES[3] + 8 * (va >> 12) for name, va in VAS.items()}
"""Virtual and physical address of each variable's descriptor."""
HA, HD = 1 << 39, 1 << 40
READ_ONLY = 1 << 7
INVALIDATED_BY_PAGE = 12
FEATURES = frozenset({Feature.HAFDBS, Feature.TTL, Feature.TLBIRANGE, Feature.BBM})
LITMUS = Implementation(bbm_level=2, bbm_no_abort=True)


def pte(page: str, *, valid: int = 1, af: int = 1, db: int = 1, dbm: int = 0) -> int:
    """Return the page descriptor of physical page `page`: read/write and valid by default."""
    word = PAS[page] | PAGE | INNER
    word = word | AF if af else word
    word = word if db else word | READ_ONLY
    word = word | DBM if dbm else word
    return word if valid else word & ~1


@dataclass(frozen=True)
class Program:
    """What a test says: initial memory and registers, code, and what it looks at."""

    code: tuple[tuple[object, ...], ...]
    registers: Mapping[str, int]
    memory: Mapping[str, int]
    """By name: x, y, pte_x and so on."""
    tcr: int = 0
    """HA, HD."""
    features: frozenset[Feature] = FEATURES
    choices: Implementation = LITMUS


Offered = tuple[Choice, ...] | tuple[ReadChoice, ...] | tuple[bool, ...]


class Toy:
    """A Steppable over a `Program`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.model = TranslationModel(Profile("toy", program.features, 48, program.choices))
        self.words = {
            TABLES[1]: TABLES[2] | PAGE,
            TABLES[2]: TABLES[3] | PAGE,
            TABLES[3] + 8 * 3: TABLES[3] | PAGE | AF | INNER,
        }
        for name in NAMES:
            self.words[PTES[f"pte_{name}"]] = pte(name)
            self.words[PAS[name]] = 0
        for name, value in program.memory.items():
            self.words[PTES.get(name) or PAS[name]] = value
        self.state = self.model.initial(
            {
                "SCTLR_EL1": SCTLR,
                "TCR_EL1": TCR | program.tcr,
                "MAIR_EL1": MAIR,
                "TTBR0_EL1": TABLES[1],
            }
        )
        self.registers = dict(program.registers)
        self.pc = 0
        self.pa: int | None = None
        """Where the instruction at `pc` goes, once its translation is chosen."""
        self.ends = 0
        """Descriptors settled at the end of the program."""
        self.faults: tuple[FaultSeen, ...] = ()
        self.executed = 0
        self._steps = 0
        self._offered: Offered = ()

    @property
    def steps(self) -> int:
        """Instructions executed over all executions."""
        return self._steps

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return a word of memory."""
        return self.words.get(address, 0)

    def snapshot(self) -> object:
        """Return everything that can change."""
        return (
            dict(self.words), self.state, dict(self.registers), self.pc, self.pa, self.ends,
            self.faults, self.executed, self._offered,
        )  # fmt: skip

    def restore(self, snapshot: object) -> None:
        """Go back."""
        assert isinstance(snapshot, tuple)
        words, self.state, registers, self.pc, self.pa, self.ends = snapshot[:6]
        self.faults, self.executed, self._offered = snapshot[6:]
        self.words, self.registers = dict(words), dict(registers)

    def fingerprint(self) -> Hashable:
        """Return all that decides how it goes on."""
        return (
            frozenset(self.words.items()), self.state, frozenset(self.registers.items()), self.pc,
            self.pa, self.ends, self.faults,
        )  # fmt: skip

    def is_possible(self) -> bool:
        """Return whether no promise is broken."""
        ended = bool(self.faults) or self.pc >= len(self.program.code)
        return self.model.is_possible(self.state, ended=ended)

    def final_state(self) -> FinalState:
        """Return registers, variables, descriptors and faults."""
        names = {**PTES, **PAS}
        return FinalState(
            tuple(sorted(self.registers.items())),
            tuple((name, self.words[where]) for name, where in sorted(names.items())),
            self.faults,
        )

    def advance(self, limit: int) -> ChoicePoint | None:
        """Run to the next choice."""
        while self.is_possible():
            offered = self._offer()
            if offered is None:
                return None
            self._offered = offered
            if len(offered) > 1:
                return ChoicePoint(str(self.pc), tuple(map(_alternative, offered)))
            if offered:
                self.choose(0)
            if self.executed > limit:
                raise LimitError(f"{limit} instructions of one execution")
        return None

    def choose(self, index: int) -> None:
        """Take an alternative."""
        taken = self._offered[index]
        if isinstance(taken, bool):
            self._end(set_flag=taken)
        elif isinstance(taken, Choice):
            self._translated(taken)
        else:
            self._found(taken)

    def _offer(self) -> Offered | None:
        """Return the alternatives of the next decision; executes what needs none."""
        if self.faults or self.pc >= len(self.program.code):
            return self._offer_end()
        name, *operands = self.program.code[self.pc]
        kind = _ACCESSES.get(str(name))
        if kind is None:
            self._execute(str(name), operands)
            return ()
        if self.pa is None:
            va = self.registers[str(operands[-1])]
            operation = Operation.SWAP if kind is AccessKind.READ_WRITE else Operation.PLAIN
            access = Access(VirtualAddress(va), kind, 8, operation=operation)
            return self.model.permitted(self.state, self, access)
        if kind is not AccessKind.WRITE and self.pa >> 12 == TABLES[3] >> 12:
            atomic = kind is AccessKind.READ_WRITE
            return self.model.reads(self.state, self, self.pa, atomic=atomic)
        return (ReadChoice("memory", self.words[self.pa], ""),)

    def _offer_end(self) -> tuple[bool, ...] | None:
        if self.ends == len(NAMES):
            return None
        where = PTES[f"pte_{NAMES[self.ends]}"]
        update = self.model.spontaneous(self.state, self, where)
        return (False,) if update is None else (False, True)

    def _end(self, *, set_flag: bool) -> None:
        where = PTES[f"pte_{NAMES[self.ends]}"]
        if set_flag:
            self.words[where] |= AF
        self.ends += 1

    def _translated(self, choice: Choice) -> None:
        for address, value in choice.memory_updates:
            self.words[address] = value
        self.state = self.model.choose(self.state, choice)
        if isinstance(choice.outcome, Fault):
            self.faults = (
                FaultSeen(str(self.pc), self.pc, choice.outcome.kind.value, 0, choice.outcome.far),
            )
            self.state = self.model.after_exception_entry(self.state)
        else:
            self.pa = choice.outcome.pa

    def _found(self, choice: ReadChoice) -> None:
        assert self.pa is not None
        where, old = self.pa, choice.value
        name, *operands = (str(each) for each in self.program.code[self.pc])
        if name != "str":
            if choice.update is not None:
                self.words[where] = choice.update.new
            if where >> 12 == TABLES[3] >> 12:
                self.state = self.model.choose_read(self.state, where, choice)
        new = None
        if name == "ldr":
            self.registers[operands[0]] = old
        elif name == "str":
            new = self.registers[operands[0]]
        else:
            source = self.registers[operands[0]]
            if name == "cas":
                self.registers[operands[0]] = old
                new = self.registers[operands[1]] if old == source else old
            else:
                self.registers[operands[1]] = old
                new = {"swp": source, "ldadd": old + source, "ldclr": old & ~source}[name]
        if new is not None:
            self.words[where] = new
            if where >> 12 == TABLES[3] >> 12:
                self.state = self.model.after_store(
                    self.state, where, old, new, atomic=name != "str"
                )
        self.pa = None
        self._next()

    def _execute(self, name: str, operands: list[object]) -> None:
        words = [str(each) for each in operands]
        if name == "mov":
            self.registers[words[0]] = int(words[1])
        elif name == "eor":
            self.registers[words[0]] = self.registers[words[1]] ^ self.registers[words[2]]
        elif name == "add":
            self.registers[words[0]] = self.registers[words[1]] + self.registers[words[2]]
        elif name == "cbz":
            self.state = self.model.after_dependency(self.state)
            if not self.registers[words[0]]:
                self.pc = int(words[1]) - 1
        elif name == "tlbi":
            operand = self.registers[words[1]] if len(words) > 1 else None
            self.state = self.model.after_tlbi(self.state, words[0], operand)
        elif name == "dsb":
            self.state = self.model.after_dsb(self.state, words[0])
        elif name == "isb":
            self.state = self.model.after_isb(self.state)
        elif name == "msr":
            self.state = self.model.after_msr(self.state, words[0], self.registers[words[1]])
        else:
            assert name == "dmb", name
        self._next()

    def _next(self) -> None:
        self.pc += 1
        self.executed += 1
        self._steps += 1


_ACCESSES = {
    "ldr": AccessKind.READ,
    "str": AccessKind.WRITE,
    **dict.fromkeys(("swp", "cas", "ldadd", "ldclr"), AccessKind.READ_WRITE),
}


def _alternative(offered: Choice | ReadChoice | bool) -> Alternative:  # noqa: FBT001 - a value
    if isinstance(offered, bool):
        return Alternative("access flag set" if offered else "as it is")
    return Alternative(offered.identity, offered.explanation)


def explored(program: Program, bounds: Bounds | None = None) -> Exploration:
    """Return what exploration finds of a program."""
    return explore(Toy(program), bounds)


def state_of(program: Program) -> TranslationState:
    """Return the translation state before the first instruction."""
    return Toy(program).state
