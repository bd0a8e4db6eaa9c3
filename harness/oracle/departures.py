"""Each known departure of Unicorn's walker as one change to the reference model.

A departure is recognised by its prediction: the model with this one rule changed gives exactly
what was seen (ESR and FAR, or the location). `departures_behind` finds the fewest departures that
do, so that a disagreement with another cause is never taken for a known one. What is changed
stands in `DEPARTURES`, one entry for each id of `divergences.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from harness.arch.addresses import PhysicalAddress
from harness.arch.features import Feature, Profile
from harness.arch.implementation import (
    DeviceFetch,
    Misprogrammed,
    OutOfRange,
    ReservedAttribute,
    ReservedGranule,
)
from harness.arch.registers import par, sctlr
from harness.memory import DescriptorMemory
from harness.oracle.seen import Seen, agrees
from harness.vmsa.access import Access, Operation
from harness.vmsa.alignment import TRAITS
from harness.vmsa.context import Context
from harness.vmsa.descriptor import BLOCK, LAST_LEVEL, TABLE, KindsAt
from harness.vmsa.outcome import Outcome, Translation
from harness.vmsa.parameters import Stage1Parameters
from harness.vmsa.regime import Regime
from harness.vmsa.translate import translate
from harness.vmsa.walk import WalkParameters


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An access that an engine did not answer as the model does, and all that both depend on."""

    profile: Profile
    registers: Mapping[str, int]
    memory: DescriptorMemory
    access: Access
    seen: Seen


@dataclass(frozen=True, slots=True)
class Departure:
    """One rule of the model changed; None leaves that part as it is."""

    profile: Callable[[Profile], Profile] | None = None
    granule: Callable[[Access], ReservedGranule] | None = None
    """What a reserved TG0 or TG1 selects, by the half that is accessed."""
    registers: Callable[[Mapping[str, int]], Mapping[str, int]] | None = None
    access: Callable[[Access, Mapping[str, int]], Access] | None = None
    """The access that is made, from that asked for and the registers."""
    walk: Callable[[WalkParameters], WalkParameters] | None = None
    completes: Callable[[Access], bool] | None = None
    """The access is made without any translation."""
    location: Callable[[PhysicalAddress, int, int], PhysicalAddress] | None = None
    """The output address, from the model's, the leaf descriptor and log2 of the granule."""


def departures_behind(disagreement: Disagreement) -> tuple[str, ...] | None:
    """Return the fewest departures that predict what was seen, by id; None if none do.

    Of two that predict the same, the one that stands later in `DEPARTURES` is named.
    UnsupportedError where a departure leads to what the model does not have.
    """
    needed = list(DEPARTURES)
    if not _predicts(disagreement, needed):
        return None
    for name in tuple(needed):
        fewer = [other for other in needed if other != name]
        if _predicts(disagreement, fewer):
            needed = fewer
    return tuple(needed)


def predict(disagreement: Disagreement, names: list[str]) -> Outcome:
    """Return what the model says with the departures `names` in force."""
    departures = [DEPARTURES[name] for name in names]
    profile, registers = disagreement.profile, disagreement.registers
    access = disagreement.access
    for departure in departures:
        if departure.completes and departure.completes(access):
            return Translation(PhysicalAddress(access.va), None)
        profile = departure.profile(profile) if departure.profile else profile
        if departure.granule:
            profile = _choosing(profile, reserved_granule=departure.granule(access))
        registers = departure.registers(registers) if departure.registers else registers
        access = departure.access(access, registers) if departure.access else access
    walks = [departure.walk for departure in departures if departure.walk]
    reads = _Remembering(disagreement.memory)
    context = _DepartingContext(profile, registers, walks)
    outcome = translate(context, reads, access)
    walk = context.stage1(access.va).walk
    if isinstance(outcome, Translation) and reads.last is not None and walk is not None:
        for departure in departures:
            if departure.location:
                pa = departure.location(outcome.pa, reads.last, walk.granule_bits)
                outcome = replace(outcome, pa=pa, par=_par_of(outcome, pa))
    return outcome


def _par_of(outcome: Translation, pa: PhysicalAddress) -> int | None:
    """Return PAR_EL1 of an AT that leads to `pa` instead; a failed one keeps its own."""
    if outcome.par is None or par.F.get(outcome.par):
        return outcome.par
    return outcome.par & ~par.PA.mask | pa & par.PA.mask


def _predicts(disagreement: Disagreement, names: list[str]) -> bool:
    return agrees(disagreement.seen, predict(disagreement, names))


class _DepartingContext(Context):
    """The model with its walk parameters changed."""

    __slots__ = ("_walks",)

    def __init__(
        self,
        profile: Profile,
        registers: Mapping[str, int],
        walks: list[Callable[[WalkParameters], WalkParameters]],
    ) -> None:
        super().__init__(profile, registers, Regime.EL10)
        self._walks = walks

    def stage1(self, va: int) -> Stage1Parameters:
        """Return the parameters of the half of `va`, changed."""
        parameters = super().stage1(va)
        walk = parameters.walk
        if walk is None:
            return parameters
        for change in self._walks:
            walk = change(walk)
        return parameters._replace(walk=walk)


def _without(*features: Feature) -> Callable[[Profile], Profile]:
    return lambda profile: replace(profile, features=profile.features - set(features))


def _with(*features: Feature) -> Callable[[Profile], Profile]:
    return lambda profile: replace(profile, features=profile.features | set(features))


