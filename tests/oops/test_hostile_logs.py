"""Whatever happens to a log, the parser returns reports or raises ReportError."""

from __future__ import annotations

import contextlib
import re
import time

import oops_logs
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ReportError
from harness.oops.contradictions import contradictions
from harness.oops.missing import missing_for_run, missing_for_walk
from harness.oops.parse import parse_reports
from harness.oops.replay import replay
from harness.report.replay_document import replay_document
from harness.report.replay_text import replay_text

LOG = oops_logs.stamped().encode()
HEX_DIGITS = [
    place
    for number in re.finditer(r"(?<=[=(x: ])[0-9a-f]{6,16}\b", oops_logs.stamped())
    for place in range(*number.span())
]
"""Where the numbers of the report stand."""


def read(log: bytes) -> None:
    with contextlib.suppress(ReportError):
        for report in parse_reports(log, "log"):
            contradictions(report)
            missing_for_walk(report)
            missing_for_run(report)
            assert report.first_line <= report.last_line


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes(log: bytes) -> None:
    read(log)


@given(st.integers(0, len(LOG)), st.integers(0, len(LOG)))
@settings(deadline=None)
def test_any_part_of_a_report(start: int, end: int) -> None:
    read(LOG[start:end])


edits = st.tuples(st.integers(0, len(LOG)), st.integers(0, 40), st.binary(max_size=12))


@given(st.lists(edits, min_size=1, max_size=12))
@settings(deadline=None)
def test_a_report_with_pieces_overwritten(changes: list[tuple[int, int, bytes]]) -> None:
    log = LOG
    for place, length, new in changes:
        log = log[:place] + new + log[place + length :]
    read(log)


@given(st.permutations(oops_logs.LINES))
@settings(deadline=None)
def test_the_lines_in_any_order(lines: list[str]) -> None:
    read(oops_logs.stamped(lines).encode())


@given(st.lists(st.sampled_from(oops_logs.LINES), max_size=120))
@settings(max_examples=50, deadline=None)
def test_lines_left_out_and_repeated(lines: list[str]) -> None:
    read(oops_logs.text(lines).encode())


digits = st.tuples(st.sampled_from(HEX_DIGITS), st.sampled_from("0123456789abcdef"))


@given(st.lists(digits, min_size=1, max_size=4), st.sampled_from((39, 42, 47, 48, 52, 20, 99)))
@settings(max_examples=40, deadline=None)
def test_a_report_with_other_digits_is_replayed_to_some_result(
    changes: list[tuple[int, str]], va_bits: int
) -> None:
    log = list(oops_logs.stamped())
    for place, digit in changes:
        log[place] = digit
    for report in parse_reports("".join(log).replace("48-bit", f"{va_bits}-bit"), "log"):
        result = replay(report)
        assert replay_text(result, count=1)
        assert replay_document([result], {})["reports"]


def test_reading_takes_time_in_proportion_to_the_log() -> None:
    start = time.perf_counter()
    read(LOG * 300)
    read(b"x29: 0" * 20_000 + b"\n" + b"[" * 100_000 + b"\n" + b"> " * 100_000)
    assert time.perf_counter() - start < 20
