"""A software encoding: what a kernel takes the bits of a descriptor to mean, level by level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.arch.granule import Granule
from harness.encodings.logic import Operation, Predicate, Value, change_bits
from harness.errors import ValueSyntaxError


@dataclass(frozen=True, slots=True)
class MaskChange:
    """An operation on a descriptor: bits of `clear` cleared first, then those of `put` set."""

    clear: int
    put: int

    def __call__(self, value: Value) -> Value:
        """Return the descriptor after the operation."""
        return change_bits(value, self.clear, self.put)


class StateName(StrEnum):
    """A state that software wants an entry to be in."""

    NONE = "none"
    TABLE = "table"
    VALID_LEAF = "valid leaf"
    INVALID_LEAF = "invalid leaf"
    """Mapped, but unmapped from hardware for a while: address and attributes are kept."""


@dataclass(frozen=True, slots=True)
class State:
    """How one state is told from the others and, where that is an operation, how it is entered."""

    name: StateName
    recognised_by: str
    """The question that the software asks, in its own names: `pmd_leaf and not pmd_valid`."""
    recognise: Predicate
    write: Operation | None = None
    """Makes the state of a valid leaf; None where the state is not made from one."""


class WalkDecision(StrEnum):
    """What a walk that changes attributes does with an entry that it meets."""

    EDITS = "edits the entry"
    DESCENDS = "takes it for a table and goes on below"
    SKIPS = "skips it: nothing is mapped"


@dataclass(frozen=True, slots=True)
class LevelEncoding:
    """The meaning of descriptors of one level.

    `predicates` and `operations` have the software's own names (`pmd_leaf`,
    `set_memory_valid_off`). `edited_if` is the predicate by which the walk that changes page
    attributes decides to change an entry; None: it changes every entry of the level.
    """

    level: int
    name: str
    predicates: Mapping[str, Predicate]
    states: Mapping[StateName, State]
    operations: Mapping[str, Operation]
    edited_if: str | None = None

    def true_of(self, value: Value) -> Mapping[str, bool]:
        """Return each predicate's answer for one integer."""
        return {name: bool(predicate(value)) for name, predicate in self.predicates.items()}

    def state_of(self, value: Value) -> tuple[StateName, ...]:
        """Return the states that the software takes `value` for: one, if all is well."""
        return tuple(state.name for state in self.states.values() if state.recognise(value))

    def walk_decision(self, value: Value) -> WalkDecision:
        """Return what the attribute walk does with the integer `value`."""
        if self.edited_if is None or self.predicates[self.edited_if](value):
            return WalkDecision.EDITS
        return WalkDecision.DESCENDS if value else WalkDecision.SKIPS

    def apply(self, operation: str, value: Value) -> Value:
        """Return the integer `value` after the attribute walk came by with `operation`.

        The value stays as it is where the walk does not take it for a leaf. ValueSyntaxError for
        an unknown operation.
        """
        if operation not in self.operations:
            raise ValueSyntaxError(
                f"there is no operation {operation!r} at level {self.level} "
                f"({', '.join(self.operations) or 'none'})"
            )
        if self.walk_decision(value) is WalkDecision.EDITS:
            return self.operations[operation](value)
        return value


@dataclass(frozen=True, slots=True)
class Encoding:
    """A named set of meanings; `describe(value, level, granule)` says them in words.

    `bits`: names of bits, to their masks. `attributes`: names of leaf attributes, to the bits of
    a leaf without validity and type (bits 1:0).
    """

    name: str
    summary: str
    bits: Mapping[str, int]
    attributes: Mapping[str, int]
    levels: Mapping[int, LevelEncoding]
    describe: Callable[[int, int, Granule], str]

    def level(self, level: int) -> LevelEncoding:
        """Return the meaning of descriptors at `level`; ValueSyntaxError if there is none."""
        if level not in self.levels:
            raise ValueSyntaxError(f"{self.name} has no level {level}")
        return self.levels[level]
