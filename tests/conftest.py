"""What all tests share: external tools that may be missing, and runs in which nothing may be."""

from __future__ import annotations

import os
import shutil

import capstone  # noqa: F401 - see below
import pytest

# Pytester forgets modules that were first imported in a run of its own. Capstone's must stay: the
# disassembler keeps an engine, and a second import makes other types than those of the engine.

NO_SKIPS = "MMU_HARNESS_NO_SKIPS"
"""Set in CI, which installs every tool: there a skipped test is a failed run."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs("tool")` on a machine without that program."""
    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a skipped test where nothing may be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get(NO_SKIPS) and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why such a run failed."""
    skipped = terminalreporter.stats.get("skipped", [])
    if os.environ.get(NO_SKIPS) and skipped:
        terminalreporter.write_line(
            f"{len(skipped)} skipped, and {NO_SKIPS} is set: failed", red=True
        )
