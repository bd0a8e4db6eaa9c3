"""Accidents of real logs: each undone, and each that cannot be undone said."""

from __future__ import annotations

import quopri
from dataclasses import replace

import oops_logs
import pytest
from shared_data import shared_data

from harness.errors import ReportError
from harness.oops import decode_text
from harness.oops.parse import parse_reports
from harness.oops.report import FaultReport

CLEAN = parse_reports(oops_logs.text(), "clean")[0]


def content(report: FaultReport) -> FaultReport:
    """Return the report without what it takes from the lines around it."""
    return facts(replace(report, number=1, interleaved_with=(), remarks=()))


def only(log: str | bytes) -> FaultReport:
    (report,) = parse_reports(log, "clean")
    return report


def facts(report: FaultReport) -> FaultReport:
    """Return the report without where its lines stand."""
    return replace(report, where={}, first_line=0, last_line=0)


def same(log: str | bytes) -> bool:
    return facts(only(log)) == facts(CLEAN)


def test_the_undamaged_report_has_every_fact() -> None:
    assert (CLEAN.esr, CLEAN.far) == (0x96000046, 0xFFFF0000C0DE1040)
    assert CLEAN.registers_complete
    assert CLEAN.registers["x1"] == 0xFFFF0000C0DE1040
    assert CLEAN.code[-1] == CLEAN.faulting_word == 0xF9000020
    assert (CLEAN.cpu, CLEAN.comm, CLEAN.kernel) == (3, "writer", "7.0.1-test")
    assert CLEAN.pc_symbol == "store_word+0x14/0x40"
    assert CLEAN.lr_symbol == "caller+0x58/0x90 [module]"
    assert CLEAN.where["p4d"] == 13


@pytest.mark.parametrize(
    "prefix",
    [
        "[   15.432706] ",
        "[    0.000000][    T0] ",
        "[   15.432706][ C3] ",
        "<1>[   15.432706] ",
        "<4>",
        "Mar 25 13:38:45 host kernel: ",
        "Mar  5 13:38:45 host kernel: [   15.432706] ",
        "2026-03-25T13:38:45.123456+01:00 host kernel: ",
        "2026-03-25 13:38:45 [   15.432706] ",
        "[2026-03-25 13:38:45] [   15.432706] ",
        "13:38:45.123 ",
        "kern  :alert : [   15.432706] ",
        "[Wed Mar 25 13:38:45 2026] ",
        "Mar 25 13:38:45 host systemd-pstore[312]: ",
        "> ",
        ">> [   15.432706] ",
        "> > > ",
        ">",
        "    ",
        "\t",
        "show_pte: ",
    ],
)
def test_a_prefix_changes_nothing(prefix: str) -> None:
    assert same(oops_logs.text(prefix=prefix))


def test_a_fence_around_the_log_changes_nothing() -> None:
    assert same("It died:\n```console\n" + oops_logs.stamped() + "```\n")


@pytest.mark.parametrize("width", [40, 54, 66, 72])
def test_a_stamped_log_wrapped_by_a_mailer_is_put_together(width: int) -> None:
    assert same(oops_logs.wrapped(oops_logs.stamped(), width))


@pytest.mark.parametrize("width", [66, 72])
def test_an_unstamped_log_wrapped_by_a_mailer_is_put_together(width: int) -> None:
    assert same(oops_logs.wrapped(oops_logs.text(), width))


@pytest.mark.parametrize(
    "number",
    ["ffff0000c0de1040", "0000000096000046", "00e80000c0c00704", "1122334455667788", "d503201f"],
)
def test_a_number_broken_in_two_is_put_together_by_its_width(number: str) -> None:
    middle = len(number) // 2 - 1
    broken = oops_logs.stamped().replace(number, f"{number[:middle]}\n{number[middle:]}", 1)
    assert same(broken)


def test_a_number_broken_in_two_whose_parts_do_not_add_up_is_no_fact() -> None:
    broken = oops_logs.stamped().replace("pmd=00e80000c0c00704", "pmd=00e80000c0\nc007")
    assert "pmd" not in only(broken).entries


def test_a_release_broken_at_its_hyphen_is_put_together() -> None:
    assert same(oops_logs.stamped().replace("7.0.1-test", "7.0.1-\ntest"))


def test_text_of_the_mail_around_the_log_is_no_part_of_it() -> None:
    log = "Hello,\n\nmy pc : what+0x1/0x2 died:\n\n" + oops_logs.stamped() + "\nCode: see above\n"
    assert same(log)


