"""What an engine was seen to do with one access, and whether a model's outcome is the same."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch import iss
from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.syndromes import Abort, decode_abort, describe_esr
from harness.vmsa.outcome import Fault, Outcome

PAR_FAULT_MASK = 0x7F
"""PAR_EL1.FST and F: what a failed AT reports."""
PAR_ADDRESS_MASK = 0x0000_FFFF_FFFF_F001
"""PAR_EL1.PA[47:12] and F: the location that a successful AT reports."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The access went on, at `pa` where the engine tells it; an AT left `par` in PAR_EL1."""

    pa: PhysicalAddress | None
    par: int | None = None


@dataclass(frozen=True, slots=True)
class Aborted:
    """The access was taken as an abort with this syndrome and fault address."""

    esr: int
    far: VirtualAddress

    @property
    def abort(self) -> Abort | None:
        """The syndrome in its parts; None for one that reports no abort that is modelled."""
        return decode_abort(self.esr)


Seen = Completed | Aborted


def agrees(seen: Seen, outcome: Outcome) -> bool:
    """Return whether `seen` is what `outcome` looks like: ESR and FAR, or the location."""
    if isinstance(outcome, Fault):
        return isinstance(seen, Aborted) and _same_fault(seen, outcome)
    if isinstance(seen, Aborted):
        return False
    if outcome.par is not None and seen.par is not None:
        mask = PAR_FAULT_MASK if outcome.par & 1 else PAR_ADDRESS_MASK
        return (seen.par ^ outcome.par) & mask == 0
    return seen.pa is None or seen.pa == outcome.pa


def _same_fault(seen: Aborted, fault: Fault) -> bool:
    # EA of an external abort is IMPLEMENTATION DEFINED.
    ignored = iss.EA.mask if fault.kind in _EXTERNAL else 0
    return (seen.esr ^ fault.esr) & ~ignored == 0 and seen.far == fault.far


_EXTERNAL = {FaultKind.EXTERNAL, FaultKind.EXTERNAL_ON_WALK}


def describe(seen: Seen) -> str:
    """Return what was seen as a clause."""
    if isinstance(seen, Aborted):
        sentence = describe_esr(seen.esr).rstrip(".")
        return f"{sentence} (ESR {seen.esr:#010x}, FAR {seen.far:#018x})"
    if seen.par is not None:
        return f"completed with PAR_EL1 {seen.par:#018x}"
    return "completed" if seen.pa is None else f"completed at {seen.pa:#x}"


def describe_outcome(outcome: Outcome) -> str:
    """Return what the model says as a clause."""
    if isinstance(outcome, Fault):
        return describe(Aborted(outcome.esr, outcome.far))
    return describe(Completed(outcome.pa, outcome.par))
