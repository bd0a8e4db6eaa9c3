"""A run with all that is said of it: the verdict of the model, and what the author expected."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import ExitCode
from harness.execution import Execution
from harness.oracle.verdict import Verdict, VerdictKind

_EXIT_CODES = {
    VerdictKind.AGREES: ExitCode.EXPECTED,
    VerdictKind.KNOWN_DIVERGENCE: ExitCode.EXPECTED,
    VerdictKind.DISAGREES: ExitCode.FINDING,
    VerdictKind.UNSUPPORTED: ExitCode.CANNOT_JUDGE,
    VerdictKind.INCOMPLETE: ExitCode.CANNOT_JUDGE,
}


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """What `mmu-harness run` reports of one scenario."""

    execution: Execution
    verdict: Verdict
    missed: tuple[str, ...]
    """One sentence for each expectation of the scenario that was not met."""

    @property
    def exit_code(self) -> ExitCode:
        """The worst that was found; of an incomplete run no expectation is held to be missed."""
        if self.missed and self.verdict.kind is not VerdictKind.INCOMPLETE:
            return ExitCode.FINDING
        return _EXIT_CODES[self.verdict.kind]

    @property
    def passed(self) -> bool:
        """Whether everything is as expected and permitted, or a known divergence."""
        return self.exit_code is ExitCode.EXPECTED
