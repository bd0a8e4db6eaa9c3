"""The states that Linux wants an entry to be in: what it writes, and how it recognises them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.encodings.definition import Hardware, MaskChange, State, StateName
from harness.encodings.levels import NAMES
from harness.encodings.linux_bits import (
    ADDRESS_FIELD,
    AF,
    NG,
    PXN_TABLE,
    RDONLY,
    TYPE_MASK,
    TYPE_SECT,
    TYPE_TABLE,
    UFFD_WP,
    USER,
    UXN,
    UXN_TABLE,
    WRITE,
)
from harness.encodings.linux_predicates import none, user, valid
from harness.encodings.logic import (
    Operation,
    Predicate,
    Truth,
    Value,
    change_bits,
    has_all,
    negate,
    select,
)

LAST_LEVEL = 3
_LEAF_TYPE = {1: TYPE_SECT, 2: TYPE_SECT, 3: TYPE_TABLE}
_KEPT_IN_TABLES = ADDRESS_FIELD | AF | PXN_TABLE | UXN_TABLE
_INVALID = frozenset({StateName.INVALID_LEAF})


def by_name(*states: State) -> Mapping[StateName, State]:
    """Return the states under their names."""
    return MappingProxyType({state.name: state for state in states})


def make_none(value: Value) -> Value:
    """Return 0."""
    return value & 0


def make_table(value: Value) -> Value:
    """Return a table descriptor, with any address and any hierarchical execute-never."""
    return (value & _KEPT_IN_TABLES) | TYPE_TABLE


def kernel_leaf(level: int, *, kpti: bool, free: int) -> Operation:
    """Return what makes a valid leaf of the kernel: accessed, never for EL0, nG with KPTI only.

    The bits of `free` mean something in other states, and are 0 here.
    """
    put = _LEAF_TYPE[level] | AF | UXN | (NG if kpti else 0)
    return MaskChange(TYPE_MASK | USER | NG | free, put)


def user_leaf(level: int, *, free: int) -> Operation:
    """Return what makes a valid leaf of a process: nG, and of some use to EL0."""

    def make(value: Value) -> Value:
        typed = change_bits(value, TYPE_MASK | free, _LEAF_TYPE[level] | NG)
        return select(user(typed), typed, typed | USER)

    return make


@dataclass(frozen=True, slots=True)
class Makers:
    """What a kernel writes: for its own leaves, and for those of processes.

    `invalid` None: it makes no leaf of the level invalid.
    """

    kernel: Operation
    user: Operation
    invalid: Operation | None
    user_invalid: Operation
    prot_none: Operation


def table_states(name: str, recognised_by: str, is_table: Predicate) -> Mapping[StateName, State]:
    """Return the states of a level that has tables only."""
    return by_name(
        State(StateName.NONE, f"{name}_none", none, make_none),
        State(StateName.TABLE, recognised_by, is_table, make_table, Hardware.TABLE),
    )


def leaf_states(
    level: int, questions: Mapping[str, Predicate], makers: Makers, *, with_user: bool
) -> Iterator[State]:
    """Yield the states that hold an address and attributes.

    `questions`: the level's predicates under the kernel's names.
    """
    name = NAMES[level]
    word = "pte_present" if level == LAST_LEVEL else f"{name}_leaf"
    shape = questions[word]
    valid_by, invalid_by = f"{word} and {name}_valid", f"{word} and not {name}_valid"

    def is_valid(value: Value) -> Truth:
        return shape(value) & valid(value)

    def is_invalid(value: Value) -> Truth:
        return shape(value) & negate(valid(value))

    yield State(
        StateName.VALID_LEAF, valid_by, is_valid, makers.kernel, Hardware.LEAF, is_leaf=True
    )
    if makers.invalid is not None:
        make_invalid = makers.invalid
        yield State(
            StateName.INVALID_LEAF,
            invalid_by,
            is_invalid,
            lambda value: make_invalid(makers.kernel(value)),
            is_leaf=True,
        )
    if with_user:
        asked = (valid_by, is_valid), (invalid_by, is_invalid)
        yield from _user_states(level, questions, makers, *asked)


def _user_states(
    level: int,
    questions: Mapping[str, Predicate],
    makers: Makers,
    valid_leaf: tuple[str, Predicate],
    invalid_leaf: tuple[str, Predicate],
) -> Iterator[State]:
    name = NAMES[level]
    of_user = f"({name}_user or {name}_user_exec)"
    (valid_by, is_valid), (invalid_by, is_invalid) = valid_leaf, invalid_leaf
    yield State(
        StateName.USER_LEAF,
        f"{valid_by} and {of_user}",
        lambda value: is_valid(value) & user(value),
        makers.user,
        Hardware.LEAF,
        is_leaf=True,
        also=frozenset({StateName.VALID_LEAF}),
    )
    yield State(
        StateName.PROT_NONE,
        f"{name}_protnone",
        questions[f"{name}_protnone"],
        lambda value: makers.prot_none(makers.user(value)),
        is_leaf=True,
        also=_INVALID,
    )
    if level != LAST_LEVEL:
        yield State(
            StateName.INVALID_USER_LEAF,
            f"{invalid_by} and {of_user}",
            lambda value: is_invalid(value) & user(value),
            lambda value: makers.user_invalid(makers.user(value)),
            is_leaf=True,
            also=_INVALID,
        )
    if f"{name}_uffd_wp" in questions:
        yield State(
            StateName.WRITE_PROTECTED,
            f"{valid_by} and {name}_uffd_wp",
            lambda value: is_valid(value) & has_all(value, UFFD_WP),
            lambda value: change_bits(makers.user(value), WRITE, UFFD_WP | RDONLY),
            Hardware.LEAF,
            is_leaf=True,
            also=frozenset({StateName.VALID_LEAF, StateName.USER_LEAF}),
        )
