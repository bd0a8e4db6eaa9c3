"""The printed entries as levels of a walk: which of pgd, p4d, pud, pmd and pte are real.

Linux names levels from the leaf up: pte 3, pmd 2, pud 1, p4d 0, pgd -1; a kernel without p4d calls
level 0 pgd. With fewer levels the upper names are folded into the root: printed equal to it where
the kernel was built so, or as some unrelated word where a 5-level kernel runs with 4 (facts of
arch/arm64/include/asm/pgtable.h).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.encodings.levels import NAMES, start_level
from harness.oops.report import LEVEL_NAMES, FaultReport

LAST_LEVEL = 3
_TABLE = 0b11


@dataclass(frozen=True, slots=True)
class PrintedEntry:
    """One entry on the way of the walk."""

    level: int
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class PrintedWalk:
    """The entries that the hardware's walk would read, as far as the log has them.

    `absent` names the entry that the walk needs next and that is not printed, None where the walk
    comes to its end. `folded` are the printed entries above the root level.
    """

    root_level: int
    entries: tuple[PrintedEntry, ...]
    absent: str | None
    folded: tuple[PrintedEntry, ...]


def printed_walk(report: FaultReport) -> PrintedWalk | None:
    """Return the walk of the printed entries; None where no possible geometry is printed."""
    if report.granule is None or report.va_bits is None or not report.entries:
        return None
    top = start_level(report.granule, report.va_bits)
    if top not in NAMES:
        return None
    entries: list[PrintedEntry] = []
    absent = None
    for level in range(top, LAST_LEVEL + 1):
        name = _name_of(report, level)
        if name not in report.entries:
            absent = name
            break
        entry = PrintedEntry(level, name, report.entries[name])
        entries.append(entry)
        if is_last(entry):
            break
    used = {entry.name for entry in entries}
    upper = LEVEL_NAMES[: LEVEL_NAMES.index(_name_of(report, top))]
    folded = tuple(
        PrintedEntry(top, name, report.entries[name])
        for name in upper
        if name in report.entries and name not in used
    )
    return PrintedWalk(top, tuple(entries), absent, folded)


def is_last(entry: PrintedEntry) -> bool:
    """Return whether the walk ends here: anything but a table (AArch64.DecodeDescriptorType)."""
    return entry.level == LAST_LEVEL or entry.value & _TABLE != _TABLE


def _name_of(report: FaultReport, level: int) -> str:
    """Return Linux's name of the level: level 0 is pgd where the kernel prints no p4d."""
    if level == 0 and "p4d" not in report.entries:
        return "pgd"
    return NAMES[level]
