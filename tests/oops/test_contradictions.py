"""Statements of one log that cannot both be true are said; those that can are not."""

from __future__ import annotations

import oops_logs
import pytest

from harness.oops.contradictions import contradictions
from harness.oops.parse import parse_reports


def said(*changes: tuple[str, str]) -> tuple[str, ...]:
    log = oops_logs.text()
    for old, new in changes:
        if old not in log:
            raise ValueError(f"{old!r} is not in the report")
        log = log.replace(old, new)
    return contradictions(parse_reports(log, "log")[0])


def test_a_consistent_report_contradicts_nothing() -> None:
    assert said() == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "Oops: 0000000096000046",
            "Oops: 0000000096000047",
            "the ESR line gives ESR 0x96000046, the Internal error line 0x96000047",
        ),
        ("EC = 0x25", "EC = 0x24", "line 4 prints EC = 0x24, ESR 0x96000046 has 0x25"),
        ("IL = 32", "IL = 16", "line 4 prints IL in bits = 16, ESR 0x96000046 has 32"),
        ("SET = 0", "SET = 2", "line 5 prints SET = 0x2, ESR 0x96000046 has 0x0"),
        ("FnV = 0", "FnV = 1", "line 5 prints FnV = 0x1, ESR 0x96000046 has 0x0"),
        ("EA = 0", "EA = 1", "line 6 prints EA = 0x1, ESR 0x96000046 has 0x0"),
        ("S1PTW = 0", "S1PTW = 1", "line 6 prints S1PTW = 0x1, ESR 0x96000046 has 0x0"),
        ("FSC = 0x06", "FSC = 0x07", "line 7 prints FSC = 0x7, ESR 0x96000046 has 0x6"),
        ("ISV = 0", "ISV = 1", "line 9 prints ISV = 0x1, ESR 0x96000046 has 0x0"),
        (
            "ISS = 0x00000046",
            "ISS = 0x00000006",
            "line 9 prints ISS = 0x6, ESR 0x96000046 has 0x46",
        ),
        (
            "ISS2 = 0x00000000",
            "ISS2 = 0x00000040",
            "line 9 prints ISS2 = 0x40, ESR 0x96000046 has 0x0",
        ),
        ("CM = 0", "CM = 1", "line 10 prints CM = 0x1, ESR 0x96000046 has 0x0"),
        ("WnR = 1", "WnR = 0", "line 10 prints WnR = 0x0, ESR 0x96000046 has 0x1"),
        ("Overlay = 0", "Overlay = 1", "line 11 prints Overlay = 0x1, ESR 0x96000046 has 0x0"),
        (
            "DABT (current EL)",
            "IABT (current EL)",
            "the log calls the exception IABT (current EL), ESR 0x96000046 is DABT (current EL)",
        ),
        (
            "level 2 translation fault",
            "level 3 translation fault",
            (
                "the log calls it a level 3 translation fault, ESR 0x96000046 says "
                "Translation fault, level 2"
            ),
        ),
        (
            "kernel paging request",
            "kernel write to read-only memory",
            (
                "the headline says write to read-only memory, ESR 0x96000046 is no permission "
                "fault on a write"
            ),
        ),
        (
            "kernel paging request",
            "kernel NULL pointer dereference",
            "the headline says NULL pointer, the address is 0xffff0000c0de1040",
        ),
        (
            "[ffff0000c0de1040]",
            "[ffff0000c0de2040]",
            (
                "the headline gives the address 0xffff0000c0de1040, the line of the entries "
                "0xffff0000c0de2040"
            ),
        ),
        (
            "swapper pgtable",
            "user pgtable",
            (
                "the entries are of the user tables, the address 0xffff0000c0de1040 is in "
                "the upper half"
            ),
        ),
        (
            "pstate: 60400005",
            "pstate: 60400000",
            "ESR 0x96000046 is DABT (current EL), pstate 0x60400000 is EL0t",
        ),
    ],
)
def test_each_contradiction_is_said(old: str, new: str, expected: str) -> None:
    assert said((old, new)) == (expected,)


def test_a_null_pointer_below_the_first_page_is_no_contradiction() -> None:
    assert (
        said(
            ("kernel paging request", "kernel NULL pointer dereference"),
            ("ffff0000c0de1040", "0000000000000040"),
            ("swapper pgtable", "user pgtable"),
        )
        == ()
    )


def test_a_write_to_read_only_memory_that_is_one_is_no_contradiction() -> None:
    changes = (
        ("kernel paging request", "kernel write to read-only memory"),
        ("0000000096000046", "000000009600004e"),
        ("FSC = 0x06: level 2 translation fault", "FSC = 0x0e: level 2 permission fault"),
        ("ISS = 0x00000046", "ISS = 0x0000004e"),
    )
    assert said(*changes) == ()


def test_an_instruction_syndrome_is_compared_where_there_is_one() -> None:
    esr = 0x96000046 | 1 << 24 | 2 << 22 | 3 << 16
    changes = (
        ("0000000096000046", f"{esr:016x}"),
        (
            "  ISV = 0, ISS = 0x00000046, ISS2 = 0x00000000",
            "  Access size = 4 byte(s)\n  SSE = 0, SRT = 3",
        ),
    )
    assert said(*changes) == ()
    wrong = (*changes[:1], (changes[1][0], "Access size = 8 byte(s)\nSSE = 0, SRT = 4"))
    assert [sentence.partition(",")[0] for sentence in said(*wrong)] == [
        "line 10 prints SRT = 0x4",
        "line 9 prints access size = 8",
    ]
