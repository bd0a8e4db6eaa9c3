"""Sentences: what was seen, which descriptor and bit decided, by which rule."""

from __future__ import annotations

from collections.abc import Sequence

from harness.arch.addresses import VirtualAddress
from harness.oracle.choosing import OldWord
from harness.oracle.divergences import Divergence
from harness.oracle.permitted import PermittedOutcome
from harness.oracle.seen import Seen, describe, describe_outcome
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.outcome import Step
from harness.vmsa.tlb.choice import Choice

_NAMES = {
    AccessKind.READ: "read",
    AccessKind.WRITE: "write",
    AccessKind.FETCH: "instruction fetch",
    AccessKind.READ_WRITE: "atomic read and write",
    AccessKind.AT: "address translation",
}


def explain_agreement(
    place: str, access: Access, seen: Seen, chosen: PermittedOutcome, steps: Sequence[Step]
) -> str:
    """Say that what was seen is permitted, and by which walk."""
    return " ".join(
        (
            f"{_what(place, access)}: {describe(seen)}; permitted.",
            _decision(steps),
            *_past(chosen),
        )
    )


def explain_of_both_values(place: str, access: Access, seen: Seen, choice: Choice) -> str:
    """Say that only the old and the new value of a changed entry together permit what was seen."""
    why = choice.explanation[:1].upper() + choice.explanation[1:]
    return f"{_what(place, access)}: {describe(seen)}; permitted. {why} ({choice.rule})."


def explain_disagreement(
    place: str,
    access: Access,
    seen: Seen,
    permitted: Sequence[PermittedOutcome],
    steps: Sequence[Step],
    divergences: Sequence[Divergence] | None,
) -> str:
    """Say what was seen, what is permitted instead, and the known reason if there is one."""
    others = "; or ".join(describe_outcome(outcome.outcome) for outcome in permitted)
    parts = [
        f"{_what(place, access)}: {describe(seen)}; the architecture permits: {others}.",
        _decision(steps),
    ]
    parts += [f"Known divergence {each.id}: {each.what}" for each in divergences or ()]
    return " ".join(parts)


def place_of(pc: VirtualAddress, label: str) -> str:
    """Return where an instruction is: its address, and its label if it has one."""
    return f"{pc:#x} ({label})" if label else f"{pc:#x}"


def _what(place: str, access: Access) -> str:
    return f"At {place}, {made(access)} at {access.va:#018x} from EL{access.el}"


def made(access: Access) -> str:
    """Return what an instruction did, as a noun: `unprivileged read of 8 bytes`."""
    if access.operation is Operation.CACHE_MAINTENANCE:
        return "cache maintenance"
    if access.operation is Operation.DC_ZVA:
        return "DC ZVA"
    made = "unprivileged " if access.unprivileged else ""
    bytes_ = "1 byte" if access.size == 1 else f"{access.size} bytes"
    return f"{made}{_NAMES[access.kind]} of {bytes_}"


def _decision(steps: Sequence[Step]) -> str:
    """Name the last descriptor, the bits and the rule that decided."""
    end = steps[-1]
    lookup = next((step for step in reversed(steps) if step.descriptor is not None), None)
    decision = f"{end.decision.rstrip('.')} ({end.rule})."
    if lookup is None:
        return decision[:1].upper() + decision[1:]
    where = f"Level {lookup.level} descriptor {lookup.descriptor:#018x} at {lookup.address:#x}"
    if end is lookup or lookup.decision in end.decision:
        return f"{where}: {decision}"
    return f"{where}, {lookup.decision}: {decision}"


def _past(chosen: PermittedOutcome) -> tuple[str, ...]:
    """Say which old values the walk rests on, and what would end that."""
    sentences = [
        f"The walk uses {word.value:#018x}, which {word.address:#x} held before "
        f"{word.current:#018x}: {_reason(word)}."
        for word in chosen.old_words
    ]
    sentences += [
        f"It uses the old value of {name}: no context synchronisation event and TLBI has ended it."
        for name in chosen.old_registers
    ]
    return tuple(sentences)


def _reason(word: OldWord) -> str:
    """Say why a walk may still use an old value: an invalid one is never cached."""
    if word.cached:
        return "it may still be cached, as no TLBI that covers it has completed (TLBI, DSB, ISB)"
    if word.value & 1:
        return "it may be used until DSB, TLBI, DSB and ISB have followed the change"
    return "it may be used until DSB and ISB have followed the change"
