r"""A final state as herd7 prints it: `0:X4=1; [PTE(x)]=(oa:PA(y)); ~Fault(P0:L0,x);`."""

from __future__ import annotations

from harness.litmus.condition import FAULT_KINDS, FaultAt
from harness.litmus.descriptor import decode, output_address
from harness.litmus.evaluate import matches
from harness.litmus.state import Final, contents, type_of
from harness.litmus.translate import Translated
from harness.litmus.values import Cell, Place, Register

_LARGEST_DECIMAL = 1 << 32


def show_state(test: Translated, final: Final) -> str:
    """Return what the test lists or mentions: registers, locations, faults, in this order."""
    items = [item for item in test.test.observed() if isinstance(item, Register | Cell | FaultAt)]
    registers = sorted({item for item in items if isinstance(item, Register)}, key=_by_number)
    cells = sorted({str(item): item for item in items if isinstance(item, Cell)}.items())
    faults = sorted({str(item): item for item in items if isinstance(item, FaultAt)}.items())
    parts = [f"{place}={show_place(test, final, place)};" for place in registers]
    parts += [f"{name}={show_place(test, final, cell)};" for name, cell in cells]
    parts += dict.fromkeys(
        f"{text};" for _, wanted in faults for text in _show_fault(test, final, wanted)
    )
    return " ".join(parts)


def show_place(test: Translated, final: Final, place: Place) -> str:
    """Return what a place holds: a descriptor, an address by its name, or a number."""
    kind = type_of(test, place)
    value = contents(test, final, place) & ((1 << 8 * kind.size) - 1)
    if kind.size == 8:  # noqa: PLR2004 — bytes: what can hold an address
        oa = test.layout.output_of(output_address(value))
        descriptor = decode(value, oa) if oa is not None else None
        if descriptor is not None:
            return str(descriptor)
        symbol = test.layout.symbol_of(value)
        if symbol is not None and test.layout.virtual(symbol) == value:
            return str(symbol)
    if kind.signed and value >> (8 * kind.size - 1):
        value -= 1 << 8 * kind.size
    return str(value) if value < _LARGEST_DECIMAL else hex(value)


def _show_fault(test: Translated, final: Final, wanted: FaultAt) -> list[str]:
    """Return the faults that `wanted` speaks of, in herd7's words, or that there is none."""
    found = []
    for fault in final.faults:
        if matches(test, fault, wanted):
            labels = sorted(label for label, at in test.labels.items() if at == fault.pc)
            where = "P0"
            if labels:
                where += f":{labels[0]}" if len(labels) == 1 else f":{{{','.join(labels)}}}"
            symbol = test.layout.symbol_of(fault.far)
            kind = next((name for name, kind in FAULT_KINDS.items() if kind == fault.kind), "")
            found.append(
                f"Fault({','.join((where, str(symbol or hex(fault.far)), kind or fault.kind))})"
            )
    return found or [f"~{wanted}"]


def _by_number(register: Register) -> tuple[int, bool]:
    return int(register.name[1:]), register.is_word
