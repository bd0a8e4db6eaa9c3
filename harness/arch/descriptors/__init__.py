"""Translation table descriptors as layouts: every format, granule, level and stage.

What a descriptor *is* to hardware is decided in `harness.vmsa`, not here: `descriptor_layout` shows
the bits as the type that it is asked for. Source: DDI 0487, D8.3, Translation table descriptor
formats.
"""

from __future__ import annotations

from functools import cache

from harness.arch.descriptors import d128, fields
from harness.arch.descriptors.formats import (
    BLOCK_LEVELS,
    LAST_LEVEL,
    DescriptorType,
    OutputFormat,
    View,
    has_level,
)
from harness.arch.descriptors.vmsa64 import leaf_fields, table_fields
from harness.arch.fields import Field, Kind, Layout

__all__ = [
    "BLOCK_LEVELS",
    "LAST_LEVEL",
    "DescriptorType",
    "OutputFormat",
    "View",
    "descriptor_layout",
    "has_level",
]


@cache
def descriptor_layout(view: View, descriptor_type: DescriptorType) -> Layout:
    """Return the fields of a descriptor of `descriptor_type` at the place that `view` says.

    ValueError for a type that cannot be at that level in that format.
    """
    width = 128 if view.output is OutputFormat.D128 else 64
    name = f"{descriptor_type.value.capitalize()} descriptor"
    long_name = (
        f"stage {view.stage}, level {view.level}, {view.granule.label} granule, {view.output.value}"
    )
    if descriptor_type is DescriptorType.INVALID:
        rest = Field(Kind.IGNORED.value, width - 1, 1, "Free for software", kind=Kind.IGNORED)
        return Layout(name, long_name, width, (rest, fields.VALID))
    if not view.allows(descriptor_type):
        raise ValueError(
            f"no {descriptor_type.value} descriptor exists at level {view.level} "
            f"({view.granule.label} granule, {view.output.value})"
        )
    is_table = descriptor_type is DescriptorType.TABLE
    if view.output is OutputFormat.D128:
        parts = d128.table_fields(view) if is_table else d128.leaf_fields(view)
    else:
        parts = table_fields(view) if is_table else leaf_fields(view, descriptor_type)
    gaps = Kind.IGNORED if is_table and width != d128.WIDTH else Kind.RES0
    return Layout.of(name, long_name, *parts, width=width, gaps=gaps)
