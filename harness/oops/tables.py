"""The report's tables: every printed entry at its own physical address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.granule import Granule
from harness.errors import MappingError
from harness.memory import PAGE_SIZE
from harness.oops.levels import PrintedEntry, PrintedWalk, printed_walk
from harness.oops.report import FaultReport
from harness.tables.descriptor import next_table, output_address
from harness.tables.geometry import Geometry

_NARROW = 48
_SUBSTITUTE = 0x4000_0000
_UPPER_HALF = 1 << 55
_TYPE = 0b11
_SPILL = 64
"""Bytes that one access may take: it may reach into the page after."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be rebuilt, in one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class RebuiltTables:
    """The walk's entries in physical memory.

    `root` is the report's own, or one that the harness chose (`notes` says so); `output` is the
    page of the location that the last entry would lead to, None where it holds no address.
    """

    geometry: Geometry
    root: PhysicalAddress
    words: Mapping[PhysicalAddress, int]
    places: Mapping[str, PhysicalAddress]
    """Address of each entry's descriptor, by Linux's name of the level."""
    output: PhysicalAddress | None
    output_size: int
    notes: tuple[str, ...]


def rebuild_tables(report: FaultReport) -> RebuiltTables | Refusal:
    """Put the entries where the log says that they are.

    Refused where the walk is not printed as a whole, or where two entries that differ would lie at
    one address.
    """
    walk = printed_walk(report)
    if walk is None or walk.absent or report.address is None:
        return Refusal("the entries of the walk are not all printed")
    try:
        geometry = geometry_of(report)
    except MappingError as error:
        return Refusal(error.reason)
    root, notes = _root(report, geometry, walk)
    words: dict[PhysicalAddress, int] = {}
    places: dict[str, PhysicalAddress] = {}
    table = root
    for entry in walk.entries:
        place = PhysicalAddress(table + 8 * geometry.index(report.address, entry.level))
        if words.setdefault(place, entry.value) != entry.value:
            return Refusal(
                f"two entries that differ would lie at {place:#x}: {words[place]:#018x} and "
                f"{entry.name}={entry.value:#018x}"
            )
        places[entry.name] = place
        table = next_table(geometry, entry.value)
    output, size = _output(geometry, walk.entries[-1], report.address)
    return RebuiltTables(
        geometry,
        root,
        MappingProxyType(words),
        MappingProxyType(places),
        output,
        size,
        (*notes, *_folded_notes(walk)),
    )


def geometry_of(report: FaultReport) -> Geometry:
    """Return the shape of the half that the fault's address lies in; MappingError if none has it.

    ValueError where the log prints no granule or size of addresses.
    """
    if report.granule is None or report.va_bits is None or report.address is None:
        raise ValueError("a report without geometry")
    return Geometry(
        report.granule,
        report.va_bits,
        bool(report.address & _UPPER_HALF),
        output_format(report.granule, report.va_bits),
    )


def output_format(granule: Granule, va_bits: int) -> OutputFormat:
    """Return how descriptors hold addresses: Linux uses LPA2 with 52-bit addresses only."""
    if granule is Granule.K64:
        return OutputFormat.LPA
    return OutputFormat.LPA2 if va_bits > _NARROW else OutputFormat.VMSA48


def ttbr_of(root: PhysicalAddress, geometry: Geometry) -> int:
    """Return the TTBR that holds `root`, with ASID 0: bits 51:48 go to 5:2 in 52-bit formats."""
    if geometry.format is OutputFormat.VMSA48:
        return root
    return root & ((1 << _NARROW) - 1) | (root >> _NARROW) << 2


def _root(
    report: FaultReport, geometry: Geometry, walk: PrintedWalk
) -> tuple[PhysicalAddress, tuple[str, ...]]:
    """Return the root table: the printed one where it can be one, else a place of our own."""
    printed = report.root
    if printed is None:
        reason = "is a pointer or its hash" if report.pgdp_is_pointer else "is not printed"
    elif printed % geometry.root_alignment:
        reason = f"is not aligned to the {geometry.root_alignment:#x} bytes of a root table"
    elif printed >> geometry.format.address_bits:
        reason = "is no physical address"
    else:
        return printed, ()
    taken = {next_table(geometry, entry.value) for entry in walk.entries}
    place = _SUBSTITUTE
    while PhysicalAddress(place) in taken:
        place += geometry.granule.size
    shown = "" if report.pgdp is None else f" {report.pgdp:#018x}"
    return PhysicalAddress(place), (
        f"pgdp{shown} {reason}: the root table is put at {place:#x} instead",
    )


def _folded_notes(walk: PrintedWalk) -> tuple[str, ...]:
    root = walk.entries[0]
    return tuple(
        f"{entry.name}={entry.value:#018x} is above the root level {walk.root_level}, which is "
        f"{root.name}: a folded level, not part of the walk"
        for entry in walk.folded
        if entry.value != root.value
    )


def _output(
    geometry: Geometry, last: PrintedEntry, address: int
) -> tuple[PhysicalAddress | None, int]:
    """Return the pages that the access would reach were the last entry a valid leaf."""
    if not last.value & ~_TYPE or not geometry.has_leaf(last.level):
        return None, 0
    base = output_address(geometry, last.value, last.level)
    inside = address & (geometry.granule.level_size(last.level) - 1)
    first = (base + inside) // PAGE_SIZE * PAGE_SIZE
    end = -(-(base + inside + _SPILL) // PAGE_SIZE) * PAGE_SIZE
    return PhysicalAddress(first), end - first
