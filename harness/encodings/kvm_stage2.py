"""KVM's stage 2 tables: entries of no mapping that say who owns the memory, and page states.

Source: arch/arm64/kvm of Linux (hyp/pgtable.c, asm/kvm_pgtable.h, nvhe/mem_protect.c): facts, no
text.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from harness.arch.descriptors import LAST_LEVEL
from harness.arch.granule import Granule
from harness.encodings.definition import (
    Course,
    Encoding,
    Hardware,
    KernelOperation,
    LevelEncoding,
    MaskChange,
    Role,
    State,
    StateName,
    Step,
)
from harness.encodings.form import Form
from harness.encodings.logic import (
    Predicate,
    Truth,
    Value,
    change_bits,
    has_all,
    has_none,
    holds,
    negate,
    select,
)
from harness.encodings.words import size_in_words

VALID = 1 << 0
TYPE_MASK = 3
TYPE_TABLE = 3
TYPE_BLOCK = 1
S2AP_R = 1 << 6
S2AP_W = 1 << 7
SHARED = 3 << 8
AF = 1 << 10
XN = 3 << 53
SW0 = 1 << 55
SW1 = 1 << 56
OWNER_ID = 0xFF << 2
"""Of an entry that is not valid: who owns the memory, 0 for the host."""
LOCKED = 1 << 10
"""Of an entry that is not valid: a walker is between break and make."""

BITS: Mapping[str, int] = MappingProxyType(
    {
        "VALID": VALID,
        "TABLE": 1 << 1,
        "S2AP_R": S2AP_R,
        "S2AP_W": S2AP_W,
        "SHARED": SHARED,
        "AF": AF,
        "XN": XN,
        "SW0": SW0,
        "SW1": SW1,
        "OWNER_ID": OWNER_ID,
        "LOCKED": LOCKED,
    }
)
_ADDRESS = (1 << 48) - (1 << 12)
_DEFAULT = AF | SHARED | S2AP_R | S2AP_W
_MEMATTR_NORMAL = 0xF << 2
_FIRST_BLOCK = {Granule.K4: 1, Granule.K16: 2, Granule.K64: 2}
_NAMES = MappingProxyType(
    {
        "GUEST_RW": _DEFAULT | _MEMATTR_NORMAL | XN,
        "GUEST_RWX": _DEFAULT | _MEMATTR_NORMAL,
        "HOST_OWNED": _DEFAULT | _MEMATTR_NORMAL,
        "HOST_SHARED_OWNED": _DEFAULT | _MEMATTR_NORMAL | SW0,
        "HOST_SHARED_BORROWED": _DEFAULT | _MEMATTR_NORMAL | SW1,
    }
)


def kvm_stage2() -> Encoding:
    """Return the encoding of KVM's stage 2 tables, of 48-bit addresses."""
    return Encoding(
        "kvm-stage2",
        "KVM's stage 2: owners in entries that are not valid, page states in SW bits",
        BITS,
        _NAMES,
        tuple(Form(granule, stage=2) for granule in Granule),
        _levels,
        describe,
        MappingProxyType(
            {
                "validity_agrees": (
                    "kvm_pte_valid() asks for bit 0 alone, and hardware for bits 1:0 at level 3 "
                    "and where a level has no blocks. KVM writes 0b01 at neither place."
                ),
            }
        ),
    )


def none(value: Value) -> Truth:
    """Nothing mapped, owned by the host."""
    return value == 0


def valid(value: Value) -> Truth:
    """kvm_pte_valid."""
    return has_all(value, VALID)


def counted(value: Value) -> Truth:
    """stage2_pte_is_counted: the entry holds a reference to its table."""
    return value != 0


def locked(value: Value) -> Truth:
    """stage2_pte_is_locked."""
    return holds(value, VALID | LOCKED, LOCKED)


def owned(value: Value) -> Truth:
    """Return whether an entry that is neither valid nor locked names an owner."""
    return has_none(value, VALID | LOCKED) & negate(has_none(value, OWNER_ID))


def table(value: Value) -> Truth:
    """kvm_pte_table, above the last level."""
    return holds(value, TYPE_MASK, TYPE_TABLE)


