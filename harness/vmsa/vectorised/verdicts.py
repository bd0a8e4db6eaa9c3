"""What the scalar model says of one descriptor, apart from the address that it leads to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.arch.addresses import PhysicalAddress
from harness.arch.registers import par
from harness.errors import UnsupportedError
from harness.memory import DescriptorMemory
from harness.vmsa.access import Access
from harness.vmsa.context import Context
from harness.vmsa.outcome import Fault, Outcome, Translation
from harness.vmsa.translate import translate
from harness.vmsa.walk import Lookup, Trail


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The descriptor does not end the translation: more has to be looked up.

    `pa`: of the next table, of the stage 1 descriptor that stage 2 was asked for, or the
    intermediate physical address that stage 2 is asked for next.
    """

    pa: PhysicalAddress


@dataclass(frozen=True, slots=True)
class Refused:
    """The model does not have what the descriptor asks for."""

    reason: str


Verdict = Translation | Fault | GoesOn | Refused


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict without its address, and the bits of the descriptor that hardware flips.

    Updates of other words stay in the verdict: they do not depend on this descriptor.
    """

    verdict: Verdict
    flips: int

    @property
    def leads_somewhere(self) -> bool:
        """Whether the verdict has an address."""
        if isinstance(self.verdict, Translation):
            return self.verdict.par is None or not par.F.get(self.verdict.par)
        return isinstance(self.verdict, GoesOn)


_GOES_ON = Judged(GoesOn(PhysicalAddress(0)), 0)


class _GoesOnError(Exception):
    """Something was read after the variable descriptor; never leaves this module."""


class _Holding:
    """Memory that has `descriptor` at `address`; after a valid one, nothing is read."""

    __slots__ = ("_address", "_descriptor", "_memory", "was_read")

    def __init__(self, memory: DescriptorMemory, address: int, descriptor: int) -> None:
        self._memory = memory
        self._address = address
        self._descriptor = descriptor
        self.was_read = False

    def read64(self, address: PhysicalAddress) -> int | None:
        if self.was_read and self._descriptor & 1:
            raise _GoesOnError
        if address == self._address:
            self.was_read = True
            return self._descriptor
        return self._memory.read64(address)


def _found_by_stage2(outcome: Outcome) -> bool:
    if isinstance(outcome, Fault):
        return outcome.stage != 1
    return outcome.par is not None and bool(par.F.get(outcome.par) and par.S.get(outcome.par))


class Question:
    """One access of one machine, with the descriptor at `address` left open.

    `lookup`: the first one of it; ValueError if the access makes none.
    """

    __slots__ = ("_access", "_address", "_context", "_lookups", "_memory", "lookup")

    def __init__(
        self, context: Context, memory: DescriptorMemory, access: Access, address: int
    ) -> None:
        self._context = context
        self._memory = memory
        self._access = access
        self._address = address
        trail: Trail = []
        invalid = _Holding(memory, address, 0)
        outcome = translate(context, invalid, access, trail)
        if not invalid.was_read:
            raise ValueError(
                f"the access does not look at the descriptor at {address:#x}: {outcome}"
            )
        # An invalid descriptor is the last one looked at.
        self.lookup: Lookup = trail[-1]
        self._lookups = len(trail)

    def judge(self, descriptor: int) -> Judged:
        """Return the scalar model's answer for this descriptor."""
        trail: Trail = []
        memory = _Holding(self._memory, self._address, descriptor)
        outcome: Translation | Fault | Refused
        try:
            outcome = translate(self._context, memory, self._access, trail)
        except _GoesOnError:
            return _GOES_ON
        except UnsupportedError as error:
            outcome = Refused(str(error))
        # What hardware updated before, a walk sees without reading memory.
        if len(trail) > self._lookups:
            return _GOES_ON
        if isinstance(outcome, Refused):
            return Judged(outcome, 0)
        # Where stage 1 leads, stage 2 may refuse without a lookup: the IPA is out of range.
        if self.lookup.parameters.stage == 1 and _found_by_stage2(outcome):
            return _GOES_ON
        flips = outcome.updates.get(self._address, descriptor) ^ descriptor
        others = {at: word for at, word in outcome.updates.items() if at != self._address}
        if isinstance(outcome, Fault):
            return Judged(replace(outcome, updates=others), flips)
        value = outcome.par
        if value is not None and not par.F.get(value):
            value &= ~par.PA.mask
        return Judged(replace(outcome, pa=PhysicalAddress(0), par=value, updates=others), flips)
