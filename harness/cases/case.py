"""One case: a whole machine (features, registers, memory) and one access to translate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.arch.features import Profile
from harness.vmsa.access import Access
from harness.vmsa.regime import Regime

Document = Mapping[str, Any]
"""A JSON object, as parsed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question: this machine, these tables, this access."""

    id: str
    profile: Profile
    regime: Regime
    registers: Mapping[str, int]
    memory: Mapping[int, int]
    access: Access
    expect: Document | None = None
    """Keys of an answer with the values that they must have; under `par_mask` for `par`."""
    refused: tuple[str, ...] = ()
    """Features that the case asks for and no translator of the harness models."""
