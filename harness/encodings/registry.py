"""Encodings by name, and the names of attributes and bits that scenarios use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points

from harness.encodings.bare import bare
from harness.encodings.definition import Encoding
from harness.encodings.hardware import hardware_bits
from harness.encodings.kvm_stage2 import kvm_stage2
from harness.encodings.linux import linux, variants
from harness.encodings.linux_6_1 import variants_6_1
from harness.errors import InputError, ValueSyntaxError, did_you_mean

GROUP = "harness.encodings"
"""Of the entry points by which a package brings encodings of its own."""


@cache
def _all() -> dict[str, Encoding]:
    found = [
        bare(),
        *variants_6_1(),
        *(linux(variant) for variant in variants()),
        kvm_stage2(),
        *_from_packages(),
    ]
    return {encoding.name: encoding for encoding in found}


def _from_packages() -> Iterator[Encoding]:
    """Yield what installed packages register: an Encoding, or a function that returns several."""
    for entry in entry_points(group=GROUP):
        try:
            found = entry.load()
            several = found() if callable(found) else (found,)
            encodings = tuple(several)
        except Exception as error:
            raise InputError(
                f"the entry point {entry.name!r} of {GROUP} ({entry.value}) failed: {error}"
            ) from error
        for one in encodings:
            if not isinstance(one, Encoding):
                raise InputError(
                    f"the entry point {entry.name!r} of {GROUP} ({entry.value}) gives no Encoding"
                )
            yield one


def names() -> tuple[str, ...]:
    """Return the name of every encoding."""
    return tuple(_all())


def encoding(name: str) -> Encoding:
    """Return the encoding called `name`; ValueSyntaxError if there is none."""
    if name not in _all():
        raise ValueSyntaxError(f"no encoding is called {name!r} ({', '.join(names())})")
    return _all()[name]


def resolve_attributes(text: str) -> int:
    """Return the leaf bits of `ENCODING:NAME`, bits 1:0 clear.

    Bits of the encoding may be added and taken away: `linux-7.0:PAGE_KERNEL_TAGGED+DIRTY`,
    `linux-7.0:PAGE_KERNEL-AF`. ValueSyntaxError for an unknown name.
    """
    prefix, colon, rest = text.partition(":")
    if not colon:
        raise ValueSyntaxError(
            f"attributes {text!r} name no encoding: write ENCODING:NAME, such as "
            "linux-7.0:PAGE_KERNEL"
        )
    meaning = encoding(prefix.strip())
    base, *changes = re.split(r"([+-])", rest.strip())
    if base not in meaning.attributes:
        known = ", ".join(meaning.attributes) or "none"
        hint = did_you_mean(base, meaning.attributes)
        raise ValueSyntaxError(f"{meaning.name} has no attributes {base!r} ({known}){hint}")
    bits = meaning.attributes[base]
    for sign, name in zip(changes[::2], changes[1::2], strict=True):
        mask = _software_bits(meaning, name)
        bits = bits | mask if sign == "+" else bits & ~mask
    return bits


def bits_named(text: str) -> int:
    """Return the mask of the descriptor bits called `text`.

    A hardware name (`VALID`, `AF`, `AP[2]`, `PXN`), a name of an encoding
    (`linux-7.0.1:PRESENT_INVALID`), or several joined by `|`. ValueSyntaxError for an unknown
    name.
    """
    mask = 0
    for part in text.split("|"):
        prefix, colon, name = part.strip().partition(":")
        mask |= _software_bits(encoding(prefix), name) if colon else hardware_bits(prefix)
    return mask


def _software_bits(meaning: Encoding, name: str) -> int:
    if name not in meaning.bits:
        known = ", ".join(meaning.bits) or "none"
        hint = did_you_mean(name, meaning.bits)
        raise ValueSyntaxError(f"{meaning.name} has no bit {name!r} ({known}){hint}")
    return meaning.bits[name]
