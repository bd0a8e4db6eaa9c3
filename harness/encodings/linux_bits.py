"""Bits and attribute sets of Linux's stage 1 descriptors on arm64.

Source: arch/arm64 of Linux 6.1, 7.0 and 7.0.1 (pgtable-hwdef.h, pgtable-prot.h, pgtable.h) and
include/linux/swap.h: facts, no text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

VALID = 1 << 0
TABLE_BIT = 1 << 1
TYPE_MASK = VALID | TABLE_BIT
TYPE_SECT = VALID
TYPE_TABLE = VALID | TABLE_BIT
USER = 1 << 6
RDONLY = 1 << 7
SHARED = 3 << 8
AF = 1 << 10
NG = 1 << 11
PRESENT_INVALID = 1 << 11
"""The bit of NG, with this meaning only while VALID is clear."""
GP = 1 << 50
WRITE = 1 << 51
"""The bit of DBM."""
CONT = 1 << 52
PXN = 1 << 53
UXN = 1 << 54
DIRTY = 1 << 55
SPECIAL = 1 << 56
UFFD_WP = 1 << 58

PROT_NONE_6_1 = 1 << 58
"""Linux 6.1: a leaf without access, while VALID is clear."""
PMD_PRESENT_INVALID_6_1 = 1 << 59
"""Linux 6.1: a user block on its way from one state to another."""

PXN_TABLE = 1 << 59
UXN_TABLE = 1 << 60
ADDRESS_FIELD = ((1 << 50) - (1 << 12)) | SHARED
"""Every bit that can hold part of an address, in one format or another."""


@dataclass(frozen=True, slots=True)
class SwapFormat:
    """Where an entry that is not present keeps its type and offset, and what the types mean.

    The numbers are those of a kernel with memory failure, migration and device memory configured.
    """

    type_lsb: int
    offset: int
    exclusive: int
    write_protected: int
    """0 where the kernel has no userfaultfd write protection."""
    poisoned: tuple[int, ...]
    migration: tuple[int, ...]
    device: tuple[int, ...]
    marker: tuple[int, ...]

    @property
    def type_mask(self) -> int:
        """The five bits of the type."""
        return 0x1F << self.type_lsb

    @property
    def fields(self) -> int:
        """Every bit that may be set."""
        return self.type_mask | self.offset | self.exclusive | self.write_protected


SWAP_7_0 = SwapFormat(
    type_lsb=6,
    offset=(1 << 62) - (1 << 12),
    exclusive=1 << 2,
    write_protected=1 << 3,
    poisoned=(21,),
    migration=(22, 23, 24),
    device=(25, 26, 27, 28, 29, 30),
    marker=(31,),
)
SWAP_6_1 = SwapFormat(
    type_lsb=3,
    offset=(1 << 58) - (1 << 8),
    exclusive=1 << 2,
    write_protected=0,
    poisoned=(23,),
    migration=(24, 25, 26),
    device=(27, 28, 29, 30),
    marker=(31,),
)

BITS: Mapping[str, int] = MappingProxyType(
    {
        "VALID": VALID,
        "TABLE": TABLE_BIT,
        "ATTRINDX": 7 << 2,
        "USER": USER,
        "RDONLY": RDONLY,
        "SHARED": SHARED,
        "AF": AF,
        "NG": NG,
        "PRESENT_INVALID": PRESENT_INVALID,
        "GP": GP,
        "WRITE": WRITE,
        "DBM": WRITE,
        "CONT": CONT,
        "PXN": PXN,
        "UXN": UXN,
        "DIRTY": DIRTY,
        "SPECIAL": SPECIAL,
        "UFFD_WP": UFFD_WP,
    }
)
BITS_6_1: Mapping[str, int] = MappingProxyType(
    {
        **{name: mask for name, mask in BITS.items() if name not in {"PRESENT_INVALID", "UFFD_WP"}},
        "PROT_NONE": PROT_NONE_6_1,
        "PMD_PRESENT_INVALID": PMD_PRESENT_INVALID_6_1,
    }
)

MAIR_INDEX: Mapping[str, int] = MappingProxyType(
    {"NORMAL": 0, "NORMAL_TAGGED": 1, "NORMAL_NC": 2, "DEVICE_nGnRnE": 3, "DEVICE_nGnRE": 4}
)
"""Linux's order of the memory types in MAIR_EL1."""


def attributes(*, kpti: bool, lpa2: bool) -> Mapping[str, int]:
    """Return the leaf bits of each named attribute set, without bits 1:0.

    With KPTI kernel mappings are nG. With LPA2 a descriptor has no shareability: bits 9:8 are
    address bits.
    """
    default = AF | (0 if lpa2 else SHARED)
    kernel = default | (NG if kpti else 0)
    never = PXN | UXN
    prot = {
        f"PROT_{name}": kernel | never | WRITE | index << 2 for name, index in MAIR_INDEX.items()
    }
    normal = prot["PROT_NORMAL"]
    # Writable user pages are born clean: RDONLY until the first store sets the dirty state.
    user = default | USER | NG | PXN | RDONLY
    return MappingProxyType(
        {
            "PAGE_KERNEL": normal,
            "PAGE_KERNEL_TAGGED": prot["PROT_NORMAL_TAGGED"],
            "PAGE_KERNEL_RO": normal & ~WRITE | RDONLY,
            "PAGE_KERNEL_ROX": normal & ~(WRITE | PXN) | RDONLY,
            "PAGE_KERNEL_EXEC": normal & ~PXN,
            "PAGE_SHARED": user | UXN | WRITE,
            "PAGE_SHARED_EXEC": user | WRITE,
            "PAGE_READONLY": user | UXN,
            "PAGE_READONLY_EXEC": user,
            "PAGE_EXECONLY": user & ~USER,
            **prot,
        }
    )
