"""An error in what a test states through the fixture `mmu` points to the test's own line."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('mmu.map(0, 0, "4Q", "linux-7.0:PAGE_KERNEL")', "*size = '4Q' is not a number*"),
        ("mmu.run()", "*nothing is loaded*"),
        ('mmu.load("b nowhere_at_all").run()', "*nowhere_at_all*"),
    ],
)
def test_a_bad_statement_shows_the_line_of_the_test_alone(
    pytester: pytest.Pytester, line: str, error: str
) -> None:
    pytester.makepyfile(f"def test_store(mmu):\n    {line}\n")
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f">*{line.replace('[', '[[]')}", f"E{error}"])
    result.stdout.no_fnmatch_line("*bench.py:*")
    result.stdout.no_fnmatch_line("*reader.py:*")
