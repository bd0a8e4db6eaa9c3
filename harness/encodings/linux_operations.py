"""What Linux does to the leaves of its own mappings, under the kernel's names.

Source: arch/arm64 of Linux 6.1, 7.0 and 7.0.1 (mm/pageattr.c, mm/mmu.c, mm/trans_pgd.c, pgtable.h):
facts, no text. NG and PRESENT_INVALID are one bit: masks are applied clear first, then set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.encodings.definition import Course, KernelOperation, MaskChange, Step
from harness.encodings.levels import NAMES
from harness.encodings.linux_bits import (
    CONT,
    DIRTY,
    GP,
    NG,
    PRESENT_INVALID,
    PXN,
    RDONLY,
    TYPE_MASK,
    TYPE_SECT,
    TYPE_TABLE,
    VALID,
    WRITE,
)
from harness.encodings.linux_predicates import valid
from harness.encodings.logic import Operation, Value, change_bits, has_all, select

ENTRY_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Validity:
    """How a kernel takes a leaf from the hardware and gives it back."""

    off: MaskChange
    on: MaskChange

    @classmethod
    def of(cls, *, marks_invalid: bool, kpti: bool) -> Validity:
        """Return how it is done; `marks_invalid`: PRESENT_INVALID is left behind."""
        maybe_ng = NG if kpti else 0
        if marks_invalid:
            off = MaskChange(VALID | maybe_ng, PRESENT_INVALID)
            return cls(off, MaskChange(PRESENT_INVALID, VALID | maybe_ng))
        return cls(MaskChange(VALID, 0), MaskChange(0, VALID))


def leaf_operations(
    level: int, validity: Validity, *, marks_invalid: bool, shared_alias: int
) -> Mapping[str, KernelOperation]:
    """Return the operations on a leaf; `shared_alias` is the address bit of a realm's sharing."""
    off, on = validity.off, validity.on
    share = MaskChange(off.clear, off.put | shared_alias)
    unshare = MaskChange(off.clear | shared_alias, off.put)
    # The one change after which no TLBI is issued: nothing can have cached the old value.
    make_valid = KernelOperation(on, flushes=False)
    found = {
        "set_memory_valid_off": KernelOperation(off),
        "set_memory_valid_on": make_valid,
        "set_direct_map_invalid": KernelOperation(off),
        "set_direct_map_default": KernelOperation(MaskChange(on.clear | RDONLY, on.put | WRITE)),
        "set_memory_ro": KernelOperation(MaskChange(WRITE, RDONLY)),
        "set_memory_rw": KernelOperation(MaskChange(RDONLY, WRITE)),
        "set_memory_nx": KernelOperation(MaskChange(GP, PXN)),
        "set_memory_x": KernelOperation(MaskChange(PXN, GP)),
        "realm_share": KernelOperation(share),
        "realm_unshare": KernelOperation(unshare),
        "realm_make_valid": make_valid,
        "hibernate_copy": KernelOperation(
            _copy(level, validity, marks_invalid=marks_invalid), by_walk=False
        ),
    }
    found[f"{NAMES[level]}_mkinvalid"] = KernelOperation(
        MaskChange(VALID, PRESENT_INVALID), by_walk=False
    )
    if level == ENTRY_LEVEL:
        found["contpte_fold"] = KernelOperation(MaskChange(0, CONT), by_walk=False)
        found["contpte_unfold"] = KernelOperation(MaskChange(CONT, 0), by_walk=False)
    return MappingProxyType(found)


def leaf_courses(shared_alias: int) -> tuple[Course, ...]:
    """Return the operations that belong together."""
    as_it_was, private = MaskChange(0, 0), MaskChange(shared_alias, 0)
    share = (Step("realm_share", False), Step("realm_make_valid", True))
    unshare = (Step("realm_unshare", False), Step("realm_make_valid", True))
    return (
        Course(
            "set_memory_valid off, on",
            (Step("set_memory_valid_off", False), Step("set_memory_valid_on", True)),
            as_it_was,
        ),
        Course(
            "set_direct_map invalid, default",
            (Step("set_direct_map_invalid", False), Step("set_direct_map_default", True)),
            MaskChange(RDONLY, WRITE),
        ),
        Course("realm share", share, MaskChange(0, shared_alias), private),
        Course("realm share, unshare", (*share, *unshare), as_it_was, private),
    )


def split_of(level: int, *, keeps_validity: bool) -> Operation:
    """Return what makes of a leaf of `level` the first of the leaves that it is split into."""
    child_type = TYPE_TABLE if level + 1 == ENTRY_LEVEL else TYPE_SECT

    def split(value: Value) -> Value:
        child = change_bits(value, TYPE_MASK, child_type)
        if not keeps_validity:
            return child
        return select(valid(value), child, change_bits(child, VALID, PRESENT_INVALID))

    return split


def _copy(level: int, validity: Validity, *, marks_invalid: bool) -> Operation:
    if not marks_invalid and level != ENTRY_LEVEL:
        return MaskChange(RDONLY, 0)

    def copy(value: Value) -> Value:
        """Make it writable as pte_mkwrite does, then valid."""
        writable = value | WRITE
        writable = select(has_all(writable, DIRTY), change_bits(writable, RDONLY, 0), writable)
        return validity.on(writable)

    return copy
