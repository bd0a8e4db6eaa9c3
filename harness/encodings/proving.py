"""Holds an encoding to the properties over every 64-bit value, by the prover Z3.

Z3 is imported here, when something is proved: the extra `prove` installs it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from harness.encodings.definition import Encoding
from harness.encodings.finding import Counterexample, Finding, Method, Report, Result, places
from harness.encodings.form import Form
from harness.encodings.logic import Value
from harness.encodings.place import Place
from harness.encodings.properties import PROPERTIES
from harness.encodings.properties.claim import Claim, Property
from harness.errors import EngineMissingError, HarnessError

if TYPE_CHECKING:
    import z3

BITS = 64
SECONDS_A_CLAIM = 20


def prove(
    encoding: Encoding,
    properties: Sequence[Property] = (),
    forms: Sequence[Form] = (),
    levels: Sequence[int] = (),
    *,
    seconds: float = SECONDS_A_CLAIM,
) -> Report:
    """Return what holds of every 64-bit value.

    `properties`, `forms` and `levels`: all, unless some are given. A claim that takes more than
    `seconds` is unknown. EngineMissingError without Z3.
    """
    prover = Prover(seconds)
    started = time.perf_counter()
    findings = []
    chosen = properties or tuple(PROPERTIES.values())
    for one, place, claims in places(encoding, chosen, forms, levels):
        broken, undecided = [], []
        for claim in claims:
            found = prover.refute(claim, place)
            if isinstance(found, Counterexample):
                broken.append(found)
            elif found is Result.UNKNOWN:
                undecided.append(claim.text)
        result = Result.FAILS if broken else Result.UNKNOWN if undecided else Result.HOLDS
        findings.append(Finding(one, place, result, len(claims), tuple(broken), tuple(undecided)))
    return Report(encoding, Method.PROVE, tuple(findings), time.perf_counter() - started)


class Prover:
    """Looks for the descriptor of which a claim is not true."""

    def __init__(self, seconds: float) -> None:
        self._z3 = _z3()
        self._milliseconds = int(seconds * 1000)

    def refute(self, claim: Claim, place: Place) -> Counterexample | Result:
        """Return the smallest descriptor of which the claim is false; HOLDS if there is none.

        UNKNOWN where the prover gave up.
        """
        z3 = self._z3
        solver = z3.Solver()
        solver.set("timeout", self._milliseconds)
        written = claim.subject(cast("Value", z3.BitVec("value", BITS)))
        subject = z3.BitVec("subject", BITS)
        solver.add(subject == written)
        solver.add(z3.Not(claim.holds(cast("Value", subject))))
        answer = solver.check()
        if answer == z3.unsat:
            return Result.HOLDS
        if answer != z3.sat:
            return Result.UNKNOWN
        value = self._smallest(solver, subject)
        found = Counterexample(claim, place, value)
        if not found.is_broken:
            raise HarnessError(
                f"the prover's {value:#018x} does not break {claim.text!r} as a number: the "
                "definitions do not mean the same for both"
            )
        return found

    def _smallest(self, solver: z3.Solver, subject: z3.BitVecRef) -> int:
        """Return the smallest value of `subject` that the solver allows: its bits from the top."""
        z3 = self._z3
        value = _value_of(solver, subject)
        for bit in range(BITS - 1, -1, -1):
            clear = z3.Extract(bit, bit, subject) == 0
            if value >> bit & 1:
                if solver.check(clear) != z3.sat:
                    solver.add(z3.Extract(bit, bit, subject) == 1)
                    solver.check()
                    continue
                value = _value_of(solver, subject)
            solver.add(clear)
        return value


def _value_of(solver: z3.Solver, subject: z3.BitVecRef) -> int:
    return int(solver.model().eval(subject, model_completion=True).as_long())


def _z3() -> Any:  # noqa: ANN401 - a module
    try:
        import z3
    except ImportError:
        raise EngineMissingError(
            "a proof needs the prover Z3: pip install 'arm64-mmu-harness[prove]' (or z3-solver)"
        ) from None
    return z3
