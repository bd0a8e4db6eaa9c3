"""What one access may do: an outcome, the descriptor values behind it, and what hardware writes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.vmsa.outcome import Outcome
from harness.vmsa.tlb.state import Promise


class Source(StrEnum):
    """Where translation took a value from."""

    MEMORY = "memory"
    """As it is now: a register's present value too."""
    EARLIER = "earlier"
    """Read before the PE's own store (or MSR) that replaced it, which nothing yet prevents."""
    TLB = "tlb"
    """Only a TLB can still hold it."""
    AMALGAM = "amalgam"
    """Fields of two values of one descriptor, mixed for want of break-before-make."""


class ChoiceKind(StrEnum):
    """How an outcome came about, from the plainest on."""

    PRESENT = "present"
    """Memory and registers as they are now."""
    STALE = "stale"
    """At least one value of the past."""
    AMALGAM = "amalgam"
    CONFLICT = "conflict"
    """A TLB conflict abort."""


@dataclass(frozen=True, slots=True)
class WordRead:
    """One word of a translation table, as this translation used it."""

    address: int
    value: int
    source: Source
    current: int
    """What memory holds now."""
    age: int = 0
    """0 for memory as it is, 1 for the value before that, and so on."""


@dataclass(frozen=True, slots=True)
class RegisterRead:
    """A translation register of which an old value was used."""

    name: str
    value: int
    source: Source


@dataclass(frozen=True, slots=True)
class HardwareUpdate:
    """One write of AF or the dirty state: a compare-and-swap of a whole descriptor."""

    address: int
    expected: int
    new: int
    in_past: bool = False
    """Before the PE's own store that replaced `expected`: memory does not show it any more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One permitted outcome of an access.

    `identity` names it among the choices of its access, the same in every run: `present`, or the
    old values used. The caller writes `memory_updates` to memory and tells the model by
    `TranslationModel.choose`.
    """

    identity: str
    kind: ChoiceKind
    outcome: Outcome
    reads: tuple[WordRead, ...]
    registers: tuple[RegisterRead, ...]
    """Only those of the past."""
    updates: tuple[HardwareUpdate, ...]
    """In the order in which they reach memory."""
    explanation: str
    """In words: which value, and why it may still be used."""
    rule: str
    discharges: tuple[Promise, ...] = ()

    @property
    def age(self) -> int:
        """0 for the present; larger, the older the values that were used."""
        return sum(read.age for read in self.reads) + len(self.registers)

    @property
    def memory_updates(self) -> tuple[tuple[int, int], ...]:
        """Address and new value of each word that hardware writes now, in order."""
        return tuple((each.address, each.new) for each in self.updates if not each.in_past)


@dataclass(frozen=True, slots=True)
class ReadChoice:
    """What an explicit read of a word of a translation table may find.

    `update`: hardware changes the word first (the caller writes it to memory). `promise`: that
    update belongs to a store still to come.
    """

    identity: str
    value: int
    explanation: str
    update: HardwareUpdate | None = None
    promise: Promise | None = None
