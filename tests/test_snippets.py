"""The snippets in asm/: what both assemblers make of them, and that they do what they say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.machine.assembler import assemble_file
from harness.runner import build_image
from harness.runner.program import stop_addresses
from harness.scenario import Limits
from harness.scenario_file import SUFFIX, load, parse
from harness.trace import EndReason, Event
from harness.vmsa.access import Access

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


def test_every_snippet_has_a_scenario_that_enters_it() -> None:
    used = {load(path).run.snippet for path in ASM.glob(f"*{SUFFIX}")}
    assert used == set(SNIPPETS)


COPY = """
[scenario]
summary = "copies of every size"
[[map]]
va = "0x10000000"
pa = "0x80000000"
size = "8K"
attributes = "linux-7.0:PAGE_KERNEL"
[run]
snippet = "memcpy.S"
entry = "copy"
"""
SOURCE, TARGET, VA, PA = 0x0, 0x1000, 0x1000_0000, 0x8000_0000
GUARD = 0xEE


class Nobody:
    """A listener that only listens."""

    def before_instruction(
        self, number: int, pc: VirtualAddress, accesses: tuple[Access, ...]
    ) -> None:
        """Let it execute."""

    def event(self, event: Event) -> None:
        """Forget it."""

    def after_fault(self, fault: int, number: int) -> None:
        """Let its handler run."""


@pytest.mark.parametrize(("to", "from_"), [(64, 64), (65, 64), (64, 71), (79, 73), (72, 68)])
def test_memcpy_copies_every_size_and_nothing_else(to: int, from_: int) -> None:
    from harness.machine.unicorn_machine import UnicornMachine

    scenario = parse(COPY, ASM / "memcpy.scenario.toml")
    image = build_image(scenario)
    machine = UnicornMachine(image.memory)
    source = bytes(1 + i % 199 for i in range(512))
    machine.write_memory(PhysicalAddress(PA + SOURCE), source)
    for size in range(301):
        machine.write_memory(PhysicalAddress(PA + TARGET), bytes([GUARD]) * 512)
        machine.write_registers({**image.system_registers, **image.registers})
        target = VA + TARGET + to
        machine.write_registers({"x0": target, "x1": VA + SOURCE + from_, "x2": size})
        end = machine.run(image.program, Nobody(), Limits(), stop_addresses(image.program))
        assert end.reason is EndReason.RETURNED
        assert machine.read_register("x0") == target
        written = machine.read_memory(PhysicalAddress(PA + TARGET), 512)
        expected = bytes([GUARD]) * to + source[from_ : from_ + size]
        assert written == expected.ljust(512, bytes([GUARD])), size
    machine.close()
