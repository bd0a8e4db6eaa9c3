"""A report's tables, registers and instruction, where the log says that they were."""

from __future__ import annotations

import oops_logs
import pytest

from harness.arch.granule import Granule
from harness.oops.memory_types import memory_types
from harness.oops.parse import parse_reports
from harness.oops.rebuild import LOW_CODE, Rebuilt, rebuild, scenario_name
from harness.oops.report import FaultReport
from harness.oops.tables import RebuiltTables, Refusal, rebuild_tables

ADDRESS = 0xFFFF0000C0DE1040


def parsed(lines: tuple[str, ...] | list[str] = oops_logs.LINES, name: str = "log") -> FaultReport:
    return parse_reports(oops_logs.text(lines), name)[0]


def tables_of(lines: tuple[str, ...] = oops_logs.LINES) -> RebuiltTables:
    tables = rebuild_tables(parsed(lines))
    assert isinstance(tables, RebuiltTables)
    return tables


def rebuilt(lines: tuple[str, ...] = oops_logs.LINES) -> Rebuilt:
    result = rebuild(parsed(lines))
    assert isinstance(result, Rebuilt)
    return result


def refused(lines: tuple[str, ...]) -> str:
    result = rebuild(parsed(lines))
    assert isinstance(result, Refusal)
    return result.reason


def with_tables(pgtable: str, entries: str, address: str = "ffff0000c0de1040") -> tuple[str, ...]:
    """Return the report with other tables, and another address wherever it stands."""
    lines = [*oops_logs.HEADLINE, pgtable, f"[{address}] {entries}", *oops_logs.DEATH]
    lines += [*oops_logs.REGISTERS, *oops_logs.TRACE]
    return tuple(line.replace("ffff0000c0de1040", address) for line in lines)


def test_every_entry_lies_at_its_own_physical_address() -> None:
    # Index of the address at level 0: 0, level 1: 3, level 2: 6.
    assert tables_of().words == {
        0x41000000: 0x1800000042000403,
        0x42000018: 0x1800000042001403,
        0x42001030: 0x00E80000C0C00704,
    }


def test_a_folded_level_above_the_root_is_no_part_of_the_walk_and_is_mentioned() -> None:
    tables = tables_of()
    assert "pgd" not in tables.places
    assert any("pgd=0x0000000000000000 is above the root level 0" in note for note in tables.notes)


def test_a_folded_level_equal_to_the_root_needs_no_mention() -> None:
    tables = tables_of(oops_logs.replaced("pgd=0000000000000000", "pgd=1800000042000403"))
    assert tables.notes == ()
    assert tables.words == tables_of().words


def test_a_kernel_without_p4d_calls_level_0_pgd() -> None:
    lines = oops_logs.replaced("pgd=0000000000000000, p4d=", "pgd=")
    assert tables_of(lines).words == tables_of().words


def test_three_levels_of_4k_start_at_pud() -> None:
    lines = with_tables(
        "swapper pgtable: 4k pages, 39-bit VAs, pgdp=0000000041000000",
        "pgd=1000000042000003, p4d=1000000042000003, pud=1000000042000003, pmd=0000000000000000",
        "ffffffc0c0de1040",
    )
    # Level 1 index 0x103, level 2 index 6.
    assert tables_of(lines).words == {0x41000818: 0x1000000042000003, 0x42000030: 0}


def test_two_levels_of_64k_start_at_pmd_in_a_root_of_its_own_size() -> None:
    lines = with_tables(
        "user pgtable: 64k pages, 42-bit VAs, pgdp=0000000041002000",
        "pgd=0000000000000000, p4d=0000000000000000, pud=0000000000000000, pmd=0000000000000000",
        "00000000c0de1040",
    )
    tables = tables_of(lines)
    assert tables.geometry.granule is Granule.K64
    assert tables.geometry.root_size == 0x10000
    assert any("is not aligned to the 0x10000 bytes" in note for note in tables.notes)


def test_a_small_root_need_not_be_aligned_to_a_page() -> None:
    lines = with_tables(
        "user pgtable: 64k pages, 48-bit VAs, pgdp=0000000041000600",
        "pgd=0000000000000000, p4d=0000000000000000, pud=0000000000000000",
        "00000000c0de1040",
    )
    assert tables_of(lines).root == 0x41000600


def test_five_levels_start_at_pgd_and_hold_52_bits() -> None:
    lines = with_tables(
        "swapper pgtable: 4k pages, 52-bit VAs, pgdp=0000000041000000",
        "pgd=1000000042000203, p4d=0000000000000000",
        "fff00000c0de1040",
    )
    tables = tables_of(lines)
    assert tables.geometry.start_level == -1
    # Bits 9:8 of an LPA2 descriptor hold bits 51:50 of the address.
    assert tables.words == {0x41000000: 0x1000000042000203, 0x8000042000000: 0}


@pytest.mark.parametrize("pgdp", ["pgdp = 0000000041000000", "pgdp=0000000041000567"])
def test_a_root_that_cannot_be_one_is_put_elsewhere_and_said(pgdp: str) -> None:
    tables = tables_of(oops_logs.replaced("pgdp=0000000041000000", pgdp))
    assert tables.root == 0x40000000
    assert any("the root table is put at 0x40000000 instead" in note for note in tables.notes)
    assert set(tables.words) == {0x40000000, 0x42000018, 0x42001030}


