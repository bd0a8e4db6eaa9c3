"""The image of a scenario: memory that exists, tables, code, registers; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES
from harness.arch.granule import Granule
from harness.errors import InputError, MappingError, ScenarioError
from harness.runner.image import POOL_SIZE, Image, build_image
from harness.runner.program import stop_addresses
from harness.scenario import (
    AtLabel,
    Edit,
    Half,
    Injection,
    Map,
    MemoryRange,
    Run,
    Scenario,
    TranslationSetup,
)
from harness.tables.geometry import Geometry
from harness.tables.reader import Leaf, read_tables

NOP = 0xD503_201F
RET = 0xD65F_03C0
BLOCK = 2 << 20
KERNEL = 0x0068_0000_0000_0700
CODE = 0xFFFF_8000_0000_0000


def mapping(va: int, pa: int, size: int, line: int = 0, shape: str | None = None) -> Map:
    """Return a mapping of kernel memory."""
    return Map(
        VirtualAddress(va), PhysicalAddress(pa), size, KERNEL, "kernel", shape=shape, line=line
    )


def memory_range(
    pa: int,
    size: int,
    line: int = 0,
    *,
    fill: str | None = None,
    words: tuple[int, ...] = (),
    alias_of: int | None = None,
) -> MemoryRange:
    """Return a range of memory."""
    target = None if alias_of is None else PhysicalAddress(alias_of)
    return MemoryRange(PhysicalAddress(pa), size, fill, words, target, line)


HALF = Half(Granule.K4, 48)
BOTH = TranslationSetup(HALF, HALF)


def scenario(
    *maps: Map,
    run: Run | None = None,
    translation: TranslationSetup = BOTH,
    memory: tuple[MemoryRange, ...] = (),
    injections: tuple[Injection, ...] = (),
    table_pool: int | None = None,
) -> Scenario:
    """Return a scenario of two instructions."""
    return Scenario(
        "test",
        "a test",
        PROFILES["max"],
        translation,
        maps,
        run or Run(words=(NOP, RET), line=3),
        memory,
        injections,
        table_pool=None if table_pool is None else PhysicalAddress(table_pool),
        source=Path("x.scenario.toml"),
    )


def leaf_of(image: Image, va: int) -> Leaf:
    """Return the leaf of the built tables that maps `va`."""
    high = bool(va >> 63)
    root = image.roots["TTBR1_EL1" if high else "TTBR0_EL1"]
    leaves = read_tables(Geometry(Granule.K4, 48, high), root, image.memory).leaves
    return next(leaf for leaf in leaves if leaf.ia <= va < leaf.ia + leaf.size)


def error_of(given: Scenario, assembler: str | None = None) -> InputError:
    """Return the error of a scenario that has no image."""
    with pytest.raises(InputError) as caught:
        build_image(given, assembler)
    return caught.value


def test_a_mapping_is_built_and_its_memory_exists() -> None:
    image = build_image(scenario(mapping(0xFFFF_0000_1960_0000, 0x1_9960_0000, BLOCK)))
    leaf = leaf_of(image, 0xFFFF_0000_1960_0000)
    assert leaf.descriptor == 0x0068_0001_9960_0701
    assert leaf.level == 2
    assert image.memory.read(0x1_9960_0000, BLOCK) == bytes(BLOCK)
    assert image.memory.read64(PhysicalAddress(0x1_9960_0000 + BLOCK)) is None


def test_each_half_has_its_root() -> None:
    image = build_image(scenario(mapping(0x10_0000, 0x8000_0000, 4096)))
    assert leaf_of(image, 0x10_0000).oa == 0x8000_0000
    assert leaf_of(image, CODE).level == 3
    assert image.system_registers["TTBR0_EL1"] == image.roots["TTBR0_EL1"]
    assert image.system_registers["TTBR1_EL1"] == image.roots["TTBR1_EL1"]
    assert image.roots["TTBR0_EL1"] != image.roots["TTBR1_EL1"]


def test_code_is_mapped_read_only_and_executable_at_el1() -> None:
    image = build_image(scenario())
    leaf = leaf_of(image, CODE)
    assert leaf.descriptor >> 54 & 1, "UXN"
    assert not leaf.descriptor >> 53 & 1, "not PXN"
    assert leaf.descriptor >> 6 & 3 == 0b10, "read-only, EL1 only"
    assert image.memory.read(leaf.oa, 8) == NOP.to_bytes(4, "little") + RET.to_bytes(4, "little")


def test_code_of_el0_is_executable_there() -> None:
    leaf = leaf_of(build_image(scenario(run=Run(words=(RET,), el=0))), CODE)
    assert not leaf.descriptor >> 54 & 1, "not UXN"
    assert leaf.descriptor >> 6 & 3 == 0b11, "read-only at both levels"


def test_code_uses_the_first_write_back_attribute_of_mair() -> None:
    setup = replace(BOTH, registers={"MAIR_EL1": 0xFF_0044})
    leaf = leaf_of(build_image(scenario(translation=setup)), CODE)
    assert leaf.descriptor >> 2 & 7 == 2


def test_a_mair_without_write_back_memory_has_no_place_for_code() -> None:
    setup = replace(BOTH, registers={"MAIR_EL1": 0x44})
    error = error_of(scenario(translation=setup))
    assert error.reason.startswith("no attribute of MAIR_EL1 is 0xff")
    assert error.at is not None
    assert error.at.line == 3


def test_ret_leads_to_the_word_after_the_code_and_ends_the_run() -> None:
    image = build_image(scenario())
    assert image.registers["x30"] == CODE + 8
    assert stop_addresses(image.program) == {CODE + 8}
    assert image.registers["pc"] == CODE


def test_the_label_end_ends_the_run_too() -> None:
    image = build_image(scenario(run=Run(text="start: nop\nend: b end\n")))
    assert stop_addresses(image.program) == {CODE + 4, CODE + 8}


def test_a_stated_x30_stays() -> None:
    image = build_image(scenario(run=Run(words=(RET,), registers={"x30": 16, "x1": 2})))
    assert (image.registers["x30"], image.registers["x1"]) == (16, 2)


@pytest.mark.parametrize(
    ("run", "pstate"),
    [
        (Run(words=(RET,)), 0x3C5),
        (Run(words=(RET,), el=0), 0x3C0),
        (Run(words=(RET,), pstate={"PAN": 1, "UAO": 1}), 0x00C0_03C5),
    ],
)
def test_execution_begins_with_interrupts_masked(run: Run, pstate: int) -> None:
    assert build_image(scenario(run=run)).registers["pstate"] == pstate


def test_code_may_lie_at_a_stated_address_in_a_page() -> None:
    run = Run(words=(NOP, RET), code=VirtualAddress(0xFFFF_9000_0000_0FFC))
    image = build_image(scenario(run=run))
    first, second = (leaf_of(image, va) for va in (0xFFFF_9000_0000_0FFC, 0xFFFF_9000_0000_1000))
    assert second.oa == first.oa + 4096
    assert image.memory.read(first.oa + 0xFFC, 4) == NOP.to_bytes(4, "little")


def test_code_may_have_a_stated_physical_address() -> None:
    run = Run(words=(RET,), code_pa=PhysicalAddress(0x9000_0000))
    assert leaf_of(build_image(scenario(run=run)), CODE).oa == 0x9000_0000


def test_code_may_lie_in_a_mapping_of_the_scenario() -> None:
    run = Run(words=(RET,), code=VirtualAddress(0x10_0040))
    image = build_image(scenario(mapping(0x10_0000, 0x8000_0000, 4096), run=run))
    assert image.memory.read(0x8000_0040, 4) == RET.to_bytes(4, "little")
    assert leaf_of(image, 0x10_0040).descriptor & KERNEL == KERNEL


@pytest.mark.parametrize("entry", [CODE + 4, 0x10_0000])
def test_execution_may_begin_at_an_address(entry: int) -> None:
    given = scenario(
        mapping(0x10_0000, 0x8000_0000, 4096), run=Run(words=(NOP, RET), entry=hex(entry))
    )
    assert build_image(given).registers["pc"] == entry


def test_an_entry_point_in_stated_tables_is_taken_as_it_is() -> None:
    setup = replace(BOTH, registers={"TTBR0_EL1": 0x8001_0000})
    table = memory_range(0x8001_0000, 4096)
    run = Run(words=(RET,), entry="0x10_0000")
    image = build_image(scenario(run=run, translation=setup, memory=(table,)))
    assert image.registers["pc"] == 0x10_0000


def test_tables_that_do_not_fit_are_refused_by_the_file() -> None:
    huge = mapping(0x0, 0x0, 1 << 36, shape="page")
    error = error_of(scenario(huge, mapping(1 << 40, 1 << 40, 4096)))
    assert "do not fit" in error.reason
    assert error.at is not None


def test_a_place_for_tables_beyond_every_descriptor_is_refused_by_the_file() -> None:
    error = error_of(scenario(table_pool=1 << 62))
    assert str(error).startswith("x.scenario.toml: ")


def test_a_machine_without_room_has_no_image() -> None:
    whole = mapping(0x0, 0x0, 1 << 32)
    small = replace(PROFILES["cortex-a57"], pa_bits=32)
    assert (
        "are free for translation tables"
        in error_of(replace(scenario(whole), profile=small)).reason
    )


def test_vectors_are_a_label() -> None:
    run = Run(text=".balign 2048\nnop\n.balign 2048\nvectors: nop\n", vectors="vectors")
    assert build_image(scenario(run=run)).system_registers["VBAR_EL1"] == CODE + 2048
    assert build_image(scenario()).system_registers["VBAR_EL1"] == 0


def test_mappings_are_added_to_stated_tables() -> None:
    setup = replace(BOTH, registers={"TTBR1_EL1": 0x8001_0000})
    table = memory_range(0x8001_0000, 4096, words=(0x0068_0000_0000_0701,))
    image = build_image(scenario(translation=setup, memory=(table,)))
    assert image.roots["TTBR1_EL1"] == 0x8001_0000
    assert image.memory.read64(PhysicalAddress(0x8001_0000)) == 0x0068_0000_0000_0701
    assert leaf_of(image, CODE).level == 3


def test_tables_go_where_the_scenario_says() -> None:
    image = build_image(scenario(table_pool=0x5_0000_0000))
    for root in image.roots.values():
        assert 0x5_0000_0000 <= root < 0x5_0000_0000 + POOL_SIZE


def test_tables_and_code_keep_away_from_what_the_scenario_uses() -> None:
    used = 0x4000_0000, 0x4800_0000
    maps = [mapping(0x10_0000 + index * BLOCK, pa, 4096) for index, pa in enumerate(used)]
    image = build_image(scenario(*maps, memory=(memory_range(0x4400_0000, 4096),)))
    places = [*image.roots.values(), leaf_of(image, CODE).oa]
    assert all(place // 4096 not in {pa // 4096 for pa in (*used, 0x4400_0000)} for place in places)


def test_memory_is_filled_as_stated() -> None:
    image = build_image(
        scenario(
            memory=(
                memory_range(0x1000, 64, words=(1, 2)),
                memory_range(0x1040, 16, words=(3,)),
                memory_range(0x2000, 24, fill="pattern"),
            )
        )
    )
    words = [image.memory.read64(PhysicalAddress(pa)) for pa in (0x1000, 0x1008, 0x1040, 0x1FF8)]
    assert words == [1, 2, 3, 0]
    pattern = [image.memory.read64(PhysicalAddress(pa)) for pa in (0x2000, 0x2010, 0x2018)]
    assert pattern == [0x2000, 0x2010, 0]


def test_memory_may_be_absent_under_a_mapping() -> None:
    image = build_image(
        scenario(
            mapping(0x10_0000, 0x8000_0000, 0x4000),
            memory=(memory_range(0x8000_1000, 0x1000, fill="absent"),),
        )
    )
    exists = [image.memory.covers(pa) for pa in (0x8000_0000, 0x8000_1000, 0x8000_2000)]
    assert exists == [True, False, True]


def test_an_alias_shows_the_memory_of_another_range() -> None:
    image = build_image(
        scenario(
            mapping(0x10_0000, 0x8000_0000, 4096),
            memory=(memory_range(0x80_8000_0000, 4096, alias_of=0x8000_0000),),
        )
    )
    image.memory.write(0x8000_0010, b"shared")
    assert image.memory.read(0x80_8000_0010, 6) == b"shared"


def test_the_image_says_where_every_table_lies() -> None:
    image = build_image(scenario(mapping(0x10_0000, 0x8000_0000, 4096)))
    assert len(image.tables) == 8, "four levels in each half"
    assert all(root in {table.start for table in image.tables} for root in image.roots.values())
    assert all(len(table) == 4096 for table in image.tables)


def test_overlapping_mappings_are_refused_by_their_lines() -> None:
    error = error_of(
        scenario(
            mapping(0x10_0000, 0x8000_0000, 0x3000, line=10),
            mapping(0x10_2000, 0x9000_0000, 0x1000, line=20),
        )
    )
    assert isinstance(error, MappingError)
    assert str(error).startswith("x.scenario.toml:20: ")
    assert "of line 10" in error.reason


def test_a_misaligned_block_is_refused_by_its_line() -> None:
    error = error_of(
        scenario(mapping(0x10_0000, 0x8000_0000, BLOCK, line=10, shape="block")),
    )
    assert isinstance(error, MappingError)
    assert str(error).startswith("x.scenario.toml:10: ")


def test_a_mapping_in_neither_half_is_refused() -> None:
    error = error_of(scenario(mapping(0x10_0000_0000_0000, 0x8000_0000, 4096, line=7)))
    assert str(error).startswith("x.scenario.toml:7: ")


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (Run(text="copy: nop\n", entry="cpoy", line=3), "no label 'cpoy'; did you mean 'copy'?"),
        (
            Run(text="copy: nop\n", entry="0xffff900000000000", line=3),
            "nothing is mapped at the entry point 0xffff900000000000",
        ),
        (
            Run(text="nop\nlast:\n", entry="last", line=3),
            "nothing is mapped at the entry point last (0xffff800000000004)",
        ),
        (Run(text="copy: nop\n", vectors="v", line=3), "no label 'v'"),
        (Run(text="nop\nvectors: nop\n", vectors="vectors", line=3), "are not aligned to 0x800"),
        (Run(text="end:\n", line=3), "the snippet holds no instruction"),
        (Run(words=(RET,), code=VirtualAddress(1 << 60), line=3), "lies in neither half"),
        (
            Run(words=(RET,), code_pa=PhysicalAddress(0x9000_0004), line=3),
            "differ in their offset in a page",
        ),
    ],
)
def test_a_run_that_cannot_begin_is_refused_by_its_line(run: Run, reason: str) -> None:
    error = error_of(scenario(run=run))
    assert isinstance(error, ScenarioError)
    assert reason in error.reason
    assert error.at is not None
    assert (error.at.file, error.at.line) == ("x.scenario.toml", 3)


def test_an_injection_at_a_label_that_is_not_there_is_refused_by_its_line() -> None:
    edit = Edit(VirtualAddress(0x1000), clear_bits=1)
    error = error_of(scenario(injections=(Injection(AtLabel("stor"), edit, line=40),)))
    assert "the snippet has no label 'stor'" in error.reason
    assert error.at is not None
    assert error.at.line == 40


@pytest.mark.parametrize("code", [None, VirtualAddress(CODE + 0xFFC)])
def test_a_taken_place_for_code_is_refused_by_the_mapping_that_took_it(
    code: VirtualAddress | None,
) -> None:
    error = error_of(
        scenario(
            mapping(CODE, 0x8000_0000, 4096, line=12), run=Run(words=(NOP, RET), code=code, line=3)
        )
    )
    assert "the [[map]] of line 12" in error.reason
    assert "state another place as `code`" in error.reason


def test_code_in_a_mapping_has_the_physical_address_of_the_mapping() -> None:
    run = Run(
        words=(RET,), code=VirtualAddress(0x10_0000), code_pa=PhysicalAddress(0x9000_0000), line=3
    )
    error = error_of(scenario(mapping(0x10_0000, 0x8000_0000, 4096, line=12), run=run))
    assert "the [[map]] of line 12 puts the code at 0x80000000" in error.reason


def test_code_where_memory_is_absent_is_refused() -> None:
    run = Run(words=(RET,), code_pa=PhysicalAddress(0x9000_0000), line=3)
    hole = memory_range(0x9000_0000, 4096, fill="absent")
    assert "no memory for the code" in error_of(scenario(run=run, memory=(hole,))).reason


@pytest.mark.parametrize(
    ("memory", "reason"),
    [
        (
            (memory_range(0x1000, 64, line=5), memory_range(0x1020, 64, line=9)),
            "[[memory]] at 0x1020 overlaps that of line 5 at 0x1000",
        ),
        (
            (memory_range(0x1000, 64, line=5), memory_range(0x1800, 64, line=9, fill="absent")),
            "[[memory]] at 0x1800 overlaps that of line 5 at 0x1000",
        ),
        ((memory_range(1 << 52, 64, line=9),), "is beyond the 52 bits"),
        (
            (memory_range(0x1000, 4096, line=9, alias_of=0x5000),),
            "no memory at 0x5000 that could be aliased",
        ),
        (
            (memory_range(0x1000, 64, line=9, alias_of=0x5000),),
            "an alias is of whole 4K pages",
        ),
    ],
)
def test_memory_that_contradicts_itself_is_refused_by_its_line(
    memory: tuple[MemoryRange, ...], reason: str
) -> None:
    error = error_of(scenario(memory=memory))
    assert reason in error.reason
    assert error.at is not None
    assert error.at.line == 9


def test_a_half_that_no_tables_can_have_is_refused() -> None:
    setup = TranslationSetup(Half(Granule.K4, 48), Half(Granule.K4, 52))
    given = replace(scenario(translation=setup), profile=PROFILES["neoverse-n1"])
    assert error_of(given).reason.startswith("[translation], high half: ")


def test_two_images_of_one_scenario_are_the_same() -> None:
    given = scenario(mapping(0x10_0000, 0x8000_0000, 0x20_3000))
    one, other = build_image(given), build_image(given)
    assert one.memory == other.memory
    assert one.system_registers == other.system_registers
    assert one.registers == other.registers
