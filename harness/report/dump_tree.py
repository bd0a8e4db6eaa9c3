"""Tables as a tree: every table with where it lies, every entry with its index and value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.encodings import Encoding
from harness.report.dump_text import level_name
from harness.report.dump_walk import Shown, TablesSeen, meaning_at, seen
from harness.tables.descriptor import (
    TYPE_MASK,
    leaf_address_mask,
    output_address,
    valid_leaf_type,
)
from harness.tables.geometry import Geometry
from harness.tables.reader import Problem, Table


@dataclass(frozen=True, slots=True)
class EntryRun:
    """Neighbouring entries of one table, equal but for consecutive output addresses."""

    first: Shown
    count: int


def tree_text(tables: TablesSeen, encoding: Encoding | None = None) -> str:
    """Return one half's tables, indented by level.

    `encoding` adds which states its kernel takes each entry for.
    """
    geometry = tables.geometry
    half = "TTBR1_EL1" if geometry.high else "TTBR0_EL1"
    lines = [f"{half}: {geometry.granule.label} pages, {geometry.ia_bits}-bit addresses"]
    for part in tree(tables):
        if isinstance(part, EntryRun):
            lines.append(_entries(geometry, part, encoding))
        elif isinstance(part, Table):
            lines.append(f"{_indent(geometry, part.level)}{_table(geometry, part)}")
        else:
            lines.append(f"{_indent(geometry, part.level)}  ! {part.text}")
    return "\n".join(lines) + "\n"


def tree(tables: TablesSeen) -> Iterator[Table | EntryRun | Problem]:
    """Yield every table, the runs of its entries that are no tables, and what is wrong."""
    first: Shown | None = None
    count = 0
    for found in seen(tables):
        if isinstance(found, Shown):
            if first is not None and _continues(tables.geometry, first, count, found):
                count += 1
                continue
            if first is not None:
                yield EntryRun(first, count)
            first, count = found, 1
            continue
        if first is not None:
            yield EntryRun(first, count)
            first = None
        if isinstance(found, Table | Problem):
            yield found
    if first is not None:
        yield EntryRun(first, count)


def is_valid(geometry: Geometry, entry: Shown) -> bool:
    """Return whether hardware uses the entry as a block or page."""
    return entry.descriptor & TYPE_MASK == valid_leaf_type(geometry, entry.level)


def _continues(geometry: Geometry, first: Shown, count: int, entry: Shown) -> bool:
    """Return whether `entry` is the next after `count` like `first`."""
    level = entry.level
    if level != first.level or entry.address != first.address + 8 * count:
        return False
    if (entry.descriptor ^ first.descriptor) & ~leaf_address_mask(geometry, level):
        return False
    oa = output_address(geometry, first.descriptor, level)
    step = geometry.granule.level_size(level)
    return output_address(geometry, entry.descriptor, level) == oa + count * step


def _table(geometry: Geometry, table: Table) -> str:
    return (
        f"{level_name(table.level, geometry)} table (level {table.level}) at {table.address:#x}, "
        f"{geometry.entries(table.level)} entries, from {table.ia:#018x}"
    )


def _entries(geometry: Geometry, run: EntryRun, encoding: Encoding | None) -> str:
    first, level = run.first, run.first.level
    index = geometry.index(first.ia, level)
    place = f"[{index}]" if run.count == 1 else f"[{index}..{index + run.count - 1}]"
    oa = output_address(geometry, first.descriptor, level)
    state = "" if is_valid(geometry, first) else "  invalid"
    return (
        f"{_indent(geometry, level)}  {place:<12} {first.descriptor:#018x}  "
        f"{first.ia:#018x} -> {oa:#x}{state}{_software(geometry, first, encoding)}"
    )


def _software(geometry: Geometry, entry: Shown, encoding: Encoding | None) -> str:
    if encoding is None:
        return ""
    states = meaning_at(encoding, geometry, entry.level).state_of(entry.descriptor)
    return f"  {encoding.name}: {', '.join(states) or 'no known state'}"


def _indent(geometry: Geometry, level: int) -> str:
    return "  " * (1 + level - geometry.start_level)
