"""Snippets to machine code: preprocess, assemble with an engine, check every statement.

No engine is believed. Keystone assembles some statements to nothing without a word (`tlbi rvae1`);
so each item's address comes back with the code, and an instruction that did not give four bytes
is an error that names its file and line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from harness.arch.addresses import VirtualAddress
from harness.errors import AssemblyError, EngineError, Location
from harness.machine.gnu_assembler import GNU
from harness.machine.keystone_assembler import KEYSTONE
from harness.machine.listing import (
    INSTRUCTION_BYTES,
    Item,
    ItemKind,
    Listing,
    make_listing,
    split_output,
)
from harness.machine.preprocessor import preprocess
from harness.machine.program import Program, SourceLine
from harness.machine.source import Statement, requested_assembler


class Engine(Protocol):
    """An assembler of `engine_text`."""

    name: str

    def assemble(self, items: Sequence[Item], base: int) -> bytes:
        """Return the bytes of `engine_text(items)` at `base`; AssemblyError, EngineMissingError."""
        ...


ENGINES: Mapping[str, Engine] = MappingProxyType({KEYSTONE.name: KEYSTONE, GNU.name: GNU})
DEFAULT_ENGINE = KEYSTONE.name


def assemble_file(path: Path, base: VirtualAddress, *, assembler: str | None = None) -> Program:
    """Return the snippet `path` assembled at `base`; `.include` finds the files beside it.

    `assembler`: `keystone` or `gnu`; None for what a comment `// assembler: NAME` at the top of
    the snippet asks for, else Keystone. Raises AssemblyError for a bad or unreadable snippet,
    EngineMissingError if the assembler is not installed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise AssemblyError(f"the snippet cannot be read: {reason}", Location(str(path))) from error
    return _assemble(text, base, str(path), path.parent, assembler)


def assemble_text(
    text: str, base: VirtualAddress, *, file: str = "<text>", assembler: str | None = None
) -> Program:
    """Return `text` assembled at `base`; `file` is its name in errors and in the line table.

    As `assemble_file`, but `.include` is refused.
    """
    return _assemble(text, base, file, None, assembler)


def _assemble(
    text: str, base: VirtualAddress, file: str, directory: Path | None, assembler: str | None
) -> Program:
    name = assembler or requested_assembler(text) or DEFAULT_ENGINE
    if name not in ENGINES:
        known = ", ".join(sorted(ENGINES))
        raise AssemblyError(f"there is no assembler `{name}` (known: {known})", Location(file))
    return _assemble_statements(preprocess(text, file, directory), base, file, name)


@lru_cache(maxsize=256)
def _assemble_statements(
    statements: tuple[Statement, ...], base: VirtualAddress, file: str, name: str
) -> Program:
    listing = make_listing(statements)
    if base % listing.alignment:
        raise AssemblyError(
            f"the snippet aligns to {listing.alignment:#x}, so it cannot lie at {base:#x}",
            Location(file),
        )
    output = split_output(ENGINES[name].assemble(listing.items, base), listing.items, base)
    if output is None:
        raise EngineError(f"{name} returned code whose labels do not fit its size")
    code, marks = output
    lines = tuple(_lines(listing, marks, name))
    symbols = {label: VirtualAddress(marks[index]) for label, index in listing.labels}
    return Program(base, code, MappingProxyType(symbols), lines, name)


def _lines(listing: Listing, marks: Sequence[int], engine: str) -> list[SourceLine]:
    lines = []
    for index, item in enumerate(listing.items):
        address, size = marks[index], marks[index + 1] - marks[index]
        if item.kind is ItemKind.INSTRUCTION and address % INSTRUCTION_BYTES:
            raise item.source.error(f"an instruction at {address:#x}: put `.balign 4` before it")
        if item.size is not None and size != item.size:
            what = f"to {size} bytes instead of {item.size}" if size else "to nothing"
            raise item.source.error(f"{engine} assembles this {what}")
        if item.kind in {ItemKind.INSTRUCTION, ItemKind.DATA}:
            place = item.source.at
            lines.append(
                SourceLine(VirtualAddress(address), size, place.file, place.line, item.source.text)
            )
    return lines
