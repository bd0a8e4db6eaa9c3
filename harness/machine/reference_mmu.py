"""The reference model as the MMU of a running PE: its state, and the choices of an instruction."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import Feature, Profile
from harness.arch.registers import tcr
from harness.machine.dependencies import address_registers, after
from harness.machine.host_memory import HostMemory
from harness.machine.policies import Chooser, Question
from harness.memory import PAGE_SIZE
from harness.vmsa.access import Access
from harness.vmsa.outcome import Fault, Outcome
from harness.vmsa.tlb.barriers import read_dsb
from harness.vmsa.tlb.choice import Choice, HardwareUpdate, ReadChoice
from harness.vmsa.tlb.model import TranslationModel
from harness.vmsa.tlb.state import Progress, TranslationState

_REMEMBERED = 1 << 16
"""Answers kept; when more come, all are forgotten."""
_WORD = 8


class TableMemory:
    """Memory as walks read it, which remembers where they have read: what holds tables."""

    def __init__(self, memory: HostMemory, tables: Iterable[range]) -> None:
        self._memory = memory
        self.pages = {
            memory.backing_page(page)
            for table in tables
            for page in range(table.start & -PAGE_SIZE, table.stop, PAGE_SIZE)
        }

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return the aligned word at `address`, None where there is no memory."""
        self.pages.add(self._memory.backing_page(address))
        data = self._memory.read(address, _WORD)
        return None if data is None else int.from_bytes(data, "little")


@dataclass(slots=True)
class _Overlaid:
    """Memory with words that hardware is about to write."""

    memory: TableMemory
    words: Mapping[int, int]

    def read64(self, address: PhysicalAddress) -> int | None:
        """Return the word as it will be."""
        if address in self.words:
            return self.words[address]
        return self.memory.read64(address)


@dataclass(frozen=True, slots=True)
class EarlyStore:
    """A store to a page that no walk had read, and that walks need not see yet."""

    address: int
    old: int
    new: int
    atomic: bool
    completed: bool = False
    """A DSB has waited for it, and no context synchronisation event has followed."""


@dataclass(frozen=True, slots=True)
class SavedMmu:
    """The whole state of a `ReferenceMmu`; `contents` names what tables held."""

    state: TranslationState
    contents: int
    asked: int
    dependent: frozenset[int]
    early: tuple[EarlyStore, ...]
    watched: int
    """How many pages walks had read."""


