"""Layouts of 128-bit descriptors (DDI 0487, D8.3.2, VMSAv9-128 descriptor formats)."""

from __future__ import annotations

from harness.arch.descriptors import fields as f
from harness.arch.descriptors.formats import View
from harness.arch.fields import Field, Kind, flag

WIDTH = 128
_TOP = 55

NT = flag("nT", 6, "Block translation entry, if SKL is not 0", "may be cached", "may not be")
ATTR_INDX_3 = Field(
    "AttrIndx[3]", 5, 5, "Memory attributes, bit 3", kind=Kind.IGNORED, feature="FEAT_AIE"
)
SOFTWARE = Field("Software", 100, 91, "Reserved for software use", kind=Kind.SOFTWARE)
SKL = Field("SKL", 110, 109, "Skip level: levels of the walk that this entry skips")
CONTIGUOUS = flag("Contiguous", 111, "One of a contiguous run of entries", "no", "yes")
DISCH = flag("DisCH", 112, "Contiguous bit of the entries below", "used", "ignored")
GP = flag("GP", 113, "Guarded page", "no", "indirect branches need BTI", "FEAT_BTI")
PROTECTED = flag("Protected", 114, "Protected attribute", "no", "yes", "FEAT_THE")
ASSURED_ONLY = flag("AssuredOnly", 114, "Only assured translations", "no", "yes", "FEAT_THE")
PI_INDEX = Field("PIIndex", 118, 115, "Permission index into PIR")
PO_INDEX = Field("POIndex", 124, 121, "Overlay index into POR, if overlays are on")
NS = Field("NS", 127, 127, "Non-secure; RES0 outside Secure and Realm state", kind=Kind.RES0)

_COMMON = (f.VALID, f.AF, NT, SOFTWARE, SKL)
_LEAF = (f.SH, CONTIGUOUS, PI_INDEX, PO_INDEX, NS)


def leaf_fields(view: View) -> tuple[Field, ...]:
    """Return the named fields of a block or page descriptor; the rest is RES0."""
    parts = (*_COMMON, *_LEAF, f.address(_TOP, view.granule.value))
    if view.stage == 1:
        ignored = Field(Kind.IGNORED.value, 112, 112, kind=Kind.IGNORED)
        return (*parts, f.ATTR_INDX, ATTR_INDX_3, f.NDIRTY, f.NG, GP, PROTECTED, ignored)
    return (*parts, f.MEM_ATTR, f.DIRTY, f.FNXS, ASSURED_ONLY)


def table_fields(view: View) -> tuple[Field, ...]:
    """Return the named fields of a table descriptor; the rest is RES0."""
    ignored = [(124, 121), (118, 115), (111, 111), (11, 11), (9, 7), (5, 2)]
    parts = [f.VALID, f.AF_TABLE, NT, SOFTWARE, SKL]
    parts.append(f.address(_TOP, view.granule.value, next_table=True))
    if view.stage == 1:
        ignored.append((113, 113))
        parts += [PROTECTED, DISCH]
    else:
        ignored.append((114, 114))
    parts += [Field(Kind.IGNORED.value, msb, lsb, kind=Kind.IGNORED) for msb, lsb in ignored]
    return tuple(parts)
