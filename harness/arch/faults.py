"""Kinds of memory faults, named as the case files name them."""

from __future__ import annotations

from enum import StrEnum


class FaultKind(StrEnum):
    """What a translation or access can end in, instead of a location in memory."""

    __hash__ = str.__hash__  # Enum's own is written in Python: these are looked up all the time.

    TRANSLATION = "translation"
    ACCESS_FLAG = "access_flag"
    PERMISSION = "permission"
    ADDRESS_SIZE = "address_size"
    ALIGNMENT = "alignment"
    EXTERNAL_ON_WALK = "external_on_walk"
    EXTERNAL = "external"
    TLB_CONFLICT = "tlb_conflict"
    UNSUPPORTED_ATOMIC_UPDATE = "unsupported_atomic_update"