class ReferenceMmu:
    """Answers what the architecture permits now; `state` moves on with what the PE does."""

    def __init__(self, profile: Profile, memory: TableMemory) -> None:
        self.model = TranslationModel(profile)
        self.memory = memory
        self.state = self.model.initial({})
        self.asked = 0
        """Questions answered so far."""
        self.dependent: frozenset[int] = frozenset()
        """General registers made of what was read since hardware updated a descriptor in advance of
        a store: while that store is still to come."""
        self._early: dict[int, dict[tuple[int, int], EarlyStore]] = {}
        """By page, and by address and old value, oldest first."""
        self._updates_flags = profile.has(Feature.HAFDBS)
        self._numbers = count(1)
        self._contents = 0
        """Stands for what the watched pages hold: equal numbers, equal contents."""
        self._successors: dict[tuple[int, int, int], int] = {}
        self._answers: dict[tuple[int, TranslationState, Access], tuple[Choice, ...]] = {}
        self._reads: dict[tuple[int, TranslationState, int, bool], tuple[ReadChoice, ...]] = {}

    def reset(self, registers: Mapping[str, int]) -> None:
        """Have these registers, and a TLB that agrees with memory."""
        self.state = self.model.initial(registers)
        self.dependent, self._early = frozenset(), {}

    def permitted(self, state: TranslationState, access: Access) -> tuple[Choice, ...]:
        """Return what the architecture permits `access` in `state`, with memory as it is."""
        key = (self._contents, state, access)
        found = self._answers.get(key)
        if found is None:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            found = self._answers[key] = self.model.permitted(state, self.memory, access)
        return found

    def readings(
        self, state: TranslationState, address: int, *, atomic: bool
    ) -> tuple[ReadChoice, ...]:
        """Return what an explicit read of a word may find, with memory as it is."""
        key = (self._contents, state, address, atomic)
        found = self._reads.get(key)
        if found is None:
            if len(self._reads) >= _REMEMBERED:
                self._reads.clear()
            found = self.model.reads(state, self.memory, address, atomic=atomic)
            self._reads[key] = found
        return found

    def hardware_may_have_written(self, state: TranslationState) -> bool:
        """Return whether an explicit read of a descriptor may find more than memory holds."""
        return self._updates_flags and bool(state.unseen or tcr.HA.get(state.register("TCR_EL1")))

    def stored(self, address: int, old: int, new: int, *, atomic: bool = False) -> None:
        """Take a store of the PE, or of another observer, to the word at `address` into account.

        In a page that no walk has read it matters only if one reads it before it is certain.
        """
        page = address & -PAGE_SIZE
        if page not in self.memory.pages:
            mine = self._early.setdefault(page, {})
            mine.pop((address, old), None)
            mine[address, old] = EarlyStore(address, old, new, atomic)
            return
        self.changed(address, new)
        self.state = self.model.after_store(self.state, address, old, new, atomic=atomic)

    def take_early(self) -> tuple[EarlyStore, ...]:
        """Hand out the early stores to pages that walks read by now, to be followed."""
        found = self._early.keys() & self.memory.pages
        return tuple(one for page in sorted(found) for one in self._early.pop(page).values())

    def follow(self, state: TranslationState, stores: Iterable[EarlyStore]) -> TranslationState:
        """Return `state` with stores taken into account that came before."""
        for one in stores:
            state = self.model.after_store(state, one.address, one.old, one.new, atomic=one.atomic)
            if one.completed:
                state = _completed(state, one)
        return state

    def changed(self, address: int, new: int) -> None:
        """Note that a word of a watched page holds `new`."""
        step = (self._contents, address, new)
        found = self._successors.get(step)
        if found is None:
            found = self._successors[step] = next(self._numbers)
        self._contents = found

    def executed(self, kind: str, operation: str, operand: int | None) -> None:
        """Take a system instruction into account (`tlbi`, `tlbi vaae1`, Xt); most do nothing."""
        model, state = self.model, self.state
        match kind:
            case "tlbi":
                self.state = model.after_tlbi(state, operation, operand)
            case "dsb":
                self.state = model.after_dsb(state, operation)
                if read_dsb(operation).stores:
                    self._early = {
                        page: {key: replace(one, completed=True) for key, one in mine.items()}
                        for page, mine in self._early.items()
                    }
            case "isb":
                self.state = model.after_isb(state)
                self._synchronise()
            case "eret":
                self.state = model.after_exception_return(state)
                self._synchronise()
            case _:
                pass

    def wrote_register(self, register: str, value: int) -> None:
        """Take an MSR into account."""
        self.state = self.model.after_msr(self.state, register, value)

    def entered_exception(self) -> None:
        """Take the entry of an exception into account."""
        self.state = self.model.after_exception_entry(self.state)
        self._synchronise()

    def _synchronise(self) -> None:
        # What never was part of a table cannot be cached: nothing is left of the old values.
        for page, mine in tuple(self._early.items()):
            left = {key: one for key, one in mine.items() if not one.completed}
            if left:
                self._early[page] = left
            else:
                del self._early[page]

    def branched(self) -> None:
        """Take a conditional branch into account, as one that depends on an earlier read."""
        self.state = self.model.after_dependency(self.state)

    def addressed(self, word: int) -> None:
        """Be told of an access that is about to be made: its address may depend on a read."""
        if self.dependent and not self.dependent.isdisjoint(address_registers(word)):
            self.state = self.model.after_dependency(self.state)

    def completed(self, word: int, accesses: Sequence[Access]) -> None:
        """Be told of an instruction that has executed."""
        if self.state.promises:
            self.dependent = after(word, accesses, self.dependent)
        elif self.dependent:
            self.dependent = frozenset()

    def save(self) -> SavedMmu:
        """Return the state."""
        return SavedMmu(
            self.state,
            self._contents,
            self.asked,
            self.dependent,
            self._early_stores(),
            len(self.memory.pages),
        )

    def load(self, saved: SavedMmu) -> None:
        """Go back to a state of this MMU; memory is as it was then."""
        self.state, self._contents, self.asked = saved.state, saved.contents, saved.asked
        if saved.watched != len(self.memory.pages):
            # Its number says nothing of pages that are watched only since.
            self._contents = next(self._numbers)
        self.dependent, self._early = saved.dependent, {}
        for one in saved.early:
            mine = self._early.setdefault(one.address & -PAGE_SIZE, {})
            mine[one.address, one.old] = one

    def fingerprint(self) -> Hashable:
        """Return a value that is equal only for states that permit the same, for equal memory."""
        return (self.state, self.dependent, self._early_stores())

    def _early_stores(self) -> tuple[EarlyStore, ...]:
        return tuple(one for _, mine in sorted(self._early.items()) for one in mine.values())


