"""Damaged and hostile litmus files: one clear error, never a traceback, never a hang."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, LitmusError
from harness.litmus.parse import LARGEST, parse_test, read_test
from harness.litmus.translate import translate

SOUND = """\
AArch64 Sound
TTHM=HA HD
Variant=fatal
{ int x=1; int a[2]={1,2}; [PTE(x)]=(oa:phy_y, valid:1, db:0, dbm:1);
0:X1=x; 0:X2=pte_x; 0:X3=(oa:PA(x), af:0); P0:X4=0x10; pteval_t 0:X5; }
 P0            | P0.F   ;
L0: LDR W6,[X1]| ERET   ;
 CBNZ W6,LOUT  |        ;
 STR X3,[X2]   |        ;
LOUT:          |        ;
locations [x; 0:X6; fault(P0:L0,x);]
exists (0:X6=1 \\/ pte_x=(valid:0)) /\\ ~fault(P0:L0,x,MMU:Translation) => a[1]=2
"""
PIECES = [*SOUND.split(), "(*", "*)", "{", "}", "(", ")", "[", ";", "|", "~", ":", "=", "/\\", "\n"]


def test_the_sound_test_is_sound() -> None:
    assert translate(parse_test(SOUND)).test.name == "Sound"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    text = SOUND
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 30, len(text))))
        text = text[:start] + data.draw(st.sampled_from(PIECES)) + text[end:]
    with contextlib.suppress(HarnessError):
        assert parse_test(text).code.lines


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(HarnessError):
        parse_test(text)


@pytest.mark.parametrize(
    "condition",
    ["(" * 100_000, "~" * 100_000 + "x=1", "PTE(" * 100_000, "(*" * 1000],
)
def test_deep_nesting_is_refused(condition: str) -> None:
    with pytest.raises(LitmusError):
        parse_test(f"AArch64 T\n{{}}\nP0;\nNOP;\nexists {condition}")


@pytest.mark.parametrize(
    "number", ["9" * 5000, "0x1" + "0" * 16, "-0x8", str(1 << 64), "-" + "9" * 20]
)
def test_a_number_beyond_64_bits_is_refused(number: str) -> None:
    with pytest.raises(LitmusError, match=r"^t:3: "):
        parse_test(f"AArch64 T\n{{\nx={number}; }}\nP0;\nNOP;\n", "t")


def test_numbers_of_64_bits_and_leading_zeros_are_read() -> None:
    init = "x=0xffffffffffffffff; y=-1; 00:X1=010;"
    test = parse_test(f"AArch64 T\n{{ {init} }}\nP0;\nNOP;\n")
    assert [each.values for each in test.init] == [((1 << 64) - 1,), (-1,), (10,)]


def test_a_file_that_is_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.litmus"
    large.write_text(" " * (LARGEST + 1))
    with pytest.raises(LitmusError, match="is larger than"):
        read_test(large)
    large.write_bytes(b"AArch64 T\n\xff")
    with pytest.raises(LitmusError, match=r"large.litmus:2: is not UTF-8 text"):
        read_test(large)
    with pytest.raises(LitmusError, match="cannot be read"):
        read_test(tmp_path / "none.litmus")
