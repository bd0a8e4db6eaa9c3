"""Whether a proposition of a test's condition holds of one final state."""

from __future__ import annotations

from harness.litmus.condition import FAULT_KINDS, Equal, Every, FaultAt, Not, Proposition, Some
from harness.litmus.state import Final, SeenFault, contents, width_of
from harness.litmus.translate import Translated
from harness.litmus.values import Cell, Register


def satisfies(test: Translated, final: Final, proposition: Proposition) -> bool:
    """Return whether a proposition holds of a final state."""
    match proposition:
        case Equal():
            return _equal(test, final, proposition)
        case FaultAt():
            return any(matches(test, fault, proposition) for fault in final.faults)
        case Not():
            return not satisfies(test, final, proposition.of)
        case Every():
            return all(satisfies(test, final, part) for part in proposition.parts)
        case Some():
            return any(satisfies(test, final, part) for part in proposition.parts)


def matches(test: Translated, fault: SeenFault, wanted: FaultAt) -> bool:
    """Return whether a fault is one that the condition speaks of."""
    if wanted.label is not None and test.labels[wanted.label] != fault.pc:
        return False
    if wanted.symbol is not None and test.layout.symbol_of(fault.far) != wanted.symbol:
        return False
    return wanted.kind is None or FAULT_KINDS[wanted.kind] == fault.kind


def _equal(test: Translated, final: Final, atom: Equal) -> bool:
    width = width_of(test, atom.place)
    mask = (1 << width) - 1
    held = contents(test, final, atom.place)
    value = atom.value
    other = (
        contents(test, final, value) if isinstance(value, Register | Cell) else test.bits_of(value)
    )
    return (held ^ other) & mask == 0