@dataclass(slots=True)
class Plan:
    """Choices made one after the other for one instruction; nothing changes before `commit`.

    Planning the same instruction again, in the same state, asks the same questions in the same
    order.
    """

    mmu: ReferenceMmu
    chooser: Chooser
    number: int
    """Of the instruction."""
    pc: int
    state: TranslationState = field(init=False)
    updates: list[HardwareUpdate] = field(default_factory=list)
    patches: dict[int, int] = field(default_factory=dict)
    """Words that the instruction's loads find otherwise than memory holds them."""
    _asked: int = 0
    _words: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state = self.mmu.state
        self._adopt()

    def translate(self, access: Access) -> Outcome:
        """Return the outcome that was chosen for `access`."""
        distance = _distance(access)
        asked = _moved(access, -distance) if distance else access
        options = self._permitted(asked)
        choice = options[self._choose(access, options)] if len(options) > 1 else options[0]
        if choice.updates or choice.discharges:
            self._update(choice.updates)
            self.state = self.mmu.model.choose(self.state, choice)
        return _outcome_moved(choice.outcome, distance) if distance else choice.outcome

    def _permitted(self, access: Access) -> tuple[Choice, ...]:
        mmu = self.mmu
        while True:
            if self._words:
                memory = _Overlaid(mmu.memory, self._words)
                options = mmu.model.permitted(self.state, memory, access)
            else:
                options = mmu.permitted(self.state, access)
            if not self._adopt():
                return options

    def _adopt(self) -> bool:
        """Follow stores to pages that a walk has only now read; return whether there were any."""
        stores = self.mmu.take_early()
        if stores:
            self.mmu.state = self.mmu.follow(self.mmu.state, stores)
            self.state = self.mmu.follow(self.state, stores)
        return bool(stores)

    def read(self, access: Access, address: int, *, atomic: bool) -> None:
        """Choose what a load of the word at `address`, in a watched page, finds there."""
        if self._words:
            memory = _Overlaid(self.mmu.memory, self._words)
            options = self.mmu.model.reads(self.state, memory, address, atomic=atomic)
        else:
            options = self.mmu.readings(self.state, address, atomic=atomic)
        if not options:
            return
        choice = options[self._choose(access, options)] if len(options) > 1 else options[0]
        if choice.update is not None:
            self._update((choice.update,))
        elif choice.value != options[0].value:
            self.patches[address] = choice.value
        self.state = self.mmu.model.choose_read(self.state, address, choice)

    def commit(self) -> None:
        """Let the MMU go on from here; the caller writes `updates` to memory."""
        self.mmu.state = self.state
        self.mmu.asked += self._asked
        for update in self.updates:
            self.mmu.changed(update.address, update.new)

    def _update(self, updates: Iterable[HardwareUpdate]) -> None:
        for update in updates:
            if not update.in_past:
                self.updates.append(update)
                self._words[update.address] = update.new

    def _choose(self, access: Access, options: tuple[Choice, ...] | tuple[ReadChoice, ...]) -> int:
        self._asked += 1
        place = self.mmu.asked + self._asked
        return self.chooser.choose(Question(place, self.number, self.pc, access, options))


def _completed(state: TranslationState, store: EarlyStore) -> TranslationState:
    """Return `state` with the store that it was just told of completed by a DSB."""
    words = tuple(
        replace(word, progress=Progress.COMPLETED, since=len(state.tlbis))
        if (word.address, word.value) == (store.address, store.old)
        else word
        for word in state.words
    )
    return replace(state, words=words)


_LINE = 64
"""Bytes to which no access needs more alignment: what is a multiple of it apart is alike."""


def _distance(access: Access) -> int:
    """Return how far before `access`, in its page, one like it is translated in the same way."""
    offset = access.va % PAGE_SIZE
    return 0 if offset + access.size > PAGE_SIZE else offset & -_LINE


def _moved(access: Access, distance: int) -> Access:
    return Access(
        VirtualAddress(access.va + distance),
        access.kind,
        access.size,
        access.el,
        access.pan,
        access.uao,
        access.unprivileged,
        access.operation,
    )


def _outcome_moved(outcome: Outcome, distance: int) -> Outcome:
    if isinstance(outcome, Fault):
        return replace(outcome, far=VirtualAddress(outcome.far + distance))
    if outcome.par is not None:
        return outcome  # PAR_EL1 tells the page
    return replace(outcome, pa=PhysicalAddress(outcome.pa + distance))
