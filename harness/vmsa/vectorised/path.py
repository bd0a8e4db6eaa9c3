"""Tables that lead to a level and do nothing else."""

from __future__ import annotations

from harness.arch.addresses import PhysicalAddress
from harness.errors import UnsupportedError
from harness.memory import DescriptorMemory, WordMemory
from harness.vmsa.access import Access
from harness.vmsa.context import Context
from harness.vmsa.descriptor import LAST_LEVEL
from harness.vmsa.translate import translate
from harness.vmsa.walk import WalkParameters

_TABLE = 0b11


class _Leading:
    """Answers the lookups of one walk in turn: table descriptors, then an invalid one."""

    def __init__(self, descriptors: list[int]) -> None:
        self._left = [*descriptors, 0]
        self.words: dict[int, int] = {}
        self.last: int | None = None

    def read64(self, address: PhysicalAddress) -> int:
        self.last = None if len(self._left) > 1 else address
        self.words[address] = self._left.pop(0)
        return self.words[address]


def path_to(
    context: Context, access: Access, level: int, above: int
) -> tuple[DescriptorMemory, int]:
    """Return tables whose walk for the access comes to `level`, and where it looks there.

    `above`: further bits of each table descriptor. ValueError if it does not come there.
    """
    if context.stage1_enabled and context.stage2_enabled:
        raise UnsupportedError("both stages are on: which one's level is meant is not said")
    walk = _walk(context, access)
    if walk.d128:
        raise UnsupportedError("FEAT_D128: arrays of 128-bit descriptors are not modelled")
    if not walk.start_level <= level <= LAST_LEVEL:
        raise ValueError(f"the walk has levels {walk.start_level} to {LAST_LEVEL}, not {level}")
    first = walk.base >> walk.granule_bits
    tables = [
        (table << walk.granule_bits) | above | _TABLE
        for table in range(1, 2 + LAST_LEVEL - walk.start_level)
        if table != first
    ]
    memory = _Leading(tables[: level - walk.start_level])
    outcome = translate(context, memory, access)
    if memory.last is None:
        raise ValueError(f"the access does not come to level {level}: {outcome}")
    return WordMemory(memory.words), memory.last


def _walk(context: Context, access: Access) -> WalkParameters:
    walk = None
    if context.stage1_enabled:
        walk = context.stage1(access.va).walk
    elif context.stage2_enabled:
        walk = context.stage2.walk
    if walk is None:
        raise ValueError("the access walks no tables: both stages are off, or TnSZ is out of range")
    return walk
