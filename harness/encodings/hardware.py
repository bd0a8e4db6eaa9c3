"""Attribute fields of a stage 1 leaf as a user names them: whole fields, or bits to edit.

The positions are those of `harness.arch.descriptors`. The address field has no name here: a mapping
states its output address, an edit that changes it writes a whole descriptor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.arch.descriptors import fields as f
from harness.arch.fields import Field
from harness.errors import ValueSyntaxError

_AP_WORDS = ("RW", "RW_EL0", "RO", "RO_EL0")
_SH_WORDS = ("NSH", "", "OSH", "ISH")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field of a leaf, its short name, and the words for its values 0, 1, …; empty for none."""

    name: str
    field: Field
    words: tuple[str, ...] = ()


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("PBHA", f.PBHA),
    Attribute("Software", f.SOFTWARE),
    Attribute("UXN", f.UXN),
    Attribute("PXN", f.PXN),
    Attribute("Contiguous", f.CONTIGUOUS),
    Attribute("DBM", f.DBM),
    Attribute("GP", f.GP),
    Attribute("nT", f.NT),
    Attribute("nG", f.NG),
    Attribute("AF", f.AF),
    Attribute("SH", f.SH, _SH_WORDS),
    Attribute("AP", f.AP, _AP_WORDS),
    Attribute("NS", f.NS),
    Attribute("AttrIndx", f.ATTR_INDX),
)

_OTHER_NAMES: Mapping[str, int] = MappingProxyType(
    {
        "VALID": f.VALID.mask,
        "TABLE": f.TYPE_TABLE.mask,
        "AP[1]": 1 << f.AP.lsb,
        "AP[2]": 1 << f.AP.msb,
        "CONT": f.CONTIGUOUS.mask,
        "XN": f.UXN.mask,
        "NSTable": f.NS_TABLE.mask,
        "APTable": f.AP_TABLE.mask,
        "UXNTable": f.UXN_TABLE.mask,
        "XNTable": f.UXN_TABLE.mask,
        "PXNTable": f.PXN_TABLE.mask,
    }
)

_MASKS: Mapping[str, int] = MappingProxyType(
    {
        **{name.upper(): mask for name, mask in _OTHER_NAMES.items()},
        **{attribute.name.upper(): attribute.field.mask for attribute in ATTRIBUTES},
    }
)


def hardware_bits(name: str) -> int:
    """Return the mask of the field or bit that the architecture calls `name`, in any case.

    ValueSyntaxError for another name.
    """
    mask = _MASKS.get(name.upper())
    if mask is None:
        known = ", ".join((*_OTHER_NAMES, *(attribute.name for attribute in ATTRIBUTES)))
        raise ValueSyntaxError(
            f"the architecture has no descriptor bit {name!r} ({known}); a kernel's own names are "
            "written ENCODING:NAME, such as linux-7.0.1:PRESENT_INVALID"
        )
    return mask


def resolve_fields(fields: Mapping[str, int | str]) -> int:
    """Return the leaf bits that the fields state, all others 0.

    A value is a number, or a word that the field has for one: AP = "RW", SH = "ISH".
    ValueSyntaxError for an unknown field or word, or a number that does not fit.
    """
    by_name = {attribute.name.upper(): attribute for attribute in ATTRIBUTES}
    bits = 0
    for name, content in fields.items():
        attribute = by_name.get(name.upper())
        if attribute is None:
            known = ", ".join(attribute.name for attribute in ATTRIBUTES)
            raise ValueSyntaxError(f"a leaf has no attribute field {name!r} ({known})")
        bits = attribute.field.set(bits, _number(attribute, content))
    return bits


def _number(attribute: Attribute, content: int | str) -> int:
    width = attribute.field.width
    kind = f"number of {width} bit{'s' if width > 1 else ''}"
    words = {word: number for number, word in enumerate(attribute.words) if word}
    text = str(int(content)) if isinstance(content, int) else content.upper()
    try:
        number = words[text] if text in words else int(text, 0)
    except ValueError:
        known = ", ".join(words) or f"a {kind}"
        raise ValueSyntaxError(f"{attribute.name} has no value {content!r} ({known})") from None
    if number < 0 or number >> width:
        raise ValueSyntaxError(f"{attribute.name}: {content} is no {kind}")
    return number
