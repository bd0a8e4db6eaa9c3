"""The permitted-outcome model of one PE: values in, values out; it only remembers answers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import Profile
from harness.memory import DescriptorMemory
from harness.vmsa.access import Access
from harness.vmsa.context import Context
from harness.vmsa.tlb import effects
from harness.vmsa.tlb.choice import Choice, HardwareUpdate, ReadChoice
from harness.vmsa.tlb.leaves import leaf_parameters
from harness.vmsa.tlb.permitted import Enumeration
from harness.vmsa.tlb.reads import read_choices, spontaneous_update, unseen_values
from harness.vmsa.tlb.state import TranslationState, Unseen

_REMEMBERED = 1 << 16
"""Answers kept; when more come, all are forgotten."""


class TranslationModel:
    """What the architecture permits a PE with `profile` to do in the EL1&0 regime.

    States are values: every `after_…` returns the next one. The caller keeps memory, and tells of
    every store to memory that may hold a descriptor, by `after_store`, before it asks again.
    `memory` arguments are memory as it is now.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._contexts: dict[Hashable, Context] = {}
        self._answers: dict[
            tuple[TranslationState, Access],
            tuple[tuple[Choice, ...], tuple[tuple[int, int | None], ...]],
        ] = {}

    def initial(self, registers: Mapping[str, int]) -> TranslationState:
        """Return the state of a PE whose TLB agrees with memory and with `registers`."""
        return effects.initial_state(registers)

    def permitted(
        self, state: TranslationState, memory: DescriptorMemory, access: Access
    ) -> tuple[Choice, ...]:
        """Return every permitted choice for `access`, never none; the present comes first.

        Raises LimitError for too many combinations of pending changes, UnsupportedError for what
        is not modelled.
        """
        key = (state, access)
        known = self._answers.get(key)
        if known is not None and all(
            memory.read64(PhysicalAddress(address)) == value for address, value in known[1]
        ):
            return known[0]
        walks = Enumeration(self.profile, self._contexts, state, memory, access)
        choices = walks.choices()
        if len(self._answers) >= _REMEMBERED:
            self._answers.clear()
        self._answers[key] = (choices, tuple(walks.looked_at.items()))
        return choices

    def choose(self, state: TranslationState, choice: Choice) -> TranslationState:
        """Return the state after an access took `choice`.

        The caller writes `choice.memory_updates` to memory.
        """
        for update in choice.updates:
            state = effects.after_hardware_update(
                state, update.address, update.expected, update.new, in_past=update.in_past
            )
        if choice.discharges:
            left = tuple(each for each in state.promises if each not in choice.discharges)
            state = replace(state, promises=left)
        return state

    def reads(
        self,
        state: TranslationState,
        memory: DescriptorMemory,
        address: int,
        *,
        atomic: bool = False,
    ) -> tuple[ReadChoice, ...]:
        """Return what the PE's explicit read of the 64-bit word at `address` may find.

        What memory holds comes first. `atomic`: the same instruction writes the word.
        """
        current = memory.read64(PhysicalAddress(address))
        if current is None:
            return ()
        parameters = leaf_parameters(self._context(state), memory, address)
        return tuple(read_choices(state, parameters, address, current, atomic=atomic))

    def choose_read(
        self, state: TranslationState, address: int, choice: ReadChoice
    ) -> TranslationState:
        """Return the state after an explicit read found `choice`.

        The caller writes `choice.update`, if there is one, to memory. Once a load has seen an
        update, no later one misses it.
        """
        if choice.promise is not None:
            state = replace(state, promises=(*state.promises, choice.promise))
        older = tuple(reversed(unseen_values(state, address)))
        if not older:
            return state
        kept = older[older.index(choice.value) :] if choice.value in older else ()
        others = tuple(each for each in state.unseen if each.address != address)
        mine = (Unseen(address, kept),) if kept else ()
        unseen = sorted((*others, *mine), key=lambda each: each.address)
        return replace(state, unseen=tuple(unseen))

    def spontaneous(
        self, state: TranslationState, memory: DescriptorMemory, address: int
    ) -> HardwareUpdate | None:
        """Return the setting of AF that hardware may do now to the leaf at `address`, if any."""
        current = memory.read64(PhysicalAddress(address))
        parameters = leaf_parameters(self._context(state), memory, address)
        if current is None or parameters is None:
            return None
        return spontaneous_update(parameters, address, current)

    def is_possible(self, state: TranslationState, *, ended: bool = False) -> bool:
        """Return whether an execution of the architecture can be in `state`, or end in it."""
        return not (state.impossible or (ended and state.promises))

    def after_store(
        self, state: TranslationState, address: int, old: int, new: int, *, atomic: bool = False
    ) -> TranslationState:
        """See `effects.after_store`."""
        return effects.after_store(state, address, old, new, atomic=atomic)

    def after_tlbi(
        self, state: TranslationState, operation: str, operand: int | None
    ) -> TranslationState:
        """See `effects.after_tlbi`."""
        return effects.after_tlbi(state, operation, operand, self.profile)

    def after_dsb(self, state: TranslationState, operation: str) -> TranslationState:
        """See `effects.after_dsb`."""
        return effects.after_dsb(state, operation)

    def after_isb(self, state: TranslationState) -> TranslationState:
        """See `effects.after_isb`."""
        return effects.after_isb(state)

    def after_exception_entry(self, state: TranslationState) -> TranslationState:
        """See `effects.after_exception_entry`."""
        return effects.after_exception_entry(state)

    def after_exception_return(self, state: TranslationState) -> TranslationState:
        """See `effects.after_exception_return`."""
        return effects.after_exception_return(state)

    def after_msr(self, state: TranslationState, register: str, new: int) -> TranslationState:
        """See `effects.after_msr`."""
        return effects.after_msr(state, register, new)

    def after_dependency(self, state: TranslationState) -> TranslationState:
        """See `effects.after_dependency`: for conditional branches and dependent addresses."""
        return effects.after_dependency(state)

    def _context(self, state: TranslationState) -> Context:
        context = self._contexts.get(state.registers)
        if context is None:
            context = Context(self.profile, state.register_file, "EL1&0")
            self._contexts[state.registers] = context
        return context
