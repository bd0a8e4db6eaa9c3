"""What instructions do to a `TranslationState`: stores, TLBIs, barriers, MSRs, exceptions.

The rules (DDI 0487, D8 "TLB maintenance" and "General TLB maintenance requirements", B2 on
translation table walks, "Synchronization and coherency issues" of D13 for registers):

* a store to a descriptor is certain to be seen by the PE's own later walks after a DSB that waits
  for stores and then a context synchronisation event;
* a TLBI is complete after a DSB of all access types in a domain as wide as its own, and certain
  for the PE's own later instructions after a context synchronisation event; it removes what was
  cached before it was issued, so only a store that was complete by then cannot be cached anew;
* an MSR takes effect by the next context synchronisation event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.arch.features import Profile
from harness.arch.registers import sctlr, tcr
from harness.vmsa.tlb.barriers import read_dsb
from harness.vmsa.tlb.invalidation import read_tlbi
from harness.vmsa.tlb.state import (
    IssuedTlbi,
    OldRegister,
    OldWord,
    Progress,
    TranslationState,
    Unseen,
)

TRANSLATION_REGISTERS = frozenset(
    {
        *("SCTLR_EL1", "TCR_EL1", "TCR2_EL1", "TTBR0_EL1", "TTBR1_EL1", "MAIR_EL1"),
        *("PIR_EL1", "PIRE0_EL1", "POR_EL0", "POR_EL1"),
        *("HCR_EL2", "VTCR_EL2", "VTTBR_EL2", "S2PIR_EL2"),
    }
)
"""Registers whose old value may still count after an MSR; of others none is kept."""

_NEVER_CACHED = frozenset({"POR_EL0", "POR_EL1"})
_VALID = 1


def initial_state(registers: Mapping[str, int]) -> TranslationState:
    """Return the state of a PE that has these registers, whose TLB agrees with its memory."""
    kept = {name: value for name, value in registers.items() if name in TRANSLATION_REGISTERS}
    return TranslationState(tuple(sorted(kept.items())), asids=(present_asid(kept),))


def present_asid(registers: Mapping[str, int]) -> int:
    """Return the current ASID: in TTBR1 or TTBR0 by TCR_EL1.A1, 8 or 16 bits by TCR_EL1.AS."""
    control = registers.get("TCR_EL1", 0)
    holder = "TTBR1_EL1" if tcr.A1.get(control) else "TTBR0_EL1"
    asid = registers.get(holder, 0) >> 48
    return asid & 0xFFFF if tcr.AS.get(control) else asid & 0xFF


def after_store(
    state: TranslationState, address: int, old: int, new: int, *, atomic: bool = False
) -> TranslationState:
    """Take a store of the PE to the 64-bit word at `address` into account.

    `atomic`: the instruction also read `old` there, and nothing can have come in between.
    """
    unseen = tuple(each for each in state.unseen if each.address != address)
    if old == new:
        return replace(state, unseen=unseen)
    asid = present_asid(state.register_file)
    ended = OldWord(address, old, atomic=atomic, asids=state.asids_of(address))
    kept = (each for each in state.words if (each.address, each.value) != (address, old))
    born = {**dict(state.born), address: (asid,)}
    return replace(
        state,
        words=_sorted_words((*kept, ended)),
        born=_differing(born, state.asids),
        unseen=unseen,
    )


def after_hardware_update(
    state: TranslationState, address: int, expected: int, new: int, *, in_past: bool = False
) -> TranslationState:
    """Take a write of AF or the dirty state by hardware into account (MemSwapTableDesc).

    `in_past`: it came before the PE's own store that replaced `expected`, so that memory does not
    show it any more; else memory holds `new` from now on.
    """
    if not in_past:
        seen = {each.address: each.values for each in state.unseen}
        seen[address] = (*seen.get(address, ()), expected)
        unseen = tuple(Unseen(where, values) for where, values in sorted(seen.items()))
        return replace(state, unseen=unseen)
    words: list[OldWord] = []
    for word in state.words:
        if (word.address, word.value) == (address, new):
            continue
        words.append(word)
        if (word.address, word.value) == (address, expected):
            words.append(replace(word, value=new))
    return replace(state, words=tuple(words))


def after_tlbi(
    state: TranslationState, operation: str, operand: int | None, profile: Profile
) -> TranslationState:
    """Take a TLBI into account; it promises nothing before its DSB.

    UnsupportedError for one that is not known.
    """
    ds = bool(tcr.DS.get(state.register("TCR_EL1")))
    issued = IssuedTlbi(read_tlbi(operation, operand, profile, ds=ds))
    return _tidy(replace(state, tlbis=(*state.tlbis, issued)))


def after_dsb(state: TranslationState, operation: str) -> TranslationState:
    """Take a DSB (`dsb ish`) into account; UnsupportedError for one that is not known."""
    barrier = read_dsb(operation)
    position = len(state.tlbis)
    words = state.words
    if barrier.stores:
        words = tuple(
            replace(word, progress=Progress.COMPLETED, since=position)
            if word.progress is Progress.ISSUED
            else word
            for word in words
        )
    tlbis = tuple(
        replace(tlbi, progress=Progress.COMPLETED)
        if tlbi.progress is Progress.ISSUED and barrier.completes(tlbi.operation)
        else tlbi
        for tlbi in state.tlbis
    )
    # Hardware updates are no explicit accesses: only a DSB of all access types waits for them.
    unseen = () if barrier.loads and barrier.stores else state.unseen
    return _tidy(replace(state, words=words, tlbis=tlbis, unseen=unseen))


def after_isb(state: TranslationState) -> TranslationState:
    """Take a context synchronisation event into account."""
    position = len(state.tlbis)
    words = tuple(
        replace(word, progress=Progress.SYNCHRONISED)
        if word.progress is Progress.COMPLETED
        else word
        for word in state.words
        # What was invalid was never cached: only the new value is left.
        if word.progress is not Progress.COMPLETED or word.value & _VALID
    )
    registers = tuple(
        each
        if each.progress is Progress.SYNCHRONISED
        else replace(each, progress=Progress.SYNCHRONISED, since=position)
        for each in state.old_registers
        if cacheable_part(each.name, state.register(each.name), each.value)
        != state.register(each.name)
    )
    tlbis = tuple(
        replace(tlbi, progress=Progress.SYNCHRONISED)
        if tlbi.progress is Progress.COMPLETED
        else tlbi
        for tlbi in state.tlbis
    )
    return _tidy(
        replace(
            state,
            words=words,
            old_registers=registers,
            tlbis=tlbis,
            impossible=state.impossible or bool(state.promises),
            promises=(),
        )
    )


def after_exception_entry(state: TranslationState) -> TranslationState:
    """Take the entry of an exception into account, which synchronises context.

    An implementation with FEAT_ExS can be told otherwise (SCTLR_EL1.EIS); that is not modelled.
    """
    return after_isb(state)


def after_exception_return(state: TranslationState) -> TranslationState:
    """Take an exception return into account, which synchronises context (see entry)."""
    return after_isb(state)


def after_dependency(state: TranslationState) -> TranslationState:
    """Take a conditional branch into account, or an access whose address comes from a load.

    Hardware sets the dirty state only for a store that is certain to execute: no later update is
    made in advance of a branch, or of an address, that depends on an earlier read. The caller may
    count every conditional branch, and every address made from a loaded value, as one that does.
    """
    if not state.promises:
        return state
    return replace(state, promises=(), impossible=True)


def after_msr(state: TranslationState, register: str, new: int) -> TranslationState:
    """Take an MSR into account; registers that translation does not depend on are ignored."""
    old = state.register(register)
    if register not in TRANSLATION_REGISTERS or old == new:
        return state
    registers = {**state.register_file, register: new}
    kept = (each for each in state.old_registers if (each.name, each.value) != (register, old))
    old_registers = sorted((*kept, OldRegister(register, old)), key=lambda each: each.name)
    changed = replace(
        state,
        registers=tuple(sorted(registers.items())),
        old_registers=tuple(old_registers),
    )
    return _under_asid(changed, present_asid(registers))


def cacheable_part(name: str, current: int, old: int) -> int:
    """Return what a TLB entry may keep of a register's `old` value, the rest being current.

    Of SCTLR_EL1 only WXN may be cached (DDI 0487, D24.2); overlays apply to what a TLB gives and
    are no part of it (D8.4, FEAT_S1POE).
    """
    if name == "SCTLR_EL1":
        return current & ~sctlr.WXN.mask | old & sctlr.WXN.mask
    return current if name in _NEVER_CACHED else old


def _under_asid(state: TranslationState, asid: int) -> TranslationState:
    """Let every value that can be read from memory stand under `asid` too."""
    asids = _with(state.asids, asid)
    words = tuple(
        word
        if word.progress is Progress.SYNCHRONISED
        else replace(word, asids=_with(word.asids, asid))
        for word in state.words
    )
    born = {address: _with(held, asid) for address, held in state.born}
    return replace(state, words=words, asids=asids, born=_differing(born, asids))


def _with(asids: tuple[int, ...], asid: int) -> tuple[int, ...]:
    return asids if asid in asids else tuple(sorted((*asids, asid)))


def _differing(
    born: Mapping[int, tuple[int, ...]], asids: tuple[int, ...]
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    return tuple(sorted((address, held) for address, held in born.items() if held != asids))


def _sorted_words(words: Iterable[OldWord]) -> tuple[OldWord, ...]:
    return tuple(sorted(words, key=lambda word: word.address))


def _tidy(state: TranslationState) -> TranslationState:
    """Drop what a TLBI of the whole regime has removed, then TLBIs that nothing waits for."""
    total = max(
        (
            position
            for position, tlbi in enumerate(state.tlbis)
            if tlbi.progress is Progress.SYNCHRONISED and tlbi.invalidation.is_total
        ),
        default=-1,
    )

    def lives(each: OldWord | OldRegister) -> bool:
        return each.progress is not Progress.SYNCHRONISED or each.since > total

    words = [word for word in state.words if lives(word)]
    registers = [each for each in state.old_registers if lives(each)]
    waiting = [word.since for word in words if word.progress is not Progress.ISSUED]
    waiting += [each.since for each in registers if each.progress is Progress.SYNCHRONISED]
    spent = min((*waiting, len(state.tlbis)))
    return replace(
        state,
        words=tuple(
            word if word.progress is Progress.ISSUED else replace(word, since=word.since - spent)
            for word in words
        ),
        old_registers=tuple(
            replace(each, since=each.since - spent)
            if each.progress is Progress.SYNCHRONISED
            else each
            for each in registers
        ),
        tlbis=state.tlbis[spent:],
    )
