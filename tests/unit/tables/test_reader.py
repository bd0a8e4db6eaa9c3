"""Tables read back: every entry, merged mappings, and wild tables that end in a report."""

from __future__ import annotations

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.granule import Granule
from harness.memory import PhysicalMemory, Region, WordMemory
from harness.tables.builder import Mapping, build_tables
from harness.tables.geometry import Geometry
from harness.tables.mapping import Shape
from harness.tables.pool import TablePool
from harness.tables.reader import ProblemKind, TableReport, read_tables

BASE = PhysicalAddress(0x8000_0000)
HIGH = Geometry(Granule.K4, 48, high=True)
LINEAR = 0xFFFF_0000_0000_0000
NORMAL = 0x0068_0000_0000_0704
CONT = 1 << 52
M2 = 0x20_0000

PGD, PUD, PMD, PTE = 0x1000, 0x2000, 0x3000, 0x4000


def read(words: dict[int, int], geometry: Geometry = HIGH, root: int = PGD) -> TableReport:
    return read_tables(geometry, PhysicalAddress(root), WordMemory(words))


def problems(report: TableReport) -> list[tuple[ProblemKind, int, int]]:
    return [(problem.kind, problem.ia - LINEAR, problem.level) for problem in report.problems]


def a_mapping(ia: int, oa: int, size: int, shape: Shape, level: int) -> Mapping:
    return Mapping(
        VirtualAddress(LINEAR + ia), PhysicalAddress(oa), size, NORMAL & ~3, shape, level
    )


def test_the_panics_tables_show_their_invalid_entry() -> None:
    report = read(
        {
            0x81F3F000: 0x180000009FFFF403,
            0x9FFFF000: 0x180000009FFFE403,
            0x9FFFE658: 0x00E8000199600704,
        },
        root=0x81F3F000,
    )
    (leaf,) = report.leaves
    assert (leaf.ia, leaf.oa, leaf.size) == (0xFFFF000019600000, 0x199600000, M2)
    assert (leaf.level, leaf.address) == (2, 0x9FFFE658)
    assert leaf.descriptor == 0x00E8000199600704
    assert not leaf.valid
    assert [(table.level, table.address) for table in report.tables] == [
        (0, 0x81F3F000), (1, 0x9FFFF000), (2, 0x9FFFE000),
    ]  # fmt: skip
    assert not report.problems
    assert not list(report.mappings())


def test_leaves_come_by_address_with_pages_between_blocks() -> None:
    report = read(
        {
            PGD: PUD | 3,
            PUD: PMD | 3,
            PUD + 8: 0x4000_0000 | NORMAL | 1,
            PMD: M2 | NORMAL | 1,
            PMD + 8: PTE | 3,
            PTE + 8 * 5: 0x9000 | NORMAL | 3,
            PMD + 16: 2 * M2 | NORMAL | 1,
        }
    )
    assert [(leaf.ia - LINEAR, leaf.level) for leaf in report.leaves] == [
        (0, 2), (M2 + 0x5000, 3), (2 * M2, 2), (1 << 30, 1),
    ]  # fmt: skip
    assert all(leaf.valid for leaf in report.leaves)


def test_reserved_leaves_are_listed_and_not_valid() -> None:
    report = read({PGD: 0x1 | 1 << 12, PGD + 8: PUD | 3, PUD: PMD | 3, PMD: PTE | 3, PTE: 0x1001})
    assert [(leaf.level, leaf.valid) for leaf in report.leaves] == [(0, False), (3, False)]


def test_leaves_in_step_merge_into_one_mapping_and_others_do_not() -> None:
    entries = [
        0x10000 | NORMAL | 3,
        0x11000 | NORMAL | 3,
        0x12000 | NORMAL | 0x80 | 3,  # read-only
        0x14000 | NORMAL | 0x80 | 3,  # not in step
        0,
        0x16000 | NORMAL | 0x80 | 3,  # a hole before it
    ]
    words = {PGD: PUD | 3, PUD: PMD | 3, PMD: PTE | 3}
    words.update({PTE + 8 * index: entry for index, entry in enumerate(entries) if entry})
    found = list(read(words).mappings())
    assert [(part.ia - LINEAR, part.oa, part.size) for part in found] == [
        (0, 0x10000, 0x2000),
        (0x2000, 0x12000, 0x1000),
        (0x3000, 0x14000, 0x1000),
        (0x5000, 0x16000, 0x1000),
    ]
    assert [part.leaf_bits for part in found] == [NORMAL] + [NORMAL | 0x80] * 3


def test_pages_and_a_block_in_step_stay_two_mappings() -> None:
    words = {PGD: PUD | 3, PUD: PMD | 3, PMD: PTE | 3, PMD + 8: M2 | NORMAL | 1}
    words[PTE + 8 * 511] = M2 - 0x1000 | NORMAL | 3
    assert [(part.shape, part.level, part.size) for part in read(words).mappings()] == [
        (Shape.PAGE, 3, 0x1000), (Shape.BLOCK, 2, M2),
    ]  # fmt: skip


def test_built_mappings_are_read_back() -> None:
    wanted = [
        a_mapping(0, 0x1_0000_0000, 0x10000, Shape.CONTIGUOUS, 3),
        a_mapping(0x20000, 0x1_0000_3000, 0x3000, Shape.PAGE, 3),
        a_mapping(M2, 0x1_4000_0000, M2, Shape.BLOCK, 2),
        a_mapping(32 * M2, 0, 32 * M2, Shape.CONTIGUOUS, 2),
        a_mapping(1 << 30, 1 << 31, 1 << 30, Shape.BLOCK, 1),
    ]
    memory = PhysicalMemory([Region(BASE, 0x10_0000)])
    root = build_tables(HIGH, wanted, TablePool(BASE, 0x10_0000), memory)
    report = read_tables(HIGH, root, memory)
    assert list(report.mappings()) == wanted
    assert not report.problems
    assert [table.level for table in report.tables] == [0, 1, 2, 3]


