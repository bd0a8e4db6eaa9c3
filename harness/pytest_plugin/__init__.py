"""The pytest plugin: scenario files as tests, and a fixture to state a scenario in a test.

Only `*.scenario.toml` files are collected, nothing else is touched. Everything heavy is imported
when a scenario runs, so that other test suites do not pay for the plugin being installed.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.pytest_plugin.bench import Bench

SUFFIX = ".scenario.toml"
FIXTURE = "mmu"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the user say who translates."""
    group = parser.getgroup("mmu-harness", "arm64 MMU scenarios")
    group.addoption(
        "--mmu",
        choices=("unicorn", "model"),
        default="unicorn",
        help="who translates in scenario files: Unicorn's own MMU, or the reference model",
    )
    group.addoption(
        "--tlb",
        metavar="POLICY",
        help="which permitted outcome the reference model takes: fresh, stale or random:SEED",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect scenario files."""
    if not file_path.name.endswith(SUFFIX):
        return None
    from harness.pytest_plugin.items import ScenarioFile

    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.fixture
def mmu(request: pytest.FixtureRequest) -> Bench:
    """Return a machine to map, load, inject and run in this test."""
    from harness.pytest_plugin.bench import Bench

    return Bench(request.node.name, request.path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the machine did beside the failure of a test that used it."""
    report = yield
    used = getattr(item, "funcargs", {}).get(FIXTURE)
    text = getattr(used, "last_report", None)
    if report.failed and isinstance(text, str):
        report.sections.append(("what the machine did", text))
    return report
