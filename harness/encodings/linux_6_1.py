"""Linux 6.1: bit 58 says PROT_NONE, bit 59 a pmd made invalid, and only pages change attributes.

Source: arch/arm64 of Linux 6.1 (pgtable.h, pgtable-prot.h, mm/pageattr.c, mm/trans_pgd.c): facts,
no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from harness.arch.granule import Granule
from harness.encodings.definition import (
    Course,
    Encoding,
    KernelOperation,
    LevelEncoding,
    MaskChange,
    PresentQuestion,
    Role,
    StateName,
    Step,
)
from harness.encodings.form import LPA_FORM, PLAIN_FORMS, Form
from harness.encodings.levels import NAMES
from harness.encodings.linux import BLOCK_LEVELS, PMD_LEVEL, TABLE_LEVELS, leaf_roles, table_level
from harness.encodings.linux_bits import (
    BITS_6_1,
    DIRTY,
    GP,
    PMD_PRESENT_INVALID_6_1,
    PROT_NONE_6_1,
    PXN,
    RDONLY,
    SWAP_6_1,
    TYPE_MASK,
    USER,
    UXN,
    VALID,
    WRITE,
    attributes,
)
from harness.encodings.linux_operations import ENTRY_LEVEL
from harness.encodings.linux_predicates import DIALECT_6_1, predicates, table
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

_FREE = PROT_NONE_6_1 | PMD_PRESENT_INVALID_6_1
_OFF, _ON = MaskChange(VALID, 0), MaskChange(0, VALID)
_MAKE_INVALID = MaskChange(VALID, PMD_PRESENT_INVALID_6_1)
_MEANINGFUL = (
    TYPE_MASK | USER | RDONLY | WRITE | UXN | DIRTY | _FREE
    | SWAP_6_1.exclusive | SWAP_6_1.type_mask
)  # fmt: skip

_REMARKS: Mapping[str, str] = MappingProxyType(
    {
        "states_told_apart": (
            "A page of the kernel that is made invalid has VALID cleared and nothing set: nothing "
            "but its place tells it from a swap entry. Kernel tables hold no swap entries."
        ),
        "validity_agrees": (
            "pte_valid() asks for bit 0 alone, and hardware for bits 1:0 at level 3 and where a "
            "level has no blocks. The kernel writes 0b01 at neither place."
        ),
        "kinds_agree": (
            "With the 64K granule every pud is a table to the kernel; hardware with FEAT_LPA has "
            "blocks there, which the kernel does not write."
        ),
    }
)


def variants_6_1() -> Iterator[Encoding]:
    """Yield Linux 6.1 with and without KPTI."""
    for kpti in (False, True):
        yield Encoding(
            "linux-6.1-kpti" if kpti else "linux-6.1",
            f"Linux 6.1 {'with' if kpti else 'without'} KPTI",
            BITS_6_1,
            attributes(kpti=kpti, lpa2=False),
            (*PLAIN_FORMS, LPA_FORM),
            partial(_levels, kpti),
            describe,
            _REMARKS,
        )


def _levels(kpti: bool, form: Form) -> Mapping[int, LevelEncoding]:  # noqa: FBT001 - of a partial
    levels = {level: table_level(level, NAMES[level], DIALECT_6_1) for level in TABLE_LEVELS}
    for level in (*BLOCK_LEVELS, ENTRY_LEVEL):
        if level == 1 and form.granule is not Granule.K4:
            folded = form.granule is Granule.K64
            levels[level] = table_level(level, NAMES[level], DIALECT_6_1, folded=folded)
        else:
            levels[level] = _leaf_level(level, kpti=kpti)
    return MappingProxyType(levels)


def _leaf_level(level: int, *, kpti: bool) -> LevelEncoding:
    name = NAMES[level]
    asked = predicates(name, DIALECT_6_1)
    is_last = level == ENTRY_LEVEL
    states = leaf_states(
        level,
        asked,
        Makers(
            kernel_leaf(level, kpti=kpti, free=_FREE),
            user_leaf(level, free=_FREE),
            _OFF if is_last else None,
            _MAKE_INVALID,
            MaskChange(VALID | USER | WRITE, PROT_NONE_6_1 | RDONLY | PXN | UXN),
        ),
        with_user=level >= PMD_LEVEL,
    )
    tables = table_states(name, f"{name}_table", table)
    others = [state for state in tables.values() if state.name is StateName.NONE or not is_last]
    absent = list(swap_states(name, asked["pte_present"], SWAP_6_1)) if is_last else []
    if level == PMD_LEVEL:
        absent.append(migration_state(name, asked["pmd_present"], SWAP_6_1))
    plain = LevelEncoding(
        level,
        name,
        MappingProxyType(asked),
        by_name(*others, *states, *absent),
        {"hibernate_copy": KernelOperation(MaskChange(RDONLY, 0), by_walk=False)},
        edited_if=f"{name}_sect",
        dumped_if=f"{name}_leaf",
        present=PresentQuestion(f"{name}_sect", None),
        roles=leaf_roles(name),
        copy="hibernate_copy",
        meaningful=_MEANINGFUL,
    )
    if level == PMD_LEVEL:
        return replace(
            plain,
            operations={
                **plain.operations,
                "pmd_mkinvalid": KernelOperation(_MAKE_INVALID, by_walk=False),
            },
            invalidations=("pmd_mkinvalid",),
            kept=("pmd_write", "pmd_dirty"),
        )
    return _with_page_operations(plain) if is_last else plain


def _with_page_operations(level: LevelEncoding) -> LevelEncoding:
    operations = {
        "set_memory_valid_off": KernelOperation(_OFF),
        "set_memory_valid_on": KernelOperation(_ON),
        "set_direct_map_invalid": KernelOperation(_OFF),
        "set_direct_map_default": KernelOperation(MaskChange(RDONLY, VALID | WRITE)),
        "set_memory_ro": KernelOperation(MaskChange(WRITE, RDONLY)),
        "set_memory_rw": KernelOperation(MaskChange(RDONLY, WRITE)),
        "set_memory_nx": KernelOperation(MaskChange(GP, PXN)),
        "set_memory_x": KernelOperation(MaskChange(PXN, GP)),
        "hibernate_copy": KernelOperation(MaskChange(RDONLY, VALID | WRITE), by_walk=False),
    }
    return replace(
        level,
        operations=MappingProxyType(operations),
        edited_if=None,
        dumped_if=None,
        present=PresentQuestion(None, "pte_valid"),
        roles={role: name for role, name in level.roles.items() if role is not Role.LEAF},
        courses=(
            Course(
                "set_memory_valid off, on",
                (Step("set_memory_valid_off", False), Step("set_memory_valid_on", True)),
                MaskChange(0, 0),
            ),
            Course(
                "set_direct_map invalid, default",
                (Step("set_direct_map_invalid", False), Step("set_direct_map_default", True)),
                MaskChange(RDONLY, WRITE),
            ),
        ),
        invalidations=("set_memory_valid_off", "set_direct_map_invalid"),
        kept=("pte_write", "pte_dirty"),
        changes=("set_memory_ro", "set_memory_rw", "set_memory_nx", "set_memory_x"),
        restores="set_memory_valid_on",
    )
