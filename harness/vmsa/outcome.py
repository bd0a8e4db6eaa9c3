"""What a translation gives: a location, or a fault. Both are values.

Addresses of descriptors, indices and values of every level are in the `Step`s, which are asked
for separately: they cost more than the walk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from harness.arch.addresses import IntermediatePhysicalAddress, PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.fields import DecodedField

NO_UPDATES: Mapping[int, int] = MappingProxyType({})


def _no_updates() -> Mapping[int, int]:
    return NO_UPDATES


@dataclass(frozen=True, slots=True)
class MemoryAttributes:
    """Attributes of the location; `device` for Device, the other three for Normal memory."""

    type: str
    device: str | None = None
    inner: str | None = None
    outer: str | None = None
    shareability: str | None = None

    def __str__(self) -> str:
        if self.device is not None:
            return f"{self.type}-{self.device}"
        return f"{self.type}, inner {self.inner}, outer {self.outer}, {self.shareability}"


@dataclass(frozen=True, slots=True)
class Translation:
    """The access may go on, at `pa`. `updates`: words of memory that hardware changed."""

    pa: PhysicalAddress
    attributes: MemoryAttributes | None
    """None from an engine that does not tell them, and after an AT that failed."""
    ipa: IntermediatePhysicalAddress | None = None
    updates: Mapping[int, int] = field(default_factory=_no_updates)
    par: int | None = None
    """PAR_EL1 of an AT instruction, also of one whose translation failed (PAR.F = 1, `pa` is 0)."""
    further: tuple[PhysicalAddress, ...] = ()
    """Where the access goes on, for each 4K page of virtual addresses that it enters."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The access faults: everything that the target exception level's registers then hold."""

    kind: FaultKind
    esr: int
    far: VirtualAddress
    level: int | None = None
    """-1 to 3 (-2 with D128); None for alignment and external aborts."""
    stage: int = 1
    s1ptw: bool = False
    target_el: int = 1
    ipa: IntermediatePhysicalAddress | None = None
    hpfar: int | None = None
    updates: Mapping[int, int] = field(default_factory=_no_updates)
    rule: str = field(default="", compare=False)
    """The manual's pseudocode function that found it; only the reference model knows."""


Outcome = Translation | Fault


@dataclass(frozen=True, slots=True)
class Step:
    """One decision of a walk, with the pseudocode function that makes it."""

    stage: int
    level: int | None
    """Level of the lookup; None for decisions before the first and after the last."""
    table: PhysicalAddress | None
    """Address of the table read."""
    index: int | None
    address: PhysicalAddress | None
    """Address of the descriptor."""
    descriptor: int | None
    decision: str
    """In words: what was decided and by which bits."""
    rule: str
    """The manual's pseudocode function, such as `AArch64.DecodeDescriptorType`."""
    fields: tuple[DecodedField, ...] = ()
    """The descriptor's named fields, from the highest bit down; none of one that is invalid."""
