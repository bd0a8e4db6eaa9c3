"""One access to memory, as the translation regime sees it (AccessDescriptor in the manual)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.arch.addresses import VirtualAddress


class AccessKind(StrEnum):
    """Direction of the access; `at` asks for a translation only."""

    READ = "read"
    WRITE = "write"
    FETCH = "fetch"
    READ_WRITE = "read_write"
    AT = "at"


class Operation(StrEnum):
    """What kind of instruction makes the access, where that changes alignment or the syndrome."""

    __hash__ = str.__hash__  # Enum's own is written in Python: these are looked up all the time.

    PLAIN = "plain"
    LOAD_PAIR = "load_pair"
    STORE_PAIR = "store_pair"
    LOAD_EXCLUSIVE = "load_exclusive"
    STORE_EXCLUSIVE = "store_exclusive"
    LOAD_EXCLUSIVE_PAIR = "load_exclusive_pair"
    STORE_EXCLUSIVE_PAIR = "store_exclusive_pair"
    LOAD_ACQUIRE = "load_acquire"
    LOAD_ACQUIRE_PC = "load_acquire_pc"
    LOAD_ACQUIRE_EXCLUSIVE = "load_acquire_exclusive"
    STORE_RELEASE = "store_release"
    STORE_RELEASE_EXCLUSIVE = "store_release_exclusive"
    SWAP = "swap"
    SWAP_ACQUIRE_RELEASE = "swap_acquire_release"
    COMPARE_AND_SWAP = "compare_and_swap"
    DC_ZVA = "dc_zva"
    CACHE_MAINTENANCE = "cache_maintenance"
    AT_S1E0R = "S1E0R"
    AT_S1E0W = "S1E0W"
    AT_S1E1R = "S1E1R"
    AT_S1E1W = "S1E1W"
    AT_S1E1RP = "S1E1RP"
    AT_S1E1WP = "S1E1WP"
    AT_S12E0R = "S12E0R"
    AT_S12E0W = "S12E0W"
    AT_S12E1R = "S12E1R"
    AT_S12E1W = "S12E1W"


@dataclass(frozen=True, slots=True)
class Access:
    """An access of `size` bytes at `va`, made at exception level `el` with this PSTATE."""

    va: VirtualAddress
    kind: AccessKind
    size: int = 8
    el: int = 1
    pan: bool = False
    uao: bool = False
    unprivileged: bool = False
    """LDTR or STTR: checked as if made at EL0, unless UAO says otherwise."""
    operation: Operation = Operation.PLAIN
