"""Layouts of 64-bit descriptors (DDI 0487, D8.3.1, VMSAv8-64 descriptor formats)."""

from __future__ import annotations

from harness.arch.descriptors import fields as f
from harness.arch.descriptors.formats import LAST_LEVEL, DescriptorType, OutputFormat, View
from harness.arch.fields import Field, Kind

_TOP = 47
_TOP_LPA2 = 49
_LOWEST_ADDRESS_BIT = 12


def table_fields(view: View) -> tuple[Field, ...]:
    """Return the named fields of a table descriptor; the rest is IGNORED."""
    reserved = [Field(Kind.RES0.value, 50, _top(view) + 1, kind=Kind.RES0)]
    parts = [f.VALID, f.TYPE_TABLE, f.AF_TABLE]
    parts += _address(view, view.granule.value, next_table=True)
    if view.output is not OutputFormat.LPA and view.granule.value > _LOWEST_ADDRESS_BIT:
        low = view.granule.value - 1
        reserved.append(Field(Kind.RES0.value, low, _LOWEST_ADDRESS_BIT, kind=Kind.RES0))
    if view.stage == 1:
        parts += [f.PXN_TABLE, f.UXN_TABLE, f.AP_TABLE, f.NS_TABLE]
    else:
        reserved.append(Field(Kind.RES0.value, 63, 59, kind=Kind.RES0))
    return (*parts, *reserved)


def leaf_fields(view: View, descriptor_type: DescriptorType) -> tuple[Field, ...]:
    """Return the named fields of a block or page descriptor; the rest is RES0."""
    parts = [f.VALID, f.TYPE_LAST if view.level == LAST_LEVEL else f.TYPE_TABLE, f.AF]
    parts += _address(view, view.granule.level_shift(view.level))
    if descriptor_type is DescriptorType.BLOCK:
        parts.append(f.NT)
    if view.output is not OutputFormat.LPA2:
        parts.append(f.SH)
    parts.append(f.CONTIGUOUS)
    return (*parts, *(_stage1(view) if view.stage == 1 else _stage2(view)))


def _stage1(view: View) -> list[Field]:
    parts = [f.ATTR_INDX, f.NS, f.NG, f.GP, f.SOFTWARE, f.TOP_SOFTWARE]
    parts += [f.PO_INDEX, f.BIT_59] if view.overlay else [f.PBHA]
    if view.indirect:
        return [*parts, f.PI_INDEX_0, f.NDIRTY, f.PI_INDEX_1, f.PI_INDEX_32]
    return [*parts, f.AP, f.DBM, f.PXN, f.UXN]


def _stage2(view: View) -> list[Field]:
    parts = [f.MEM_ATTR, f.FNXS, f.NS_STAGE2, f.SOFTWARE_STAGE2]
    parts.append(f.PO_INDEX_STAGE2 if view.overlay else f.PBHA)
    if view.indirect:
        return [*parts, f.PI_INDEX_0, f.DIRTY, f.PI_INDEX_1, f.PI_INDEX_32]
    return [*parts, f.S2AP, f.DBM_STAGE2, f.XN_STAGE2]


def _top(view: View) -> int:
    return _TOP_LPA2 if view.output is OutputFormat.LPA2 else _TOP


def _address(view: View, lowest: int, *, next_table: bool = False) -> list[Field]:
    parts = [f.address(_top(view), lowest, next_table=next_table)]
    if view.output is OutputFormat.LPA:
        parts.append(f.NLTA_LPA if next_table else f.OA_LPA)
    if view.output is OutputFormat.LPA2:
        parts.append(f.NLTA_LPA2 if next_table else f.OA_LPA2)
    return parts
