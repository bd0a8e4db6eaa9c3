"""Contiguous runs: one descriptor of a run may be cached for the addresses of all.

DDI 0487, D8 "The Contiguous bit": a TLB may hold a run as one entry, made from any of its
descriptors. Where they disagree, as in the middle of a change, an access may get any of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.addresses import PhysicalAddress
from harness.memory import DescriptorMemory
from harness.vmsa.descriptor import ACCESS_FLAG, BLOCK, CONTIGUOUS, PAGE, TABLE
from harness.vmsa.tlb.state import OldWord, TranslationState
from harness.vmsa.walk import Lookup, kind_of


def other_members(
    state: TranslationState, memory: DescriptorMemory, lookup: Lookup
) -> Iterator[tuple[int, OldWord | None]]:
    """Yield what a TLB may hold for the run that the lookup's descriptor is in, but not of it.

    The value of another descriptor, and, if that is of the past, what became of it. Only what says
    something else than the lookup's own descriptor: two that differ by their place in the run
    alone are the same entry.
    """
    walk = lookup.parameters
    count = walk.contiguous_bits[lookup.level] if lookup.level >= 0 else 0
    if not count or walk.d128 or kind_of(walk, lookup.descriptor, lookup.level)[0] == TABLE:
        return
    place = (1 << count + walk.granule_bits + (3 - lookup.level) * walk.stride) - 1
    in_place = walk.form.in_place & place
    first = lookup.address & ~((8 << count) - 1)
    own = lookup.descriptor & ~in_place
    for address in range(first, first + (8 << count), 8):
        if address == lookup.address:
            continue
        current = memory.read64(PhysicalAddress(address))
        if current is None:
            continue
        known = {own}
        values = [(current, None), *((old.value, old) for old in state.old_values(address))]
        for value, old in values:
            same = value & ~in_place in known
            leaf = kind_of(walk, value, lookup.level)[0] in {BLOCK, PAGE}
            if same or not leaf or not value & CONTIGUOUS or not value & ACCESS_FLAG:
                continue
            known.add(value & ~in_place)
            yield value, old
