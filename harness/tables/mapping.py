"""A mapping as it is asked for, and the leaves that it becomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import LAST_LEVEL
from harness.errors import Location, MappingError
from harness.tables.geometry import Geometry


class Shape(StrEnum):
    """What kind of leaves a mapping is made of; not stated, the largest that fit are taken."""

    PAGE = "page"
    BLOCK = "block"
    CONTIGUOUS = "contiguous"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Map [`ia`, `ia` + `size`) to `oa` onwards.

    `leaf_bits`: the attribute bits of every leaf; bits 1:0 do not count, the builder sets them.
    `shape` (a `Shape` or its name) and `level` narrow the choice of leaves; neither given takes
    the largest blocks, contiguous runs and pages that fit. `descriptor`: one whole entry, written
    as it is, valid or not; `oa`, `leaf_bits` and `shape` then say nothing, and `level` follows
    from `size` unless given. `name` and `at` are for messages.
    """

    ia: VirtualAddress
    oa: PhysicalAddress
    size: int
    leaf_bits: int
    shape: str | None = None
    level: int | None = None
    descriptor: int | None = None
    name: str = ""
    at: Location | None = None

    @property
    def end(self) -> int:
        """The first address after the mapping."""
        return self.ia + self.size

    def __str__(self) -> str:
        span = f"{self.ia:#x}+{self.size:#x}"
        return f"{self.name} ({span})" if self.name else span

    def error(self, reason: str) -> MappingError:
        """Return the error that this mapping cannot be built, with the place that asked for it."""
        return MappingError(f"mapping {self}: {reason}", self.at)


@dataclass(frozen=True, slots=True)
class LeafRun:
    """Neighbouring leaves of one level: [`ia`, `ia` + `size`) to `oa` onwards."""

    level: int
    contiguous: bool
    ia: int
    oa: int
    size: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """A leaf, or one run of leaves joined by the Contiguous bit, of `size` bytes."""

    level: int
    contiguous: bool
    size: int


def leaves_of(geometry: Geometry, mapping: Mapping) -> tuple[LeafRun, ...]:
    """Return the leaves that `mapping` becomes, by ascending address; MappingError if none can."""
    _check_range(geometry, mapping)
    if mapping.descriptor is not None:
        level = _level_of_descriptor(geometry, mapping)
        return (LeafRun(level, False, mapping.ia, mapping.oa, mapping.size),)
    if mapping.oa < 0 or (mapping.oa + mapping.size - 1) >> geometry.format.address_bits:
        raise mapping.error(
            f"the output address {mapping.oa:#x} is outside the {geometry.format.address_bits} "
            f"bits of {geometry.format.value} descriptors"
        )
    units = _units(geometry, mapping)
    try:
        return tuple(_cover(mapping.ia, mapping.oa, mapping.size, units))
    except _NoFitError as gap:
        raise mapping.error(_why_no_fit(mapping, units, gap)) from None


def _check_range(geometry: Geometry, mapping: Mapping) -> None:
    page = geometry.granule.size
    if mapping.size <= 0 or mapping.size % page:
        raise mapping.error(f"its size is no multiple of the granule ({page:#x})")
    if mapping.ia % page:
        raise mapping.error(f"its address is not aligned to the granule ({page:#x})")
    if not geometry.contains(mapping.ia, mapping.size):
        last = geometry.first + geometry.size - 1
        raise mapping.error(
            f"it leaves the {'high' if geometry.high else 'low'} half of {geometry.ia_bits} bits "
            f"({geometry.first:#x} to {last:#x})"
        )


def _level_of_descriptor(geometry: Geometry, mapping: Mapping) -> int:
    levels = range(geometry.start_level, LAST_LEVEL + 1)
    for level in levels if mapping.level is None else [mapping.level]:
        if level in levels and geometry.granule.level_size(level) == mapping.size:
            if mapping.ia % mapping.size:
                raise mapping.error(f"its address is not aligned to an entry of level {level}")
            return level
    where = "any level" if mapping.level is None else f"level {mapping.level}"
    raise mapping.error(f"a whole descriptor needs the size of one entry of {where}")


def _units(geometry: Geometry, mapping: Mapping) -> tuple[_Unit, ...]:
    """Return what the mapping may be made of, the largest first; MappingError if nothing."""
    if mapping.shape is not None and mapping.shape not in tuple(Shape):
        raise mapping.error(f"no shape is called {mapping.shape!r} ({', '.join(Shape)})")
    found = []
    for level in range(geometry.start_level, LAST_LEVEL + 1):
        if mapping.level not in {None, level} or not geometry.has_leaf(level):
            continue
        size = geometry.granule.level_size(level)
        run = geometry.contiguous_run(level)
        # A level that is named without a shape asks for its plain entries.
        free = mapping.shape is None and mapping.level is None
        if run is not None and (free or mapping.shape == Shape.CONTIGUOUS):
            found.append(_Unit(level, True, run * size))
        plain = Shape.PAGE if level == LAST_LEVEL else Shape.BLOCK
        if mapping.shape in {None, plain}:
            found.append(_Unit(level, False, size))
    if not found:
        what = f"{mapping.shape or 'leaf'} entries"
        where = "" if mapping.level is None else f" at level {mapping.level}"
        raise mapping.error(
            f"there are no {what}{where} ({geometry.granule.label}, {geometry.ia_bits}-bit IA, "
            f"{geometry.format.value} descriptors)"
        )
    return tuple(sorted(found, key=lambda unit: unit.size, reverse=True))


class _NoFitError(Exception):
    """[`ia`, `ia` + `size`) is left over and no unit fits it."""

    def __init__(self, ia: int, size: int) -> None:
        self.ia = ia
        self.size = size
        super().__init__()


def _cover(ia: int, oa: int, size: int, units: Sequence[_Unit]) -> Iterator[LeafRun]:
    """Cover the range with the largest unit where it fits, what is left of it with smaller ones."""
    if not size:
        return
    if not units:
        raise _NoFitError(ia, size)
    unit, smaller = units[0], units[1:]
    start = -(-ia // unit.size) * unit.size
    end = (ia + size) // unit.size * unit.size
    if start >= end or (ia - oa) % unit.size:
        yield from _cover(ia, oa, size, smaller)
        return
    yield from _cover(ia, oa, start - ia, smaller)
    yield LeafRun(unit.level, unit.contiguous, start, oa + start - ia, end - start)
    yield from _cover(end, oa + end - ia, ia + size - end, smaller)


def _why_no_fit(mapping: Mapping, units: Sequence[_Unit], gap: _NoFitError) -> str:
    least = units[-1]
    what = "contiguous run" if least.contiguous else "entry"
    kind = f"a level {least.level} {what} of {least.size:#x} bytes"
    for name, address in (("address", mapping.ia), ("output address", mapping.oa)):
        if address % least.size:
            return f"its {name} {address:#x} is not aligned to {kind}"
    return f"{gap.size:#x} bytes at {gap.ia:#x} are less than {kind}"