def run_of(count: int, *, but: dict[int, int]) -> dict[int, int]:
    words = {PGD: PUD | 3, PUD: PMD | 3, PMD: PTE | 3}
    words |= {PTE + 8 * n: 0x10000 + n * 0x1000 | NORMAL | CONT | 3 for n in range(count)}
    return words | {PTE + 8 * index: value for index, value in but.items()}


def test_a_whole_run_is_contiguous() -> None:
    report = read(run_of(16, but={}))
    assert all(leaf.contiguous for leaf in report.leaves)
    (found,) = report.mappings()
    assert (found.shape, found.size, found.leaf_bits) == (Shape.CONTIGUOUS, 0x10000, NORMAL)
    assert not report.problems


def test_a_run_with_a_hole_or_an_odd_member_is_a_problem_of_each_entry_that_claims_it() -> None:
    for but, claiming in (
        ({5: 0}, 15),
        ({5: 0x15000 | NORMAL | 3}, 15),
        ({5: 0x16000 | NORMAL | CONT | 3}, 16),
        ({5: 0x15000 | NORMAL | CONT | 0x83}, 16),
        ({0: 0x10000 | NORMAL | 3}, 15),
    ):
        report = read(run_of(16, but=but))
        assert [kind for kind, _, _ in problems(report)] == [ProblemKind.BROKEN_RUN] * claiming
        assert not any(leaf.contiguous for leaf in report.leaves)


def test_a_run_whose_address_is_out_of_step_is_broken() -> None:
    words = run_of(0, but={n: 0x11000 + n * 0x1000 | NORMAL | CONT | 3 for n in range(16)})
    assert len(read(words).problems) == 16


def test_the_contiguous_bit_says_nothing_where_there_are_no_runs() -> None:
    geometry = Geometry(Granule.K4, 33, high=False)
    report = read({PGD: 0x4000_0000 | NORMAL | CONT | 1}, geometry)
    assert not report.problems
    assert [leaf.contiguous for leaf in report.leaves] == [False]


def test_a_cycle_is_a_problem_and_not_a_loop() -> None:
    report = read({PGD: PUD | 3, PUD + 8: PGD | 3, PUD + 16: PUD | 3})
    assert problems(report) == [
        (ProblemKind.CYCLE, 1 << 30, 1), (ProblemKind.CYCLE, 2 << 30, 1),
    ]  # fmt: skip
    assert "points back to 0x1000" in report.problems[0].text


def test_a_table_that_is_reached_twice_is_read_once() -> None:
    report = read({PGD: PUD | 3, PGD + 8: PUD | 3, PUD: 0x4000_0000 | NORMAL | 1})
    assert problems(report) == [(ProblemKind.SHARED, 1 << 39, 0)]
    assert "shares the table at 0x2000 with 0xffff000000000000" in report.problems[0].text
    assert len(list(report.leaves)) == 1


class Counting:
    """A memory in which every table points to the same next one everywhere: 512^3 paths."""

    def __init__(self) -> None:
        self.reads = 0

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return a descriptor of the table that follows."""
        self.reads += 1
        return (address & ~0xFFF) + 0x1000 | 3


def test_tables_shared_everywhere_are_read_once_each() -> None:
    memory = Counting()
    report = read_tables(HIGH, PhysicalAddress(PGD), memory)
    assert memory.reads == 4 * 512
    assert len(report.tables) == 4
    assert {problem.kind for problem in report.problems} == {ProblemKind.SHARED}


def test_a_table_outside_memory_is_a_problem_and_the_rest_is_read() -> None:
    memory = PhysicalMemory([Region(BASE, 0x2000)])
    memory.write64(BASE, 0x1_0000_0003)
    memory.write64(PhysicalAddress(BASE + 8), BASE + 0x1003)
    memory.write64(PhysicalAddress(BASE + 0x1000), 0x4000_0000 | NORMAL | 1)
    report = read_tables(HIGH, BASE, memory)
    assert problems(report) == [(ProblemKind.NO_MEMORY, 0, 1)]
    assert [leaf.ia - LINEAR for leaf in report.leaves] == [1 << 39]


def test_a_table_that_ends_with_memory_is_read_as_far_as_it_goes() -> None:
    geometry = Geometry(Granule.K64, 42, high=False)
    memory = PhysicalMemory([Region(BASE, 0x1000)])
    memory.write64(PhysicalAddress(BASE + 8 * 3), 0x4000_0000 | NORMAL | 1)
    report = read_tables(geometry, BASE, memory)
    (problem,) = report.problems
    assert (problem.kind, problem.address) == (ProblemKind.NO_MEMORY, BASE + 0x1000)
    assert [leaf.ia for leaf in report.leaves] == [3 << 29]


def test_leaves_are_those_of_the_memory_as_it_is_now() -> None:
    words = {PGD: PUD | 3}
    memory = WordMemory(words)
    report = read_tables(HIGH, PhysicalAddress(PGD), memory)
    assert not list(report.leaves)
    words[PUD] = NORMAL | 1
    assert len(list(report.leaves)) == 1
