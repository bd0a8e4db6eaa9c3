"""Variants of a scenario with maintenance inserted, for `harness.explore.advice`.

Nothing is assembled anew: the maintenance is executed by the machine before the instruction at its
place, every time that one executes, as if it stood there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.arch.addresses import VirtualAddress
from harness.errors import HarnessError, LimitError
from harness.explore.advice import Advice, Place, advise
from harness.explore.explorer import Bounds
from harness.explore.machine_program import MachineProgram
from harness.explore.scenario_program import scenario_program
from harness.explore.steppable import FinalState, Steppable
from harness.machine.injections import Injector
from harness.scenario import Scenario
from harness.vmsa.access import Access

MAX_PLACES = 128
"""Instructions of a snippet before which insertion is tried."""
_INSTRUCTION = 4


class Inserter(Injector):
    """An injector that also executes maintenance before the instruction at an address.

    `executed` gathers the addresses of all instructions that any execution came to.
    """

    insert_at: VirtualAddress | None = None
    inserted: tuple[str, ...] = ()
    executed: frozenset[VirtualAddress] = frozenset()

    def before_instruction(
        self, number: int, pc: VirtualAddress, accesses: tuple[Access, ...]
    ) -> None:
        """Fire what is due, then execute what is inserted here."""
        super().before_instruction(number, pc, accesses)
        if pc not in self.executed:
            self.executed |= {pc}
        if pc == self.insert_at:
            for operation in self.inserted:
                self._machine.maintain(operation, None)


class ScenarioVariants:
    """The variants of one scenario, all on one machine."""

    def __init__(
        self, program: MachineProgram, among: frozenset[VirtualAddress] | None = None
    ) -> None:
        """`program`: at its start, with an Inserter; `among`: where to insert, None: anywhere."""
        if not isinstance(program.injector, Inserter):
            raise HarnessError("the program has nothing that inserts")
        self._program = program
        self._inserter = program.injector
        self._start = program.snapshot()
        code = program.code
        everywhere = (
            VirtualAddress(code.base + offset) for offset in range(0, len(code.code), _INSTRUCTION)
        )
        self._addresses = tuple(each for each in everywhere if among is None or each in among)
        count = len(self._addresses)
        if count > MAX_PLACES:
            raise LimitError(f"advice is sought among {MAX_PLACES} instructions, not {count}")

    @property
    def places(self) -> Sequence[Place]:
        """Every instruction of the snippet at which something may be inserted."""
        return tuple(
            Place(index, self._program.code.label(address) or f"{address:#x}")
            for index, address in enumerate(self._addresses)
        )

    def variant(self, place: Place, instructions: tuple[str, ...]) -> Steppable:
        """Return the program at its start, with `instructions` executed at `place`."""
        self._program.restore(self._start)
        self._inserter.insert_at = self._addresses[place.index]
        self._inserter.inserted = instructions
        return self._program


@contextmanager
def scenario_variants(
    scenario: Scenario, assembler: str | None = None
) -> Iterator[ScenarioVariants]:
    """Give the variants of a scenario; LimitError for more than MAX_PLACES instructions."""
    with scenario_program(scenario, assembler, injecting=Inserter) as program:
        yield ScenarioVariants(program)


def advise_on(
    scenario: Scenario,
    is_bad: Callable[[FinalState], bool],
    bounds: Bounds | None = None,
    assembler: str | None = None,
) -> tuple[Advice, ...]:
    """Return what is missing from a scenario's snippet; see `advise`."""
    with scenario_variants(scenario, assembler) as variants:
        return advise(variants, is_bad, bounds)
