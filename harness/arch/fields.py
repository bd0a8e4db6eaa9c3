"""Bit fields as declared data: what a register, descriptor or syndrome is made of.

A `Field` is the manual's short name, long name, position and meanings; a `Layout` is the whole of
a register or descriptor. Both are plain values: reading one decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class Kind(Enum):
    """How the architecture treats the bits."""

    VALUE = "value"
    RES0 = "RES0"
    RES1 = "RES1"
    IGNORED = "ignored"
    SOFTWARE = "software"


@dataclass(frozen=True, slots=True)
class Field:
    """Bits `msb`..`lsb` under the manual's `name`, with the meaning of its values."""

    name: str
    msb: int
    lsb: int
    long_name: str = ""
    values: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    kind: Kind = Kind.VALUE
    feature: str | None = None
    """The FEAT_ name without which the bits are RES0; None for the base architecture."""
    address_lsb: int | None = None
    """For part of an address: the address bit that the lowest bit of the field is."""
    mask: int = field(init=False, repr=False, compare=False)
    """The field's bits set, at their place."""
    _ones: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ones = (1 << (self.msb - self.lsb + 1)) - 1
        object.__setattr__(self, "_ones", ones)
        object.__setattr__(self, "mask", ones << self.lsb)

    @property
    def width(self) -> int:
        """Number of bits."""
        return self.msb - self.lsb + 1

    def get(self, value: int) -> int:
        """Return the field of `value`, shifted down."""
        return (value >> self.lsb) & self._ones

    def set(self, value: int, content: int) -> int:
        """Return `value` with this field replaced; ValueError if `content` does not fit."""
        if content < 0 or content >> self.width:
            raise ValueError(f"{self.name} has {self.width} bits: {content:#x} does not fit")
        return (value & ~self.mask) | (content << self.lsb)

    def meaning(self, value: int) -> str:
        """Return what the field of `value` means in words, empty when the number says it all.

        Part of an address means that part, in its place: `0x199600000`.
        """
        if self.address_lsb is not None:
            return f"{self.get(value) << self.address_lsb:#x}"
        return self.values.get(self.get(value), "")

    @property
    def position(self) -> str:
        """The bits as the manual writes them: `[47:12]` or `[10]`."""
        return f"[{self.msb}]" if self.msb == self.lsb else f"[{self.msb}:{self.lsb}]"


def flag(
    name: str, bit: int, long_name: str, clear: str = "", set_: str = "", feature: str | None = None
) -> Field:
    """Return a field of one bit, with what it means when clear and when set."""
    meanings = {content: text for content, text in ((0, clear), (1, set_)) if text}
    return Field(name, bit, bit, long_name, meanings, feature=feature)


def res1(msb: int, lsb: int | None = None) -> Field:
    """Return bits that the architecture reserves as ones."""
    return Field(Kind.RES1.value, msb, msb if lsb is None else lsb, kind=Kind.RES1)


@dataclass(frozen=True, slots=True)
class DecodedField:
    """One field of one value."""

    field: Field
    content: int
    meaning: str
    reserved: bool
    """True when RES0 bits are not 0, or RES1 bits not 1, or the value is a reserved encoding."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A register or descriptor: fields from the highest bit down, every bit in exactly one."""

    name: str
    long_name: str
    width: int
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        expected = self.width - 1
        for part in self.fields:
            if part.msb != expected or part.lsb > part.msb:
                raise ValueError(f"{self.name}: bit {expected} is not where {part.name} begins")
            expected = part.lsb - 1
        if expected != -1:
            raise ValueError(f"{self.name}: bits {expected}:0 belong to no field")

    @classmethod
    def of(
        cls, name: str, long_name: str, *fields: Field, width: int = 64, gaps: Kind = Kind.RES0
    ) -> Layout:
        """Return the layout of `fields` in any order; bits that none names are `gaps`."""
        parts: list[Field] = []
        above = width
        for part in sorted(fields, key=lambda each: each.msb, reverse=True):
            if part.msb + 1 < above:
                parts.append(Field(gaps.value, above - 1, part.msb + 1, kind=gaps))
            parts.append(part)
            above = part.lsb
        if above > 0:
            parts.append(Field(gaps.value, above - 1, 0, kind=gaps))
        return cls(name, long_name, width, tuple(parts))

    def __getitem__(self, name: str) -> Field:
        for part in self.fields:
            if part.name == name:
                return part
        raise KeyError(f"{self.name} has no field {name!r}")

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def decode(self, value: int) -> tuple[DecodedField, ...]:
        """Return every field of `value`, from the highest bit down."""
        return tuple(_decode(part, value) for part in self.fields)


def _decode(part: Field, value: int) -> DecodedField:
    content = part.get(value)
    full = (1 << part.width) - 1
    meaning = part.meaning(value)
    reserved = (
        (part.kind is Kind.RES0 and content != 0)
        or (part.kind is Kind.RES1 and content != full)
        or meaning == "reserved"
    )
    return DecodedField(part, content, meaning, reserved)
