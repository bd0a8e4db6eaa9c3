"""What Linux asks of a descriptor, at each level. `pXd` stands for pte, pmd, pud, p4d and pgd.

Source: arch/arm64 of Linux 6.1, 7.0 and 7.0.1 (pgtable.h): facts, no text. 7.0 and 7.0.1 ask the
same; they differ in what they write, and in which question a walk puts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.encodings.linux_bits import (
    DIRTY,
    PMD_PRESENT_INVALID_6_1,
    PRESENT_INVALID,
    PROT_NONE_6_1,
    RDONLY,
    TABLE_BIT,
    TYPE_MASK,
    TYPE_SECT,
    TYPE_TABLE,
    UFFD_WP,
    USER,
    UXN,
    VALID,
    WRITE,
)
from harness.encodings.logic import (
    Predicate,
    Truth,
    Value,
    always,
    has_all,
    has_none,
    holds,
    negate,
    never,
)


def none(value: Value) -> Truth:
    """pXd_none: nothing at all."""
    return value == 0


def valid(value: Value) -> Truth:
    """pXd_valid: hardware may use the entry."""
    return has_all(value, VALID)


def table(value: Value) -> Truth:
    """pXd_table."""
    return holds(value, TYPE_MASK, TYPE_TABLE)


def section(value: Value) -> Truth:
    """pXd_sect: a valid block."""
    return holds(value, TYPE_MASK, TYPE_SECT)


def bad(value: Value) -> Truth:
    """pXd_bad: not what a walk expects of a table."""
    return negate(table(value))


def user(value: Value) -> Truth:
    """pXd_user or pXd_user_exec: EL0 may use the leaf in some way."""
    return negate(holds(value, USER | UXN, UXN))


def write(value: Value) -> Truth:
    """pXd_write."""
    return has_all(value, WRITE)


def hardware_dirty(value: Value) -> Truth:
    """pte_hw_dirty: writable, and no longer read-only."""
    return holds(value, WRITE | RDONLY, WRITE)


def dirty(value: Value) -> Truth:
    """pXd_dirty: by the software's bit or by the hardware's state."""
    return has_all(value, DIRTY) | hardware_dirty(value)


def write_protected(value: Value) -> Truth:
    """pXd_uffd_wp."""
    return has_all(value, UFFD_WP)


def present_invalid(value: Value) -> Truth:
    """pXd_present_invalid of 7.0: software has an entry, hardware does not."""
    return holds(value, VALID | PRESENT_INVALID, PRESENT_INVALID)


def present(value: Value) -> Truth:
    """pXd_present of 7.0."""
    return valid(value) | present_invalid(value)


def trans_huge(value: Value) -> Truth:
    """pXd_trans_huge of 7.0: present, and no table even if bit 0 were set."""
    return present(value) & negate(table(value | VALID))


def protnone(value: Value) -> Truth:
    """pXd_protnone of 7.0: present-invalid, and EL0 may not use the leaf."""
    return present_invalid(value) & negate(user(value))


def protnone_6_1(value: Value) -> Truth:
    """pXd_protnone of 6.1: a bit of its own."""
    return holds(value, VALID | PROT_NONE_6_1, PROT_NONE_6_1)


def present_6_1(value: Value) -> Truth:
    """pte_present and pud_present of 6.1."""
    return valid(value) | protnone_6_1(value)


def pmd_present_invalid_6_1(value: Value) -> Truth:
    """pmd_present_invalid of 6.1, which does not look at bit 0."""
    return has_all(value, PMD_PRESENT_INVALID_6_1)


def pmd_present_6_1(value: Value) -> Truth:
    """pmd_present of 6.1."""
    return present_6_1(value) | pmd_present_invalid_6_1(value)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The questions that differ from version to version; the rest follow from them.

    `trans_huge` looks at the type bits as if VALID were set, or at the table bit: the same thing
    for an entry that is present.
    """

    pte_present: Predicate
    pmd_present: Predicate
    protnone: Predicate
    present_invalid: Predicate | None
    """Of every level (7.0), or None where only a pmd has the question."""
    pmd_present_invalid: Predicate
    has_write_protection: bool


DIALECT_7_0 = Dialect(present, present, protnone, present_invalid, present_invalid, True)
DIALECT_6_1 = Dialect(
    present_6_1, pmd_present_6_1, protnone_6_1, None, pmd_present_invalid_6_1, False
)


def predicates(name: str, dialect: Dialect, *, folded: bool = False) -> dict[str, Predicate]:
    """Return the predicates of the level called `name`, under the kernel's names.

    `folded`: a pud that has tables only, whatever its bits (the 64K granule).
    """
    asked = _asked(name, dialect, folded=folded)
    return {f"{name}_{question}": ask for question, ask in asked.items()}


def _asked(name: str, dialect: Dialect, *, folded: bool) -> Mapping[str, Predicate]:
    if name in {"pgd", "p4d"}:
        return {"none": none, "bad": bad}
    if folded:
        return {"none": none, "sect": never, "table": always, "bad": never, "leaf": never}
    is_pmd = name == "pmd"
    is_present = dialect.pmd_present if is_pmd else dialect.pte_present
    asked: dict[str, Predicate] = {"none": none, "present": is_present, "valid": valid}
    invalid = dialect.pmd_present_invalid if is_pmd else dialect.present_invalid
    if invalid is not None:
        asked["present_invalid"] = invalid
    asked |= {"protnone": dialect.protnone, "write": write, "dirty": dirty}
    if dialect.has_write_protection and name != "pud":
        asked["uffd_wp"] = write_protected
    if name == "pte":
        return {**asked, "hw_dirty": hardware_dirty}

    def is_leaf(value: Value) -> Truth:
        return is_present(value) & negate(table(value))

    asked |= {"leaf": is_leaf, "sect": section, "table": table, "bad": bad}
    if is_pmd:

        def is_huge(value: Value) -> Truth:
            return is_present(value) & has_none(value, TABLE_BIT)

        asked["trans_huge"] = trans_huge if dialect is DIALECT_7_0 else is_huge
    return asked
