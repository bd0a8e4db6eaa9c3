"""Two states of tables, before and after: the lines of the dump that differ, and the entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.encodings import Encoding
from harness.encodings.bare import TABLE_OR_PAGE, VALID
from harness.encodings.hardware import ATTRIBUTES
from harness.report.dump_text import HalfDump, Marker, level_name
from harness.report.dump_walk import PassedBy, Shown, TablesSeen, seen
from harness.tables.descriptor import leaf_address_mask, output_address
from harness.tables.geometry import Geometry
from harness.tables.reader import Problem, Table

_HARDWARE: Mapping[str, int] = {
    "VALID": VALID,
    "TABLE": TABLE_OR_PAGE & ~VALID,
    **{attribute.name: attribute.field.mask for attribute in ATTRIBUTES},
}
"""Names of bits where no encoding gives its own."""


@dataclass(frozen=True, slots=True)
class Change:
    """`count` neighbouring entries that changed alike; the contents are the first one's.

    A content is a descriptor that is no table, or the table below, or None: nothing is mapped, or
    there is no entry since no table of that level maps `ia`.
    """

    ia: int
    level: int
    count: int
    old: int | Table | None
    new: int | Table | None


def changes_of(before: TablesSeen, after: TablesSeen) -> tuple[Change, ...]:
    """Return what changed, by ascending address, an entry before those of the table below it."""
    old, new = dict(_contents(before)), dict(_contents(after))
    merged: list[Change] = []
    # Tables of one level lie between those of others: neighbours are sought level by level.
    for level, ia in sorted(old.keys() | new.keys()):
        was, now = old.get((level, ia)), new.get((level, ia))
        if was == now:
            continue
        change = Change(ia, level, 1, was, now)
        if merged and _goes_on(after.geometry, merged[-1], change):
            merged[-1] = replace(merged[-1], count=merged[-1].count + 1)
        else:
            merged.append(change)
    return tuple(sorted(merged, key=lambda change: (change.ia, change.level)))


def differing_lines(before: HalfDump, after: HalfDump) -> Iterator[str]:
    """Yield the lines that one dump has and the other has not, under the marker they stand in."""
    lines = {-1: list(_placed(before)), 1: list(_placed(after))}
    both = {text for *_, text in lines[-1]} & {text for *_, text in lines[1]}
    different = sorted(
        (start, sign, marker, text)
        for sign, placed in lines.items()
        for start, marker, text in placed
        if text not in both
    )
    shown = ""
    for _, sign, marker, text in different:
        if marker != shown:
            yield f"@@ {marker} @@"
            shown = marker
        yield f"{'-' if sign < 0 else '+'}{text}"


def diff_text(
    names: tuple[str, str],
    dumps: Sequence[tuple[HalfDump, HalfDump]],
    changes: Sequence[tuple[Geometry, Sequence[Change]]],
    encoding: Encoding | None = None,
) -> str:
    """Return the differing lines of each half, then every change of entries with its bits' names.

    Empty where nothing differs. `encoding` gives the names of bits, else the architecture.
    """
    lines = [line for before, after in dumps for line in differing_lines(before, after)]
    lines += [change_line(geometry, one, encoding) for geometry, some in changes for one in some]
    if not lines:
        return ""
    return "\n".join([f"--- {names[0]}", f"+++ {names[1]}", *lines]) + "\n"


def change_line(geometry: Geometry, change: Change, encoding: Encoding | None = None) -> str:
    """Return one change: where, the two contents, and which bits and fields differ."""
    name = level_name(change.level, geometry)
    several = f" and {change.count - 1} more" if change.count > 1 else ""
    words = [
        f"# {name} of {change.ia:#018x}{several}:", _words(change.old), "->", _words(change.new)
    ]  # fmt: skip
    if isinstance(change.old, int) and isinstance(change.new, int):
        words += _differences(geometry, change.level, change.old, change.new, encoding)
    return " ".join(words)


def _placed(dump: HalfDump) -> Iterator[tuple[int, str, str]]:
    """Yield the lines and comments of a dump: first address, marker that they stand under, text."""
    marker = ""
    for line in dump.lines:
        if isinstance(line, Marker):
            marker = line.name
        else:
            yield line.start, marker, dump.text_of(line)
    commented: tuple[PassedBy | Problem, ...] = (*dump.passed, *dump.problems)
    for entry, text in zip(commented, dump.comments(), strict=True):
        under = [line.name for line in dump.lines if isinstance(line, Marker)
                 and line.start <= entry.ia]  # fmt: skip
        yield entry.ia, under[-1] if under else marker, text


def _contents(tables: TablesSeen) -> Iterator[tuple[tuple[int, int], int | Table]]:
    for found in seen(tables):
        if isinstance(found, Shown):
            yield (found.level, found.ia), found.descriptor
        elif isinstance(found, Table):
            yield (found.level - 1, found.ia), found


def _goes_on(geometry: Geometry, last: Change, change: Change) -> bool:
    step = geometry.granule.level_size(change.level)
    return (
        last.level == change.level
        and last.ia + last.count * step == change.ia
        and _alike(geometry, change.level, last.old, change.old)
        and _alike(geometry, change.level, last.new, change.new)
    )


def _alike(
    geometry: Geometry, level: int, one: int | Table | None, other: int | Table | None
) -> bool:
    """Return whether two contents differ in addresses only."""
    if isinstance(one, int) and isinstance(other, int):
        return (one ^ other) & ~leaf_address_mask(geometry, level) == 0
    return one is None and other is None


def _words(content: int | Table | None) -> str:
    if content is None:
        return "nothing"
    return f"table {content.address:#x}" if isinstance(content, Table) else f"{content:#018x}"


def _differences(
    geometry: Geometry, level: int, old: int, new: int, encoding: Encoding | None
) -> Iterator[str]:
    """Yield `-VALID` for a bit that was cleared, `+AF` for one that was set, fields as numbers."""
    addresses = leaf_address_mask(geometry, level)
    differing = (old ^ new) & ~addresses
    names = encoding.bits if encoding is not None and encoding.bits else _HARDWARE
    bits: dict[int, list[str]] = {}
    for name, mask in names.items():
        if differing & mask and not mask & addresses:
            bits.setdefault(mask, []).append(name)
    for mask, called in bits.items():
        name = "/".join(called)
        if mask & (mask - 1):
            lsb = (mask & -mask).bit_length() - 1
            yield f"{name} {(old & mask) >> lsb}->{(new & mask) >> lsb}"
        else:
            yield f"{'+' if new & mask else '-'}{name}"
    if (old ^ new) & addresses:
        here, there = (output_address(geometry, value, level) for value in (old, new))
        yield f"OA {here:#x}->{there:#x}"
