"""Scenario files with accidents: whatever is wrong, one error of one line, never a crash."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from harness import library
from harness.errors import HarnessError, InputError
from harness.runner import build_image
from harness.scenario_file import SUFFIX, parse

SHIPPED = [library.folder() / f"{name}{SUFFIX}" for name in library.names()]
TOKENS = (
    *('"', "'", "[", "]", "{", "}", "=", "#", ",", ".", "\n", "[[map]]\n", "[run]\n"),
    *("0", "-1", "1e9", "true", '"0x"', '"4K"', '"1T"', "52", '"VALID"', '"64K"', '"x"', "[]"),
    *("99999999999999999999", '"0xffffffffffffffff"', '"0xfffffffffffff000"', "{ va = 1 }"),
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[int, str]:
    """Return the number of a shipped scenario, and its text with something wrong in it."""
    number = draw(st.integers(0, len(SHIPPED) - 1))
    text = SHIPPED[number].read_text(encoding="utf-8")
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text) - 1))
        removed = draw(st.integers(0, 6))
        text = text[:place] + draw(st.sampled_from(("", *TOKENS))) + text[place + removed :]
    return number, text


def refusal(text: str, path: Path) -> HarnessError | None:
    """Return the error of a scenario, None for one that can be built."""
    try:
        build_image(parse(text, path))
    except HarnessError as error:
        return error
    return None


@settings(max_examples=150, deadline=None)
@given(damaged())
def test_a_damaged_scenario_is_built_or_refused_in_one_line(case: tuple[int, str]) -> None:
    number, text = case
    error = refusal(text, SHIPPED[number])
    assert error is None or "\n" not in str(error)
    assert not isinstance(error, InputError) or error.at is not None


def test_a_scenario_cut_short_anywhere_is_built_or_refused() -> None:
    text = SHIPPED[0].read_text(encoding="utf-8")
    refusals = [refusal(text[:end], SHIPPED[0]) for end in range(0, len(text), 7)]
    assert any(isinstance(error, InputError) for error in refusals)
    assert all(error is None or isinstance(error, InputError) for error in refusals)
