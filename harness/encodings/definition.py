"""A software encoding: what a kernel takes the bits of a descriptor to mean, level by level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from harness.arch.granule import Granule
from harness.encodings.form import Form
from harness.encodings.logic import Operation, Predicate, Value, change_bits, select
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
    """Of the kernel, where user mappings are kept apart."""
    USER_LEAF = "user leaf"
    WRITE_PROTECTED = "uffd-wp leaf"
    """Valid, and write-protected through userfaultfd."""
    INVALID_LEAF = "invalid leaf"
    """Mapped, but unmapped from hardware for a while: address and attributes are kept."""
    INVALID_USER_LEAF = "invalid user leaf"
    """The same, of a user mapping that is being split or moved."""
    PROT_NONE = "PROT_NONE"
    SWAP = "swap"
    SWAP_WRITE_PROTECTED = "uffd-wp swap"
    MIGRATION = "migration"
    DEVICE_PRIVATE = "device-private"
    POISONED = "poisoned"
    MARKER = "marker"
    OWNED = "owned by another"
    """Stage 2: nothing is mapped, and the entry names who owns the memory."""
    LOCKED = "locked"
    """Stage 2: a walker is between break and make."""


class Hardware(StrEnum):
    """What hardware takes a descriptor for."""

    INVALID = "invalid"
    TABLE = "table"
    LEAF = "leaf"


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One state: how software recognises it, and what it writes for it.

    `make` turns any 64-bit value into one that software writes for the state, and every such value
    comes of some value: so a claim about the state is a claim about all values. `is_leaf`: it has
    the address of a leaf, whose low bits are 0. `also`: states whose question is true for this one
    on purpose.
    """

    name: StateName
    recognised_by: str
    """The question that the software asks, in its own names: `pmd_leaf and not pmd_valid`."""
    recognise: Predicate
    make: Operation
    hardware: Hardware = Hardware.INVALID
    is_leaf: bool = False
    also: frozenset[StateName] = frozenset()


class WalkDecision(StrEnum):
    """What a walk that changes attributes does with an entry that it meets."""

    EDITS = "edits the entry"
    DESCENDS = "takes it for a table and goes on below"
    SKIPS = "skips it: nothing is mapped"


