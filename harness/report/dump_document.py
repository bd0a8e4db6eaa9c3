"""A dump as a JSON document: lines, tables, entries, and what is not shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.report.dump_diff import Change
from harness.report.dump_text import HalfDump, Marker, Span, level_name
from harness.report.dump_tree import EntryRun, is_valid, tree
from harness.report.dump_walk import TablesSeen
from harness.tables.descriptor import output_address
from harness.tables.geometry import Geometry
from harness.tables.reader import Problem, Table

SCHEMA = "mmu-harness/dump/1"


def dump_document(
    name: str,
    moment: str,
    shown_as: str | None,
    halves: Sequence[tuple[TablesSeen, HalfDump]],
) -> dict[str, Any]:
    """Return the dump of a scenario's tables; `moment`: `before` or `after` its run."""
    return {
        "schema": SCHEMA,
        "scenario": name,
        "moment": moment,
        "as": shown_as,
        "halves": [_half(tables, dump) for tables, dump in halves],
    }


def diff_document(
    names: tuple[str, str],
    shown_as: str | None,
    halves: Sequence[tuple[Geometry, Sequence[Change]]],
) -> dict[str, Any]:
    """Return what changed between two states of tables."""
    return {
        "schema": SCHEMA,
        "before": names[0],
        "after": names[1],
        "as": shown_as,
        "changes": [
            {
                "register": _register(geometry),
                "va": hex(change.ia),
                "level": change.level,
                "name": level_name(change.level, geometry),
                "count": change.count,
                "old": _content(change.old),
                "new": _content(change.new),
            }
            for geometry, some in halves
            for change in some
        ],
    }


def _half(tables: TablesSeen, dump: HalfDump) -> dict[str, Any]:
    geometry = tables.geometry
    parts = list(tree(tables))
    return {
        "register": _register(geometry),
        "root": hex(tables.root),
        "granule": geometry.granule.label,
        "va_bits": geometry.ia_bits,
        "lines": [_line(dump, line) for line in dump.lines],
        "not_shown": [
            {
                "va": hex(entry.ia),
                "level": entry.level,
                "name": level_name(entry.level, geometry),
                "address": hex(entry.address),
                "descriptor": hex(entry.descriptor),
                "why": entry.why,
            }
            for entry in dump.passed
        ],
        "problems": [
            {"kind": one.kind.value, "va": hex(one.ia), "level": one.level, "text": one.text}
            for one in parts
            if isinstance(one, Problem)
        ],
        "tables": [
            {"level": one.level, "address": hex(one.address), "va": hex(one.ia)}
            for one in parts
            if isinstance(one, Table)
        ],
        "entries": [_entries(geometry, one) for one in parts if isinstance(one, EntryRun)],
    }


def _line(dump: HalfDump, line: Span | Marker) -> dict[str, Any]:
    if isinstance(line, Marker):
        return {"marker": line.name, "start": hex(line.start)}
    return {
        "start": hex(line.start),
        "end": hex(line.end),
        "level": line.level,
        "name": level_name(line.level, dump.geometry),
        "bits": hex(line.bits),
        "text": dump.text_of(line),
    }


def _entries(geometry: Geometry, run: EntryRun) -> dict[str, Any]:
    first = run.first
    return {
        "va": hex(first.ia),
        "level": first.level,
        "index": geometry.index(first.ia, first.level),
        "address": hex(first.address),
        "descriptor": hex(first.descriptor),
        "pa": hex(output_address(geometry, first.descriptor, first.level)),
        "count": run.count,
        "valid": is_valid(geometry, first),
    }


def _content(content: int | Table | None) -> str | None:
    if isinstance(content, Table):
        return f"table {content.address:#x}"
    return None if content is None else hex(content)


def _register(geometry: Geometry) -> str:
    return "TTBR1_EL1" if geometry.high else "TTBR0_EL1"
