"""The snippets in asm/: what both assemblers make of them, and that they do what they say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from harness.arch.addresses import VirtualAddress
from harness.machine.assembler import assemble_file

ASM = Path(__file__).parents[1] / "asm"
SNIPPETS = sorted(ASM.glob("*.S"))
BASE = VirtualAddress(0xFFFF_8000_0000_0000)

needs_gnu = pytest.mark.skipif(
    shutil.which("aarch64-linux-gnu-as") is None,
    reason="aarch64-linux-gnu-as is not installed: apt install binutils-aarch64-linux-gnu",
)
each_snippet = pytest.mark.parametrize("path", SNIPPETS, ids=lambda path: path.name)


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 10


@each_snippet
def test_a_snippet_says_what_it_shows_and_names_its_entries(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    header = text[: text.index("\n\n")]
    assert all(line.startswith(("//", ".include")) for line in header.splitlines())
    symbols = assemble_file(path, BASE).symbols
    named = set(re.findall(r"^//   (\w+)   ", header, re.MULTILINE)) - {"x0"}
    assert named <= set(symbols)
    assert named


@needs_gnu
@each_snippet
def test_both_assemblers_give_the_same_program(path: Path) -> None:
    keystone = assemble_file(path, BASE, assembler="keystone")
    gnu = assemble_file(path, BASE, assembler="gnu")
    assert keystone.code.hex() == gnu.code.hex()
    assert keystone.symbols == gnu.symbols
    assert keystone.lines == gnu.lines


@each_snippet
def test_a_snippet_runs_wherever_it_lies(path: Path) -> None:
    here = assemble_file(path, BASE)
    there = assemble_file(path, VirtualAddress(0x40_0000))
    assert here.code == there.code
