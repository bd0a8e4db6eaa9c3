"""Where the leaves are that translation may use now: found by reading every live table once."""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.addresses import PhysicalAddress
from harness.memory import DescriptorMemory
from harness.vmsa.context import Context
from harness.vmsa.descriptor import BLOCK, LAST_LEVEL, PAGE, TABLE, address_of
from harness.vmsa.parameters import Stage1Parameters
from harness.vmsa.walk import kind_of

_HALVES = (0, 1 << 63 | 1 << 55)
"""An address in each TTBR's half."""


def leaf_parameters(
    context: Context, memory: DescriptorMemory, address: int
) -> Stage1Parameters | None:
    """Return the parameters under which the word at `address` is a valid leaf, None if it is none.

    Only for stage 1 with 64-bit descriptors and stage 2 off; None otherwise, so that no
    spontaneous update is offered there.
    """
    if not context.stage1_enabled or context.stage2_enabled:
        return None
    for va in _HALVES:
        parameters = context.stage1(va)
        if parameters.d128 or parameters.walk is None or parameters.walk_disabled:
            continue
        for table, level, entries in _tables(parameters, memory):
            if not table <= address < table + 8 * entries:
                continue
            word = memory.read64(PhysicalAddress(address)) or 0
            if kind_of(parameters.walk, word, level)[0] in {BLOCK, PAGE}:
                return parameters
    return None


def _tables(
    parameters: Stage1Parameters, memory: DescriptorMemory
) -> Iterator[tuple[int, int, int]]:
    """Yield address, level and number of entries of every table, each once a level."""
    walk = parameters.walk
    if walk is None:
        return
    first_bits = walk.ia_bits - walk.granule_bits - (LAST_LEVEL - walk.start_level) * walk.stride
    pending = [(walk.base, walk.start_level, 1 << max(first_bits, 0))]
    seen = set(pending)
    while pending:
        table, level, entries = pending.pop()
        yield table, level, entries
        if level == LAST_LEVEL:
            continue
        for index in range(entries):
            word = memory.read64(PhysicalAddress(table + 8 * index))
            if word is None or not word & 1:
                continue
            if kind_of(walk, word, level)[0] == TABLE:
                below = (address_of(word, walk.form), level + 1, 1 << walk.stride)
                if below not in seen:
                    seen.add(below)
                    pending.append(below)
