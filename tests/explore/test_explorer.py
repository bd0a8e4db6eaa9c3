"""Exploration itself: everything is found once, counted, and can be found again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from graph import END, IMPOSSIBLE, Graph, final
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import LimitError, ValueSyntaxError
from harness.explore.explorer import Bounds, explore
from harness.explore.replay import replay
from harness.explore.results import Exploration

DIAMOND = {
    "start": ("left", "right"),
    "left": ("middle",),
    "right": ("middle",),
    "middle": ("low", "high"),
    "low": END,
    "high": END,
}


def counts(exploration: Exploration) -> dict[str, int]:
    """Return how many executions end where."""
    return {each.state.registers[0][0]: each.count for each in exploration.outcomes}


def test_every_execution_is_counted_and_every_end_found() -> None:
    found = explore(Graph(DIAMOND))
    assert found.complete
    assert counts(found) == {"low": 2, "high": 2}
    assert found.executions == 4


def test_equal_states_are_followed_once() -> None:
    merged, apart = explore(Graph(DIAMOND)), explore(Graph(DIAMOND, told_apart=True))
    assert counts(merged) == counts(apart)
    assert (merged.followed, merged.merged) == (3, 1)
    assert (apart.followed, apart.merged) == (4, 0)
    assert merged.steps < apart.steps


def test_a_program_without_choices_has_one_execution() -> None:
    found = explore(Graph({"start": ("only",), "only": END}))
    assert counts(found) == {"only": 1}
    assert found.outcomes[0].witness == ()


def test_the_witness_departs_from_the_present_as_little_as_it_can() -> None:
    graph = {
        "start": ("a", "b"),
        "a": ("deep", "goal"),
        "deep": ("deeper", "goal"),
        "deeper": ("goal", "other"),
        "b": ("goal", "other"),
        "goal": END,
        "other": END,
    }
    goal, other = explore(Graph(graph)).outcomes
    assert goal.state == final("goal")
    assert goal.witness == ("a", "deep", "deeper", "goal")
    assert goal.deviations == 0
    assert other.deviations == 1
    assert other.witness == ("a", "deep", "deeper", "other")


def test_what_cannot_be_is_no_execution() -> None:
    graph = {**DIAMOND, "right": IMPOSSIBLE}
    found = explore(Graph(graph))
    assert counts(found) == {"low": 1, "high": 1}
    assert found.impossible == 1
    assert found.complete


def test_nothing_possible_is_no_outcome() -> None:
    found = explore(Graph({"start": ("a", "b"), "a": IMPOSSIBLE, "b": IMPOSSIBLE}))
    assert found.outcomes == ()
    assert found.complete


@pytest.mark.parametrize("executions", [1, 2, 3])
def test_a_bound_on_executions_makes_it_incomplete(executions: int) -> None:
    found = explore(Graph(DIAMOND, told_apart=True), Bounds(executions=executions))
    assert not found.complete
    assert found.incomplete == (f"{executions} executions",)
    assert found.followed == executions
    assert found.executions == executions


def test_a_bound_that_is_just_enough_is_not_reached() -> None:
    assert explore(Graph(DIAMOND, told_apart=True), Bounds(executions=4)).complete


def test_a_bound_on_states_makes_it_incomplete() -> None:
    found = explore(Graph(DIAMOND, told_apart=True), Bounds(states=1))
    assert found.incomplete == ("1 states",)


def test_a_long_execution_is_left_out_and_the_others_go_on() -> None:
    graph = {
        "start": ("long", "short"),
        "long": ("n1",),
        "n1": ("n2",),
        "n2": ("n3",),
        "n3": END,
        "short": END,
    }
    found = explore(Graph(graph), Bounds(instructions=3))
    assert counts(found) == {"short": 1}
    assert found.incomplete == ("3 instructions of one execution",)


def test_an_endless_execution_is_said_to_be_one() -> None:
    graph = {"start": ("start", "out"), "out": END}
    found = explore(Graph(graph))
    assert counts(found) == {"out": 1}
    assert found.incomplete == ("an execution that repeats a state for ever",)


def test_what_a_loop_cut_short_is_not_taken_for_the_whole() -> None:
    # `b` is first reached on the way from `a`, where going back to `a` is a loop; reached from
    # the start it also leads out by way of `a`.
    graph = {
        "start": ("a", "b"),
        "a": ("b", "out"),
        "b": ("a", "end"),
        "out": END,
        "end": END,
    }
    found = explore(Graph(graph))
    assert set(counts(found)) == {"out", "end"}
    assert counts(found)["out"] >= 2
    assert not found.complete


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Sequence[str]]:
    """Draw a graph without loops."""
    size = draw(st.integers(2, 7))
    edges: dict[str, Sequence[str]] = {}
    for node in range(size):
        below = [f"n{other}" for other in range(node + 1, size)]
        ways = draw(st.lists(st.sampled_from(below), unique=True, max_size=3)) if below else []
        name = f"n{node}" if node else "start"
        edges[name] = tuple(ways) if ways else draw(st.sampled_from([END, END, IMPOSSIBLE]))
    return edges


@given(graphs())
def test_merging_changes_neither_outcomes_nor_counts(edges: dict[str, Sequence[str]]) -> None:
    merged, apart = explore(Graph(edges)), explore(Graph(edges, told_apart=True))
    assert merged.outcomes == apart.outcomes
    assert merged.executions == apart.executions


@given(graphs())
def test_every_witness_leads_to_its_outcome(edges: dict[str, Sequence[str]]) -> None:
    for outcome in explore(Graph(edges)).outcomes:
        assert replay(Graph(edges), outcome.witness, 100) == outcome.state


def test_the_same_program_is_explored_the_same_way() -> None:
    assert explore(Graph(DIAMOND)) == explore(Graph(DIAMOND))


def test_the_shortest_witness_of_what_is_wanted() -> None:
    found = explore(Graph(DIAMOND))
    high = found.shortest(lambda state: state == final("high"))
    assert high is not None
    assert high.witness == ("left", "high")
    assert found.shortest(lambda state: state == final("nowhere")) is None


def test_a_replay_tells_what_was_chosen() -> None:
    told: list[str] = []
    replay(
        Graph(DIAMOND),
        ["right"],
        10,
        lambda point, taken: told.append(f"{point.place} {taken.identity}"),
    )
    assert told == ["start right", "middle low"]


def test_a_witness_of_another_program_is_refused() -> None:
    with pytest.raises(
        ValueSyntaxError, match="at start there is no 'rigth'; did you mean 'right'"
    ):
        replay(Graph(DIAMOND), ["rigth"], 10)
    with pytest.raises(ValueSyntaxError, match="ends 1 choice"):
        replay(Graph(DIAMOND), ["left", "low", "more"], 10)


def test_a_replay_has_a_bound_too() -> None:
    with pytest.raises(LimitError):
        replay(Graph({"start": ("start",)}), [], 10)
