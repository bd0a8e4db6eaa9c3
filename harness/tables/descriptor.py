"""Stage 1 descriptors taken apart and put together: type bits, output address, next table."""

from __future__ import annotations

from collections.abc import Callable

from harness.arch.addresses import PhysicalAddress
from harness.errors import MappingError
from harness.tables.geometry import LAST_LEVEL, Geometry, OutputFormat

VALID = 1 << 0
TABLE_OR_PAGE = 1 << 1
TYPE_MASK = VALID | TABLE_OR_PAGE
CONTIGUOUS = 1 << 52
NOT_TRANSLATING = 1 << 16
"""nT of a block descriptor (FEAT_BBM): below every block's address field."""

_TOP = {OutputFormat.OA48: 47, OutputFormat.LPA: 47, OutputFormat.LPA2: 49}
_UPPER = {OutputFormat.LPA: (48, 4, 12), OutputFormat.LPA2: (50, 2, 8)}
"""Where the address bits above `_TOP` go: (lowest address bit, how many, lowest descriptor bit)."""


def is_table(descriptor: int, level: int) -> bool:
    """Return whether a walk goes on below this descriptor."""
    return level < LAST_LEVEL and descriptor & TYPE_MASK == TYPE_MASK


def valid_leaf_type(geometry: Geometry, level: int) -> int | None:
    """Return bits 1:0 of a valid leaf of `level`, None where the level has no leaves."""
    return leaf_type(level) if geometry.has_leaf(level) else None


def leaf_type(level: int) -> int:
    """Return bits 1:0 of a valid leaf: page at level 3, block above."""
    return TYPE_MASK if level == LAST_LEVEL else VALID


def address_mask(geometry: Geometry, lowest: int) -> int:
    """Return the descriptor bits that hold an address whose bits below `lowest` are 0."""
    mask = (1 << (_TOP[geometry.format] + 1)) - (1 << lowest)
    if geometry.format in _UPPER:
        _, count, place = _UPPER[geometry.format]
        mask |= ((1 << count) - 1) << place
    return mask


def leaf_address_mask(geometry: Geometry, level: int) -> int:
    """Return the descriptor bits that hold the OA of a leaf of `level`."""
    return address_mask(geometry, geometry.granule.level_shift(level))


def output_address(geometry: Geometry, descriptor: int, level: int) -> PhysicalAddress:
    """Return the OA of a block or page descriptor of `level`, whatever its type bits say."""
    return output_address_reader(geometry, level)(descriptor)


def output_address_reader(geometry: Geometry, level: int) -> Callable[[int], PhysicalAddress]:
    """Return `output_address` for one level, with what the geometry implies worked out once."""
    lowest = geometry.granule.level_shift(level)
    low = (1 << (_TOP[geometry.format] + 1)) - (1 << lowest)
    if geometry.format not in _UPPER:
        return lambda descriptor: PhysicalAddress(descriptor & low)
    first, count, place = _UPPER[geometry.format]
    high = (1 << count) - 1
    return lambda descriptor: PhysicalAddress(
        descriptor & low | (descriptor >> place & high) << first
    )


def next_table(geometry: Geometry, descriptor: int) -> PhysicalAddress:
    """Return the address that a table descriptor holds."""
    return output_address_reader(geometry, LAST_LEVEL)(descriptor)


def make_table(geometry: Geometry, table: PhysicalAddress) -> int:
    """Return a table descriptor without hierarchical attributes; `table` is granule aligned."""
    return _put_address(geometry, table, geometry.granule.value) | TYPE_MASK


def make_leaf(geometry: Geometry, level: int, oa: PhysicalAddress, bits: int) -> int:
    """Return a valid leaf of `level` for `oa` with the attribute `bits`, whose 1:0 do not count.

    MappingError when `bits` reach into the address field or `oa` is too wide or misaligned.
    """
    stray = bits & leaf_address_mask(geometry, level)
    if stray:
        raise MappingError(
            f"attribute bits {stray:#x} lie in the address field of a level {level} descriptor "
            f"({geometry.granule.label}, {geometry.format.value})"
        )
    address = _put_address(geometry, oa, geometry.granule.level_shift(level))
    return address | bits & ~TYPE_MASK | leaf_type(level)


def make_leaves(
    geometry: Geometry, level: int, oa: PhysicalAddress, bits: int, count: int
) -> list[int]:
    """Return `count` valid leaves of `level`, for consecutive addresses from `oa` on."""
    step = geometry.granule.level_size(level)
    end = oa + count * step
    first = make_leaf(geometry, level, oa, bits)
    if end <= 1 << (_TOP[geometry.format] + 1):
        return list(range(first, first + count * step, step))
    return [make_leaf(geometry, level, PhysicalAddress(at), bits) for at in range(oa, end, step)]


def _put_address(geometry: Geometry, address: int, lowest: int) -> int:
    if address >> geometry.format.oa_bits:
        raise MappingError(
            f"{address:#x} is wider than the {geometry.format.oa_bits} bits of a "
            f"{geometry.format.value} descriptor"
        )
    if address & ((1 << lowest) - 1):
        raise MappingError(f"{address:#x} is not aligned to {1 << lowest:#x} bytes")
    field = address & ((1 << (_TOP[geometry.format] + 1)) - 1)
    if geometry.format in _UPPER:
        first, _, place = _UPPER[geometry.format]
        field |= address >> first << place
    return field
