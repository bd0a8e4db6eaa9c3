"""What it means for these kernels that a property fails: who can come to see it, and who cannot."""

from __future__ import annotations

from collections.abc import Mapping

_BOTH = {
    "validity_agrees": (
        "pte_valid() asks for bit 0 alone, and hardware for bits 1:0 at level 3 and where a level "
        "has no blocks. The kernel writes 0b01 at neither place: a corrupted entry, or one written "
        "by other software, is taken for a mapped page where an access faults."
    ),
    "kinds_agree": (
        "With the 64K granule every pud is a table to the kernel; hardware with FEAT_LPA has "
        "blocks there, which the kernel does not write."
    ),
    "copy_writable": (
        "pte_mkwrite() clears RDONLY only if the software dirty bit is set. A kernel whose "
        "protections all carry it (PTE_DIRTY in _PAGE_KERNEL…) has no clean read-only leaf of its "
        "own; one without it cannot write to such a page while it resumes."
    ),
}

_7_0 = {
    "round_trip": (
        "The walk asks pXd_sect, which is false once VALID is clear: it takes the block for a "
        "table and goes on, so that VALID is never set again."
    ),
    "walk_edits_every_leaf": (
        "pXd_sect needs bit 0. With KPTI, where bit 11 stays, pXd_leaf would see the block; the "
        "walk does not ask it."
    ),
    "states_told_apart": (
        "A leaf made invalid has VALID cleared and nothing set: present, leaf and table are false "
        "for it, and a question meant for swap entries is true."
    ),
}

_7_0_1 = {
    "round_trip_any_leaf": (
        "PRESENT_INVALID is the bit of nG: what nG was is not kept, PTE_MAYBE_NG is put in its "
        "place. The operations are for mappings of the kernel, whose nG is PTE_MAYBE_NG; they lose "
        "the nG of any other leaf, such as the trampoline's, which is global under KPTI."
    ),
    "tlbi_any_leaf": (
        "set_memory_valid(on) issues no TLBI. Done to a leaf that is valid already and whose nG is "
        "not PTE_MAYBE_NG, it changes nG of a live entry, and the old entry can stay in a TLB."
    ),
    "states_told_apart": (
        "pXd_protnone() is true for a present-invalid leaf of the kernel, which has UXN and not "
        "USER, as PROT_NONE has. It is asked of entries of processes only (NUMA faults, mprotect, "
        "get_user_pages), where no such leaf is; a caller that walks kernel tables must not ask it."
    ),
}


def remarks(*, marks_invalid: bool) -> Mapping[str, str]:
    """Return the remarks by the names of the properties."""
    return {**_BOTH, **(_7_0_1 if marks_invalid else _7_0)}
