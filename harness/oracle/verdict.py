"""The judgment of a run: every fault, access and fetch that was seen, against what is permitted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.arch.addresses import VirtualAddress
from harness.oracle.permitted import PermittedOutcome
from harness.oracle.seen import Seen
from harness.vmsa.access import Access
from harness.vmsa.outcome import Step


class VerdictKind(StrEnum):
    """What may be said of a run or of one access, as `run --json` spells it."""

    AGREES = "agrees"
    KNOWN_DIVERGENCE = "known_divergence"
    DISAGREES = "disagrees"
    UNSUPPORTED = "unsupported"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Judgment:
    """One access: what was seen of it, what is permitted, and why."""

    number: int
    """Of the instruction that made it."""
    pc: VirtualAddress
    label: str
    access: Access
    seen: Seen
    kind: VerdictKind
    divergence: str | None
    explanation: str
    permitted: tuple[PermittedOutcome, ...]
    """Every permitted outcome, the walk of the present first."""
    steps: tuple[Step, ...]
    """The walk of the outcome that was seen, or of the present where none was."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A whole run. `deciding` is the access that the verdict rests on."""

    kind: VerdictKind
    divergence: str | None
    explanation: str
    deciding: Judgment | None
    faults: tuple[Judgment, ...]
    """Every abort taken, in order."""
    findings: tuple[Judgment, ...]
    """Accesses that are not as the model permits; for each PC and divergence the first."""
    judged: int
    """Accesses and fetches that were compared."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The walk of the deciding access."""
        return self.deciding.steps if self.deciding else ()

    @property
    def permitted(self) -> tuple[PermittedOutcome, ...]:
        """The permitted outcomes of the deciding access."""
        return self.deciding.permitted if self.deciding else ()
