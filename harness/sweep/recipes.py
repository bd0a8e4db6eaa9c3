"""What the cases of each category have in common: machines, regimes and accesses, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.arch.features import Feature as F  # noqa: N817 - a table of them follows
from harness.vmsa.access import AccessKind, Operation
from harness.vmsa.regime import Regime

COMMON = frozenset({F.HPDS, F.PAN, F.PAN2, F.UAO})
_WIDE = frozenset({F.LPA, F.LPA2, F.LVA})
_INDIRECT = frozenset({F.S1PIE, F.TCR2})
_PLAIN = (AccessKind.READ, AccessKind.WRITE, AccessKind.FETCH)
_ALL_SIZES = (32, 36, 40, 42, 44, 48)

# Operations, with the kind of their access and the sizes that they come in.
Shape = tuple[Operation, AccessKind, tuple[int, ...]]
_R, _W, _RW = AccessKind.READ, AccessKind.WRITE, AccessKind.READ_WRITE
_SIZES, _PAIRS = (1, 2, 4, 8), (8, 16)
_O = Operation
OPERATIONS: tuple[Shape, ...] = (
    (_O.LOAD_PAIR, _R, _PAIRS),
    (_O.STORE_PAIR, _W, _PAIRS),
    (_O.LOAD_EXCLUSIVE, _R, _SIZES),
    (_O.STORE_EXCLUSIVE, _W, _SIZES),
    (_O.LOAD_EXCLUSIVE_PAIR, _R, _PAIRS),
    (_O.STORE_EXCLUSIVE_PAIR, _W, _PAIRS),
    (_O.LOAD_ACQUIRE, _R, _SIZES),
    (_O.LOAD_ACQUIRE_PC, _R, _SIZES),
    (_O.LOAD_ACQUIRE_EXCLUSIVE, _R, _SIZES),
    (_O.STORE_RELEASE, _W, _SIZES),
    (_O.STORE_RELEASE_EXCLUSIVE, _W, _SIZES),
    (_O.SWAP, _RW, _SIZES),
    (_O.SWAP_ACQUIRE_RELEASE, _RW, _SIZES),
    (_O.COMPARE_AND_SWAP, _RW, (1, 2, 4, 8, 16)),
)
AT_STAGE1 = (
    _O.AT_S1E0R, _O.AT_S1E0W, _O.AT_S1E1R, _O.AT_S1E1W, _O.AT_S1E1RP, _O.AT_S1E1WP,
)  # fmt: skip
AT_BOTH = (_O.AT_S12E0R, _O.AT_S12E0W, _O.AT_S12E1R, _O.AT_S12E1W)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One category. Features that are `sometimes` there come and go together, set by set."""

    regime: Regime = Regime.EL10
    always: frozenset[F] = frozenset()
    sometimes: tuple[frozenset[F], ...] = ()
    pa_bits: tuple[int, ...] = (48,)
    kinds: tuple[AccessKind, ...] = _PLAIN
    operations: tuple[Shape, ...] = ()
    """In place of plain accesses."""
    at: tuple[Operation, ...] = ()
    """AT instructions, in place of accesses."""
    misaligned: float = 0.0
    """How often an access is not aligned to its size."""
    unprivileged: float = 0.1
    """How often an access is made by LDTR or STTR."""
    stage2: bool = False
    choices: bool = False
    """The implementation's choices vary."""
    out_of_range: float = 0.03
    """How often TnSZ may have any value."""


def _sets(*features: F) -> tuple[frozenset[F], ...]:
    return tuple(frozenset({feature}) for feature in features)


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "basic": Recipe(),
        "lpa2": Recipe(always=_WIDE, sometimes=_sets(F.TTST), pa_bits=(48, 52)),
        "hafdbs": Recipe(always=frozenset({F.HAFDBS})),
        "priv": Recipe(sometimes=_sets(F.E0PD, F.PAN3), unprivileged=0.4),
        "align": Recipe(sometimes=_sets(F.LSE2), misaligned=0.6),
        "at": Recipe(sometimes=_sets(F.HAFDBS), at=AT_STAGE1),
        "pie": Recipe(always=_INDIRECT, sometimes=_sets(F.HAFDBS)),
        "poe": Recipe(always=_INDIRECT | {F.S1POE}, sometimes=_sets(F.HAFDBS)),
        "choices": Recipe(
            sometimes=(*_sets(F.TTST, F.BBM, F.HAFDBS, F.LSE2), _WIDE),
            pa_bits=(48, 52), misaligned=0.2, choices=True, out_of_range=0.3,
        ),
        "atomic": Recipe(
            sometimes=_sets(F.LSE2, F.HAFDBS), operations=OPERATIONS, misaligned=0.5
        ),
        "d128": Recipe(
            always=_WIDE | _INDIRECT | {F.D128}, sometimes=_sets(F.LVA3, F.HAFDBS),
            pa_bits=(48, 52, 56),
        ),
        "s2": Recipe(
            sometimes=(*_sets(F.S2FWB, F.XNX, F.HAFDBS, F.TTST, F.PAN3, F.S2PIE), _WIDE),
            pa_bits=(*_ALL_SIZES, 52), misaligned=0.1, stage2=True,
        ),
        "s2at": Recipe(
            sometimes=(*_sets(F.S2FWB, F.XNX, F.HAFDBS, F.TTST, F.S2PIE), _WIDE),
            pa_bits=(*_ALL_SIZES, 52), at=AT_STAGE1 + AT_BOTH, stage2=True,
        ),
        "el2": Recipe(
            Regime.EL2, sometimes=(*_sets(F.HAFDBS, F.TTST), _WIDE, _INDIRECT),
            pa_bits=(40, 44, 48, 52), misaligned=0.1,
        ),
        "el20": Recipe(
            Regime.EL20, sometimes=(*_sets(F.HAFDBS, F.TTST, F.E0PD, F.PAN3), _WIDE, _INDIRECT),
            pa_bits=(40, 44, 48, 52), misaligned=0.1, unprivileged=0.3,
        ),
    }
)  # fmt: skip
"""By the names of the categories of cases that Arm's specification has answered."""
