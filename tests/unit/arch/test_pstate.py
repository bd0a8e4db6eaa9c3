"""PSTATE and the exception vectors."""

from __future__ import annotations

import re

import pytest
from shared_data import shared_data

from harness.arch import pstate
from harness.arch.vectors import (
    TABLE_SIZE,
    VECTOR_SIZE,
    VectorGroup,
    VectorKind,
    vector_group,
    vector_offset,
)


def test_the_fields_of_pstate_stand_where_spsr_has_them() -> None:
    positions = {part.name: part.lsb for part in pstate.PSTATE if part.name.isalpha()}
    assert [positions[name] for name in "NZCV"] == [31, 30, 29, 28]
    assert [positions[name] for name in "DAIF"] == [9, 8, 7, 6]
    assert (positions["PAN"], positions["UAO"], positions["DIT"], positions["TCO"]) == (
        22, 23, 24, 25,
    )  # fmt: skip
    assert (positions["SS"], positions["IL"], positions["SSBS"], positions["BTYPE"]) == (
        21, 20, 12, 10,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "mode"),
    [
        (0x3C5, "EL1h"),
        (0x3C4, "EL1t"),
        (0x000, "EL0t"),
        (0x009, "EL2h"),
        (0x00D, "EL3h"),
        (0x010, "AArch32"),
        (0x001, None),
    ],
)
def test_the_mode_has_its_name(value: int, mode: str | None) -> None:
    assert pstate.mode_name(value) == mode


def test_pstate_is_told_in_one_line() -> None:
    assert pstate.describe_pstate(0x6040_0085) == (
        "EL1h: nZCv daIf +PAN -UAO -TCO -DIT -SSBS BTYPE=--"
    )
    assert pstate.describe_pstate(0x402) == (
        "reserved mode 0x02: nzcv daif -PAN -UAO -TCO -DIT -SSBS BTYPE=jc"
    )


def test_the_flags_are_those_that_kernels_print() -> None:
    printed = re.compile(r"pstate: ([0-9a-f]{8}) \((.{4} .{4} .*BTYPE=..)\)")
    compared = 0
    for log in sorted((shared_data() / "oops").glob("*.txt")):
        for value, flags in printed.findall(log.read_text("latin-1")):
            if "DIT" in flags:
                assert pstate.kernel_flags(int(value, 16)) == flags, log.name
                compared += 1
    assert compared >= 3


@pytest.mark.parametrize(
    ("from_el", "sp_elx", "aarch32", "group", "offset"),
    [
        (1, False, False, VectorGroup.CURRENT_SP0, 0x000),
        (1, True, False, VectorGroup.CURRENT_SPX, 0x200),
        (0, False, False, VectorGroup.LOWER_AARCH64, 0x400),
        (0, False, True, VectorGroup.LOWER_AARCH32, 0x600),
    ],
)
def test_a_synchronous_exception_goes_to_the_group_of_where_it_came_from(
    *, from_el: int, sp_elx: bool, aarch32: bool, group: VectorGroup, offset: int
) -> None:
    found = vector_group(from_el=from_el, to_el=1, sp_elx=sp_elx, aarch32=aarch32)
    assert found is group
    assert vector_offset(found) == offset


def test_each_group_has_four_vectors() -> None:
    assert [vector_offset(VectorGroup.CURRENT_SPX, kind) for kind in VectorKind] == [
        0x200, 0x280, 0x300, 0x380,
    ]  # fmt: skip
    assert len(VectorGroup) * len(VectorKind) * VECTOR_SIZE == TABLE_SIZE
