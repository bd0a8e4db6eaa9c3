"""Why the access faulted, in a sentence: the descriptor, its bits, and what the kernel makes of it.

Also which single bit of that descriptor is the cause: the one that, changed alone, lets the
reference model translate the access.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import (
    LAST_LEVEL,
    DescriptorType,
    OutputFormat,
    View,
    descriptor_layout,
)
from harness.arch.faults import FaultKind
from harness.encodings import Encoding, encoding
from harness.encodings.words import size_in_words
from harness.oops.levels import PrintedEntry, printed_walk
from harness.oops.model import ModelWalk
from harness.oops.report import FaultReport
from harness.oops.tables import RebuiltTables
from harness.vmsa.outcome import Fault, Translation

_VALID = 1
_TYPE = 0b11
_TABLE = 0b11
_BITS = 64
_BY_ONE_BIT = (FaultKind.TRANSLATION, FaultKind.ACCESS_FLAG, FaultKind.PERMISSION)
"""Faults of which a bit of the descriptor can be the whole cause."""
_MAINLINE_BETWEEN = re.compile(r"7\.0\.0-\d{5}-g")
_PATCH = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class DecidingBit:
    """One bit of one descriptor: with it as `value`, the access reaches `pa`."""

    bit: int
    value: int
    name: str
    """The manual's name of the field that the bit is in."""
    place: PhysicalAddress
    descriptor: int
    """The descriptor with the bit changed."""
    pa: PhysicalAddress


@dataclass(frozen=True, slots=True)
class Cause:
    """The sentence, what the kernel makes of the descriptor (empty where that is not known)."""

    sentence: str
    kernel: str
    deciding: DecidingBit | None


def cause_of(report: FaultReport, tables: RebuiltTables, walk: ModelWalk) -> Cause | None:
    """Return the cause of the model's fault, None where the model has none."""
    fault = walk.outcome
    if not isinstance(fault, Fault):
        return None
    entry = _deciding_entry(report, fault)
    if entry is None:
        last = walk.steps[-1] if walk.steps else None
        sentence = f"{last.decision.rstrip('.')} ({last.rule})" if last else fault.kind.value
        return Cause(sentence, "", None)
    bit = _deciding_bit(tables, walk, entry, fault)
    meaning = kernel_encoding(report.kernel, tables)
    sentence = f"level {entry.level} ({entry.name}): {_sentence(tables, walk, entry, fault, bit)}"
    says = ""
    if meaning is not None and entry.value:
        sentence += _asked(meaning, entry)
        says = (
            f"{meaning.name}: {meaning.describe(entry.value, entry.level, tables.geometry.granule)}"
        )
    return Cause(sentence, says, bit)


def kernel_encoding(release: str | None, tables: RebuiltTables) -> Encoding | None:
    """Return the encoding of a release, None for one whose meaning of the bits is not known here.

    A build from between 7.0 and 7.1 may have the fix of 7.0.1 or not: none is named for it.
    """
    match = _PATCH.match(release or "")
    if match is None or release is None or _MAINLINE_BETWEEN.match(release):
        return None
    version = (int(match[1]), int(match[2]), int(match[3] or 0))
    if version < (7, 0, 0):
        return None
    suffix = "-lpa2" if tables.geometry.format is OutputFormat.LPA2 else ""
    return encoding(("linux-7.0.1" if version >= (7, 0, 1) else "linux-7.0") + suffix)


def view_of(tables: RebuiltTables, level: int) -> View:
    """Return where a descriptor of these tables lies, for its layout."""
    return View(tables.geometry.granule, level, output=tables.geometry.format)


def shape_of(tables: RebuiltTables, level: int, value: int) -> DescriptorType:
    """Return what the descriptor is or, if it is Invalid, what its other bits would make it."""
    if level == LAST_LEVEL:
        return DescriptorType.PAGE
    if value & _TABLE & ~_VALID or not tables.geometry.has_leaf(level):
        return DescriptorType.TABLE
    return DescriptorType.BLOCK


def _deciding_entry(report: FaultReport, fault: Fault) -> PrintedEntry | None:
    walk = printed_walk(report)
    if walk is None or not walk.entries:
        return None
    level = walk.entries[-1].level if fault.level is None else fault.level
    return next((entry for entry in walk.entries if entry.level == level), None)


def _deciding_bit(
    tables: RebuiltTables, walk: ModelWalk, entry: PrintedEntry, fault: Fault
) -> DecidingBit | None:
    if fault.kind not in _BY_ONE_BIT:
        return None
    place = tables.places[entry.name]
    found = []
    for bit in range(_BITS):
        changed = entry.value ^ (1 << bit)
        memory = walk.memory.copy()
        memory.write64(place, changed)
        outcome = walk.mmu.translate(memory, walk.recorded.access)
        if isinstance(outcome, Translation):
            found.append((bit, changed, outcome.pa))
    if len(found) != 1:
        return None
    bit, changed, pa = found[0]
    layout = descriptor_layout(view_of(tables, entry.level), shape_of(tables, entry.level, changed))
    name = next(part.name for part in layout if part.lsb <= bit <= part.msb)
    return DecidingBit(bit, changed >> bit & 1, name, place, changed, pa)


def _sentence(
    tables: RebuiltTables,
    walk: ModelWalk,
    entry: PrintedEntry,
    fault: Fault,
    bit: DecidingBit | None,
) -> str:
    size = size_in_words(tables.geometry.granule.level_size(entry.level))
    shape = shape_of(tables, entry.level, entry.value)
    leaf = f"{size} {shape.value}"
    if fault.kind is not FaultKind.TRANSLATION:
        decision = walk.steps[-1].decision.rstrip(".") if walk.steps else fault.kind.value
        return f"a valid {leaf}; {decision}"
    if not entry.value:
        return "the entry is 0: nothing is mapped"
    if entry.value & _VALID:
        return f"bits 1:0 are 0b{entry.value & _TYPE:02b}, which is reserved at this level"
    if shape is DescriptorType.TABLE:
        return "bit 0 is clear, otherwise a table: an invalid table"
    if bit is None or bit.bit != 0:
        return "bit 0 is clear: an invalid entry that is not 0"
    large = "an invalid large leaf" if shape is DescriptorType.BLOCK else "an invalid page"
    return f"bit 0 is clear, otherwise a well-formed {leaf}: {large}"


def _asked(meaning: Encoding, entry: PrintedEntry) -> str:
    """Say what the predicate by which the kernel decides to edit an entry answers."""
    level = meaning.level(entry.level)
    if level.edited_if is None:
        return ""
    answer = "true" if level.predicates[level.edited_if](entry.value) else "false"
    return f"; {level.edited_if}() is {answer} for it"
