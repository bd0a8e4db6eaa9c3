"""The values that a walk may use of one word or register: the present one and those of the past."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from itertools import product

from harness.arch.addresses import PhysicalAddress
from harness.memory import DescriptorMemory
from harness.vmsa.descriptor import ACCESS_FLAG
from harness.vmsa.tlb.choice import RegisterRead, Source
from harness.vmsa.tlb.effects import cacheable_part
from harness.vmsa.tlb.state import OldRegister, OldWord, Progress, TranslationState

_VALID = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a walk may use of a word; `old` says since when it is of the past."""

    value: int
    source: Source
    old: OldWord | None = None
    age: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A read of a word: what was chosen, and the number of it among `options`."""

    address: int
    candidate: Candidate
    current: int
    index: int
    options: int


def word_candidates(
    state: TranslationState,
    address: int,
    current: int,
    *,
    access_flag_updates: bool,
    completed_is_seen: bool,
) -> tuple[Candidate, ...]:
    """Return the values of the word at `address`, the present one first, then newest first.

    `access_flag_updates`: hardware sets AF, so that an old descriptor was used with AF set or not
    at all. `completed_is_seen`: walks see a store after its DSB alone (FEAT_ETS2).
    """
    found = [Candidate(current, Source.MEMORY)]
    values = {current}
    for age, old in enumerate(reversed(state.old_values(address)), 1):
        value = old.value
        if access_flag_updates and value & _VALID and not old.atomic:
            # The update came before the store that replaced the descriptor.
            value |= ACCESS_FLAG
        if value in values:
            continue
        seen = Progress.COMPLETED if completed_is_seen else Progress.SYNCHRONISED
        source = Source.TLB if old.progress >= seen else Source.EARLIER
        if source is Source.TLB and not value & _VALID:
            continue
        values.add(value)
        found.append(Candidate(value, source, old, age))
    return tuple(found)


class ChoosingMemory:
    """A memory that answers each read of a changed word as a list of choices says."""

    __slots__ = ("_candidates", "_choices", "_memory", "reads")

    def __init__(
        self,
        memory: DescriptorMemory,
        candidates: Callable[[int, int], tuple[Candidate, ...]],
        choices: list[int],
    ) -> None:
        self._memory = memory
        self._candidates = candidates
        self._choices = choices
        self.reads: list[Taken] = []

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return the chosen value of the word at `address`, None where there is no memory."""
        current = self._memory.read64(address)
        if current is None:
            return None
        candidates = self._candidates(address, current)
        index = 0
        if len(candidates) > 1:
            branch = sum(read.options > 1 for read in self.reads)
            index = self._choices[branch] if branch < len(self._choices) else 0
        chosen = candidates[index]
        self.reads.append(Taken(address, chosen, current, index, len(candidates)))
        return chosen.value

    def next_choices(self) -> list[int] | None:
        """Return the choices of the next walk in order, None after the last."""
        branches = [read for read in self.reads if read.options > 1]
        while branches:
            last = branches.pop()
            if last.index + 1 < last.options:
                return [*(read.index for read in branches), last.index + 1]
        return None


@dataclass(frozen=True, slots=True)
class RegisterOptions:
    """One set of registers that a translation may use, and which of them are of the past."""

    values: Mapping[str, int]
    held: tuple[RegisterRead, ...]
    since: tuple[tuple[str, int], ...]
    """Of those that only a TLB holds: TLBIs from this position on came after the change."""

    @property
    def key(self) -> Hashable:
        """The same for equal registers."""
        return tuple(sorted(self.values.items()))


def register_options(state: TranslationState) -> tuple[RegisterOptions, ...]:
    """Return every set of registers that a translation may use, the present one first."""
    present = state.register_file
    names = sorted({each.name for each in state.old_registers})
    choices: list[list[tuple[int, OldRegister | None]]] = []
    for name in names:
        mine: list[tuple[int, OldRegister | None]] = [(present[name], None)]
        for old in reversed([each for each in state.old_registers if each.name == name]):
            value = old.value
            if old.progress is Progress.SYNCHRONISED:
                value = cacheable_part(name, present[name], value)
            if all(value != other for other, _ in mine):
                mine.append((value, old))
        choices.append(mine)
    found = []
    for chosen in product(*choices):
        values = dict(present)
        held, since = [], []
        for name, (value, origin) in zip(names, chosen, strict=True):
            values[name] = value
            if origin is None:
                continue
            in_tlb = origin.progress is Progress.SYNCHRONISED
            held.append(RegisterRead(name, value, Source.TLB if in_tlb else Source.EARLIER))
            if in_tlb:
                since.append((name, origin.since))
        found.append(RegisterOptions(values, tuple(held), tuple(since)))
    return tuple(found)
