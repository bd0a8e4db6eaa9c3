"""The bits of one descriptor of a walk in a line: every field that says something."""

from __future__ import annotations

from harness.arch.descriptors import DescriptorType, descriptor_layout
from harness.arch.fields import DecodedField, Kind
from harness.encodings.words import size_in_words
from harness.oops.cause import shape_of, view_of
from harness.oops.tables import RebuiltTables
from harness.tables.descriptor import next_table, output_address

_VALID = 1
_TYPE = 0b11
_SILENT = (Kind.RES0, Kind.RES1, Kind.IGNORED)


def describe_bits(tables: RebuiltTables, level: int, value: int) -> str:
    """Return the fields that say something, and what an Invalid descriptor would be with bit 0.

    Empty where there is nothing to say: the entry is 0, or a table without attributes.
    """
    if not value & ~_TYPE:
        return ""
    shape = shape_of(tables, level, value)
    fields = ", ".join(_fields(tables, level, value, shape))
    if value & _VALID:
        return fields
    if shape is DescriptorType.TABLE:
        what = f"table at {next_table(tables.geometry, value):#x}"
    else:
        size = size_in_words(tables.geometry.granule.level_size(level))
        what = f"{size} {shape.value} at {output_address(tables.geometry, value, level):#x}"
    return f"with bit 0 set a {what}: {fields}" if fields else f"with bit 0 set a {what}"


def _fields(tables: RebuiltTables, level: int, value: int, shape: DescriptorType) -> list[str]:
    layout = descriptor_layout(view_of(tables, level), shape)
    return [_field(part) for part in layout.decode(value) if _says_something(part)]


def _says_something(part: DecodedField) -> bool:
    name = part.field.name
    if name in {"Valid", "Type"} or "OA[" in name or "NLTA[" in name:
        return False
    if name in {"AP[2:1]", "AttrIndx"}:
        return True
    return part.content != 0 and (part.field.kind not in _SILENT or part.reserved)


def _field(part: DecodedField) -> str:
    name = part.field.name
    if part.field.width == 1:
        return name
    return f"{name} {part.meaning}" if part.meaning else f"{name} {part.content:#x}"
