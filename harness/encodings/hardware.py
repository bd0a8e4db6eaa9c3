"""Attribute fields of a stage 1 leaf as a user names them: whole fields, or bits to edit.

Source: DDI 0487 D8.3, VMSAv8-64 Block and Page descriptors. The address field has no name here:
a mapping states its output address, an edit that changes it writes a whole descriptor.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.fields import Field
from harness.errors import ValueSyntaxError

_AP = {0: "RW", 1: "RW_EL0", 2: "RO", 3: "RO_EL0"}
_SH = {0: "NSH", 2: "OSH", 3: "ISH"}

ATTRIBUTES: tuple[Field, ...] = (
    Field("PBHA", 62, 59, "Page-based hardware attributes"),
    Field("Software", 58, 55, "Ignored by hardware, for software's use"),
    Field("UXN", 54, 54, "Unprivileged execute-never"),
    Field("PXN", 53, 53, "Privileged execute-never"),
    Field("Contiguous", 52, 52, "One of a contiguous run"),
    Field("DBM", 51, 51, "Dirty Bit Modifier"),
    Field("GP", 50, 50, "Guarded Page"),
    Field("nT", 16, 16, "Not to be cached in a TLB while size changes"),
    Field("nG", 11, 11, "not Global"),
    Field("AF", 10, 10, "Access Flag"),
    Field("SH", 9, 8, "Shareability", MappingProxyType(_SH)),
    Field("AP", 7, 6, "Data Access Permissions", MappingProxyType(_AP)),
    Field("NS", 5, 5, "Non-secure"),
    Field("AttrIndx", 4, 2, "Index of MAIR_ELx"),
)

_OTHER_NAMES: Mapping[str, int] = MappingProxyType(
    {
        "VALID": 1 << 0,
        "TABLE": 1 << 1,
        "AP[1]": 1 << 6,
        "AP[2]": 1 << 7,
        "CONT": 1 << 52,
        "XN": 1 << 54,
        "NSTable": 1 << 63,
        "APTable": 3 << 61,
        "UXNTable": 1 << 60,
        "XNTable": 1 << 60,
        "PXNTable": 1 << 59,
    }
)

_MASKS: Mapping[str, int] = MappingProxyType(
    {
        name.upper(): mask
        for name, mask in (
            *((field.name, field.mask) for field in ATTRIBUTES),
            *_OTHER_NAMES.items(),
        )
    }
)


def hardware_bits(name: str) -> int:
    """Return the mask of the field or bit that the architecture calls `name`, in any case.

    ValueSyntaxError for another name.
    """
    mask = _MASKS.get(name.upper())
    if mask is None:
        known = ", ".join((*_OTHER_NAMES, *(field.name for field in ATTRIBUTES)))
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
    by_name = {field.name.upper(): field for field in ATTRIBUTES}
    bits = 0
    for name, content in fields.items():
        field = by_name.get(name.upper())
        if field is None:
            known = ", ".join(field.name for field in ATTRIBUTES)
            raise ValueSyntaxError(f"a leaf has no attribute field {name!r} ({known})")
        bits = _put(field, bits, content)
    return bits


def _put(field: Field, bits: int, content: int | str) -> int:
    number = _number(field, content)
    if number < 0 or number >> field.width:
        raise ValueSyntaxError(f"{field.name}: {content} is no {_number_of_bits(field)}")
    return field.set(bits, number)


def _number(field: Field, content: int | str) -> int:
    if not isinstance(content, str):
        return int(content)
    for number, word in field.values.items():
        if word == content.upper():
            return number
    try:
        return int(content, 0)
    except ValueError:
        words = ", ".join(field.values.values())
        raise ValueSyntaxError(
            f"{field.name} has no value {content!r} ({words or f'a {_number_of_bits(field)}'})"
        ) from None


def _number_of_bits(field: Field) -> str:
    return f"number of {field.width} bit{'s' if field.width > 1 else ''}"
