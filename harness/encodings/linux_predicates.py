"""What Linux asks of a descriptor, at each level. `pXd` stands for pte, pmd, pud, p4d and pgd.

Source: arch/arm64 of Linux 7.0 and 7.0.1 (pgtable.h): facts, no text. The two versions ask the
same; they differ in what they write, and in which question a walk puts.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.encodings.linux_bits import (
    DIRTY,
    PRESENT_INVALID,
    RDONLY,
    TYPE_MASK,
    TYPE_SECT,
    TYPE_TABLE,
    USER,
    UXN,
    VALID,
    WRITE,
)
from harness.encodings.logic import Predicate, Truth, Value, has_all, holds, negate


def none(value: Value) -> Truth:
    """pXd_none: nothing at all."""
    return value == 0


def valid(value: Value) -> Truth:
    """pXd_valid: hardware may use the entry."""
    return has_all(value, VALID)


def present_invalid(value: Value) -> Truth:
    """pXd_present_invalid: software has an entry, hardware does not."""
    return holds(value, VALID | PRESENT_INVALID, PRESENT_INVALID)


def present(value: Value) -> Truth:
    """pXd_present."""
    return valid(value) | present_invalid(value)


def table(value: Value) -> Truth:
    """pXd_table."""
    return holds(value, TYPE_MASK, TYPE_TABLE)


def section(value: Value) -> Truth:
    """pXd_sect: a valid block."""
    return holds(value, TYPE_MASK, TYPE_SECT)


def bad(value: Value) -> Truth:
    """pXd_bad: not what a walk expects of a table."""
    return negate(table(value))


def leaf(value: Value) -> Truth:
    """pXd_leaf."""
    return present(value) & negate(table(value))


def trans_huge(value: Value) -> Truth:
    """pXd_trans_huge: present, and no table even if bit 0 were set."""
    return present(value) & negate(table(value | VALID))


def protnone(value: Value) -> Truth:
    """pXd_protnone: present-invalid, without user access, not executable at EL0."""
    return present_invalid(value) & holds(value, USER | UXN, UXN)


def write(value: Value) -> Truth:
    """pXd_write."""
    return has_all(value, WRITE)


def hardware_dirty(value: Value) -> Truth:
    """pte_hw_dirty: writable, and no longer read-only."""
    return holds(value, WRITE | RDONLY, WRITE)


def dirty(value: Value) -> Truth:
    """pXd_dirty: by the software's bit or by the hardware's state."""
    return has_all(value, DIRTY) | hardware_dirty(value)


_EVERY_LEAF: Mapping[str, Predicate] = {
    "none": none,
    "present": present,
    "valid": valid,
    "present_invalid": present_invalid,
    "protnone": protnone,
    "write": write,
    "dirty": dirty,
}
_BLOCK: Mapping[str, Predicate] = {
    **_EVERY_LEAF,
    "leaf": leaf,
    "sect": section,
    "table": table,
    "bad": bad,
}
_BY_NAME: Mapping[str, Mapping[str, Predicate]] = {
    "pgd": {"none": none, "bad": bad},
    "p4d": {"none": none, "bad": bad},
    "pud": _BLOCK,
    "pmd": {**_BLOCK, "trans_huge": trans_huge},
    "pte": {**_EVERY_LEAF, "hw_dirty": hardware_dirty},
}


def predicates(name: str) -> dict[str, Predicate]:
    """Return the predicates of the level called `name`, under the kernel's names."""
    return {f"{name}_{question}": ask for question, ask in _BY_NAME[name].items()}
