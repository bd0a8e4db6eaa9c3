"""A litmus test under every choice that the architecture permits."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import UnsupportedError
from harness.explore.explorer import Bounds, explore
from harness.explore.machine_program import Watched
from harness.explore.results import Exploration, Outcome
from harness.explore.scenario_program import scenario_program
from harness.litmus.judge import Verdict, judge
from harness.litmus.parse import LitmusTest
from harness.litmus.state import Final, SeenFault
from harness.litmus.translate import Translated, translate
from harness.litmus.values import Aspect, Register, Symbol
from harness.trace import EndReason


def run_test(test: LitmusTest, bounds: Bounds | None = None) -> Verdict:
    """Explore a test and judge the final states.

    A bound that is reached makes the verdict incomplete. UnsupportedError names an instruction
    that is not run, AssemblyError one that is none. Without a handler, an exception that is no
    abort is refused too: the conditions have no words for it.
    """
    translated = translate(test)
    with scenario_program(translated.scenario, watched=_watched(translated)) as program:
        try:
            exploration = explore(program, bounds)
        except UnsupportedError as error:
            raise UnsupportedError(f"{test.file}: {error}") from None
    if any(each.state.end == EndReason.EXCEPTION.value for each in exploration.outcomes):
        raise UnsupportedError(
            f"{test.file}: the thread has no handler and takes an exception that is no abort: SVC, "
            "BRK, HLT, or an instruction that is undefined at its exception level"
        )
    return judge(translated, _finals(exploration), exploration.incomplete)


def _watched(test: Translated) -> Watched:
    """Tell states apart by what the condition speaks of, and by nothing else.

    Hardware may set AF in any location's descriptor until the end.
    """
    seen = {item.name for item in test.test.observed() if isinstance(item, Register)}
    layout = test.layout
    return Watched(
        registers=tuple(sorted(seen)),
        memory={hex(word): word for word in test.watched},
        descriptors=tuple(
            address
            for name in layout.names
            if (address := layout.physical(Symbol(name, Aspect.DESCRIPTOR))) in test.watched
        ),
    )


def _finals(exploration: Exploration) -> Iterator[tuple[Final, tuple[str, ...]]]:
    return ((_final(outcome), outcome.witness) for outcome in exploration.outcomes)


def _final(outcome: Outcome) -> Final:
    state = outcome.state
    return Final(
        registers=dict(state.registers),
        words={int(name, 16): value for name, value in state.memory},
        faults=tuple(SeenFault(fault.pc, fault.far, fault.kind) for fault in state.faults),
    )
