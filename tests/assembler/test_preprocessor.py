"""Directives that shape the text, and the constant expressions in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import AssemblyError
from harness.machine.expressions import evaluate
from harness.machine.preprocessor import MAX_STATEMENTS, preprocess
from harness.machine.source import split_operands, split_statements


def texts(text: str) -> list[str]:
    return [statement.text for statement in preprocess(text, "s.S", None)]


def error_of(text: str) -> str:
    with pytest.raises(AssemblyError) as caught:
        preprocess(text, "s.S", None)
    return str(caught.value)


def test_statements_are_split_and_comments_are_gone() -> None:
    text = (
        'a: b: nop; ret // x; y\n /* 1\n2 */ .ascii "//;/*" # no comment\n'
        "  # comment\nadd x0, x0, #';'"
    )
    assert [(s.text, s.at.line) for s in split_statements(text, "s.S")] == [
        ("a:", 1),
        ("b:", 1),
        ("nop", 1),
        ("ret", 1),
        ('.ascii "//;/*" # no comment', 3),
        ("add x0, x0, #';'", 5),
    ]


def test_operands_are_split_outside_brackets_and_quotes() -> None:
    assert split_operands('x0, [x1, #8], {v0.2d, v1.2d}, ",", (1, 2)') == [
        "x0",
        "[x1, #8]",
        "{v0.2d, v1.2d}",
        '","',
        "(1, 2)",
    ]
    assert split_operands("") == []
    assert split_operands("a,") == ["a", ""]


def test_macro_arguments_by_position_name_default_and_rest() -> None:
    macro = ".macro m a:req, b=7, c:vararg\n.word \\a, \\b, \\c\n.endm\n"
    assert texts(macro + "m 1") == [".word 1, 7,"]
    assert texts(macro + "m 1, 2, 3, 4") == [".word 1, 2, 3, 4"]
    assert texts(macro + "m b=5, a=[x0, #8]") == [".word [x0, #8], 5,"]
    assert error_of(macro + "m") == "s.S:4: argument `a` is missing: `m`"
    assert error_of(".macro m a\nnop\n.endm\nm 1, 2").startswith(
        "s.S:4: too many arguments, from `2`"
    )


def test_macros_may_use_macros_and_join_names() -> None:
    text = ".macro one n\nl\\n\\()_x: nop\n.endm\n.macro two n\none \\n\nret\n.endm\ntwo 3"
    assert texts(text) == ["l3_x:", "nop", "ret"]


def test_each_use_of_a_macro_has_its_number() -> None:
    assert texts(".macro m\nb l\\@\n.endm\nm\nm") == ["b l1", "b l2"]


def test_blocks_nest() -> None:
    text = ".rept 2\n.irp r, x1, x2\nneg \\r, \\r\n.endr\nnop\n.endr"
    once = ["neg x1, x1", "neg x2, x2", "nop"]
    assert texts(text) == once * 2


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (".if 1\nnop\n.else\nret\n.endif", ["nop"]),
        (".if 0\nnop\n.else\nret\n.endif", ["ret"]),
        (".if 0\nnop\n.elseif 1\nret\n.else\nisb\n.endif", ["ret"]),
        (".if 1\nnop\n.elseif 1\nret\n.else\nisb\n.endif", ["nop"]),
        (".if 0\nnop\n.elseif 0\nret\n.else\nisb\n.endif", ["isb"]),
        (".if 0\n.if 1\nnop\n.else\nret\n.endif\n.endif", []),
        (".ifdef A\nnop\n.endif\n.ifndef A\nret\n.endif", ["ret"]),
        (".set A, 1\n.ifdef A\nnop\n.endif\n.ifndef A\nret\n.endif", [".set A, 1", "nop"]),
        (".ifeq 0\nnop\n.endif\n.ifeq 1\nret\n.endif\n.ifne 2\nisb\n.endif", ["nop", "isb"]),
        (".ifb\nnop\n.endif\n.ifnb\nret\n.endif\n.ifnb x\nisb\n.endif", ["nop", "isb"]),
        (".if 0\n.macro m\nbad\n.endm\n.bad\n.endif\nnop", ["nop"]),
    ],
)
def test_conditions_choose_what_is_left(text: str, taken: list[str]) -> None:
    assert texts(text) == taken


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nop\n.if 1", "s.S:2: `.endif` is missing: `.if 1`"),
        (".endif", "s.S:1: there is no `.if` before it"),
        (".if 1\n.else\n.else\n.endif", "s.S:3: `.else` came before it"),
        (".if x\n.endif", "s.S:1: `x` is no constant here"),
        (".rept 2\nnop", "s.S:1: `.endr` is missing"),
        (".macro m\n.rept 2\n.endr", "s.S:1: `.endm` is missing"),
        (".endm", "s.S:1: nothing was begun that this ends"),
        (".macro m\n.endm\n.macro m\n.endm", "s.S:3: macro `m` is already defined"),
        (".macro\n.endm", "s.S:1: a macro needs a name"),
        (".macro m\nm\n.endm\nm", "s.S:4: macros use each other without end"),
        (".rept -1\n.endr", "s.S:1: a count from 0 to"),
        (".rept 100000\n.rept 100000\nnop\n.endr\n.endr", f"s.S:3: more than {MAX_STATEMENTS} st"),
        (".irp\n.endr", "s.S:1: a name is needed"),
        (".equ A", "s.S:1: a name and a value are needed"),
        ("A = l - 1", "s.S:1: `l` is no constant here"),
        ("nop /* x\n", "s.S:1: a comment that does not end"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, message: str) -> None:
    assert error_of(text).startswith(message)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("1 << 4 | 1", 17),
        ("1 + 2 | 4", 7),
        ("3 + 1 == 4", -1),
        ("1 == 2 || 3 > 2 && 1", 1),
        ("!5", 0),
        ("~0 & 0xff", 255),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("0b101 + 010", 13),
        ("'a' + '\\n'", 107),
        ("N - 1", 41),
        ("1 != 1", 0),
        ("2 <= 2", -1),
        ("1 >= 2", 0),
        ("5 ^ 1", 4),
        ("256 >> 4", 16),
    ],
)
def test_expressions_have_the_precedence_and_values_of_gnu_as(text: str, value: int) -> None:
    assert evaluate(text, {"N": 42}) == value


@pytest.mark.parametrize("text", ["", "1 +", "(1", "1 2", "x", "1 / 0", "1 @ 2", "08"])
def test_what_is_no_expression_has_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        evaluate(text, {})


@given(st.integers(0, 1 << 64), st.integers(1, 1 << 32), st.sampled_from(["+", "-", "*", "|", "&"]))
def test_expressions_compute_like_integers(left: int, right: int, operation: str) -> None:
    expected = {
        "+": left + right,
        "-": left - right,
        "*": left * right,
        "|": left | right,
        "&": left & right,
    }[operation]
    assert evaluate(f"{left} {operation} {right:#x}", {}) == expected
