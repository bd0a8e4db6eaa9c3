"""A scenario file as a pytest item."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING

import pytest

from harness.errors import EngineMissingError, InputError, UnsupportedError
from harness.machine.policies import policy_named
from harness.oracle.verdict import VerdictKind
from harness.report.text import run_text
from harness.runner import Mmu, run_and_judge
from harness.scenario_file import SUFFIX, load

if TYPE_CHECKING:
    from _pytest._code.code import TracebackStyle


class ScenarioFailure(Exception):  # noqa: N818 - it is a result of the test, not an error
    """A run that is not as expected or not permitted; the message is its report."""


class ScenarioFile(pytest.File):
    """One `*.scenario.toml` file: one test."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the test; the file is read when it runs."""
        yield ScenarioItem.from_parent(self, name=self.path.name.removesuffix(SUFFIX))


class ScenarioItem(pytest.Item):
    """Runs and judges one scenario."""

    def runtest(self) -> None:
        """Pass if everything is expected and permitted; skip what cannot be judged, by name."""
        try:
            policy = self.config.getoption("tlb")
            judged = run_and_judge(
                load(self.path),
                mmu=Mmu(self.config.getoption("mmu")),
                policy=policy_named(policy) if policy else None,
            )
        except (UnsupportedError, EngineMissingError) as error:
            pytest.skip(str(error))
        if judged.verdict.kind is VerdictKind.UNSUPPORTED and not judged.missed:
            pytest.skip(judged.verdict.explanation)
        if not judged.passed:
            raise ScenarioFailure(run_text(judged))

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: TracebackStyle | None = None,
    ) -> str:
        """Show the report of the run, or the one line of a bad scenario; no traceback of either."""
        if isinstance(excinfo.value, ScenarioFailure | InputError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[PathLike[str], int | None, str]:
        """Say where the test stands."""
        return self.path, None, f"scenario {self.name}"
