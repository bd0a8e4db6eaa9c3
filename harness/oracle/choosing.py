"""A memory that a walk reads one past at a time: each read of a changed word is a choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.arch.addresses import PhysicalAddress
from harness.errors import HarnessError
from harness.oracle.history import Candidate, Hold


@dataclass(frozen=True, slots=True)
class OldWord:
    """A value that a walk used although the memory holds another by now."""

    address: PhysicalAddress
    value: int
    current: int
    cached: bool
    """True: only a TLB can still hold it. False: the change itself may not be seen yet."""


@dataclass(frozen=True, slots=True)
class Read:
    """One word that a walk read: which of its possible values, out of how many."""

    address: PhysicalAddress
    candidate: Candidate
    index: int
    options: int
    current: int


class ChoosingMemory:
    """A memory that answers each read of a changed word as the list of choices says.

    `words` gives the values that a word may have, as `History.words` does.
    """

    def __init__(
        self, words: Callable[[PhysicalAddress], tuple[Candidate, ...]], choices: list[int]
    ) -> None:
        self._words = words
        self._choices = choices
        self.reads: list[Read] = []

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return the chosen value of the word at `address`, None where there is no memory."""
        candidates = self._words(address)
        if not candidates:
            return None
        index = 0
        if len(candidates) > 1:
            branch = sum(read.options > 1 for read in self.reads)
            index = self._choices[branch] if branch < len(self._choices) else 0
        chosen = candidates[index]
        self.reads.append(Read(address, chosen, index, len(candidates), candidates[0].value))
        return chosen.value

    def next_choices(self) -> list[int] | None:
        """Return the choices of the next walk in order, None after the last."""
        branches = [read for read in self.reads if read.options > 1]
        while branches:
            last = branches.pop()
            if last.index + 1 < last.options:
                return [*(read.index for read in branches), last.index + 1]
        return None


class ReplayMemory:
    """A memory that gives the words of a walk again, in the order in which they were read."""

    def __init__(self, reads: tuple[Read, ...]) -> None:
        self._values = iter([(read.address, read.candidate.value) for read in reads])

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return the next word; None after the last, where the walk met no memory."""
        read = next(self._values, None)
        if read is None:
            return None
        if read[0] != address:
            raise HarnessError(f"the walk read {address:#x}, when first made {read[0]:#x}")
        return read[1]


def old_words(reads: tuple[Read, ...]) -> tuple[OldWord, ...]:
    """Return those of `reads` that are not what the memory holds now."""
    return tuple(
        OldWord(
            read.address,
            read.candidate.value,
            read.current,
            cached=read.candidate.hold is Hold.CACHED,
        )
        for read in reads
        if read.candidate.hold is not Hold.CURRENT
    )