@pytest.mark.parametrize(
    "damage",
    [
        lambda log: log.replace(" ", "\u00a0").encode(),
        lambda log: log.replace(" ", "\u00a0").encode("latin-1"),
        lambda log: log.replace("\n", "\r\n").encode(),
        lambda log: log.replace("\n", "\r\r\n").encode(),
        lambda log: log.replace("\n", "\n\n").encode(),
        lambda log: b"\xef\xbb\xbf" + log.encode(),
        lambda log: log.encode("utf-16"),
        lambda log: quopri.encodestring(log.encode()),
        lambda log: log.replace("[", "\x1b[31m[").replace("]", "]\x1b[0m").encode(),
        lambda log: log.replace(" = ", "\u200b = ").encode(),
    ],
    ids=[
        *("no-break spaces", "latin-1 no-break spaces", "CRLF", "CR CR LF", "double spaced"),
        *("byte order mark", "UTF-16", "quoted-printable", "colours", "zero-width spaces"),
    ],
)
def test_the_encoding_of_the_log_changes_nothing(damage: object) -> None:
    assert callable(damage)
    assert same(damage(oops_logs.stamped()))


def test_control_characters_are_kept_as_escapes_only() -> None:
    log = oops_logs.text(oops_logs.replaced("writer", "\x1b]0;x\x07writer"))
    assert only(log).comm == "\\x1b]0;x\\x07writer"


def test_pgd_in_lower_case_after_an_equals_sign_is_not_quoted_printable() -> None:
    lines = oops_logs.replaced("pgd=0000000000000000", "pgd=3d00000000000003")
    assert only(oops_logs.text(lines)).entries["pgd"] == 0x3D00000000000003


def test_two_processors_in_turns_are_told_apart_by_order() -> None:
    other = oops_logs.replaced("pgdp=0000000041000000", "pgdp=0000000077000000")
    head = len(oops_logs.HEADLINE) + len(oops_logs.TABLES)
    turns = [
        line for pair in zip(oops_logs.LINES[:head], other[:head], strict=True) for line in pair
    ]
    first, second = parse_reports(oops_logs.stamped([*turns, *oops_logs.LINES[head:]]), "clean")
    assert facts(replace(first, interleaved_with=())) == facts(CLEAN)
    assert (first.interleaved_with, second.interleaved_with) == ((2,), (1,))
    assert second.pgdp == 0x77000000
    assert second.registers == {}


def test_the_caller_of_each_line_tells_processors_apart_for_certain() -> None:
    other = oops_logs.replaced("1122334455667788", "8877665544332211")
    log = "".join(
        f"[    1.000000][  T{task}] {line}\n"
        for lines in zip(oops_logs.LINES, other, strict=True)
        for task, line in zip((77, 99), lines, strict=True)
    )
    first, second = parse_reports(log, "clean")
    assert facts(first) == facts(CLEAN)
    assert second.registers["x0"] == 0x8877665544332211
    assert not first.interleaved_with
    assert not first.registers_interleaved


def test_registers_printed_in_turns_without_a_caller_are_nobodys() -> None:
    other = oops_logs.replaced("1122334455667788", "8877665544332211")
    turns = [line for pair in zip(oops_logs.LINES, other, strict=True) for line in pair]
    first, second = parse_reports(oops_logs.stamped(turns), "turns")
    assert first.registers_interleaved
    assert second.registers_interleaved


def test_entries_that_the_kernel_continues_on_new_lines_belong_together() -> None:
    entries = oops_logs.TABLES[1].split(", ")
    lines = [*oops_logs.HEADLINE, oops_logs.TABLES[0], entries[0]]
    lines += [f", {entry}" for entry in entries[1:]] + ["", *oops_logs.DEATH]
    assert only(oops_logs.stamped(lines)).entries == CLEAN.entries


def test_two_lines_swapped_on_a_serial_line_are_still_read() -> None:
    lines = list(oops_logs.LINES)
    lines[2], lines[3] = lines[3], lines[2]
    assert same(oops_logs.stamped(lines))


def test_lines_printed_twice_are_read_once() -> None:
    lines = [line for line in oops_logs.REGISTERS for _ in range(2)]
    log = [*oops_logs.HEADLINE, *oops_logs.TABLES, *oops_logs.DEATH, *lines, *oops_logs.TRACE]
    assert same(oops_logs.stamped(log))


