"""What one TLBI covers: its operation and operand read as scope, address range, ASID and level.

Coverage errs to one side only: where the architecture does not promise that a cached entry is
gone, `Invalidation.covers` says no, and the old value stays permitted. Source: DDI 0487, D8 "TLB
maintenance", and the TLBI instructions in C5.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch import tlbi
from harness.arch.features import Feature, Profile
from harness.arch.granule import Granule
from harness.arch.tlbi import TLBI_OPERATIONS, TlbiOperation, TlbiScope
from harness.errors import UnsupportedError

PAGE_SHIFT = 12
"""An operand by address holds VA[55:12], whatever the granule."""

_BY_ADDRESS = frozenset({TlbiScope.VA, TlbiScope.VA_ANY_ASID})
_GRANULES = {1: Granule.K4, 2: Granule.K16, 3: Granule.K64}


@dataclass(frozen=True, slots=True)
class CachedEntry:
    """A descriptor as a TLB may hold it, seen from the access that would use it."""

    va: int
    """Virtual address of the access, 64 bits."""
    asid: int
    granule: Granule
    level: int
    leaf: bool
    is_global: bool
    """True for a leaf with nG clear; what is not a leaf is held under its ASID."""


@dataclass(frozen=True, slots=True)
class Invalidation:
    """One executed TLBI, its operand read."""

    operation: TlbiOperation
    start: int = 0
    """First address, VA[55:0], for the scopes by address."""
    size: int = 1
    """Bytes that the operand names from `start` on."""
    asid: int = 0
    granule: Granule | None = None
    """The granule that a TTL hint or a range's TG field states; None where none is stated."""
    level: int | None = None
    """The level of the leaf that a TTL hint states."""
    reserved: bool = False
    """The operand is reserved: nothing can be relied on."""

    @property
    def is_total(self) -> bool:
        """Whether every entry of the EL1&0 regime goes."""
        return self.operation.el == 1 and self.operation.scope is TlbiScope.ALL

    def covers(self, entry: CachedEntry) -> bool:
        """Return whether the architecture promises that `entry` is gone once this completes."""
        if self.operation.el != 1 or self.reserved:
            return False
        scope = self.operation.scope
        if scope is TlbiScope.ALL:
            return True
        of_its_asid = entry.asid == self.asid
        if scope is TlbiScope.ASID:
            return of_its_asid and not entry.is_global
        if scope is TlbiScope.VA and not (of_its_asid or entry.is_global):
            return False
        return scope in _BY_ADDRESS and self._covers_address(entry)

    def _covers_address(self, entry: CachedEntry) -> bool:
        if self.operation.last_level and not entry.leaf:
            return False
        if self.granule not in {None, entry.granule}:
            return False
        if self.level is not None:
            hinted = entry.level == self.level if entry.leaf else entry.level < self.level
            if not hinted:
                return False
        size = entry.granule.level_size(entry.level)
        first = _untagged(entry.va) & ~(size - 1)
        return first < self.start + self.size and self.start < first + size


def _untagged(va: int) -> int:
    """Return VA[55:0]: what a TLBI operand can name."""
    return va & ((1 << 56) - 1)


def read_tlbi(name: str, operand: int | None, profile: Profile, *, ds: bool) -> Invalidation:
    """Return what `name` (`tlbi vaae1is`) with Xt = `operand` covers; `ds` is TCR_EL1.DS.

    Raises UnsupportedError for a TLBI that is not known.
    """
    operation = TLBI_OPERATIONS.get(name.lower().removeprefix("tlbi").strip())
    if operation is None:
        raise UnsupportedError(f"{name}: the effect of this TLBI is not modelled")
    value = operand or 0
    asid = tlbi.ASID.get(value)
    if operation.scope not in _BY_ADDRESS:
        return Invalidation(operation, asid=asid)
    if operation.by_range:
        return _read_range(operation, value, ds=ds)
    hint = tlbi.TTL.get(value) if profile.has(Feature.TTL) else 0
    granule, level = _read_hint(hint >> 2, hint & 0b11, ds=ds)
    start = tlbi.VA.get(value) << PAGE_SHIFT
    return Invalidation(operation, start, 1, asid, granule, level)


def _read_hint(tg: int, level: int, *, ds: bool) -> tuple[Granule | None, int | None]:
    """Read a TTL hint: the granule and the leaf's level; a reserved one counts as no hint."""
    granule = _GRANULES.get(tg)
    if granule is None:
        return None, None
    first = {Granule.K4: 0 if ds else 1, Granule.K16: 1 if ds else 2, Granule.K64: 1}[granule]
    return (granule, level) if level >= first else (None, None)


def _read_range(operation: TlbiOperation, value: int, *, ds: bool) -> Invalidation:
    """Read the operand of a range form; BaseADDR is sign-extended from its top bit."""
    tg = tlbi.RANGE_TG.get(value)
    granule = _GRANULES.get(tg)
    if granule is None:
        return Invalidation(operation, reserved=True)
    ttl = tlbi.RANGE_TTL.get(value)
    _, level = _read_hint(tg, ttl, ds=ds) if ttl else (None, None)
    base = tlbi.RANGE_BASE.get(value)
    base -= (base >> tlbi.RANGE_BASE.msb) << tlbi.RANGE_BASE.width
    start = _untagged(base << (Granule.K64.value if ds else granule.value))
    granules = (tlbi.RANGE_NUM.get(value) + 1) << (5 * tlbi.RANGE_SCALE.get(value) + 1)
    return Invalidation(
        operation, start, granules * granule.size, tlbi.ASID.get(value), granule, level
    )
