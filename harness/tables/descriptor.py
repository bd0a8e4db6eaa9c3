"""Stage 1 descriptors taken apart and put together: type bits, output address, next table."""

from __future__ import annotations

from collections.abc import Callable

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import LAST_LEVEL, OutputFormat, fields
from harness.errors import MappingError
from harness.tables.geometry import Geometry

VALID = fields.VALID.mask
TABLE_OR_PAGE = fields.TYPE_TABLE.mask
TYPE_MASK = VALID | TABLE_OR_PAGE
CONTIGUOUS = fields.CONTIGUOUS.mask
NOT_TRANSLATING = fields.NT.mask
"""nT of a block: no address bit, a page has one there."""

_WIDTH_IN_PLACE = {OutputFormat.VMSA48: 48, OutputFormat.LPA: 48, OutputFormat.LPA2: 50}
"""How many address bits stand at their own places."""
_UPPER = {OutputFormat.LPA: fields.OA_LPA, OutputFormat.LPA2: fields.OA_LPA2}
"""The field of the address bits above those."""


def is_table(descriptor: int, level: int) -> bool:
    """Return whether a walk goes on below this descriptor."""
    return level < LAST_LEVEL and descriptor & TYPE_MASK == TYPE_MASK


def valid_leaf_type(geometry: Geometry, level: int) -> int | None:
    """Return bits 1:0 of a valid leaf of `level`, None where the level has no leaves."""
    return leaf_type(level) if geometry.has_leaf(level) else None


def leaf_type(level: int) -> int:
    """Return bits 1:0 of a valid leaf: page at level 3, block above."""
    return TYPE_MASK if level == LAST_LEVEL else VALID


def leaf_address_mask(geometry: Geometry, level: int) -> int:
    """Return the descriptor bits that hold the OA of a leaf of `level`."""
    mask = _in_place(geometry, geometry.granule.level_shift(level))
    upper = _UPPER.get(geometry.format)
    return mask if upper is None else mask | upper.mask


def output_address(geometry: Geometry, descriptor: int, level: int) -> PhysicalAddress:
    """Return the OA of a block or page descriptor of `level`, whatever its type bits say."""
    return output_address_reader(geometry, level)(descriptor)


def output_address_reader(geometry: Geometry, level: int) -> Callable[[int], PhysicalAddress]:
    """Return `output_address` for one level, with what the geometry implies worked out once."""
    low = _in_place(geometry, geometry.granule.level_shift(level))
    upper = _UPPER.get(geometry.format)
    if upper is None:
        return lambda descriptor: PhysicalAddress(descriptor & low)
    width, get = _WIDTH_IN_PLACE[geometry.format], upper.get
    return lambda descriptor: PhysicalAddress(descriptor & low | get(descriptor) << width)


def next_table(geometry: Geometry, descriptor: int) -> PhysicalAddress:
    """Return the address that a table descriptor holds."""
    return output_address_reader(geometry, LAST_LEVEL)(descriptor)


def make_table(geometry: Geometry, table: PhysicalAddress) -> int:
    """Return a table descriptor without hierarchical attributes; `table` is granule aligned."""
    return put_address(geometry, table, geometry.granule.value) | TYPE_MASK


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
    address = put_address(geometry, oa, geometry.granule.level_shift(level))
    return address | bits & ~TYPE_MASK | leaf_type(level)


def make_leaves(
    geometry: Geometry, level: int, oa: PhysicalAddress, bits: int, count: int
) -> list[int]:
    """Return `count` valid leaves of `level`, for consecutive addresses from `oa` on."""
    step = geometry.granule.level_size(level)
    end = oa + count * step
    first = make_leaf(geometry, level, oa, bits)
    if end <= 1 << _WIDTH_IN_PLACE[geometry.format]:
        return list(range(first, first + count * step, step))
    return [make_leaf(geometry, level, PhysicalAddress(at), bits) for at in range(oa, end, step)]


def put_address(geometry: Geometry, address: int, lowest: int) -> int:
    """Return the descriptor bits of an address aligned to bit `lowest`; MappingError if not."""
    if address >> geometry.format.address_bits:
        raise MappingError(
            f"{address:#x} is wider than the {geometry.format.address_bits} bits of a "
            f"{geometry.format.value} descriptor"
        )
    if address & ((1 << lowest) - 1):
        raise MappingError(f"{address:#x} is not aligned to {1 << lowest:#x} bytes")
    field = address & _in_place(geometry, lowest)
    upper = _UPPER.get(geometry.format)
    if upper is None:
        return field
    return upper.set(field, address >> _WIDTH_IN_PLACE[geometry.format])


def _in_place(geometry: Geometry, lowest: int) -> int:
    """Return the bits from `lowest` up that stand at their own places."""
    return (1 << _WIDTH_IN_PLACE[geometry.format]) - (1 << lowest)
