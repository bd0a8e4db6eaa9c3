"""A fault inside the model, before it becomes a syndrome (FaultRecord in the manual)."""

from __future__ import annotations

from typing import NamedTuple

from harness.arch.faults import FaultKind


class FaultRecord(NamedTuple):
    """What was found, where, and by which pseudocode function of the manual."""

    kind: FaultKind
    level: int | None
    rule: str
    stage: int = 1
    write: bool | None = None
    """The direction that faulted; None where the access itself says it."""
    overlay: bool = False
    dirty: bool = False
    """A permission fault that dirty state alone would lift (FEAT_S1PIE, FEAT_S2PIE)."""
    s1ptw: bool = False
    """A stage 2 fault on a stage 1 translation table walk."""
    ipa: int | None = None
    """Stage 2: the address that was being translated."""