def describe(meaning: LevelEncoding, value: int, granule: Granule) -> str:
    """Say what KVM makes of the descriptor."""
    size = size_in_words(granule.level_size(meaning.level))
    if not value:
        return f"{size} not mapped, owned by the host."
    if locked(value):
        return "Locked: another walker is between break and make."
    if not valid(value):
        owner = (value & OWNER_ID) >> 2
        return f"{size} not mapped, annotated with owner {owner}."
    if meaning.level != LAST_LEVEL and table(value):
        return "A table of the next level."
    shares = {0: "owned", SW0: "shared, owned", SW1: "shared, borrowed"}
    return f"A {size} leaf, page state {shares.get(value & (SW0 | SW1), 'reserved')}."


def _levels(form: Form) -> Mapping[int, LevelEncoding]:
    levels = range(LAST_LEVEL + 1)
    return MappingProxyType({level: _level(form, level) for level in levels})


def _leaf(last: bool, value: Value) -> Truth:  # noqa: FBT001 - of a partial
    return valid(value) if last else valid(value) & negate(table(value))


def _level(form: Form, level: int) -> LevelEncoding:
    last = level == LAST_LEVEL
    leaf: Predicate = partial(_leaf, last)
    questions: dict[str, Predicate] = {
        "none": none,
        "kvm_pte_valid": valid,
        "stage2_pte_is_counted": counted,
        "stage2_pte_is_locked": locked,
    }
    roles = {Role.NONE: "none", Role.VALID: "kvm_pte_valid"}
    states = [
        State(StateName.NONE, "none", none, lambda value: value & 0),
        State(StateName.LOCKED, "stage2_pte_is_locked", locked, _make_locked),
        State(StateName.OWNED, "not kvm_pte_valid, and an owner", owned, _make_owned),
    ]
    if not last:
        questions["kvm_pte_table"] = table
        roles[Role.TABLE] = "kvm_pte_table"
        make_table = MaskChange(_NOT_IN_TABLES, TYPE_TABLE)
        states.append(State(StateName.TABLE, "kvm_pte_table", table, make_table, Hardware.TABLE))
    has_leaf = level >= _FIRST_BLOCK[form.granule]
    if has_leaf:
        questions["kvm_pte_leaf"] = leaf
        roles[Role.LEAF] = "kvm_pte_leaf"
        kind = TYPE_TABLE if last else TYPE_BLOCK
        make_leaf = MaskChange(TYPE_MASK, kind | AF)
        states.append(
            State(
                StateName.VALID_LEAF, "kvm_pte_leaf", leaf, make_leaf, Hardware.LEAF, is_leaf=True
            )
        )
    operations = {
        "unmap": KernelOperation(lambda value: value & 0, by_walk=False),
        "set_owner": KernelOperation(_give_away, by_walk=False),
        "break": KernelOperation(lambda value: (value & 0) | LOCKED, by_walk=False),
        "write_protect": KernelOperation(MaskChange(S2AP_W, 0), by_walk=False),
        "make_writable": KernelOperation(MaskChange(0, S2AP_W), by_walk=False),
    }
    return LevelEncoding(
        level,
        f"stage 2 level {level}",
        MappingProxyType(questions),
        MappingProxyType({state.name: state for state in states}),
        operations if has_leaf else {},
        roles=MappingProxyType(roles),
        changes=("write_protect", "make_writable") if has_leaf else (),
        split=None if last or not has_leaf else MaskChange(TYPE_MASK, _child_type(level)),
        meaningful=TYPE_MASK | OWNER_ID | LOCKED,
        courses=_COURSES if has_leaf else (),
    )


_NOT_IN_TABLES = ((1 << 64) - 1) ^ _ADDRESS
_COURSES = (
    Course(
        "write-protect, make writable",
        (Step("write_protect", True), Step("make_writable", True)),
        MaskChange(0, S2AP_W),
    ),
)


def _child_type(level: int) -> int:
    return TYPE_TABLE if level + 1 == LAST_LEVEL else TYPE_BLOCK


def _make_locked(value: Value) -> Value:
    return (value & 0) | LOCKED


def _make_owned(value: Value) -> Value:
    """Return an entry of nothing but an owner's number, which is not the host's 0."""
    annotated = value & OWNER_ID
    return select(has_none(annotated, OWNER_ID), annotated | (1 << 2), annotated)


def _give_away(value: Value) -> Value:
    """Return the annotation of owner 1 (the hypervisor) in place of a mapping."""
    return change_bits(value & 0, 0, 1 << 2)
