"""Descriptors as tests write them, to the bits of a level 3 page descriptor and back.

What tests do not name is fixed: Normal Write-Back memory (MAIR attribute 0), Inner Shareable, not
global, not executable: a page of a user process under Linux.
"""

from __future__ import annotations

from harness.arch.descriptors import fields as f
from harness.arch.fields import Field
from harness.litmus.values import FIELDS, Descriptor, Symbol

_INNER_SHAREABLE = 3
_OUTPUT = f.address(47, 12)
_EL0 = Field("AP[1]", 6, 6)
_READ_ONLY = Field("AP[2]", 7, 7)

FIXED = f.TYPE_LAST.mask | f.SH.set(0, _INNER_SHAREABLE) | f.NG.mask | f.PXN.mask | f.UXN.mask
"""Everything but the fields of `Descriptor`."""

_BITS: dict[str, tuple[Field, bool]] = {
    "valid": (f.VALID, False),
    "af": (f.AF, False),
    "dbm": (f.DBM, False),
    "el0": (_EL0, False),
    "db": (_READ_ONLY, True),
}
"""The bit of each field, and whether it is stored inverted."""


def encode(descriptor: Descriptor, oa: int) -> int:
    """Return the 64-bit descriptor; `oa` is the address that its `oa` names."""
    value = FIXED | oa
    for name in FIELDS:
        bit, inverted = _BITS[name]
        value = bit.set(value, getattr(descriptor, name) ^ inverted)
    return value


def output_address(value: int) -> int:
    """Return the output address of a descriptor."""
    return value & _OUTPUT.mask


def decode(value: int, oa: Symbol) -> Descriptor | None:
    """Return the descriptor that tests would write for `value`, None where they have no words."""
    contents = {name: bit.get(value) ^ inverted for name, (bit, inverted) in _BITS.items()}
    descriptor = Descriptor(oa, **contents)
    return descriptor if encode(descriptor, output_address(value)) == value else None
