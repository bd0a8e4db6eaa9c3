"""What initial states and conditions are made of: places that hold values, and values.

A *symbol* is a name of the test: `x` stands for a virtual page, `PA(x)` (also written `phy_x`) for
the physical page that it is first mapped to, `PTE(x)` (also `pte_x`, `TTD(x)`) for the leaf
descriptor of its page, which lies in a virtual page of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Aspect(Enum):
    """Which address of a symbol is meant; the value is how it is printed."""

    VIRTUAL = "{}"
    PHYSICAL = "PA({})"
    DESCRIPTOR = "PTE({})"
    DESCRIPTOR_OF_DESCRIPTOR = "PTE(PTE({}))"


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A name under one aspect."""

    name: str
    aspect: Aspect = Aspect.VIRTUAL

    def __str__(self) -> str:
        return self.aspect.value.format(self.name)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A leaf descriptor as tests write it: `(oa:PA(x), af:1, db:1, dbm:0, valid:1, el0:1)`.

    `db` is the dirty state: 1 for writable (AP[2] clear). The defaults are those of the format.
    """

    oa: Symbol
    af: int = 1
    db: int = 1
    dbm: int = 0
    valid: int = 1
    el0: int = 1

    def __str__(self) -> str:
        """Print as herd7 does: fields that have their default are left out."""
        default = Descriptor(self.oa)
        fields = [
            f"{name}:{getattr(self, name)}"
            for name in FIELDS
            if getattr(self, name) != getattr(default, name)
        ]
        return f"({', '.join((f'oa:{self.oa}', *fields))})"


FIELDS = ("af", "db", "dbm", "valid", "el0")
"""The one-bit fields of a Descriptor, in the order in which they are printed."""


@dataclass(frozen=True, slots=True)
class Label:
    """The address of an instruction."""

    name: str


Value = int | Symbol | Descriptor | Label


@dataclass(frozen=True, slots=True)
class Register:
    """A general-purpose register of P0."""

    name: str
    """`x0`…`x30`, whatever width the test writes."""
    is_word: bool = False
    """Written as Wn: only its lower half counts."""

    def __str__(self) -> str:
        return f"0:{'W' if self.is_word else 'X'}{self.name[1:]}"


@dataclass(frozen=True, slots=True)
class Cell:
    """Memory: what lies at the physical page of `symbol`, element `index` of an array."""

    symbol: Symbol
    index: int = 0
    indexed: bool = False

    def __str__(self) -> str:
        return f"{self.symbol}[{self.index}]" if self.indexed else f"[{self.symbol}]"


Place = Register | Cell
"""What a test initialises, lists and compares."""


@dataclass(frozen=True, slots=True)
class IntegerType:
    """A C type as far as it decides bytes and sign."""

    size: int
    signed: bool


TYPES = {
    "int": IntegerType(4, signed=True),
    "int8_t": IntegerType(1, signed=True),
    "int16_t": IntegerType(2, signed=True),
    "int32_t": IntegerType(4, signed=True),
    "int64_t": IntegerType(8, signed=True),
    "long": IntegerType(8, signed=True),
    "uint8_t": IntegerType(1, signed=False),
    "uint16_t": IntegerType(2, signed=False),
    "uint32_t": IntegerType(4, signed=False),
    "uint64_t": IntegerType(8, signed=False),
    "intptr_t": IntegerType(8, signed=True),
    "uintptr_t": IntegerType(8, signed=False),
    "pteval_t": IntegerType(8, signed=False),
}
DEFAULT_TYPE = TYPES["int"]
ADDRESS_TYPE = TYPES["uintptr_t"]