def test_a_line_repeated_with_another_value_is_not_used_and_said() -> None:
    lines = [*oops_logs.LINES[:-5], "sp : ffff800080000000", *oops_logs.LINES[-5:]]
    report = only(oops_logs.text(lines))
    assert report.registers["sp"] == 0xFFFF800080123B40
    assert any("not used" in remark for remark in report.remarks)


def test_a_doubled_tail_with_the_same_value_changes_nothing() -> None:
    lines = oops_logs.replaced(
        "x0 : 1122334455667788", "x0 : 1122334455667788x0 : 1122334455667788"
    )
    assert same(oops_logs.text(lines))


def test_a_register_with_two_values_in_one_line_has_none() -> None:
    lines = oops_logs.replaced(
        "x0 : 1122334455667788", "x0 : 1122334455667788 x0 : 8877665544332211"
    )
    report = only(oops_logs.text(lines))
    assert "x0" not in report.registers
    assert "x1" in report.registers


def test_the_tail_of_a_line_that_was_cut_loses_its_number_only() -> None:
    lines = oops_logs.replaced("x1 : ffff0000c0de1040", "x1 : ffff0000c0d")
    report = only(oops_logs.text(lines))
    assert "x1" not in report.registers
    assert "x0" in report.registers
    assert not report.registers_complete


@pytest.mark.parametrize("digits", range(1, 16))
def test_no_cut_address_of_a_headline_becomes_a_fact(digits: int) -> None:
    headline = oops_logs.HEADLINE[0]
    assert only(headline[: len(headline) - 16 + digits]).address is None
    assert only(headline[: len(headline) - 16 + digits] + "\n").address is None


def test_a_cut_address_gives_way_to_the_whole_one_of_the_entries_and_is_mentioned() -> None:
    lines = oops_logs.replaced("address ffff0000c0de1040", "address ffff0000c0de")
    report = only(oops_logs.text(lines))
    assert report.address == CLEAN.address
    assert report.remarks == ("the address of line 1 was cut and is not used",)


@pytest.mark.parametrize(
    ("ending", "name"),
    [("  ESR = 0x00000000", "esr"), ("pc : store_word+0x14/0x4", "pc_symbol")],
)
def test_what_a_log_without_a_last_line_end_stops_with_is_no_fact(ending: str, name: str) -> None:
    start = oops_logs.text(oops_logs.HEADLINE[:2])
    assert getattr(only(start + ending), name) is None
    assert getattr(only(start + ending + "\n"), name) is not None


def test_a_code_line_cut_before_its_last_word_has_no_faulting_word() -> None:
    report = only(oops_logs.text(oops_logs.replaced(" (f9000020)", "")))
    assert report.code == CLEAN.code[:-1]
    assert report.faulting_word is None


def test_words_that_the_kernel_could_not_read_are_none() -> None:
    words = "Code: ???????? ???????? (????????)"
    lines = [words if line.startswith("Code:") else line for line in oops_logs.LINES]
    report = only(oops_logs.text(lines))
    assert report.code == (None, None, None)
    assert report.faulting_word is None


def test_a_warning_before_the_report_lends_it_nothing() -> None:
    warning = [
        "------------[ cut here ]------------",
        "WARNING: CPU: 0 PID: 5 at mm/other.c:12 other+0x10/0x20",
        "CPU: 0 UID: 0 PID: 5 Comm: other Not tainted 7.0.1-test #9",
        "pc : other+0x10/0x20",
        "x29: 0000000000000001 x28: 0000000000000002 x27: 0000000000000003",
    ]
    assert same(oops_logs.text([*warning, "---[ end trace 0 ]---", *oops_logs.LINES]))
    assert same(oops_logs.text([*warning, *oops_logs.LINES]))


def test_a_warning_after_a_truncated_report_lends_it_nothing() -> None:
    warning = ["------------[ cut here ]------------", *oops_logs.DEATH[1:], *oops_logs.REGISTERS]
    log = oops_logs.text([*oops_logs.HEADLINE, *oops_logs.TABLES, *warning])
    report = only(log)
    assert (report.esr, report.registers, report.pc_symbol) == (CLEAN.esr, {}, None)


def test_a_new_boot_ends_a_truncated_report() -> None:
    rest = [*oops_logs.DEATH[1:], *oops_logs.REGISTERS]
    boot = "Booting Linux on physical CPU 0x0000000000 [0x410fd034]"
    report = only(oops_logs.stamped([*oops_logs.HEADLINE, boot, *rest]))
    assert report.registers == {}


