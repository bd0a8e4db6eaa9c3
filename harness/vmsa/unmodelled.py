"""Features of the architecture that the model knows by name only: to refuse, or to ignore."""

from __future__ import annotations

REFUSED = frozenset(
    {
        "FEAT_AIE",
        "FEAT_ASID2",
        "FEAT_GCS",
        "FEAT_HAFT",
        "FEAT_HDBSS",
        "FEAT_LS64",
        "FEAT_LS64_ACCDATA",
        "FEAT_LS64_V",
        "FEAT_MEC",
        "FEAT_MTE",
        "FEAT_MTE2",
        "FEAT_MTE3",
        "FEAT_MTE4",
        "FEAT_MTE_PERM",
        "FEAT_NV",
        "FEAT_NV2",
        "FEAT_RME",
        "FEAT_S2POE",
        "FEAT_SEL2",
        "FEAT_SME",
        "FEAT_SVE",
        "FEAT_THE",
        "FEAT_TME",
    }
)
"""They change a translation, and are not modelled."""

ALWAYS_ON = frozenset(
    {
        "FEAT_GTG",
        "FEAT_HCX",
        "FEAT_LRCPC",
        "FEAT_LSE",
        "FEAT_PAuth",
        "FEAT_RAS",
        "FEAT_VHE",
        "FEAT_XS",
    }
)
"""Every machine of the model has them; naming one changes nothing."""
