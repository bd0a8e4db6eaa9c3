"""A small kernel whose encoding keeps every property, to be broken one rule at a time.

It writes bits 1:0 = 0b10 for a leaf that it takes from the hardware: no other bit is needed, and
nothing is lost whatever the leaf was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from harness.arch.granule import Granule
from harness.encodings.definition import (
    Course,
    Encoding,
    Hardware,
    KernelOperation,
    LevelEncoding,
    MaskChange,
    PresentQuestion,
    Role,
    State,
    StateName,
    Step,
)
from harness.encodings.form import Form
from harness.encodings.logic import (
    Operation,
    Predicate,
    Truth,
    Value,
    change_bits,
    has_all,
    holds,
    negate,
    select,
)

TYPE, INVALID, BLOCK, PAGE = 3, 2, 1, 3
RDONLY, WRITE, CONT = 1 << 7, 1 << 51, 1 << 52
SWAP_FIELDS = (1 << 40) - (1 << 12)
FORM = Form(Granule.K4)
OFF, ON = "set_memory_valid_off", "set_memory_valid_on"

Change = Callable[[LevelEncoding], LevelEncoding]


def sound_kernel(**changed: Change) -> Encoding:
    """Return the encoding; `level2=…` changes what one level means."""
    levels = {level: _level(level) for level in FORM.levels}
    for name, change in changed.items():
        level = int(name.removeprefix("level"))
        levels[level] = change(levels[level])
    return Encoding(
        "sound", "a sound kernel", {}, {}, (FORM,), lambda _form: levels, lambda *_: "an entry"
    )


def changing(**fields: Any) -> Change:  # noqa: ANN401 - the fields of LevelEncoding
    """Return what replaces fields of a level."""
    return lambda level: replace(level, **fields)


def with_operation(name: str, operation: Operation, **flags: bool) -> Change:
    """Return what replaces one operation of a level."""
    return lambda level: replace(
        level, operations={**level.operations, name: KernelOperation(operation, **flags)}
    )


def with_predicate(name: str, ask: Predicate) -> Change:
    """Return what replaces one predicate of a level."""
    return lambda level: replace(level, predicates={**level.predicates, name: ask})


def with_state(name: StateName, **fields: Any) -> Change:  # noqa: ANN401 - the fields of State
    """Return what replaces fields of one state."""

    def change(level: LevelEncoding) -> LevelEncoding:
        old = level.states[name]
        kept = {
            key: getattr(old, key)
            for key in ("recognised_by", "recognise", "make", "hardware", "is_leaf", "also")
        }
        return replace(level, states={**level.states, name: State(name, **{**kept, **fields})})

    return change


def _type_is(content: int) -> Predicate:
    return lambda value: holds(value, TYPE, content)


def _level(level: int) -> LevelEncoding:
    if level == 0:
        return _of_tables()
    leaf_type = PAGE if level == 3 else BLOCK
    is_table, is_valid = _type_is(PAGE), _type_is(leaf_type)
    is_invalid = _type_is(INVALID)

    def used(value: Value) -> Truth:
        return is_valid(value) if level == 3 else has_all(value, 1)

    def leaf(value: Value) -> Truth:
        return is_valid(value) | is_invalid(value)

    def swap(value: Value) -> Truth:
        return holds(value, TYPE, 0) & negate(value == 0)

    predicates: Mapping[str, Predicate] = {
        "none": lambda value: value == 0,
        "valid": used,
        "present": lambda value: used(value) | is_invalid(value),
        "leaf": leaf,
        "write": lambda value: has_all(value, WRITE),
    }
    roles = {Role.NONE: "none", Role.VALID: "valid", Role.PRESENT: "present", Role.LEAF: "leaf"}
    make_leaf = MaskChange(TYPE, leaf_type)
    off, on = MaskChange(TYPE, INVALID), MaskChange(TYPE, leaf_type)
    states = [
        State(StateName.NONE, "none", predicates["none"], lambda value: value & 0),
        State(StateName.VALID_LEAF, "valid leaf", is_valid, make_leaf, Hardware.LEAF, True),
        State(
            StateName.INVALID_LEAF,
            "type 2",
            is_invalid,
            lambda value: off(make_leaf(value)),
            is_leaf=True,
        ),
        State(
            StateName.SWAP,
            "type 0 and something",
            swap,
            lambda value: (value & SWAP_FIELDS) | 1 << 12,
        ),
    ]
    if level != 3:
        predicates = {**predicates, "table": is_table}
        roles[Role.TABLE] = "table"
        table = MaskChange(0, PAGE)
        states.append(State(StateName.TABLE, "table", is_table, table, Hardware.TABLE))

    def restore(value: Value) -> Value:
        return change_bits(on(value), RDONLY, WRITE)

    return LevelEncoding(
        level,
        "entry",
        predicates,
        {state.name: state for state in states},
        {
            OFF: KernelOperation(off),
            ON: KernelOperation(on, flushes=False),
            "set_memory_ro": KernelOperation(MaskChange(WRITE, RDONLY)),
            "fold": KernelOperation(MaskChange(0, CONT), by_walk=False),
            "unfold": KernelOperation(MaskChange(CONT, 0), by_walk=False),
            "copy": KernelOperation(restore, by_walk=False),
        },
        edited_if="leaf",
        dumped_if="leaf",
        present=PresentQuestion("leaf", "valid"),
        roles=roles,
        courses=(Course("off, on", (Step(OFF, False), Step(ON, True)), MaskChange(0, 0)),),
        invalidations=(OFF,),
        kept=("write",),
        changes=("set_memory_ro",),
        restores=ON,
        folds=("fold", "unfold"),
        split=None if level == 3 else _split(level),
        copy="copy",
        meaningful=TYPE | RDONLY | WRITE | CONT,
    )


def _split(level: int) -> Operation:
    child = PAGE if level == 2 else BLOCK

    def split(value: Value) -> Value:
        return select(has_all(value, 1), change_bits(value, TYPE, child), value)

    return split


def _of_tables() -> LevelEncoding:
    is_table = _type_is(PAGE)
    return LevelEncoding(
        0,
        "entry",
        {"none": lambda value: value == 0, "table": is_table, "valid": is_table},
        {
            StateName.NONE: State(
                StateName.NONE, "none", lambda value: value == 0, lambda value: value & 0
            ),
            StateName.TABLE: State(
                StateName.TABLE, "table", is_table, MaskChange(0, PAGE), Hardware.TABLE
            ),
        },
        roles={Role.NONE: "none", Role.TABLE: "table", Role.VALID: "valid"},
    )