def test_several_reports_of_one_log_are_numbered_in_order() -> None:
    second = oops_logs.replaced("[#1]", "[#2]")
    log = oops_logs.stamped([*oops_logs.LINES, "usb 1-1: new device", *second])
    reports = parse_reports(log, "dmesg")
    assert [report.title for report in reports] == ["dmesg#1", "dmesg#2"]
    assert [report.oops_number for report in reports] == [1, 2]
    assert not any(report.interleaved_with for report in reports)


def test_a_report_cut_after_its_headline_takes_nothing_from_the_next() -> None:
    cut = "Unable to handle kernel paging request at virtual address ffff0000"
    first, second = parse_reports(oops_logs.stamped([cut, *oops_logs.LINES]), "clean")
    assert (first.esr, first.address, first.registers) == (None, None, {})
    assert content(second) == facts(CLEAN)


@pytest.mark.parametrize("kept", range(3, len(oops_logs.LINES)))
def test_a_report_cut_anywhere_takes_nothing_from_a_different_one_after_it(kept: int) -> None:
    other = oops_logs.LINES
    for old, new in (
        ("96000046", "9600004f"),
        ("ffff0000c0de1040", "ffff00007777aaaa"),
        ("CPU: 3", "CPU: 5"),
        ("1122334455667788", "8877665544332211"),
        ("store_word", "other_word"),
    ):
        other = tuple(line.replace(old, new) for line in other)
    reports = parse_reports(oops_logs.stamped([*oops_logs.LINES[:kept], *other]), "clean")
    assert len(reports) == 2
    assert reports[0].registers.get("x0") != 0x8877665544332211
    assert reports[0].pc_symbol in {None, CLEAN.pc_symbol}
    assert reports[1].registers_complete
    assert reports[1].registers["x0"] == 0x8877665544332211
    assert (reports[1].cpu, reports[1].pc_symbol) == (5, "other_word+0x14/0x40")


def test_a_log_of_many_reports_gives_each_the_facts_that_it_has_alone() -> None:
    folder = shared_data()
    paths = [*folder.glob("000_*.txt"), *sorted((folder / "oops").glob("*.txt"))]
    alone = [report for path in paths for report in parse_reports(path.read_bytes(), "clean")]
    together = parse_reports(b"\n\n".join(path.read_bytes() for path in paths), "clean")
    assert [content(report) for report in together] == [content(report) for report in alone]


def test_an_old_report_without_an_esr_line_takes_it_from_the_internal_error() -> None:
    lines = oops_logs.without("ESR =", "EC =")
    report = only(oops_logs.text(lines))
    assert (report.esr, report.esr_source) == (0x96000046, "Internal error line")


def test_a_pointer_printed_for_pgdp_is_no_root() -> None:
    assert CLEAN.root == 0x41000000
    report = only(oops_logs.text(oops_logs.replaced("pgdp=0", "pgdp = 0")))
    assert report.pgdp == 0x41000000
    assert report.root is None


@pytest.mark.parametrize(
    ("line", "esr", "address"),
    [
        ("Unhandled fault: unknown 43 (0x9600002b) at 0xfff0000012345678", 0x9600002B, True),
        (
            "Bad mode in Error handler detected on CPU3, code 0xbf000002 -- SError",
            0xBF000002,
            False,
        ),
        ("Unhandled 64-bit el1h sync exception on CPU1, ESR 0x000000002000000 -- x", None, False),
        (
            "Unhandled 64-bit el1h sync exception on CPU1, ESR 0x0000000002000000 -- x",
            1 << 25,
            False,
        ),
        (
            "prog[12]: unhandled exception: DABT (lower EL), ESR 0x0000000092000005, x",
            0x92000005,
            False,
        ),
        ("Internal error: Oops - BUG: 0 [#1] PREEMPT SMP", None, False),
    ],
)
def test_other_headlines_open_a_report_too(line: str, esr: int | None, *, address: bool) -> None:
    report = only(line + "\n")
    assert report.esr == esr
    assert (report.address is not None) is address


@pytest.mark.parametrize("log", ["", "\n", "hello\n", "pc : f+0x1/0x2\n", "\x00\x01\x02"])
def test_a_log_without_a_report_is_refused(log: str) -> None:
    with pytest.raises(ReportError, match="clean: no arm64 fault report"):
        parse_reports(log, "clean")


def test_a_log_of_unreasonable_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_text, "MAX_BYTES", 1 << 20)
    with pytest.raises(ReportError, match="larger than 1 MiB"):
        parse_reports(bytes((1 << 20) + 1), "big")
