"""`[[map]]` and `[[memory]]`: what is mapped where, and what the memory behind it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.encodings import bits_named, resolve_attributes, resolve_fields
from harness.errors import InputError
from harness.scenario import FILLS, SHAPES, Map, MemoryRange
from harness.scenario_file.reader import Table, number_in

V = TypeVar("V")

LARGEST_FILL = 16 << 20
"""Bytes that a pattern may fill: each of them is stored."""


def read_map(table: Table) -> Map:
    """Return one `[[map]]`: names of attributes become bits here, so that tables take bits only."""
    descriptor = None
    written = table.value("attributes")
    if isinstance(written, str):
        descriptor = number_in(written)
    if descriptor is not None:
        bits = descriptor
    elif isinstance(written, str):
        bits = _resolved(table, "attributes", resolve_attributes, written)
    else:
        fields = read_fields(table.table("attributes"))
        bits = _resolved(table, "attributes", resolve_fields, fields)
    va, pa, size = table.integer("va"), table.integer("pa"), table.size("size")
    for key, address in (("va", va), ("pa", pa)):
        if address + size > 1 << 64:
            table.fail(f"{size:#x} bytes from {key} {address:#x} on do not fit 64 bits", "size")
    return Map(
        va=VirtualAddress(va),
        pa=PhysicalAddress(pa),
        size=size,
        leaf_bits=bits,
        attributes=_as_written(written),
        shape=table.choice("as", SHAPES) if "as" in table else None,
        level=table.get("level", table.level, None),
        descriptor=descriptor,
        name=_name(table) if "name" in table else "",
        line=table.line,
    )


def _name(table: Table) -> str:
    name = table.text("name")
    if not name.isprintable() or not name.strip():
        table.fail("a name is one line of text", "name")
    return name


def read_memory(table: Table) -> MemoryRange:
    """Return one `[[memory]]`: a fill, words, or an alias of another range."""
    pa = table.integer("pa")
    words = table.integers("words") if "words" in table else ()
    fill = table.choice("fill", FILLS) if "fill" in table else None
    alias = table.get("alias", table.integer, None)
    if "words" in table and pa % 8:
        table.fail("words are 64 bits wide: pa is a multiple of 8", "pa")
    if alias is not None and (fill is not None or words):
        table.fail(
            "an alias shows the bytes of another range: it has neither fill nor words", "alias"
        )
    if fill == "absent" and words:
        table.fail("where memory is absent there are no words", "words")
    if "size" not in table and not words:
        table.fail("[[memory]] needs a key 'size'")
    size = table.size("size") if "size" in table else 8 * len(words)
    if 8 * len(words) > size:
        table.fail(f"{len(words)} words do not fit in {size:#x} bytes", "words")
    if fill == "pattern" and size > LARGEST_FILL:
        table.fail(f"a pattern fills {LARGEST_FILL:#x} bytes at most", "size")
    return MemoryRange(
        pa=PhysicalAddress(pa),
        size=size,
        fill=fill,
        words=words,
        alias_of=None if alias is None else PhysicalAddress(alias),
        line=table.line,
    )


def read_bits(table: Table, key: str) -> int:
    """Return a mask of descriptor bits: a number, a bit's name, or an array of names."""
    written = table.value(key)
    names = [table.name_or_number(key)] if not isinstance(written, list) else table.texts(key)
    mask = 0
    for name in names:
        mask |= name if isinstance(name, int) else _resolved(table, key, bits_named, name)
    if not mask:
        table.fail(f"{key} names no bit", key)
    return mask


def read_fields(table: Table) -> Mapping[str, int | str]:
    """Return fields of a leaf by the manual's names, values as numbers or as words."""
    return {name: table.name_or_number(name) for name in table}


def read_field_change(table: Table) -> tuple[int, int]:
    """Return the mask of the fields that the table names, and the bits to put there."""
    fields = read_fields(table)
    content = mask = 0
    for name, value in fields.items():
        content |= _resolved(table, name, resolve_fields, {name: value})
        mask |= _resolved(table, name, bits_named, name)
    return mask, content


def _resolved(table: Table, key: str, resolve: Callable[[V], int], written: V) -> int:
    """Return the bits of something symbolic; the error of a wrong name gets the key's place."""
    try:
        return resolve(written)
    except InputError as error:
        table.fail(error.reason, key)


def _as_written(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} = {content}" for name, content in value.items())
    return str(value)
