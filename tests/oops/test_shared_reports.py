"""The real logs, each against its verified facts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from shared_data import shared_data

from harness.arch.exception_classes import ExceptionClass
from harness.arch.syndromes import Syndrome
from harness.oops.parse import parse_reports
from harness.oops.report import FaultReport
from harness.oops.syndrome import syndrome_fields
from harness.vmsa.access import AccessKind

LOGS = (
    "05-btrfs514-syslog-wrapped",
    "07-jailhouse414-dblspaced",
    "08-rockchip54-sea-badpc",
    "12-arm53-nbsp-T0-prefix",
    "15-mana617-alignment-pmdblock",
    "17-smc616-ro-write-pgd0",
    "19-siw512-64k42-two-cpu-split-pgd",
    "21-fvp57-tagged-pc-badpc",
    "25-meson68-activemm-qmarks",
    "28-tegra56-latin1-nbsp-ro",
    "29-rock64-52-sea-then-serror",
    "31-j721s2-70-serror",
    "33-mte617-kasan-dfff",
    "35-showpte51-64k-el0",
    "37-ftrace65-two-cpu-isv",
    "42-tentacruel68-modbug-39",
    "46-serial58-quoted-64k-iabt",
    "50-syz49-pc-align",
    "55-rpi3222-419-39",
    "59-odroidn1-44-starpgd",
    "61-stressng-sea-el0addr",
    "66-rb3gen2-70-serror",
)

EC_NAMES = {
    "DABT_CUR": ExceptionClass.DATA_ABORT_SAME,
    "DABT_LOWER": ExceptionClass.DATA_ABORT_LOWER,
    "IABT_CUR": ExceptionClass.INSTRUCTION_ABORT_SAME,
    "PC_ALIGN": ExceptionClass.PC_ALIGNMENT,
    "SERROR": ExceptionClass.SERROR,
}

# The facts call the fields by other names, and state sizes in bytes.
FIELD_NAMES = {
    "il": "IL",
    "fnv": "FnV",
    "ea": "EA",
    "s1ptw": "S1PTW",
    "set": "SET",
    "cm": "CM",
    "isv": "ISV",
    "sse": "SSE",
    "srt": "SRT",
    "sf": "SF",
    "ar": "AR",
    "ids": "IDS",
    "aet": "AET",
    "dfsc": "DFSC",
    "iss": "ISS",
}


def facts_of(log: str) -> tuple[FaultReport, dict[str, Any]]:
    folder = shared_data() / "oops"
    reports = parse_reports((folder / f"{log}.txt").read_bytes(), log)
    return reports[0], json.loads((folder / f"{log}.json").read_text())


def number(text: str | None) -> int | None:
    return None if text is None else int(text, 16)


@pytest.mark.parametrize("log", LOGS)
def test_the_syndrome_is_read_from_the_line_that_has_it(log: str) -> None:
    report, facts = facts_of(log)
    assert report.esr == number(facts["esr"])
    assert report.esr is not None
    syndrome = Syndrome.from_int(report.esr)
    assert syndrome.ec == number(facts["ec"]) == EC_NAMES[facts["ec_name"]]
    assert report.esr_source == facts["esr_source"]
    assert report.fault == facts["fault"]
    assert report.level == facts["level"]
    wnr = None if report.access in {None, AccessKind.FETCH} else report.access is AccessKind.WRITE
    assert wnr is facts["wnr"]


@pytest.mark.parametrize("log", LOGS)
def test_every_field_of_the_syndrome_agrees(log: str) -> None:
    report, facts = facts_of(log)
    assert report.esr is not None
    fields = syndrome_fields(report.esr)
    status = fields.get("DFSC", fields.get("IFSC"))
    for name, value in facts["esr_fields"].items():
        expected = int(value, 16) if isinstance(value, str) else value
        if name == "fsc":
            assert status == expected
        elif name == "sas_bytes":
            assert 1 << fields["SAS"] == expected
        elif name == "iss":
            assert Syndrome.from_int(report.esr).iss == expected
        else:
            assert fields[FIELD_NAMES[name]] == expected


@pytest.mark.parametrize("log", LOGS)
def test_address_and_tables_agree(log: str) -> None:
    report, facts = facts_of(log)
    assert report.address == number(facts["address"])
    assert (report.granule and report.granule.size >> 10) == facts["granule_k"]
    assert report.va_bits == facts["va_bits"]
    assert report.pgtable == facts["pgtable"]
    assert report.pgdp == number(facts["pgdp"])
    printed = {name: report.entries.get(name) for name in facts["entries"]}
    assert printed == {name: number(value) for name, value in facts["entries"].items()}


@pytest.mark.parametrize("log", LOGS)
def test_registers_code_and_kernel_agree(log: str) -> None:
    report, facts = facts_of(log)
    assert report.pc_symbol == facts["pc_symbol"]
    if facts["lr_symbol"] is not None:
        # Where the facts leave it out, the log may still have it ("LR is at" of report 07).
        assert report.lr_symbol == facts["lr_symbol"]
    assert bool(report.registers) is facts["registers_given"]
    assert report.registers_complete is facts["registers_complete"]
    words = ["????????" if word is None else f"{word:08x}" for word in report.code]
    assert (words or None) == facts["code_words"]
    word = None if report.faulting_word is None else f"{report.faulting_word:08x}"
    assert (word or "????????") == (facts["faulting_word"] or "????????")
    assert report.code_text == facts.get("code_text")
    assert report.kernel == facts["kernel"]


@pytest.mark.parametrize("log", LOGS)
def test_no_address_is_taken_for_far_where_the_syndrome_says_that_it_is_none(log: str) -> None:
    report, facts = facts_of(log)
    valid = facts["esr_fields"].get("fnv") == 0
    assert report.far == (report.address if valid else None)


@pytest.mark.parametrize("log", [log for log in LOGS if log.startswith(("19-", "37-"))])
def test_two_processors_in_turns_are_two_reports_that_know_of_each_other(log: str) -> None:
    folder = shared_data() / "oops"
    reports = parse_reports((folder / f"{log}.txt").read_bytes(), log)
    assert [report.interleaved_with for report in reports] == [(2,), (1,)]
    assert not any(report.registers_interleaved for report in reports)


def test_the_second_of_two_interleaved_reports_has_its_own_root() -> None:
    path = shared_data() / "oops" / "37-ftrace65-two-cpu-isv.txt"
    reports = parse_reports(path.read_bytes(), "37")
    assert [report.pgdp for report in reports] == [0x109BD6000, 0x10962A000]


def test_an_serror_after_an_abort_is_a_report_of_its_own() -> None:
    _, facts = facts_of("29-rock64-52-sea-then-serror")
    path = shared_data() / "oops" / "29-rock64-52-sea-then-serror.txt"
    second = parse_reports(path.read_bytes(), "29")[1]
    expected = facts["second_fault"]
    assert second.fault == expected["kind"]
    assert second.esr == number(expected["code"])
    assert second.cpu == expected["cpu"]
    assert second.pc_symbol == expected["pc_symbol"]
    assert second.code == ()
    assert second.registers["x0"] == 0xFFFF8000F2F35A80


def test_an_address_cut_in_the_middle_is_no_address() -> None:
    path = shared_data() / "oops" / "55-rpi3222-419-39.txt"
    reports = parse_reports(path.read_bytes(), "55")
    assert [report.address for report in reports] == [0x800000022, None]


def test_the_quoted_and_wrapped_mail_gives_one_whole_report() -> None:
    mail = next(shared_data().glob("000_*.txt")).read_bytes()
    (report,) = parse_reports(mail, "mail")
    assert (report.esr, report.far) == (0x96000046, 0xFFFF000019600000)
    assert (report.fault, report.level, report.access) == ("translation", 2, AccessKind.WRITE)
    assert report.entries == {
        "pgd": 0,
        "p4d": 0x180000009FFFF403,
        "pud": 0x180000009FFFE403,
        "pmd": 0x00E8000199600704,
    }
    assert report.root == 0x81F3F000
    assert report.faulting_word == 0xA900340C
    assert report.kernel == "7.0.0-rc4-dirty"
    assert report.registers_complete
    assert report.where["pmd"] == 37