def test_two_entries_that_differ_at_one_place_are_refused() -> None:
    lines = with_tables(
        "swapper pgtable: 4k pages, 48-bit VAs, pgdp=0000000041000000",
        "pgd=0000000041000003, p4d=0000000041000003, pud=0000000041000403, pmd=0000000000000000",
        "ffff000000000040",
    )
    result = rebuild_tables(parsed(lines))
    assert isinstance(result, Refusal)
    assert "two entries that differ would lie at 0x41000000" in result.reason


def test_an_entry_that_the_walk_needs_and_the_line_lacks_is_missed() -> None:
    lines = oops_logs.replaced(", pmd=00e80000c0c00704", "")
    assert (
        refused(lines) == "translation tables: the walk needs the pmd entry, which is not printed"
    )


def test_memory_exists_where_the_last_entry_would_lead() -> None:
    tables = tables_of()
    assert (tables.output, tables.output_size) == (0xC0DE1000, 0x1000)
    scenario = rebuilt().scenario
    assert [(part.pa, part.size) for part in scenario.memory if not part.words] == [
        (0xC0DE1000, 0x1000)
    ]


def test_the_half_of_the_address_decides_the_ttbr() -> None:
    upper = rebuilt().scenario.translation.registers
    assert upper["TTBR1_EL1"] == 0x41000000
    assert "TTBR0_EL1" not in upper
    lines = with_tables(
        "user pgtable: 4k pages, 48-bit VAs, pgdp=0000000041000000",
        "pgd=0000000000000000, p4d=0000000000000000",
        "00000000c0de1040",
    )
    lower = rebuilt(lines).scenario
    assert lower.translation.registers["TTBR0_EL1"] == 0x41000000
    assert lower.run.code == 0xFFFF800000000000


def test_the_instruction_stands_at_pc_where_the_fault_leaves_its_half_free() -> None:
    assert rebuilt().scenario.run.code == LOW_CODE
    lines = oops_logs.replaced("pc : store_word+0x14/0x40", "pc : 0000000000412344")
    assert rebuilt(lines).scenario.run.code == 0x412344 - 16
    in_the_way = oops_logs.replaced("pc : store_word+0x14/0x40", "pc : ffff800080412344")
    result = rebuilt(in_the_way)
    assert result.scenario.run.code == LOW_CODE
    assert any("pc is in the half of the fault" in note for note in result.notes)


def test_the_words_of_code_end_with_the_faulting_one() -> None:
    text = rebuilt().scenario.run.text
    words = [line.split()[1] for line in text.splitlines() if ".word" in line]
    assert words == ["0xaa0003e0", "0xaa0103e1", "0xd503201f", "0xd503201f", "0xf9000020"]
    assert text.splitlines()[-2] == "faulting:"


def test_words_before_one_that_could_not_be_read_are_left_out() -> None:
    lines = oops_logs.replaced("Code: aa0003e0 aa0103e1", "Code: aa0003e0 ????????")
    words = [line for line in rebuilt(lines).scenario.run.text.splitlines() if ".word" in line]
    assert len(words) == 3


def test_registers_and_pstate_are_those_of_the_log() -> None:
    run = rebuilt().scenario.run
    assert run.registers["x1"] == ADDRESS
    assert run.registers["sp"] == 0xFFFF800080123B40
    assert run.pstate == {"PAN": 1}
    without_pan = oops_logs.replaced("pstate: 60400005", "pstate: 60000005")
    assert rebuilt(without_pan).scenario.run.pstate == {}


def test_a_bad_pc_is_fetched_from_without_any_code() -> None:
    lines = [
        line.replace("0000000096000046", "0000000086000006").replace("0x25: DABT", "0x21: IABT")
        for line in oops_logs.LINES
        if not line.startswith("Code:")
    ]
    result = rebuild(parsed(lines))
    assert isinstance(result, Rebuilt)
    assert result.scenario.run.registers["x30"] == ADDRESS
    assert "ret" in result.scenario.run.text


def test_the_expectation_is_what_the_log_recorded() -> None:
    expect = rebuilt().scenario.expect
    assert expect is not None
    assert (expect.fault, expect.level, expect.access) == ("translation", 2, "write")
    assert (expect.esr, expect.far) == (0x96000046, ADDRESS)


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("x2 ", "registers: x0, x1, x2 not printed in full"),
        ("Code:", "faulting instruction: no Code line"),
        ("swapper", "translation tables: no pgtable line gives granule and size of addresses"),
    ],
)
def test_what_is_missing_is_named(start: str, reason: str) -> None:
    assert refused(oops_logs.without(start)) == reason


@pytest.mark.parametrize(
    ("release", "normal", "device"),
    [
        ("4.14.0-xilinx", 4, 1),
        ("5.9.16", 4, 1),
        ("5.10.0-rc1", 0, 5),
        ("5.14.10-300.fc35", 0, 4),
        ("7.0.1", 0, 4),
        (None, 0, 4),
    ],
)
def test_memory_types_follow_the_kernels_version(
    release: str | None, normal: int, device: int
) -> None:
    attributes = memory_types(release).mair.to_bytes(8, "little")
    assert attributes[normal] == 0xFF
    assert attributes[device] == 0x04


@pytest.mark.parametrize(
    ("log", "name"),
    [
        ("/var/log/panic.2026.txt", "panic-1"),
        ("a b/../ä$(x).log", "x-1"),
        ("...", "report-1"),
        ("standard input", "standard-input-1"),
    ],
)
def test_the_name_of_a_written_scenario_is_plain(log: str, name: str) -> None:
    assert scenario_name(parsed(name=log)) == name
