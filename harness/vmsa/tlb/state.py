"""What of the past one PE's translations may still use: a small, frozen, hashable state.

A state names old values and how far the maintenance that ends them has come; the present values
stay in memory. Two states that compare equal permit the same from then on, so that an exploration
can merge them: positions in the list of TLBIs are counted anew whenever one is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

from harness.arch.tlbi import TlbiOperation
from harness.vmsa.tlb.invalidation import Invalidation


class Progress(IntEnum):
    """How far a store to a descriptor, an MSR or a TLBI has come."""

    ISSUED = 0
    COMPLETED = 1
    """A DSB that waits for it has finished; an MSR needs none."""
    SYNCHRONISED = 2
    """And a context synchronisation event followed: certain for the PE's later instructions."""


@dataclass(frozen=True, slots=True)
class OldWord:
    """A value that a word of a translation table had, and what became of the store that ended it.

    `progress` ISSUED or COMPLETED: the PE's walks may still read the value. SYNCHRONISED: only a
    TLB can still hold it.
    """

    address: int
    value: int
    progress: Progress = Progress.ISSUED
    since: int = 0
    """TLBIs from this position of the list on were issued after the store had completed."""
    atomic: bool = False
    """An atomic ended it: nothing can have written the word between its read and its write."""
    asids: tuple[int, ...] = ()
    """The ASIDs that were current while the value could be read from memory, sorted."""


@dataclass(frozen=True, slots=True)
class OldRegister:
    """A value that a translation register had before an MSR."""

    name: str
    value: int
    progress: Progress = Progress.COMPLETED
    since: int = 0


@dataclass(frozen=True, slots=True)
class IssuedTlbi:
    """A TLBI of this PE that may still decide what a cached value may be used for."""

    invalidation: Invalidation
    progress: Progress = Progress.ISSUED

    @property
    def operation(self) -> TlbiOperation:
        """Which TLBI it is."""
        return self.invalidation.operation


@dataclass(frozen=True, slots=True)
class Unseen:
    """A hardware update of a word that the PE's own loads may still miss.

    `values`: what a load may see instead of the present value, oldest first.
    """

    address: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """A dirty update that an explicit read has seen before the store that makes it.

    The store must follow, without a context synchronisation event or a dependency on what was
    read in between; an execution in which it does not is none.
    """

    address: int
    value: int
    """The descriptor with its dirty state set."""


@dataclass(frozen=True, slots=True)
class TranslationState:
    """All that decides which translations one PE may use, besides memory as it is now."""

    registers: tuple[tuple[str, int], ...]
    """Registers that translation depends on, as they are now, sorted by name."""
    words: tuple[OldWord, ...] = ()
    """Sorted by address; of one address, oldest first."""
    old_registers: tuple[OldRegister, ...] = ()
    """Sorted by name; of one register, oldest first."""
    tlbis: tuple[IssuedTlbi, ...] = ()
    """In program order."""
    asids: tuple[int, ...] = (0,)
    """Every ASID that was ever current, sorted."""
    born: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Address and ASIDs of words whose present value did not stand under all of `asids`."""
    unseen: tuple[Unseen, ...] = ()
    promises: tuple[Promise, ...] = ()
    impossible: bool = False
    """A promise was broken: no execution of the architecture has this state."""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Hashed at every choice of an exploration; the parts never change.
        object.__setattr__(
            self,
            "_hash",
            hash(
                (
                    self.registers,
                    self.words,
                    self.old_registers,
                    self.tlbis,
                    self.asids,
                    self.born,
                    self.unseen,
                    self.promises,
                    self.impossible,
                )
            ),
        )

    def __hash__(self) -> int:
        return self._hash

    def register(self, name: str) -> int:
        """Return the present value of a register, 0 where it was never given."""
        return self.register_file.get(name, 0)

    @property
    def register_file(self) -> MappingProxyType[str, int]:
        """The registers as they are now."""
        return MappingProxyType(dict(self.registers))

    @property
    def is_settled(self) -> bool:
        """Whether the present values of memory and registers are all that translation may use."""
        return not (self.words or self.old_registers)

    def old_values(self, address: int) -> tuple[OldWord, ...]:
        """Return the old values of a word, oldest first."""
        return tuple(word for word in self.words if word.address == address)

    def asids_of(self, address: int) -> tuple[int, ...]:
        """Return the ASIDs that were current while a word has had its present value."""
        return dict(self.born).get(address, self.asids)
