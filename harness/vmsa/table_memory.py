"""Translation tables in memory as a walk sees them, with the updates that hardware made so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from harness.memory import DescriptorMemory
from harness.vmsa.record import FaultRecord


class TableMemory:
    """Tables at physical addresses: the only thing of a translation that changes.

    `updates` are the 64-bit words that hardware changed, with their new values; the memory itself
    is never written. A later read of the same translation sees them.
    """

    __slots__ = ("_read64", "updates")

    def __init__(self, memory: DescriptorMemory) -> None:
        # An int is a PhysicalAddress when it runs; the walk computes plain numbers.
        self._read64 = cast("Callable[[int], int | None]", memory.read64)
        self.updates: dict[int, int] = {}

    def read(self, address: int) -> int | None:
        """Return a 64-bit descriptor, None where there is no memory."""
        if address in self.updates:
            return self.updates[address]
        return self._read64(address)

    def read128(self, address: int) -> int | None:
        """Return a 128-bit descriptor (FEAT_D128), low word first."""
        low, high = self.read(address), self.read(address + 8)
        return None if low is None or high is None else high << 64 | low

    def update(self, address: int, descriptor: int) -> FaultRecord | None:
        """Record a descriptor's new low word; never fails (AArch64.MemSwapTableDesc)."""
        self.updates[address] = descriptor & 0xFFFF_FFFF_FFFF_FFFF
        return None
