"""How a litmus file is cut into headers, initial state, code and condition."""

from __future__ import annotations

import pytest

from harness.arch.features import Feature
from harness.errors import LitmusError, UnsupportedError
from harness.litmus.headers import read_headers
from harness.litmus.parse import parse_test
from harness.litmus.sections import split_sections

WHOLE = """\
AArch64 A+B-c.1
"what it is about"
TTHM=HA HD
Com=said by nobody
(* a comment { (* in another *)
   exists *)
{ x=1; (* one *)
0:X1=x; }
 P0          ;
 LDR W2,[X1] ; (* exists *)
exists (0:X2=1)
"""


def test_a_file_has_name_headers_and_three_parts_that_keep_their_lines() -> None:
    sections = split_sections(WHOLE, "t")
    assert sections.name == "A+B-c.1"
    assert sections.headers == {"TTHM": ("HA HD", 3), "Com": ("said by nobody", 4)}
    assert (sections.init.line, sections.code.line, sections.condition.line) == (7, 8, 11)
    assert sections.init.text.split() == ["x=1;", "0:X1=x;"]
    assert sections.condition.text.strip() == "exists (0:X2=1)"


def test_a_location_that_begins_like_a_keyword_does_not_end_the_code() -> None:
    sections = split_sections("AArch64 T\n{}\nP0;\nB existsing;\nexistsing: NOP;\nforall true", "t")
    assert sections.condition.text == "forall true"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t:1: the first line is not `AArch64 NAME`"),
        ("AArch64\n{}", "t:1: the first line is not `AArch64 NAME`"),
        ("AArch64 T\nP0;", "t:1: there is no initial state `{ ... }`"),
        ("AArch64 T\n\n{ x=1;", "t:3: the initial state does not end: {"),
        ("AArch64 T\n(* begun", "t:2: a comment that does not end: (*"),
        ("AArch64 T\nA=1\nA=2\n{}", "t:3: header `A` is given twice"),
        ("AArch64 T\nwhat is this\n{}", "t:2: not a header: `what is this`"),
    ],
)
def test_a_file_that_is_no_test_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(LitmusError) as raised:
        split_sections(text, "t")
    assert str(raised.value) == message


def test_a_test_of_another_architecture_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="a test of PPC"):
        split_sections("PPC T\n{}\nP0;\nnop;\nexists true", "t")


@pytest.mark.parametrize(
    ("headers", "af", "dirty"),
    [
        ({}, False, False),
        ({"TTHM": "HA"}, True, False),
        ({"TTHM": "P0:HA"}, True, False),
        ({"TTHM": "HD"}, True, True),
        ({"TTHM": "HA, HD"}, True, True),
        ({"TTHM": "SW"}, False, False),
    ],
)
def test_hardware_management_is_what_tthm_says_and_hd_implies_ha(
    headers: dict[str, str], *, af: bool, dirty: bool
) -> None:
    settings = read_headers({key: (value, 2) for key, value in headers.items()}, "t")
    assert (settings.hardware_af, settings.hardware_dirty) == (af, dirty)


def test_ets2_is_off_unless_a_variant_asks_for_it() -> None:
    assert read_headers({"Variant": ("fatal", 2)}, "t").features == frozenset()
    assert read_headers({"Variant": ("vmsa ETS2", 2)}, "t").features == {Feature.ETS2}


def test_a_thread_runs_at_el1_unless_el0_names_it() -> None:
    assert read_headers({}, "t").el == 1
    assert read_headers({"EL0": ("P0", 2)}, "t").el == 0
    with pytest.raises(LitmusError, match="t:2: EL0=P1: P0 is the only thread"):
        read_headers({"EL0": ("P0,P1", 2)}, "t")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("TTHM", "P1:HA", "t:2: TTHM=P1:HA"),
        ("Variant", "memtag", "t:2: Variant=memtag"),
        ("Variant", "fatal,faultToNext", "t:2: Variant=faultToNext"),
        ("CnP", "1", "t:2: header `CnP`"),
    ],
)
def test_a_header_that_would_change_the_meaning_is_refused_by_name(
    key: str, value: str, message: str
) -> None:
    with pytest.raises(UnsupportedError) as raised:
        read_headers({key: (value, 2)}, "t")
    assert str(raised.value).startswith(message)


def test_headers_about_the_author_say_nothing() -> None:
    assert read_headers({"Hash": ("0123", 2), "Orig": ("x", 3)}, "t") == read_headers({}, "t")


def test_a_label_of_the_condition_must_be_one_of_the_code() -> None:
    text = "AArch64 T\n{}\nP0;\nL0: NOP;\nexists fault(P0:L0)"
    assert parse_test(text).code.labels == {"L0"}
    with pytest.raises(LitmusError, match="the code has no label L1"):
        parse_test(text.replace("(P0:L0)", "(P0:L1)"))
