"""Linux 7.0, 7.0.1, which marks leaves made invalid as present-invalid at every level, and 6.1.

Source: arch/arm64 of these versions (mm/pageattr.c, pgtable.h): facts, no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import MappingProxyType

from harness.arch.granule import Granule
from harness.encodings.definition import (
    Encoding,
    LevelEncoding,
    MaskChange,
    PresentQuestion,
    Role,
)
from harness.encodings.form import LPA_FORM, PLAIN_FORMS, WIDE_FORMS, Form
from harness.encodings.levels import NAMES
from harness.encodings.linux_bits import (
    BITS,
    DIRTY,
    NG,
    PRESENT_INVALID,
    PXN,
    RDONLY,
    SWAP_7_0,
    TYPE_MASK,
    UFFD_WP,
    USER,
    UXN,
    VALID,
    WRITE,
    attributes,
)
from harness.encodings.linux_operations import (
    ENTRY_LEVEL,
    Validity,
    leaf_courses,
    leaf_operations,
    split_of,
)
from harness.encodings.linux_predicates import DIALECT_7_0, Dialect, predicates, table
from harness.encodings.linux_remarks import remarks
from harness.encodings.linux_states import (
    Makers,
    by_name,
    kernel_leaf,
    leaf_states,
    table_states,
    user_leaf,
)
from harness.encodings.linux_swap import migration_state, swap_states
from harness.encodings.linux_words import describe

TABLE_LEVELS = (-1, 0)
"""Levels of tables only: Linux does not use the blocks that LPA2 has at level 0."""
BLOCK_LEVELS = (1, 2)
PMD_LEVEL = 2
SWAP_BITS = SWAP_7_0.exclusive | SWAP_7_0.write_protected | SWAP_7_0.type_mask
MEANINGFUL = TYPE_MASK | USER | RDONLY | NG | WRITE | UXN | DIRTY | UFFD_WP | SWAP_BITS
"""The bits that some predicate asks for, or that decide what an operation does."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One kernel. `marks_invalid`: set_memory_valid(off) leaves PRESENT_INVALID behind."""

    version: str
    marks_invalid: bool
    kpti: bool
    lpa2: bool

    @property
    def name(self) -> str:
        """The version with its options: `linux-7.0.1-kpti-lpa2`."""
        options = [word for word, on in (("kpti", self.kpti), ("lpa2", self.lpa2)) if on]
        return "-".join(["linux", self.version, *options])


def variants() -> Iterator[Variant]:
    """Yield every kernel that is described here."""
    for lpa2, kpti, (version, marks_invalid) in product(
        (False, True), (False, True), (("7.0", False), ("7.0.1", True))
    ):
        yield Variant(version, marks_invalid, kpti, lpa2)


def linux(variant: Variant) -> Encoding:
    """Return the encoding of one kernel."""
    options = f"{'with' if variant.kpti else 'without'} KPTI"
    return Encoding(
        variant.name,
        f"Linux {variant.version} {options}{', LPA2 descriptors' if variant.lpa2 else ''}",
        BITS,
        attributes(kpti=variant.kpti, lpa2=variant.lpa2),
        WIDE_FORMS if variant.lpa2 else (*PLAIN_FORMS, LPA_FORM),
        partial(_levels, variant),
        describe,
        remarks(marks_invalid=variant.marks_invalid),
    )


def table_level(
    level: int, name: str, dialect: Dialect = DIALECT_7_0, *, folded: bool = False
) -> LevelEncoding:
    """Return a level of tables only; `folded`: the kernel takes every entry for a table."""
    asked = predicates(name, dialect, folded=folded)
    known = leaf_roles(name) | {Role.NONE: f"{name}_none"}
    roles = {role: question for role, question in known.items() if question in asked}
    states = table_states(name, f"not {name}_none and not {name}_bad", table)
    return LevelEncoding(level, name, asked, states, roles=roles)


def leaf_roles(name: str) -> dict[Role, str]:
    """Return the questions that properties ask, at a level with leaves."""
    asked = {Role.NONE: "none", Role.PRESENT: "present", Role.VALID: "valid"}
    if name != NAMES[ENTRY_LEVEL]:
        asked |= {Role.LEAF: "leaf", Role.TABLE: "table"}
    return {role: f"{name}_{question}" for role, question in asked.items()}


def _levels(variant: Variant, form: Form) -> Mapping[int, LevelEncoding]:
    levels = {level: table_level(level, NAMES[level]) for level in TABLE_LEVELS}
    for level in (*BLOCK_LEVELS, ENTRY_LEVEL):
        if level == 1 and form.granule is not Granule.K4:
            # Linux uses blocks of a pud with the 4K granule alone.
            levels[level] = table_level(level, NAMES[level], folded=form.granule is Granule.K64)
        else:
            levels[level] = _leaf_level(variant, form, level)
    return MappingProxyType(levels)


def _leaf_level(variant: Variant, form: Form, level: int) -> LevelEncoding:
    name = NAMES[level]
    validity = Validity.of(marks_invalid=variant.marks_invalid, kpti=variant.kpti)
    shared_alias = form.top_address_bit
    asked = predicates(name, DIALECT_7_0)
    states = leaf_states(
        level,
        asked,
        Makers(
            kernel_leaf(level, kpti=variant.kpti, free=UFFD_WP),
            user_leaf(level, free=UFFD_WP),
            validity.off,
            MaskChange(VALID, PRESENT_INVALID),
            MaskChange(VALID | USER | WRITE, PRESENT_INVALID | RDONLY | PXN | UXN),
        ),
        with_user=level >= PMD_LEVEL,
    )
    if level == ENTRY_LEVEL:
        absent = tuple(swap_states(name, asked["pte_present"], SWAP_7_0))
        others = tuple(table_states(name, "", table).values())[:1]
        edited_if = dumped_if = None
        present = PresentQuestion(None, "pte_valid")
    else:
        absent = ()
        if level == PMD_LEVEL:
            absent = (migration_state(name, asked["pmd_present"], SWAP_7_0),)
        others = tuple(table_states(name, f"{name}_table", table).values())
        dumped_if = f"{name}_leaf"
        edited_if = dumped_if if variant.marks_invalid else f"{name}_sect"
        present = PresentQuestion(edited_if, f"{name}_valid" if variant.marks_invalid else None)
    return LevelEncoding(
        level,
        name,
        MappingProxyType(asked),
        by_name(*others, *states, *absent),
        leaf_operations(
            level, validity, marks_invalid=variant.marks_invalid, shared_alias=shared_alias
        ),
        edited_if,
        dumped_if,
        present,
        leaf_roles(name),
        leaf_courses(shared_alias),
        invalidations=("set_memory_valid_off", "set_direct_map_invalid", f"{name}_mkinvalid"),
        kept=(f"{name}_write", f"{name}_dirty"),
        changes=("set_memory_ro", "set_memory_rw", "set_memory_nx", "set_memory_x"),
        restores="set_memory_valid_on",
        folds=("contpte_fold", "contpte_unfold") if level == ENTRY_LEVEL else None,
        split=None
        if level == ENTRY_LEVEL
        else split_of(level, keeps_validity=variant.marks_invalid),
        copy="hibernate_copy",
        meaningful=MEANINGFUL,
    )
