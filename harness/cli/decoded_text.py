"""A decoded value as aligned text."""

from __future__ import annotations

from harness.arch.fields import Kind
from harness.cli.decoded import Decoded, Row

_BINARY_UP_TO = 4
_QUIET = (Kind.RES0, Kind.RES1, Kind.IGNORED)


def render(decoded: Decoded) -> str:
    """Return a heading, one line a field, the reserved bits that are set, and the sentences."""
    lines = [f"{decoded.name} {decoded.value:#0{decoded.width // 4 + 2}x}  {decoded.long_name}", ""]
    lines += _table([_cells(row) for row in decoded.rows if _telling(row)])
    if decoded.reserved:
        lines += ["", "Reserved:"]
        lines += [f"  {_reserved(row)}" for row in decoded.reserved]
    lines.append("")
    lines += [f"{speaker}: {text}" if speaker else text for speaker, text in decoded.sentences]
    return "\n".join(lines)


def _telling(row: Row) -> bool:
    """Reserved and ignored bits that are as they should be are left out."""
    return row.decoded.field.kind not in _QUIET or row.decoded.reserved or _ignored_but_set(row)


def _ignored_but_set(row: Row) -> bool:
    return row.decoded.field.kind is Kind.IGNORED and row.decoded.content != 0


def _cells(row: Row) -> tuple[str, str, str, str]:
    part = row.decoded.field
    indent = "  " * row.depth
    told = [text for text in (part.long_name, row.decoded.meaning) if text]
    return row.position, f"{indent}{part.name}", _content(row), ": ".join(told)


def _content(row: Row) -> str:
    part = row.decoded.field
    if part.width == 1:
        return str(row.decoded.content)
    if part.width <= _BINARY_UP_TO:
        return f"0b{row.decoded.content:0{part.width}b}"
    return f"{row.decoded.content:#x}"


def _reserved(row: Row) -> str:
    part = row.decoded.field
    why = f"is {part.kind.value}" if part.kind is not Kind.VALUE else "is a reserved value"
    return f"{part.name}{row.position} = {_content(row)} {why}"


def _table(rows: list[tuple[str, str, str, str]]) -> list[str]:
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return [
        f"  {row[0]:>{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  {row[3]}".rstrip()
        for row in rows
    ]
