"""Where translation tables are put: a stated range of physical memory, used from the bottom."""

from __future__ import annotations

from harness.arch.addresses import PhysicalAddress
from harness.errors import MappingError


class TablePool:
    """Hands out places for tables in [`base`, `base` + `size`); one pool may serve both TTBRs."""

    def __init__(self, base: PhysicalAddress, size: int) -> None:
        self.base = base
        self.size = size
        self._next = int(base)

    @property
    def used(self) -> int:
        """Bytes from `base` to the end of the last table handed out."""
        return self._next - self.base

    def allocate(self, size: int, alignment: int | None = None) -> PhysicalAddress:
        """Return the place of a table of `size` bytes, aligned to `alignment` (default: `size`).

        The contents are the caller's to write. MappingError when the pool is exhausted.
        """
        alignment = alignment or size
        address = -(-self._next // alignment) * alignment
        if address + size > self.base + self.size:
            raise MappingError(
                f"the tables do not fit in the {self.size:#x} bytes of table memory at "
                f"{self.base:#x}"
            )
        self._next = address + size
        return PhysicalAddress(address)

    def rewind(self, used: int) -> None:
        """Give back every table handed out since `used` had this value."""
        self._next = self.base + used
