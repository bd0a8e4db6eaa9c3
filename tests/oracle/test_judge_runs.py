"""Verdicts on what Unicorn really does, where no shipped scenario shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.oracle.verdict import Verdict, VerdictKind
from harness.runner import Mmu, run_and_judge
from harness.scenario_file import load

PAGE = 0xFFFF_0000_1000_0000
UNMAPPED = PAGE + 0x1000
NOWHERE = PAGE + 0x2000
"""Mapped to where no memory is."""

DC_CIVAC = 0xD50B_7E20
DC_ZVA = 0xD50B_7420
IC_IVAU = 0xD50B_7520
LDR = 0xF940_0001
LDRB = 0x3940_0001
STR = 0xF900_0001
BR = 0xD61F_0000

SCENARIO = """
[scenario]
summary = "one instruction"

[[map]]
va = "{page:#x}"
pa = "0x80000000"
size = "4K"
attributes = "linux-7.0:PAGE_KERNEL"

[[map]]
va = "{nowhere:#x}"
pa = "0x90000000"
size = "4K"
attributes = "linux-7.0:PAGE_KERNEL_EXEC"

[[memory]]
pa = "0x90000000"
size = "4K"
fill = "absent"

[run]
words = ["{word:#x}"]
registers = {{ x0 = "{x0:#x}" }}
"""


def verdict(word: int, x0: int, folder: Path) -> Verdict:
    file = folder / "one.scenario.toml"
    file.write_text(SCENARIO.format(word=word, x0=x0, page=PAGE, nowhere=NOWHERE))
    return run_and_judge(load(file)).verdict


@pytest.mark.parametrize("word", [DC_CIVAC, IC_IVAU])
def test_cache_maintenance_of_what_is_not_mapped_shows_a_known_divergence(
    word: int, tmp_path: Path
) -> None:
    departs = verdict(word, UNMAPPED, tmp_path)
    assert departs.divergence == "no-fault-of-cache-maintenance"
    assert "cache maintenance" in departs.explanation
    assert verdict(word, PAGE, tmp_path).kind is VerdictKind.AGREES


def test_zeroing_from_inside_a_block_agrees(tmp_path: Path) -> None:
    zeroed = verdict(DC_ZVA, PAGE + 0x48, tmp_path)
    assert zeroed.kind is VerdictKind.AGREES
    assert "DC ZVA" in zeroed.explanation
    missing = verdict(DC_ZVA, UNMAPPED + 0x48, tmp_path)
    assert missing.kind is VerdictKind.AGREES
    assert "FAR 0xffff000010001048" in missing.explanation


@pytest.mark.parametrize("word", [LDR, STR, LDRB, DC_ZVA])
def test_an_access_to_no_memory_is_an_external_abort_and_agrees(word: int, tmp_path: Path) -> None:
    found = verdict(word, NOWHERE, tmp_path)
    assert found.kind is VerdictKind.AGREES
    assert "External abort" in found.explanation


def test_a_fetch_from_no_memory_is_an_external_abort_and_agrees(tmp_path: Path) -> None:
    found = verdict(BR, NOWHERE, tmp_path)
    assert found.kind is VerdictKind.AGREES
    assert "Instruction abort" in found.explanation
    assert "External abort" in found.explanation


def test_one_byte_is_not_called_bytes(tmp_path: Path) -> None:
    assert "read of 1 byte at" in verdict(LDRB, PAGE, tmp_path).explanation
    assert "read of 8 bytes at" in verdict(LDR, PAGE, tmp_path).explanation


ACROSS = """
[scenario]
summary = "a load across two pages, of which the second leads to no memory"

[[map]]
va = "{page:#x}"
pa = "0x80000000"
size = "4K"
attributes = "linux-7.0:PAGE_KERNEL"

[[map]]
va = "{second:#x}"
pa = "0x90000000"
size = "4K"
attributes = "linux-7.0:PAGE_KERNEL"

[[memory]]
pa = "0x90000000"
size = "4K"
fill = "absent"

[run]
words = ["{word:#x}"]
registers = {{ x0 = "{x0:#x}" }}
"""


@pytest.mark.parametrize("mmu", list(Mmu))
def test_an_access_whose_second_page_is_no_memory_aborts_there_and_agrees(
    mmu: Mmu, tmp_path: Path
) -> None:
    file = tmp_path / "across.scenario.toml"
    second = PAGE + 0x1000
    file.write_text(ACROSS.format(page=PAGE, second=second, word=LDR, x0=second - 4))
    found = run_and_judge(load(file), mmu=mmu).verdict
    assert found.kind is VerdictKind.AGREES
    assert f"FAR {second:#018x}" in found.explanation
