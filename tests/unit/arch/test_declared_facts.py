"""Every declared fact of the architecture, written out: a change has to be made twice.

This only detects a change; whether a fact is right is for the tests that hold it against GNU as,
kernel logs and Arm's answers. After a change that the manual backs:

    python tests/unit/arch/test_declared_facts.py > tests/unit/arch/declared_facts.txt
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from harness.arch.descriptors import (
    BLOCK_LEVELS,
    DescriptorType,
    OutputFormat,
    View,
    descriptor_layout,
)
from harness.arch.exception_classes import EC_NAMES, LINUX_EC_NAMES, ExceptionClass
from harness.arch.fields import Field, Layout
from harness.arch.granule import Granule
from harness.arch.iss import iss2_layout, iss_layout
from harness.arch.registers import REGISTERS
from harness.arch.system_instructions import BARRIERS
from harness.arch.system_operations import SYSTEM_OPERATIONS
from harness.arch.tlbi import TLBI_OPERATIONS, operand_layout

FACTS = Path(__file__).with_name("declared_facts.txt")


class Book:
    """Lines of facts; a set of fields or of meanings that repeats is told once."""

    def __init__(self) -> None:
        self.layouts: dict[tuple[Field, ...], str] = {}
        self.meanings: dict[str, str] = {}

    def layout(self, layout: Layout, title: str = "") -> Iterator[str]:
        """Tell a layout, or that it is another's."""
        title = title or f"{layout.name} ({layout.long_name})"
        first = self.layouts.setdefault(layout.fields, title)
        if first != title:
            yield f"{title}: as {first}"
            return
        yield f"{title}: {layout.width} bits"
        yield from (self.field(field, title) for field in layout)

    def field(self, field: Field, title: str) -> str:
        """Tell one field."""
        words = [field.position, field.name, field.kind.value, field.long_name, field.feature or ""]
        if not field.values:
            return "  " + " | ".join(word for word in words if word)
        meanings = ", ".join(f"{value:#x} {word}" for value, word in sorted(field.values.items()))
        first = self.meanings.setdefault(meanings, f"{title} {field.name}")
        words.append(meanings if first == f"{title} {field.name}" else f"values of {first}")
        return "  " + " | ".join(word for word in words if word)


def register_lines(book: Book) -> Iterator[str]:
    for name in sorted(REGISTERS):
        register = REGISTERS[name]
        yield f"{name} {register.encoding.generic_name}"
        for form in (register.layout, register.layout_e2h, register.layout_d128):
            if form is not None:
                yield from book.layout(form)


def views() -> Iterator[View | str]:
    """Every view of a descriptor, or why there is none."""
    for output, granule, level, stage, indirect in product(
        OutputFormat, Granule, range(-1, 4), (1, 2), (False, True)
    ):
        try:
            yield View(granule, level, stage, output, indirect)
        except ValueError as error:
            yield str(error)


def descriptor_lines(book: Book) -> Iterator[str]:
    for view in views():
        if isinstance(view, str):
            yield view
            continue
        indirect = " indirect" if view.indirect else ""
        where = (
            f"{view.output} {view.granule.label} level {view.level} stage {view.stage}{indirect}"
        )
        for kind in filter(view.allows, DescriptorType):
            yield from book.layout(descriptor_layout(view, kind), f"{where} {kind.name}")
    yield from (f"blocks of {key}: levels {levels}" for key, levels in BLOCK_LEVELS.items())


def syndrome_lines(book: Book) -> Iterator[str]:
    for code in range(64):
        known = next((each.name for each in ExceptionClass if each.value == code), "")
        yield f"EC {code:#04x} {known} | {EC_NAMES.get(code, '')} | {LINUX_EC_NAMES.get(code, '')}"
        yield from book.layout(iss_layout(code), f"ISS of {code:#04x}")
        yield from book.layout(iss2_layout(code), f"ISS2 of {code:#04x}")
    yield from book.layout(iss_layout(ExceptionClass.DATA_ABORT_SAME, 0), "ISS without ISV")


def instruction_lines(book: Book) -> Iterator[str]:
    yield from (f"{word:#010x} {name}" for name, word in sorted(BARRIERS.items()))
    yield from map(str, SYSTEM_OPERATIONS.values())
    for name, operation in TLBI_OPERATIONS.items():
        yield str(operation)
        layout = operand_layout(operation)
        if layout is not None:
            yield from book.layout(layout, f"operand of {name}")


def facts() -> Iterable[str]:
    book = Book()
    yield from register_lines(book)
    yield from descriptor_lines(book)
    yield from syndrome_lines(book)
    yield from instruction_lines(book)


def test_no_declared_fact_changes_unseen() -> None:
    assert list(facts()) == FACTS.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in facts())
