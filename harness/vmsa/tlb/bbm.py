"""Break-before-make: which changes of a live valid descriptor need it, and what happens without.

DDI 0487, D8 "Using break-before-make when updating translation table entries" and "Support levels
for changing block size" (FEAT_BBM). What an implementation does is its choice, stated in
`Implementation.bbm_level` and `bbm_no_abort`:

* level 0, and every change that is not one of size alone: a TLB conflict abort, either value, or
  an amalgam of both;
* level 1: a size change of a block that has nT set: either value;
* level 2: either value; a TLB conflict abort too, unless the implementation never takes it.
"""

from __future__ import annotations

from enum import StrEnum

from harness.arch.descriptors import fields as bits
from harness.arch.features import Feature, Profile
from harness.vmsa.descriptor import BLOCK, INVALID, NO_TRANSLATION, TABLE, address_of
from harness.vmsa.parameters import Stage1Parameters
from harness.vmsa.walk import WalkParameters, kind_of


class Change(StrEnum):
    """What differs between two valid descriptors so that break-before-make is needed."""

    SIZE = "size"
    """Block against table, or the Contiguous bit."""
    OUTPUT_ADDRESS = "output address"
    MEMORY_TYPE = "memory type, cacheability or shareability"
    GLOBAL = "global bit"


def changes(
    parameters: Stage1Parameters, walk: WalkParameters, level: int, old: int, new: int
) -> frozenset[Change]:
    """Return what needs break-before-make between two values of a 64-bit descriptor at `level`.

    Empty if either is invalid, and between two tables: their leaves are compared, not they.
    """
    old_kind, _ = kind_of(walk, old, level)
    new_kind, _ = kind_of(walk, new, level)
    if INVALID in {old_kind, new_kind} or old_kind == new_kind == TABLE:
        return frozenset()
    if TABLE in {old_kind, new_kind}:
        return frozenset({Change.SIZE})
    found = set()
    if bits.CONTIGUOUS.get(old) != bits.CONTIGUOUS.get(new):
        found.add(Change.SIZE)
    if address_of(old, walk.form) != address_of(new, walk.form):
        found.add(Change.OUTPUT_ADDRESS)
    if _attribute(parameters, old) != _attribute(parameters, new) or (
        parameters.shareability is None and bits.SH.get(old) != bits.SH.get(new)
    ):
        found.add(Change.MEMORY_TYPE)
    if bits.NG.get(old) != bits.NG.get(new):
        found.add(Change.GLOBAL)
    return frozenset(found)


def _attribute(parameters: Stage1Parameters, descriptor: int) -> int:
    return parameters.mair >> 8 * bits.ATTR_INDX.get(descriptor) & 0xFF


def bbm_level(profile: Profile) -> int:
    """Return ID_AA64MMFR2_EL1.BBM (AArch64.BlockBBMSupportLevel)."""
    return profile.implementation.bbm_level if profile.has(Feature.BBM) else 0


def may_conflict(
    profile: Profile, walk: WalkParameters, level: int, values: tuple[int, int]
) -> bool:
    """Return whether two usable values of a descriptor may give a TLB conflict abort.

    `values` differ in a way that needs break-before-make.
    """
    support = bbm_level(profile)
    if support >= 2:  # noqa: PLR2004 - the number of the level
        return not profile.implementation.bbm_no_abort
    if support == 1:
        blocks = [value for value in values if kind_of(walk, value, level)[0] == BLOCK]
        return not blocks or not any(value & NO_TRANSLATION for value in blocks)
    return True


def amalgams(
    profile: Profile, walk: WalkParameters, level: int, old: int, new: int
) -> tuple[int, ...]:
    """Return mixtures of two leaves: the output address of one, the attributes of the other.

    Empty where the implementation keeps them apart (level 2), and where the sizes differ in kind.
    """
    kinds = {kind_of(walk, value, level)[0] for value in (old, new)}
    if bbm_level(profile) >= 2 or len(kinds) != 1:  # noqa: PLR2004 - the number of the level
        return ()
    address = walk.form.in_place | walk.form.high
    mixed = (old & address | new & ~address, new & address | old & ~address)
    return tuple(value for value in mixed if value not in {old, new})
