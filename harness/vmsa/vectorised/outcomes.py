"""The answers for an array of descriptors: a code for each, and what the codes mean as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.arch.addresses import PhysicalAddress
from harness.arch.faults import FaultKind
from harness.arch.registers import par
from harness.vmsa.outcome import Fault, MemoryAttributes, Translation
from harness.vmsa.vectorised.verdicts import GoesOn, Judged, Verdict
from harness.vmsa.vectorised.words import Words

_Scalar = TypeVar("_Scalar", bound=np.generic)

FAULT_KINDS = tuple(FaultKind)
"""By the numbers in `Outcomes.fault`."""
NONE = -1
"""No fault, no attributes."""
NO_LEVEL = -128
"""In `Outcomes.level`, for what has none; -1 is a lookup level."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What becomes of the access for each of `descriptors`; every array has their length.

    An item is the scalar model's answer for that descriptor. The arrays are made when asked for.
    """

    descriptors: Words
    address: int
    """Where the descriptor lies."""
    codes: NDArray[np.int16]
    """Index into `meanings`; the same number means the same in all answers of one array."""
    addresses: Words
    """Where each descriptor leads, also of those that end in a fault."""
    meanings: Sequence[Judged]

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Verdict]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Verdict:
        judged = self.meanings[int(self.codes[index])]
        pa = PhysicalAddress(int(self.addresses[index]) if judged.leads_somewhere else 0)
        match judged.verdict:
            case Translation() as translation:
                value = translation.par
                if value is not None:
                    value |= pa & par.PA.mask
                updates = self._updates(index, judged, translation)
                return replace(translation, pa=pa, par=value, updates=updates)
            case Fault() as fault:
                return replace(fault, updates=self._updates(index, judged, fault))
            case GoesOn():
                return GoesOn(pa)
            case refused:
                return refused

    def _updates(self, index: int, judged: Judged, outcome: Translation | Fault) -> dict[int, int]:
        own = {self.address: int(self.descriptors[index]) ^ judged.flips} if judged.flips else {}
        return {**outcome.updates, **own}

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Whether the access goes on at `pa`; for AT, whether it gave PAR_EL1."""
        return self._each(lambda verdict: isinstance(verdict, Translation), np.bool_)

    @property
    def goes_on(self) -> NDArray[np.bool_]:
        """Whether more has to be looked up, at `pa`."""
        return self._each(lambda verdict: isinstance(verdict, GoesOn), np.bool_)

    @property
    def fault(self) -> NDArray[np.int8]:
        """Kind of the fault, an index into FAULT_KINDS; NONE where there is none."""
        return self._each(
            lambda verdict: FAULT_KINDS.index(verdict.kind) if isinstance(verdict, Fault) else NONE,
            np.int8,
        )

    @property
    def level(self) -> NDArray[np.int8]:
        """Level of the fault, NO_LEVEL where there is none."""
        return self._each(_level, np.int8)

    @property
    def esr(self) -> Words:
        """ESR of the fault, 0 where there is none."""
        return self._each(lambda v: v.esr if isinstance(v, Fault) else 0, np.uint64)

    @property
    def memory_attributes(self) -> tuple[MemoryAttributes, ...]:
        """What the numbers in `attributes` mean."""
        found = (_attributes(judged.verdict) for judged in self.meanings)
        return tuple(dict.fromkeys(each for each in found if each is not None))

    @property
    def attributes(self) -> NDArray[np.int16]:
        """Memory attributes of the location, an index into `memory_attributes`, or NONE."""
        known = self.memory_attributes

        def number(verdict: Verdict) -> int:
            attributes = _attributes(verdict)
            return NONE if attributes is None else known.index(attributes)

        return self._each(number, np.int16)

    @property
    def pa(self) -> Words:
        """Physical address of the location, or where to go on; 0 where the access faults."""
        leads = [judged.leads_somewhere for judged in self.meanings]
        mask = np.array([(1 << 64) - 1 if each else 0 for each in leads], np.uint64)
        return self.addresses & mask[self.codes]

    @property
    def updated(self) -> Words:
        """The descriptor as hardware leaves it; as it was where it goes on."""
        flips = np.array([judged.flips for judged in self.meanings], np.uint64)
        return self.descriptors ^ flips[self.codes]

    @property
    def par(self) -> Words:
        """PAR_EL1 of an AT instruction; 0 where there is none."""
        fixed = self._each(lambda v: _par(v) or 0, np.uint64)
        moving = self._each(lambda v: 0 if _par(v) is None else par.PA.mask, np.uint64)
        return fixed | (self.pa & moving)

    def _each(self, of: Callable[[Verdict], int], dtype: type[_Scalar]) -> NDArray[_Scalar]:
        """Return what `of` makes of each answer; it is asked once a meaning."""
        return np.array([of(judged.verdict) for judged in self.meanings], dtype)[self.codes]


def _level(verdict: Verdict) -> int:
    level = verdict.level if isinstance(verdict, Fault) else None
    return NO_LEVEL if level is None else level


def _attributes(verdict: Verdict) -> MemoryAttributes | None:
    return verdict.attributes if isinstance(verdict, Translation) else None


def _par(verdict: Verdict) -> int | None:
    return verdict.par if isinstance(verdict, Translation) else None
