"""A scenario under every permitted choice: what was found, what it breaks, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from harness.arch.addresses import VirtualAddress
from harness.errors import HarnessError
from harness.explore.advice import ADVICE_BOUNDS, Advice, advise
from harness.explore.claims import Broken, broken_claims
from harness.explore.explorer import Bounds, explore
from harness.explore.expression import Condition, Initial
from harness.explore.insertion import Inserter, ScenarioVariants
from harness.explore.machine_program import MachineProgram
from harness.explore.replay import replay
from harness.explore.results import Exploration, Outcome
from harness.explore.scenario_program import scenario_program
from harness.explore.steppable import Alternative, ChoicePoint, FinalState, Witness
from harness.scenario import Scenario

EXPLAINED = 20
"""Outcomes of which the witness is told in words; those that break a claim are told besides."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a user holds of the outcomes: none has a forbidden one, each has every required one."""

    forbidden: tuple[Condition, ...] = ()
    required: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """One choice of a witness in words."""

    place: str
    identity: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Explored:
    """All that is told of an explored scenario."""

    scenario: Scenario
    exploration: Exploration
    broken: tuple[Broken, ...]
    at_first: FinalState
    """The registers before the first instruction, and each word that some outcome changed."""
    told: Mapping[Witness, tuple[Taken, ...]]
    advice: tuple[Advice, ...] | None
    """None where it was not sought: nobody asked for it, or no claim is broken."""

    @property
    def is_whole(self) -> bool:
        """Whether a claim that nothing breaks is proved: all was explored, and something found."""
        return self.exploration.complete and bool(self.exploration.outcomes)


def explore_scenario(
    scenario: Scenario,
    claims: Claims,
    bounds: Bounds,
    *,
    assembler: str | None = None,
    advice: bool = False,
) -> Explored:
    """Explore a scenario and hold `claims` against the outcomes.

    `advice`: where a claim is broken, insertions are tried before each instruction that some
    execution came to, each variant within ADVICE_BOUNDS and `bounds`. ValueSyntaxError for a claim
    about a register or memory that the outcomes do not tell; LimitError for advice among too many
    instructions; UnsupportedError names what is not run.
    """
    with scenario_program(scenario, assembler, injecting=Inserter) as program:
        start = program.snapshot()
        registers = program.final_state().registers
        exploration = explore(program, bounds)
        executed = _executed(program)
        broken = broken_claims(exploration, claims.forbidden, claims.required, program.initial_word)
        told = _tell(program, start, _worth_telling(exploration, broken), bounds)
        at_first = FinalState(registers, _words_at_first(exploration, program.initial_word), ())
        found = None
        if advice and broken:
            program.restore(start)
            is_bad = partial(_is_bad, claims, program.initial_word)
            variants = ScenarioVariants(program, executed)
            found = advise(variants, is_bad, _within(bounds))
    return Explored(scenario, exploration, broken, at_first, told, found)


def _executed(program: MachineProgram) -> frozenset[VirtualAddress]:
    if not isinstance(program.injector, Inserter):
        raise HarnessError("the program has nothing that inserts")
    return program.injector.executed


def _worth_telling(exploration: Exploration, broken: Iterable[Broken]) -> Sequence[Outcome]:
    return (*exploration.outcomes[:EXPLAINED], *(each.outcome for each in broken))


def _tell(
    program: MachineProgram, start: object, outcomes: Iterable[Outcome], bounds: Bounds
) -> dict[Witness, tuple[Taken, ...]]:
    told: dict[Witness, tuple[Taken, ...]] = {}
    for outcome in outcomes:
        if outcome.witness not in told:
            choices: list[Taken] = []
            program.restore(start)
            state = replay(program, outcome.witness, bounds.instructions, _into(choices))
            if state != outcome.state:
                raise HarnessError("a witness led to another outcome than its own")
            told[outcome.witness] = tuple(choices)
    return told


def _into(choices: list[Taken]) -> Callable[[ChoicePoint, Alternative], None]:
    def tell(point: ChoicePoint, taken: Alternative) -> None:
        choices.append(Taken(point.place, taken.identity, taken.explanation))

    return tell


def _words_at_first(exploration: Exploration, initial: Initial) -> tuple[tuple[str, int], ...]:
    names = {name for each in exploration.outcomes for name, _ in each.state.memory}
    words = ((name, initial(int(name, 16))) for name in sorted(names, key=lambda n: int(n, 16)))
    return tuple((name, word) for name, word in words if word is not None)


def _is_bad(claims: Claims, initial: Initial, state: FinalState) -> bool:
    return any(each.holds(state, initial) for each in claims.forbidden) or not all(
        each.holds(state, initial) for each in claims.required
    )


def _within(bounds: Bounds) -> Bounds:
    return replace(
        ADVICE_BOUNDS,
        executions=min(ADVICE_BOUNDS.executions, bounds.executions),
        instructions=min(ADVICE_BOUNDS.instructions, bounds.instructions),
        states=min(ADVICE_BOUNDS.states, bounds.states),
    )
