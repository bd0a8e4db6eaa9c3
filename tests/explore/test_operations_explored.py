"""Operations of a kernel have one outcome whatever the TLB keeps: their maintenance is whole."""

from __future__ import annotations

import pytest

from harness import library
from harness.explore.explorer import explore
from harness.explore.scenario_program import scenario_program
from harness.scenario_file import load


@pytest.mark.parametrize(
    ("name", "read_back"),
    [("realm_unshare_linux_7_0", 0), ("realm_unshare_linux_7_0_1", 0x2222)],
)
def test_every_execution_of_an_operation_ends_alike(name: str, read_back: int) -> None:
    with scenario_program(load(library.find(name))) as program:
        found = explore(program)
    assert found.complete
    (outcome,) = found.outcomes
    assert dict(outcome.state.registers)["x5"] == read_back
