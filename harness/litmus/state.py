"""One final state of a test's execution, and what it holds at the test's places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.litmus.translate import Translated
from harness.litmus.values import ADDRESS_TYPE, DEFAULT_TYPE, Aspect, Cell, IntegerType, Place

_WORD = 8


@dataclass(frozen=True, slots=True)
class SeenFault:
    """A fault that the thread took."""

    pc: int
    far: int
    kind: str
    """The name of a `harness.arch.faults.FaultKind`."""


@dataclass(frozen=True, slots=True)
class Final:
    """What is left when the thread has ended."""

    registers: Mapping[str, int]
    """x0…x30."""
    words: Mapping[int, int]
    """Physical address to 64-bit word: at least those of `Translated.watched`."""
    faults: tuple[SeenFault, ...]


def contents(test: Translated, final: Final, place: Place) -> int:
    """Return the bits that a register or a location holds, from bit 0."""
    if not isinstance(place, Cell):
        return final.registers[place.name]
    address = test.address_of(place)
    word = final.words[address & ~(_WORD - 1)]
    return word >> 8 * (address % _WORD)


def type_of(test: Translated, place: Place) -> IntegerType:
    """Return the type of a place: as declared, else by what it is."""
    if not isinstance(place, Cell):
        return ADDRESS_TYPE if not place.is_word else DEFAULT_TYPE
    if place.symbol.aspect in {Aspect.DESCRIPTOR, Aspect.DESCRIPTOR_OF_DESCRIPTOR}:
        return ADDRESS_TYPE
    return test.test.type_of(place) or DEFAULT_TYPE


def width_of(test: Translated, place: Place) -> int:
    """Return how many bits of a place count."""
    return 8 * type_of(test, place).size
