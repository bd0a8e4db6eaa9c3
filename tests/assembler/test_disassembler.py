"""Words as text, through Capstone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import EngineMissingError
from harness.machine import disassembler
from harness.machine.disassembler import disassemble

PC = 0xFFFF_8000_0000_0000


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0xA900340C, "stp x12, x13, [x0]"),
        (0xD503201F, "nop"),
        (0xD508876A, "tlbi vaae1, x10"),
        (0xD5033B9F, "dsb ish"),
        (0x14000002, "b #0xffff800000000008"),
        (0x58000040, "ldr x0, #0xffff800000000008"),
        (0xF8208041, "swp x0, x1, [x2]"),
    ],
)
def test_a_word_is_an_instruction_at_its_address(word: int, text: str) -> None:
    assert disassemble(word, PC) == text


def test_what_is_no_instruction_is_a_word() -> None:
    assert disassemble(0xFFFF_FFFF, PC) == ".word 0xffffffff"


def test_importing_the_disassembler_imports_no_capstone() -> None:
    script = "import sys, harness.machine.disassembler; sys.exit('capstone' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_without_capstone_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "capstone", None)
    disassembler._engine.cache_clear()
    with pytest.raises(EngineMissingError, match="pip install capstone"):
        disassemble(0xD503201F, PC)
    disassembler._engine.cache_clear()
