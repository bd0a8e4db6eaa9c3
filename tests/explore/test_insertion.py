"""Advice on scenarios: what their snippets lack, tried out on the machine itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import HarnessError, LimitError
from harness.explore.advice import DSB, ISB, TLBI
from harness.explore.explorer import explore
from harness.explore.insertion import MAX_PLACES, ScenarioVariants, advise_on, scenario_variants
from harness.explore.scenario_program import scenario_program
from harness.explore.steppable import FinalState
from harness.library import find
from harness.scenario import Scenario
from harness.scenario_file import load

UNMAP = ("dsb ish", "tlbi vae1is, x9", "dsb ish", "isb")
"""What makes an unmapped page unusable, for a register that holds its page number."""


def scenario(*maintenance: str) -> Scenario:
    """Return a scenario that clears a descriptor, maintains, and loads through it."""
    base = load(find("break_before_make"))
    lines = [
        "unmap:",
        "    lsr x9, x0, #12",
        "    ubfx x9, x9, #0, #44",
        "    str xzr, [x1]",
        *(f"    {each}" for each in maintenance),
        "use:",
        "    ldr x4, [x0]",
        "    ret",
    ]
    run = replace(base.run, snippet=None, text="\n".join(lines) + "\n", entry="unmap")
    return replace(base, run=run, expect=None)


def uses_the_page(state: FinalState) -> bool:
    return not state.faults


def test_the_whole_sequence_leaves_only_the_fault() -> None:
    with scenario_program(scenario(*UNMAP)) as program:
        found = explore(program)
    assert found.complete
    assert [each.state.faults[0].label for each in found.outcomes] == ["use"]


@pytest.mark.parametrize("index", range(4))
def test_what_was_left_out_of_the_sequence_is_advised(index: int) -> None:
    left = (*UNMAP[:index], *UNMAP[index + 1 :])
    advice = advise_on(scenario(*left), uses_the_page)
    assert {each.instructions for each in advice} == {((DSB, TLBI, DSB, ISB)[index],)}


def test_the_place_is_named_by_its_label() -> None:
    (advice,) = advise_on(scenario(*UNMAP[:3]), uses_the_page)
    assert advice.place.label == "use"
    assert advice.text.startswith("missing before use: ISB (")


def test_a_program_that_inserts_nothing_has_no_variants() -> None:
    with scenario_program(scenario()) as program, pytest.raises(HarnessError, match="inserts"):
        ScenarioVariants(program)


def test_a_long_snippet_is_refused() -> None:
    long = scenario(*["nop"] * MAX_PLACES)
    with pytest.raises(LimitError, match="among 128 instructions"), scenario_variants(long):
        pass
