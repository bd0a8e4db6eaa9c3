"""Conditions on final states, and claims of all executions."""

from __future__ import annotations

from contextlib import suppress

import pytest
from graph import Graph
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ValueSyntaxError
from harness.explore.claims import broken_claims
from harness.explore.explorer import explore
from harness.explore.expression import parse_condition
from harness.explore.steppable import FaultSeen, FinalState

FAULT = FaultSeen("use+0x4", 0x1004, "translation", 0x96000007, 0x5000)
STATE = FinalState(
    (("x0", 7), ("x1", 0x1_0000_0002), ("sp", 16)), (("0x1000", 5),), (FAULT,), "fault"
)
CALM = FinalState((("x0", 0),), (), (), "returned")


def initial(address: int) -> int | None:
    """Return the words of memory at first."""
    return {0x1000: 1, 0x2000: 9}.get(address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x0 == 7", True),
        ("x0 == 8", False),
        ("x0 != 7", False),
        ("x0 < 8", True),
        ("x0 <= 6", False),
        ("x0 > 6", True),
        ("x0 >= 8", False),
        ("X0==0x7", True),
        ("x1 == 2", False),
        ("w1 == 2", True),
        ("sp == 16", True),
        ("[0x1000] == 5", True),
        ("[0x2000] == 9", True),
        ("fault", True),
        ("fault == translation", True),
        ("fault == permission", False),
        ("fault != permission", True),
        ("fault at use+0x4", True),
        ("fault at use", False),
        ("end == fault", True),
        ("end != fault", False),
        ("not fault", False),
        ("not not fault", True),
        ("x0 == 7 and x0 == 8", False),
        ("x0 == 7 or x0 == 8", True),
        ("x0 == 8 and x0 == 8 or fault", True),
        ("x0 == 8 and (x0 == 8 or fault)", False),
        ("not (x0 == 8) and fault", True),
    ],
)
def test_a_condition_holds_or_not(text: str, *, expected: bool) -> None:
    assert parse_condition(text).holds(STATE, initial) is expected


def test_without_faults_none_is_found() -> None:
    for text in ("fault", "fault == translation", "fault at use+0x4"):
        assert not parse_condition(text).holds(CALM, initial)
    assert parse_condition("fault != translation").holds(CALM, initial)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: a register, .* is missing"),
        ("x0 ==", "column 6: a number is missing"),
        ("x0 = 1", "column 4: '=' has no meaning here"),
        ("x31 == 1", "column 1: 'x31' is no register"),
        ("x0 == one", "column 7: 'one' is no number"),
        ("x0 7", "column 4: '7' is no comparison"),
        ("[0x1001] == 1", "column 2: 0x1001 is not aligned"),
        ("[0x1000 == 1", "column 9: ']' is expected, not '=='"),
        ("(fault", "column 7: '\\)' is expected, not the end"),
        ("fault fault", "column 7: 'fault' is more than one condition"),
        ("fault == translatoin", "did you mean 'translation'"),
        ("end", "column 4: 'end' is compared"),
        ("end == later", "there is no reason 'later': returned"),
        ("x0 == 1 # 2", "column 9: '#' has no meaning here"),
    ],
)
def test_what_is_no_condition_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ValueSyntaxError, match=message):
        parse_condition(text)


def test_a_word_where_there_is_no_memory_is_refused() -> None:
    with pytest.raises(ValueSyntaxError, match="there is no memory at 0x3000"):
        parse_condition("[0x3000] == 0").holds(STATE, initial)


@given(st.text(alphabet="x0=!<>()[] fault andornot19", max_size=30))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    with suppress(ValueSyntaxError):
        assert parse_condition(text).text == text


def test_a_register_that_final_states_do_not_tell_is_refused() -> None:
    with pytest.raises(ValueSyntaxError, match="do not tell x9"):
        parse_condition("x9 == 1").holds(STATE, initial)


GRAPH = {"start": ("x1", "x2"), "x1": "end", "x2": ("x3", "x4"), "x3": "end", "x4": "end"}


def test_a_forbidden_condition_is_broken_by_the_outcome_nearest_to_the_present() -> None:
    found = explore(Graph(GRAPH))
    always = parse_condition("not fault")
    (broken,) = broken_claims(found, [always], [always], initial)
    assert broken.claim == "forbid not fault"
    assert broken.outcome is found.outcomes[0]


def test_a_required_condition_is_broken_by_an_outcome_that_lacks_it() -> None:
    found = explore(Graph(GRAPH))
    (broken,) = broken_claims(found, [], [parse_condition("fault")], initial)
    assert broken.claim == "require fault"
    assert broken.outcome.deviations == 0
