"""For the tests of a kernel tree: each property at each level as a value to assert.

::

    (KERNEL,) = load("my_kernel.toml")

    @pytest.mark.parametrize("held", results(KERNEL), ids=str)
    def test_the_encoding(held):
        held.check(known={"copy_writable"})
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from harness.encodings.checking import check
from harness.encodings.definition import Encoding
from harness.encodings.finding import Counterexample, Finding, Result
from harness.encodings.proving import prove

__all__ = ["Held", "results"]


@dataclass(frozen=True, slots=True)
class Held:
    """One property at one place; `str` is a name for it as a test."""

    finding: Finding

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return self.finding.result is Result.HOLDS

    def check(self, known: Collection[str] = ()) -> None:
        """Raise AssertionError, with every counterexample, unless it holds.

        A property in `known` is let fail.
        """
        if not self.holds and self.finding.property.name not in known:
            raise AssertionError(self.explanation)

    @property
    def explanation(self) -> str:
        """What the property means, and what breaks it."""
        about = self.finding.property
        lines = [f"{self}: {about.meaning}", about.why]
        lines += [_shown(one) for one in self.finding.counterexamples]
        lines += [f"not decided: {text}" for text in self.finding.undecided]
        return "\n".join(lines)

    def __str__(self) -> str:
        place = self.finding.place
        return f"{self.finding.property.name}-{place.form.label}-level {place.level}"


def results(encoding: Encoding, *, proof: bool = False) -> tuple[Held, ...]:
    """Return every property at every place: checked on all patterns of bits, or proved by Z3.

    EngineMissingError without NumPy, or without Z3 for a proof.
    """
    report = prove(encoding) if proof else check(encoding)
    return tuple(Held(finding) for finding in report.findings)


def _shown(example: Counterexample) -> str:
    moments = ", ".join(
        f"{one.label} {one.value:#018x} ({one.hardware} to hardware)" for one in example.moments
    )
    return f"{example.claim.otherwise}: {moments}"
