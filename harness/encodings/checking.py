"""Holds an encoding to the properties by trying every pattern of its meaningful bits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, cast

from harness.arch.descriptors import fields
from harness.encodings.definition import Encoding
from harness.encodings.finding import Counterexample, Finding, Method, Report, Result, places
from harness.encodings.form import Form
from harness.encodings.logic import Operation, Value
from harness.encodings.patterns import patterns
from harness.encodings.place import Place
from harness.encodings.properties import PROPERTIES
from harness.encodings.properties.claim import Claim, Property

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ASKED_OF_HARDWARE = 3 | fields.AF.mask | 1 << fields.AP.msb
"""Bits that properties ask for themselves: type, Access flag, read-only."""


def check(
    encoding: Encoding,
    properties: Sequence[Property] = (),
    forms: Sequence[Form] = (),
    levels: Sequence[int] = (),
) -> Report:
    """Return what holds of every pattern of the meaningful bits (`harness.encodings.patterns`).

    `properties`, `forms` and `levels`: all, unless some are given. EngineMissingError without
    NumPy.
    """
    started = time.perf_counter()
    tried = cache(patterns)
    findings = []
    most = 0
    last: Place | None = None
    subjects: dict[Operation, NDArray[np.uint64]] = {}
    for one, place, claims in places(
        encoding, properties or tuple(PROPERTIES.values()), forms, levels
    ):
        values = tried(place.meaning.meaningful | _ASKED_OF_HARDWARE)
        most = max(most, values.size)
        if place != last:
            last, subjects = place, {}
        broken = []
        for claim in claims:
            if claim.subject not in subjects:
                subjects[claim.subject] = _unique(claim.subject(cast("Value", values)))
            broken += _try(claim, place, subjects[claim.subject])
        result = Result.FAILS if broken else Result.HOLDS
        findings.append(Finding(one, place, result, len(claims), tuple(broken)))
    return Report(encoding, Method.CHECK, tuple(findings), time.perf_counter() - started, most)


def _unique(values: Value) -> NDArray[np.uint64]:
    import numpy as np

    return np.unique(cast("NDArray[np.uint64]", values))


def _try(claim: Claim, place: Place, subjects: NDArray[np.uint64]) -> list[Counterexample]:
    """Return the smallest of the descriptors of which the claim is not true, if there is one."""
    holds = cast("NDArray[np.bool_]", claim.holds(cast("Value", subjects)))
    if holds.all():
        return []
    return [Counterexample(claim, place, int(subjects[~holds][0]))]
