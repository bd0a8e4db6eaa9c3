"""Whether a TLB can still hold what a walk took from it.

A TLB may cache each prefix of a walk: the descriptors down to a table, which then gives the next
table's address, or down to the leaf. An entry can be made as long as the descriptor it adds could
be read and the entry above it was usable; it stays until a TLBI that covers it and was issued
after that. So a walk that uses values of the past is permitted if one of its prefixes may still be
cached, and everything below that prefix can be read from memory now.

Since when a value has stood in memory is not kept, only until when: where a table was removed by
ASID, a global leaf that was written below it later still counts as one that may be cached.

An entry whose descriptor generates a Translation, Address size or Access flag fault is never
cached (DDI 0487, D8 "TLB maintenance").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.arch.faults import FaultKind
from harness.vmsa.outcome import Fault, Outcome
from harness.vmsa.tlb.candidates import Candidate
from harness.vmsa.tlb.choice import Source
from harness.vmsa.tlb.invalidation import CachedEntry
from harness.vmsa.tlb.state import Progress, TranslationState

UNCACHEABLE = frozenset({FaultKind.TRANSLATION, FaultKind.ACCESS_FLAG, FaultKind.ADDRESS_SIZE})
_LEAF_REGISTERS = frozenset({"MAIR_EL1", "SCTLR_EL1", "PIR_EL1", "PIRE0_EL1"})
"""What they say is kept in leaf entries only; TCR and TTBR decide where tables are, too."""
_FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Level:
    """One lookup of a walk: its words, and the TLB entry that would end with it."""

    words: tuple[Candidate, ...]
    entry: CachedEntry
    may_be_cached: bool = True
    """False for a block with nT set where hardware heeds that (FEAT_BBM)."""


@dataclass(frozen=True, slots=True)
class Walk:
    """The lookups of one walk, from the first table down, and what it began with."""

    levels: Sequence[Level]
    ends_in_leaf: bool
    old_registers: tuple[tuple[str, int], ...]
    """Those that only a TLB holds, with the position from which TLBIs came after the MSR."""
    formed_under: int
    """The ASID of the registers that the walk used."""
    looked_up_under: int
    """The ASID of the access."""


def is_uncacheable(outcome: Outcome) -> bool:
    """Return whether the last descriptor of a walk with this outcome is never cached."""
    return isinstance(outcome, Fault) and outcome.kind in UNCACHEABLE


def is_permitted(
    state: TranslationState, walk: Walk, *, last_is_cacheable: bool, early_reads: bool
) -> bool:
    """Return whether translation may use all of the walk's values together.

    `early_reads`: a value that the PE's own store has replaced may have been read before that.
    """
    fresh_from = _first_of_fresh_tail(walk.levels, early_reads=early_reads)
    if fresh_from == 0 and not walk.old_registers:
        return True
    last = len(walk.levels) - 1 - (not last_is_cacheable)
    in_leaf = {name: since for name, since in walk.old_registers if name in _LEAF_REGISTERS}
    usable_until = min(
        (since for name, since in walk.old_registers if name not in in_leaf), default=_FOREVER
    )
    for index in range(last + 1):
        level = walk.levels[index]
        is_leaf = walk.ends_in_leaf and index == len(walk.levels) - 1
        formed_until = min(usable_until, *(_readable_until(word) for word in level.words))
        if is_leaf:
            formed_until = min(formed_until, *in_leaf.values(), _FOREVER)
        if not level.may_be_cached:
            continue
        usable_until = _invalidated(state, level.entry, formed_until)
        enough = index + 1 >= fresh_from and (is_leaf or not in_leaf)
        if usable_until == _FOREVER and enough and _asid_matches(walk, index, is_leaf=is_leaf):
            return True
    return False


def _first_of_fresh_tail(levels: Sequence[Level], *, early_reads: bool) -> int:
    """Return from which lookup on every word can be read from memory, or was just before."""
    fresh = {Source.MEMORY, Source.EARLIER} if early_reads else {Source.MEMORY}
    index = len(levels)
    while index and all(word.source in fresh for word in levels[index - 1].words):
        index -= 1
    return index


def _readable_until(word: Candidate) -> int:
    """Return the position of the first TLBI that came after the value had left memory."""
    if word.old is None or word.old.progress is Progress.ISSUED:
        return _FOREVER
    return word.old.since


def _invalidated(state: TranslationState, entry: CachedEntry, formed_until: int) -> int:
    """Return the position of the TLBI that has removed an entry for certain, if there is one."""
    for position, tlbi in enumerate(state.tlbis):
        if (
            position >= formed_until
            and tlbi.progress is Progress.SYNCHRONISED
            and tlbi.invalidation.covers(entry)
        ):
            return position
    return _FOREVER


def _asid_matches(walk: Walk, index: int, *, is_leaf: bool) -> bool:
    """Return whether the entry that ends at `index` matches the ASID of the access.

    A global leaf matches under every ASID. Any other entry must have been made under the ASID
    that the access has, while each of its old values could be read.
    """
    if is_leaf and walk.levels[index].entry.is_global:
        return True
    if walk.formed_under != walk.looked_up_under:
        return False
    return all(
        word.old is None or walk.formed_under in word.old.asids
        for level in walk.levels[: index + 1]
        for word in level.words
    )