def _choosing(profile: Profile, **choices: Any) -> Profile:  # noqa: ANN401 - each its own type
    """Return `profile` with some of its implementation's choices made otherwise."""
    return replace(profile, implementation=replace(profile.implementation, **choices))


def _clamp_txsz(profile: Profile) -> Profile:
    narrow = replace(profile, features=profile.features - {Feature.TTST, Feature.LVA})
    return _choosing(narrow, txsz_above_max=OutOfRange.CLAMP, txsz_below_min=OutOfRange.CLAMP)


def _narrow_addresses(profile: Profile) -> Profile:
    return replace(profile, features=profile.features - {Feature.LPA, Feature.LPA2})


def _no_device_memory(registers: Mapping[str, int]) -> Mapping[str, int]:
    """Turn every Device attribute of MAIR_EL1 into Normal Write-Back memory."""
    mair = registers.get("MAIR_EL1", 0).to_bytes(8, "little")
    normal = bytes(0xFF if attribute < 0x10 else attribute for attribute in mair)  # noqa: PLR2004
    return {**registers, "MAIR_EL1": int.from_bytes(normal, "little")}


def _in_bytes_while_off(access: Access, registers: Mapping[str, int]) -> Access:
    """Make an access of one byte of one that only the Device memory of stage 1 off would refuse."""
    control = registers.get("SCTLR_EL1", 0)
    traits = TRAITS[access.operation]
    if control & (sctlr.M.mask | sctlr.A.mask) or traits.exclusive or traits.atomic:
        return access
    return replace(access, size=1, operation=Operation.PLAIN)


def _no_alignment_check(registers: Mapping[str, int]) -> Mapping[str, int]:
    return {**registers, "SCTLR_EL1": sctlr.A.set(registers.get("SCTLR_EL1", 0), 0)}


_ORDERED = {
    Operation.LOAD_ACQUIRE,
    Operation.LOAD_ACQUIRE_PC,
    Operation.STORE_RELEASE,
}


def _without_order(access: Access, _registers: Mapping[str, int]) -> Access:
    ordered = access.operation in _ORDERED
    return replace(access, operation=Operation.PLAIN) if ordered else access


class _Remembering:
    """A memory that knows the last word read from it: after a walk that ended well, the leaf."""

    def __init__(self, memory: DescriptorMemory) -> None:
        self._memory = memory
        self.last: int | None = None

    def read64(self, address: PhysicalAddress) -> int | None:
        self.last = self._memory.read64(address)
        return self.last


def _with_blocks_everywhere(walk: WalkParameters) -> WalkParameters:
    last = walk.kinds[LAST_LEVEL]
    above = KindsAt(BLOCK, TABLE)
    kinds = (above, above, above, last, *(above for _ in walk.kinds[LAST_LEVEL + 1 :]))
    return walk._replace(kinds=kinds)


def _with_all_address_bits(pa: PhysicalAddress, leaf: int, granule_bits: int) -> PhysicalAddress:
    field = (1 << 48) - (1 << granule_bits)
    return PhysicalAddress(pa | leaf & field)


_ANY_ADDRESS = 64
_SELECTING_BIT = 55
_PA_BITS_OF_THE_CORE = 44


DEPARTURES: Mapping[str, Departure] = MappingProxyType(
    {
        "illegal-block-level": Departure(walk=_with_blocks_everywhere),
        "no-address-size-fault": Departure(
            walk=lambda walk: walk._replace(oa_bits=_ANY_ADDRESS),
        ),
        "physical-size-of-the-core": Departure(
            profile=lambda profile: replace(profile, pa_bits=_PA_BITS_OF_THE_CORE)
        ),
        "no-52-bit-addresses": Departure(profile=_narrow_addresses),
        "txsz-clamped": Departure(profile=_clamp_txsz),
        "no-hardware-update": Departure(profile=_without(Feature.HAFDBS)),
        "block-address-bits": Departure(location=_with_all_address_bits),
        "contiguous-ignored": Departure(
            walk=lambda walk: walk._replace(contiguous_bits=(0,) * len(walk.contiguous_bits))
        ),
        "no-alignment-check": Departure(registers=_no_alignment_check),
        "no-device-alignment-fault": Departure(
            registers=_no_device_memory,
            access=_in_bytes_while_off,
            profile=lambda profile: _choosing(
                profile, reserved_memory_attribute=ReservedAttribute.WRITE_BACK
            ),
        ),
        "no-e0pd": Departure(profile=_without(Feature.E0PD)),
        "no-epan": Departure(profile=_without(Feature.PAN3)),
        "no-indirect-permissions": Departure(
            profile=_without(Feature.S1PIE, Feature.S1POE, Feature.TCR2)
        ),
        "no-lse2": Departure(profile=_without(Feature.LSE2)),
        "unaligned-acquire-release": Departure(access=_without_order),
        "nt-ignored": Departure(
            profile=lambda profile: _choosing(profile, nt_bit=Misprogrammed.IGNORE)
        ),
        "reserved-granule": Departure(
            granule=lambda access: (
                ReservedGranule.K4 if access.va >> _SELECTING_BIT & 1 else ReservedGranule.K64
            )
        ),
        "fetch-from-device": Departure(
            profile=lambda profile: _choosing(profile, fetch_from_device=DeviceFetch.ALLOW)
        ),
        "later-features": Departure(
            profile=_with(Feature.PAN, Feature.PAN2, Feature.HPDS, Feature.UAO)
        ),
        "no-fault-of-cache-maintenance": Departure(
            completes=lambda access: access.operation is Operation.CACHE_MAINTENANCE
        ),
    }
)
