"""Choices in words: their stable identities, why each is permitted, and by which rule."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from harness.vmsa.tlb.bbm import Change
from harness.vmsa.tlb.choice import HardwareUpdate, RegisterRead, Source, WordRead

TRANSLATE = "AArch64.TranslateAddress"
WALKS_ARE_NOT_ORDERED = (
    "DDI 0487, D8 and B2: a walk is ordered after an earlier store of the PE by a DSB and then a "
    "context synchronisation event"
)
CACHED_UNTIL_INVALIDATED = (
    "DDI 0487, D8, TLB maintenance: what was cached stays usable until a TLBI that covers it, a "
    "DSB and a context synchronisation event"
)
BREAK_BEFORE_MAKE = "DDI 0487, D8, break-before-make"
_RULES = {
    Source.EARLIER: WALKS_ARE_NOT_ORDERED,
    Source.TLB: CACHED_UNTIL_INVALIDATED,
    Source.AMALGAM: BREAK_BEFORE_MAKE,
}


def identity(
    reads: tuple[WordRead, ...],
    registers: tuple[RegisterRead, ...],
    updates: tuple[HardwareUpdate, ...],
) -> str:
    """Return the name of a choice: `present`, or the values of the past that it uses."""
    parts = [f"{each.name}={each.value:#x}/{each.source.value}" for each in registers]
    parts += [
        f"{read.address:#x}={read.value:#x}/{read.source.value}"
        for read in reads
        if read.source is not Source.MEMORY
    ]
    parts += [f"update {each.address:#x}={each.new:#x}/past" for each in updates if each.in_past]
    return "; ".join(dict.fromkeys(parts)) or "present"


def explanation(
    reads: tuple[WordRead, ...],
    registers: tuple[RegisterRead, ...],
    updates: tuple[HardwareUpdate, ...],
) -> str:
    """Return which values of the past translation used and why it may; the updates too."""
    parts = [
        f"{each.name} still as {each.value:#x}: {_why_register(each.source)}" for each in registers
    ]
    parts += [
        f"the descriptor at {read.address:#x} as {read.value:#x}, not {read.current:#x}: "
        f"{_why_word(read.source)}"
        for read in reads
        if read.source is not Source.MEMORY
    ]
    parts += [_update(each) for each in updates]
    return "; ".join(dict.fromkeys(parts)) or "memory and registers as they are now"


def rule(reads: tuple[WordRead, ...], registers: tuple[RegisterRead, ...]) -> str:
    """Return the rule that permits the values of the past, else the function that translates."""
    sources = _sources(reads, registers)
    return "; ".join(_RULES[source] for source in sources) or TRANSLATE


def conflict(
    address: int, level: int, values: tuple[int, int], differing: frozenset[Change]
) -> str:
    """Return what a TLB conflict abort is about."""
    old, new = values
    what = ", ".join(sorted(change.value for change in differing))
    return (
        f"a TLB may hold the level {level} descriptor at {address:#x} both as {old:#x} and as "
        f"{new:#x}, which differ in {what}, and abort"
    )


def _sources(reads: tuple[WordRead, ...], registers: tuple[RegisterRead, ...]) -> Iterable[Source]:
    used = chain((read.source for read in reads), (each.source for each in registers))
    return dict.fromkeys(source for source in used if source is not Source.MEMORY)


def _why_word(source: Source) -> str:
    if source is Source.TLB:
        return "a TLB may still hold it"
    if source is Source.AMALGAM:
        return "a TLB may mix two values of a live descriptor"
    return "the walk may have come before the store that replaced it"


def _why_register(source: Source) -> str:
    if source is Source.TLB:
        return "a TLB entry made under it may still be there"
    return "no context synchronisation event has followed the MSR"


def _update(update: HardwareUpdate) -> str:
    when = "before the store that replaced it, " if update.in_past else ""
    return f"{when}hardware sets {update.new:#x} for {update.expected:#x} at {update.address:#x}"
