"""Memory attributes of stage 2, and how they combine with those of stage 1."""

from __future__ import annotations

from functools import cache

from harness.errors import UnsupportedError
from harness.vmsa.attributes import (
    DEVICE,
    DEVICE_ATTRIBUTES,
    SHAREABILITY,
    normal,
)
from harness.vmsa.outcome import MemoryAttributes

_POLICIES = ("", "NC", "WT", "WB")
"""By MemAttr[3:2] and [1:0] (S2DecodeCacheability)."""
_STRICTEST_POLICY = ("NC", "WT", "WB")
_WIDEST_SHAREABILITY = ("OSH", "ISH", "NSH")


@cache
def stage2_attributes(memory_attribute: int, shareability: int) -> MemoryAttributes:
    """Return what MemAttr and SH of a leaf mean (S2DecodeMemAttrs), before any combination."""
    outer, inner = memory_attribute >> 2, memory_attribute & 0b11
    if outer == 0:
        return DEVICE_ATTRIBUTES[inner]
    if inner == 0:
        raise UnsupportedError(f"reserved stage 2 MemAttr {memory_attribute:#06b} is not modelled")
    return normal(_POLICIES[inner], _POLICIES[outer], SHAREABILITY[shareability])


@cache
def combined(stage1: MemoryAttributes, stage2: MemoryAttributes) -> MemoryAttributes:
    """Return the attributes of the access: the stricter of both (S2CombineS1MemAttrs)."""
    if stage1.device is not None or stage2.device is not None:
        return _stricter_device(stage1.device, stage2.device)
    return normal(
        _first_of(_STRICTEST_POLICY, stage1.inner, stage2.inner),
        _first_of(_STRICTEST_POLICY, stage1.outer, stage2.outer),
        _first_of(_WIDEST_SHAREABILITY, stage1.shareability, stage2.shareability),
    )


def _stricter_device(one: str | None, other: str | None) -> MemoryAttributes:
    """S2CombineS1Device; one of both is Device."""
    strictest = min(DEVICE.index(kind) for kind in (one, other) if kind is not None)
    return DEVICE_ATTRIBUTES[strictest]


def _first_of(order: tuple[str, ...], one: str | None, other: str | None) -> str:
    """Return which of both comes first (S2CombineS1AttrHints, S2CombineS1Shareability)."""
    return next(each for each in order if each in {one, other})


@cache
def forced_write_back(
    stage1: MemoryAttributes, memory_attribute: int, shareability: int
) -> MemoryAttributes:
    """Return the attributes with HCR_EL2.FWB = 1 (AArch64.S2ApplyFWBMemAttrs)."""
    shared = _first_of(
        _WIDEST_SHAREABILITY, _declared_shareability(stage1), SHAREABILITY[shareability]
    )
    kind = memory_attribute & 0b11
    if not memory_attribute & 0b100:
        return _stricter_device(stage1.device, DEVICE[kind])
    if kind == _WRITE_BACK:
        return normal("WB", "WB", shared)
    if stage1.device is not None:
        return stage1
    if kind == _AS_STAGE1:
        return normal(stage1.inner or "", stage1.outer or "", shared)
    return normal("NC", "NC", shared)


_WRITE_BACK = 0b10
_AS_STAGE1 = 0b11


def _declared_shareability(attributes: MemoryAttributes) -> str:
    """Device memory is Outer Shareable, which its attributes leave out."""
    return attributes.shareability or "OSH"
