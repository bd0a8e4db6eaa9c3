"""Memory attributes of a location: from MAIR and SH, from stage 2, and combined."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from harness.arch.implementation import ReservedAttribute
from harness.vmsa.outcome import MemoryAttributes

DEVICE = ("nGnRnE", "nGnRE", "nGRE", "GRE")
"""Kinds of Device memory from the strictest on, by their encoding (DecodeDevice)."""

SHAREABILITY = ("NSH", "OSH", "OSH", "ISH")
"""By the encoding of SH (DecodeShareability); 0b01 is reserved, and taken as Outer Shareable."""

DEVICE_ATTRIBUTES = tuple(MemoryAttributes("Device", device=kind) for kind in DEVICE)
STRONGEST_DEVICE = DEVICE_ATTRIBUTES[0]


def normal(inner: str, outer: str, shareability: str) -> MemoryAttributes:
    """Return Normal memory; Non-cacheable both ways is Outer Shareable (EffectiveShareability).

    That holds for what stage 1 hands to stage 2 as well: an IMPLEMENTATION DEFINED choice.
    """
    if inner == outer == "NC":
        shareability = "OSH"
    return MemoryAttributes("Normal", inner=inner, outer=outer, shareability=shareability)


NON_CACHEABLE = normal("NC", "NC", "OSH")
DEFAULT_CACHEABLE = normal("WB", "WB", "NSH")
"""What stage 1 gives while HCR_EL2.DC is set."""
WRITE_THROUGH = normal("WT", "WT", "OSH")


def is_device(attribute: int) -> bool:
    """Return whether a MAIR attribute is Device memory (S1DecodeMemAttrs)."""
    return attribute >> 4 == 0


def _policy(nibble: int) -> str:
    """One half of a MAIR attribute for Normal memory (DecodeLDFAttr)."""
    if nibble == _NON_CACHEABLE:
        return "NC"
    return "WB" if nibble & 0b0100 else "WT"


_NON_CACHEABLE = 0b0100
_XS_FORMS = {0x40: "NC", 0xA0: "WT"}
"""Non-cacheable and Write-Through without the XS attribute (FEAT_XS)."""

RESERVED_ATTRIBUTES = frozenset(
    attribute
    for attribute in range(256)
    if (is_device(attribute) and attribute & 0b0010)
    or (not is_device(attribute) and attribute & 0b1111 == 0 and attribute not in _XS_FORMS)
)
"""Encodings that MAIR_ELx has no meaning for; what one is, is CONSTRAINED UNPREDICTABLE."""

RESERVED_AS: Mapping[ReservedAttribute, int] = MappingProxyType(
    {
        ReservedAttribute.DEVICE: 0x00,
        ReservedAttribute.NON_CACHEABLE: 0x44,
        ReservedAttribute.WRITE_BACK: 0xFF,
    }
)
"""The attribute that stands for a reserved one (S1ConstrainUnpredictableRESMAIR)."""


@cache
def stage1_attributes(attribute: int, shareability: int) -> MemoryAttributes:
    """Return what a MAIR attribute, not a reserved one, and SH mean (S1DecodeMemAttrs)."""
    outer, inner = attribute >> 4, attribute & 0b1111
    if outer == 0:
        return DEVICE_ATTRIBUTES[inner >> 2]
    if inner == 0:
        policy = _XS_FORMS[attribute]
        return normal(policy, policy, SHAREABILITY[shareability])
    return normal(_policy(inner), _policy(outer), SHAREABILITY[shareability])
