"""The line of every key of a TOML text."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.scenario_file.lines import Path, key_lines

EXAMPLE = '''# a comment with [brackets] and key = 1
title = "x # not a comment"   # a comment

[run]
limit.seconds = 1
"quoted key" = 'it''s' # no
text = """
fake = 1
"""

[[map]]
va = "0x1"
[map.inner]
deep = { one = 1, two = { three = [1,
  2,
  3] } }
[[map]]
va = [
  # a comment ]
  "a]b", 'c', # another
]
'''.replace("'it''s'", "'its'")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("run",), 4),
        (("run", "limit"), 5),
        (("run", "limit", "seconds"), 5),
        (("run", "quoted key"), 6),
        (("run", "text"), 7),
        (("map", 0), 11),
        (("map", 0, "va"), 12),
        (("map", 0, "inner"), 13),
        (("map", 0, "inner", "deep", "one"), 14),
        (("map", 0, "inner", "deep", "two", "three", 1), 15),
        (("map", 1), 17),
        (("map", 1, "va"), 18),
        (("map", 1, "va", 1), 20),
    ],
)
def test_a_key_is_found_on_its_line(path: Path, line: int) -> None:
    assert key_lines(EXAMPLE)[path] == line


def test_text_in_strings_and_comments_is_no_key() -> None:
    lines = key_lines(EXAMPLE)
    assert ("run", "fake") not in lines
    assert ("key",) not in lines


def test_an_escaped_quote_does_not_end_a_string_or_a_key() -> None:
    text = 'a = "x\\" # y"\n"k\\u0041\\n" = """q\\""" = 1\n"""\nb = 2\n'
    assert key_lines(text) == {("a",): 1, ("kA\n",): 2, ("b",): 4}


def test_what_is_not_toml_is_refused_without_a_loop() -> None:
    with pytest.raises(ValueError, match="no key at line 2"):
        key_lines("a = 1\n!")


keys = st.one_of(st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True), st.just('"a.b #"'))
scalars = st.sampled_from(['"s"', "'#'", "1", "-2.5", "true", "1979-05-27 07:32:00", '"""\n\n#"""'])
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ", # x\n".join(items) + "]"),
        st.dictionaries(keys, inner, max_size=3).map(
            lambda table: "{ " + ", ".join(f"{k} = {v}" for k, v in table.items()) + "}"
        ),
    ),
    max_leaves=6,
)


def _paths(value: object, path: Path = ()) -> set[Path]:
    found = {path} if path else set()
    if isinstance(value, dict):
        for key, item in value.items():
            found |= _paths(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            found |= _paths(item, (*path, index))
    return found


pairs = st.dictionaries(keys, values, max_size=4)


@given(pairs, st.lists(pairs, max_size=3))
def test_every_key_that_tomllib_reads_has_a_line_and_no_other(
    top: dict[str, str], tables: list[dict[str, str]]
) -> None:
    lines = [f"{key} = {value}" for key, value in top.items()]
    for table in tables:
        lines += ["[[tables]]", *(f"{key} = {value}" for key, value in table.items())]
    text = "\n".join(lines)
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(key_lines(text)) == _paths(read) | ({("tables",)} if tables else set())
