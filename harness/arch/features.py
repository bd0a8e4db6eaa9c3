"""Architecture features by their FEAT_ names, and profiles: named sets of them.

Sources: DDI 0487 A2 (features), the cores' Technical Reference Manuals for the named profiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from harness.arch.implementation import Implementation


class Feature(StrEnum):
    """Optional features that change a translation; what is not listed is not modelled."""

    __hash__ = str.__hash__  # Enum's own is written in Python: these are looked up all the time.

    BBM = "FEAT_BBM"
    D128 = "FEAT_D128"
    E0PD = "FEAT_E0PD"
    ETS2 = "FEAT_ETS2"
    ETS3 = "FEAT_ETS3"
    HAFDBS = "FEAT_HAFDBS"
    HPDS = "FEAT_HPDS"
    LPA = "FEAT_LPA"
    LPA2 = "FEAT_LPA2"
    LSE2 = "FEAT_LSE2"
    LVA = "FEAT_LVA"
    LVA3 = "FEAT_LVA3"
    PAN = "FEAT_PAN"
    PAN2 = "FEAT_PAN2"
    PAN3 = "FEAT_PAN3"
    S1PIE = "FEAT_S1PIE"
    S1POE = "FEAT_S1POE"
    S2FWB = "FEAT_S2FWB"
    S2PIE = "FEAT_S2PIE"
    TCR2 = "FEAT_TCR2"
    TTL = "FEAT_TTL"
    TLBIRANGE = "FEAT_TLBIRANGE"
    TTST = "FEAT_TTST"
    UAO = "FEAT_UAO"
    XNX = "FEAT_XNX"


@dataclass(frozen=True, slots=True)
class Profile:
    """A machine: its features, physical address size in bits, and implementation choices."""

    name: str
    features: frozenset[Feature]
    pa_bits: int
    implementation: Implementation = Implementation()

    def has(self, feature: Feature) -> bool:
        """Return whether the machine implements `feature`."""
        return feature in self.features


_F = Feature
_V8_0: frozenset[Feature] = frozenset()
_V8_2 = _V8_0 | {_F.PAN, _F.PAN2, _F.HPDS, _F.UAO, _F.HAFDBS, _F.XNX}
_V8_4 = _V8_2 | {_F.LSE2, _F.TTST, _F.S2FWB, _F.TTL, _F.TLBIRANGE, _F.BBM}
_MAX = frozenset(Feature) - {_F.D128, _F.LVA3, _F.S1PIE, _F.S1POE, _F.S2PIE, _F.TCR2}

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile("cortex-a57", _V8_0, 44),
            Profile("neoverse-n1", _V8_2, 48),
            Profile("neoverse-v1", _V8_4, 48, Implementation(bbm_level=1)),
            Profile("max", _MAX, 52, Implementation(bbm_level=2, bbm_no_abort=True)),
        )
    }
)
