"""Dumps: the text of ptdump column for column, what one kernel's dump leaves out, wild tables."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.granule import Granule
from harness.encodings import encoding, resolve_attributes
from harness.errors import ValueSyntaxError
from harness.memory import PhysicalMemory, Region, WordMemory
from harness.report.dump_columns import memory_types
from harness.report.dump_diff import changes_of, diff_text
from harness.report.dump_text import HalfDump, Marker, dump_half, dump_text, kernel_markers
from harness.report.dump_tree import tree_text
from harness.report.dump_walk import TablesSeen
from harness.tables.builder import Mapping, build_tables
from harness.tables.geometry import Geometry
from harness.tables.pool import TablePool

HIGH = Geometry(Granule.K4, 48, high=True)
LOW = Geometry(Granule.K4, 48, high=False)
LINUX_MAIR = 0x04_00_44_FF_FF
LINEAR = 0xFFFF_0000_0000_0000
M2 = 0x20_0000
PGD, PUD, PMD, PTE = 0x1000, 0x2000, 0x3000, 0x4000
BLOCK = 0x0068_0000_0000_0705
"""A 2M block of PAGE_KERNEL_TAGGED at address 0."""
TREE = {PGD: PUD | 3, PUD: PMD | 3}


def tables(words: dict[int, int], geometry: Geometry = HIGH, mair: int = LINUX_MAIR) -> TablesSeen:
    return TablesSeen(geometry, PhysicalAddress(PGD), WordMemory(words), mair)


def expected(name: str) -> list[str]:
    """Return the lines of a file beside this one."""
    return (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def lines(dump: HalfDump) -> list[str]:
    return [dump.text_of(line) for line in dump.lines]


def shown(words: dict[int, int], name: str | None = None) -> list[str]:
    """Return the lines from the first entry that is no hole on, without holes of higher levels."""
    seen_as = None if name is None else encoding(name)
    dump = dump_half(tables(TREE | words), (), seen_as)
    return [*(line for line in lines(dump) if "PMD" in line or "PTE" in line), *dump.comments()]


def test_the_text_is_ptdumps_column_for_column() -> None:
    words = TREE | {
        PMD: BLOCK | M2,
        PMD + 8: BLOCK & ~1 | 2 * M2,
        PMD + 16: PTE | 3,
        PTE: 0x0014_0000_0000_0FC3 | 1 << 12,  # CONT, GP, nG, SH, AP = both read-only
        PTE + 8: 0x0060_0000_0000_070F | 2 << 12,
        PTE + 16: 0x0060_0000_0000_0713 | 3 << 12,
        PTE + 24: 0x0060_0000_0000_040B | 4 << 12,
    }
    dump = dump_half(tables(words), kernel_markers(HIGH))
    assert lines(dump) == expected("ptdump")


def test_neighbours_merge_where_level_and_columns_are_equal_and_nowhere_else() -> None:
    same = shown({PMD + 8 * n: BLOCK | n * M2 for n in range(3)})
    assert same[0].startswith("0xffff000000000000-0xffff000000600000           6M PMD       RW")
    # Software bits are in no column; the address is in none either.
    soft = shown({PMD: BLOCK, PMD + 8: BLOCK | 1 << 55, PMD + 16: BLOCK | 64 * M2})
    assert soft[0] == same[0]
    read_only = shown({PMD: BLOCK, PMD + 8: BLOCK | 1 << 7, PMD + 16: BLOCK})
    assert [line.split()[3] for line in read_only[:3]] == ["RW", "ro", "RW"]


def test_a_marker_parts_a_line_and_stands_between() -> None:
    start = LINEAR + M2
    words = TREE | {PMD + 8 * n: BLOCK | n * M2 for n in range(3)}
    dump = dump_half(tables(words), [Marker(start, "buffer start")])
    assert [line.split("   ")[0] for line in lines(dump)[:3]] == [
        "0xffff000000000000-0xffff000000200000",
        "---[ buffer start ]---",
        "0xffff000000200000-0xffff000000600000",
    ]


@pytest.mark.parametrize(
    ("descriptor", "name", "is_shown"),
    [
        (0x00E8000199600704, "linux-7.0", False),
        (0x00E8000199600F04, "linux-7.0.1", True),
        (0x00E8000199600705, "linux-7.0", True),
        (0x00E8000199600704, "linux-7.0.1", False),
        (0x00E8000199600704, "linux-6.1", False),
    ],
)
def test_a_kernels_dump_shows_what_it_takes_for_a_leaf(
    descriptor: int, name: str, *, is_shown: bool
) -> None:
    seen_by_kernel = shown({PMD: descriptor}, name)
    comment = [line for line in seen_by_kernel if line.startswith("#")]
    if is_shown:
        assert "RW NX SHD AF" in seen_by_kernel[0]
        assert (" F " in seen_by_kernel[0]) is (descriptor & 1 == 0)
        assert not comment
    else:
        assert not any("SHD" in line for line in seen_by_kernel if line not in comment)
        (text,) = comment
        assert text.startswith(f"# not shown: PMD of {LINEAR:#x}, {descriptor:#018x} at 0x3000: ")
        assert text.endswith("pmd_leaf is false")


def test_on_linux_7_0_an_invalid_block_hides_in_the_line_of_its_neighbours() -> None:
    blocks = {PMD + 8 * n: BLOCK | n * M2 for n in range(3)}
    whole = shown(blocks, "linux-7.0")[0]
    blocks[PMD + 8] &= ~1
    assert shown(blocks, "linux-7.0")[0] == whole
    assert shown(blocks)[1].split("PMD")[1].startswith(" F ")


def test_to_hardware_an_invalid_entry_is_a_hole() -> None:
    assert not any("SHD" in line for line in shown({PMD: BLOCK & ~1}, "bare"))
    assert any("SHD" in line for line in shown({PMD: BLOCK}, "bare"))


def test_an_invalid_page_is_shown_by_every_kernel() -> None:
    for name in ("linux-7.0", "linux-7.0.1"):
        seen_by_kernel = shown({PMD: PTE | 3, PTE: 0x0068_0000_0000_1706}, name)
        assert seen_by_kernel[0].startswith(
            "0xffff000000000000-0xffff000000001000           4K PTE F     RW NX"
        )


def test_the_top_level_is_pgd_however_many_levels_there_are() -> None:
    geometry = Geometry(Granule.K4, 39, high=True)
    dump = dump_half(tables({PGD: BLOCK | 1 << 30}, geometry))
    assert lines(dump)[0].startswith(
        "0xffffff8000000000-0xffffff8040000000           1G PGD       RW"
    )


def test_the_low_half_ends_where_it_ends() -> None:
    dump = dump_half(tables({}, LOW), kernel_markers(LOW))
    assert lines(dump) == [
        "---[ TTBR0_EL1 ]---",
        "0x0000000000000000-0x0001000000000000         256T PGD",
    ]


def test_address_bits_of_lpa2_are_no_shareability() -> None:
    wide = Geometry(Granule.K4, 48, high=True, format=OutputFormat.LPA2)
    words = TREE | {PMD: BLOCK}
    assert " SHD " in lines(dump_half(tables(words)))[0]
    assert " SHD " not in lines(dump_half(tables(words, wide)))[0]


def test_a_linux_without_tables_of_that_form_is_refused() -> None:
    wide = Geometry(Granule.K4, 52, high=True, format=OutputFormat.LPA2)
    with pytest.raises(ValueSyntaxError, match=re.escape("linux-7.0 has no tables '4K lpa2'")):
        dump_half(tables({}, wide), (), encoding("linux-7.0"))
    assert dump_half(tables({}, wide), (), encoding("linux-7.0-lpa2")).lines


def test_memory_types_go_by_index_where_linux_has_them_and_else_by_contents() -> None:
    assert memory_types(LINUX_MAIR) == (
        "MEM/NORMAL", "MEM/NORMAL-TAGGED", "MEM/NORMAL-NC", "DEVICE/nGnRnE", "DEVICE/nGnRE",
        "", "", "",
    )  # fmt: skip
    older = 0xBB_FF_44_0C_04_00
    assert memory_types(older)[:6] == (
        "DEVICE/nGnRnE", "DEVICE/nGnRE", "", "MEM/NORMAL-NC", "MEM/NORMAL", "",
    )  # fmt: skip
    assert memory_types(0xF0FF)[1] == "MEM/NORMAL-TAGGED"


def test_wild_tables_are_reported_and_end() -> None:
    memory = PhysicalMemory([Region(PhysicalAddress(0x1000), 0x3000)])
    for address, value in {
        PGD: PGD | 3,
        PGD + 8: PUD | 3,
        PGD + 16: PUD | 3,
        PUD: 0x9000_0003,
    }.items():
        memory.write64(PhysicalAddress(address), value)
    dump = dump_half(TablesSeen(HIGH, PhysicalAddress(PGD), memory, LINUX_MAIR))
    assert list(dump.comments()) == expected("wild")
    assert dump_text([dump]).count("\n") == len(dump.lines) + 3


def test_the_tree_gives_tables_indices_and_descriptors() -> None:
    words = TREE | {
        PMD + 8 * 203: 0x00E8000199600704,
        PMD + 8 * 204: PTE | 3,
        PTE: 0x0068_0000_0000_1707,
        PTE + 8: 0x0068_0000_0000_2707,
        PTE + 16: 0x0068_0000_0000_9707,
    }
    assert tree_text(tables(words), encoding("linux-7.0")).splitlines() == expected("tree")
    assert "linux" not in tree_text(tables(words))


def test_a_diff_shows_lines_entries_and_the_names_of_bits() -> None:
    before = tables(TREE | {PMD: BLOCK, PMD + 8: BLOCK | M2, PMD + 24: BLOCK | 3 * M2})
    after = tables(
        TREE
        | {
            PMD: BLOCK & ~1 | 1 << 11,
            PMD + 8: BLOCK & ~1 | M2 | 1 << 11,
            PMD + 24: BLOCK | 3 * M2 | 1 << 47,
        }
    )
    dumps = [(dump_half(before), dump_half(after))]
    changes = [(HIGH, changes_of(before, after))]
    text = diff_text(("A before", "A after"), dumps, changes, encoding("linux-7.0.1"))
    assert text.splitlines() == expected("diff")
    assert diff_text(("A", "A"), [(dumps[0][0], dumps[0][0])], [(HIGH, ())]) == ""


def test_a_diff_tells_of_a_block_that_became_a_table() -> None:
    before = tables(TREE | {PMD: BLOCK})
    pages = {PTE + 8 * n: 0x0068_0000_0000_0707 | n << 12 for n in range(512)}
    after = tables(TREE | {PMD: PTE | 3} | pages)
    text = diff_text(("A", "B"), [], [(HIGH, changes_of(before, after))])
    assert text.splitlines()[2:] == [
        "# PMD of 0xffff000000000000: 0x0068000000000705 -> table 0x4000",
        "# PTE of 0xffff000000000000 and 511 more: nothing -> 0x0068000000000707",
    ]


def test_a_tebibyte_of_blocks_dumps_in_linear_time() -> None:
    def seconds(size: int) -> float:
        memory = PhysicalMemory([Region(PhysicalAddress(0x8000_0000), 64 << 20)])
        pool = TablePool(PhysicalAddress(0x8000_0000), 64 << 20)
        bits = resolve_attributes("linux-7.0:PAGE_KERNEL")
        wanted = Mapping(VirtualAddress(LINEAR), PhysicalAddress(0), size, bits, "block", 2)
        root = build_tables(HIGH, [wanted], pool, memory)
        begun = time.process_time()
        dump = dump_half(TablesSeen(HIGH, root, memory, LINUX_MAIR))
        assert lines(dump)[0].startswith(f"{LINEAR:#018x}-{LINEAR + size:#018x}  ")
        return time.process_time() - begun

    small, large = seconds(1 << 37), seconds(1 << 40)
    assert large < 8 * 4 * max(small, 0.05)