@dataclass(frozen=True, slots=True)
class KernelOperation:
    """What the software does to an entry.

    `flushes`: it issues a TLBI afterwards. `by_walk`: it is done by the walk that changes page
    attributes, which may not take the entry for a leaf; else by who holds the entry in hand.
    """

    change: Operation
    flushes: bool = True
    by_walk: bool = True

    def __call__(self, value: Value) -> Value:
        """Return the entry after the operation, where the walk does it."""
        return self.change(value)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a course; `mapped`: the entry is to be usable after it."""

    operation: str
    mapped: bool


@dataclass(frozen=True, slots=True)
class Course:
    """Operations that belong together: make invalid, then valid again.

    `start` brings a valid leaf to where the course begins; `result` says of that leaf what it must
    be in the end.
    """

    name: str
    steps: tuple[Step, ...]
    result: Operation
    start: Operation = MaskChange(0, 0)


class Role(StrEnum):
    """The questions that properties ask whatever their names are."""

    NONE = "none"
    PRESENT = "present"
    VALID = "valid"
    LEAF = "leaf"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class PresentQuestion:
    """How `kernel_page_present` decides: it stops where `stops_if` is true and answers `answer`.

    `stops_if` None: it stops at every entry of the level. `answer` None: it answers yes.
    """

    stops_if: str | None
    answer: str | None


_NO_NAMES: Mapping[Role, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class LevelEncoding:
    """The meaning of descriptors of one level.

    `predicates` and `operations` have the software's own names (`pmd_leaf`,
    `set_memory_valid_off`). `edited_if` is the predicate by which the walk that changes page
    attributes decides to change an entry, `dumped_if` that by which a dump shows it; None: every
    entry of the level.
    """

    level: int
    name: str
    predicates: Mapping[str, Predicate]
    states: Mapping[StateName, State]
    operations: Mapping[str, KernelOperation] = field(default_factory=dict)
    edited_if: str | None = None
    dumped_if: str | None = None
    present: PresentQuestion | None = None
    roles: Mapping[Role, str] = field(default_factory=lambda: _NO_NAMES)
    courses: tuple[Course, ...] = ()
    invalidations: tuple[str, ...] = ()
    """Operations that make a leaf invalid and keep all else that software asks of it."""
    kept: tuple[str, ...] = ()
    """Predicates whose answers an invalidation does not change."""
    changes: tuple[str, ...] = ()
    """Operations that change attributes, and never validity."""
    restores: str | None = None
    """The operation that makes an invalid leaf valid again."""
    folds: tuple[str, str] | None = None
    """The operations that join a leaf to a contiguous run, and that part it again."""
    split: Operation | None = None
    """A leaf to the first of the leaves of the next level that it is split into."""
    copy: str | None = None
    """The operation of the copy of the tables for hibernation and kexec."""
    meaningful: int = 3
    """The bits that some predicate asks for; a check tries every pattern of them."""

    def role(self, role: Role) -> Predicate | None:
        """Return the predicate of that role, None where software asks no such thing here."""
        name = self.roles.get(role)
        return None if name is None else self.predicates[name]

    def true_of(self, value: Value) -> Mapping[str, bool]:
        """Return each predicate's answer for one integer."""
        return {name: bool(predicate(value)) for name, predicate in self.predicates.items()}

    def state_of(self, value: Value) -> tuple[StateName, ...]:
        """Return the states that the software takes an integer for: one, if all is well."""
        return tuple(state.name for state in self.states.values() if state.recognise(value))

    def walk_decision(self, value: int) -> WalkDecision:
        """Return what the attribute walk does with the integer `value`."""
        if self.edited_if is None or self.predicates[self.edited_if](value):
            return WalkDecision.EDITS
        return WalkDecision.DESCENDS if value else WalkDecision.SKIPS

    def apply(self, operation: str, value: Value) -> Value:
        """Return `value` after the software did `operation`.

        The value stays as it is where the walk that does it does not take it for a leaf.
        ValueSyntaxError for an unknown operation.
        """
        if operation not in self.operations:
            raise ValueSyntaxError(
                f"there is no operation {operation!r} at level {self.level} "
                f"({', '.join(self.operations) or 'none'})"
            )
        known = self.operations[operation]
        if self.edited_if is None or not known.by_walk:
            return known.change(value)
        return select(self.predicates[self.edited_if](value), known.change(value), value)


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """A named set of meanings, at each of `forms`.

    `bits`: names of bits, to their masks. `attributes`: names of leaf attributes, to the bits of
    a leaf without validity and type (bits 1:0). `build(form)` gives the levels of tables of one
    form. `words(value, level, granule)` says what software makes of a descriptor. `remarks`:
    property name, to what its failing means for this software.
    """

    name: str
    summary: str
    bits: Mapping[str, int]
    attributes: Mapping[str, int]
    forms: tuple[Form, ...]
    build: Callable[[Form], Mapping[int, LevelEncoding]]
    words: Callable[[LevelEncoding, int, Granule], str]
    remarks: Mapping[str, str] = field(default_factory=dict)

    @property
    def levels(self) -> Mapping[int, LevelEncoding]:
        """The levels of tables of the first form."""
        return _levels(self.build, self.forms[0])

    def levels_of(self, form: Form) -> Mapping[int, LevelEncoding]:
        """Return the levels of tables of `form`, one of `forms`."""
        return _levels(self.build, form)

    def level(self, level: int, form: Form | None = None) -> LevelEncoding:
        """Return the meaning of descriptors at `level`; ValueSyntaxError if there is none."""
        levels = self.levels if form is None else self.levels_of(form)
        if level not in levels:
            raise ValueSyntaxError(f"{self.name} has no level {level}")
        return levels[level]

    def describe(self, value: int, level: int, granule: Granule) -> str:
        """Say what the software takes `value` for at `level`, in a sentence or two."""
        form = next((form for form in self.forms if form.granule is granule), self.forms[0])
        return self.words(self.level(level, form), value, granule)


@cache
def _levels(
    build: Callable[[Form], Mapping[int, LevelEncoding]], form: Form
) -> Mapping[int, LevelEncoding]:
    return build(form)
