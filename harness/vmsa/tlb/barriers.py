"""What a DSB completes, read off its assembly (`dsb ishst`). Source: DDI 0487, B2 "DSB"."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.tlbi import Domain, TlbiOperation
from harness.errors import UnsupportedError

_REACH = {
    "nsh": frozenset({Domain.LOCAL}),
    "ish": frozenset({Domain.LOCAL, Domain.INNER_SHAREABLE}),
    "osh": frozenset(Domain),
    "sy": frozenset(Domain),
    "": frozenset(Domain),
}


@dataclass(frozen=True, slots=True)
class Barrier:
    """One DSB: the TLBIs that it reaches and the accesses it waits for."""

    domains: frozenset[Domain]
    loads: bool
    stores: bool
    nxs: bool = False

    def completes(self, tlbi: TlbiOperation) -> bool:
        """Return whether an earlier `tlbi` of this PE is finished afterwards.

        Only a DSB of all access types does that, in a domain at least as wide; the nXS form
        waits for TLBIs of the nXS form alone (FEAT_XS).
        """
        return (
            self.loads
            and self.stores
            and tlbi.domain in self.domains
            and (tlbi.nxs or not self.nxs)
        )


def read_dsb(operation: str) -> Barrier:
    """Return what `operation` waits for; raises UnsupportedError for an unknown option."""
    option = operation.lower().removeprefix("dsb").strip()
    stem = option.removesuffix("nxs")
    nxs = stem != option
    kind = stem[-2:] if stem[-2:] in {"ld", "st"} else ""
    domains = _REACH.get(stem.removesuffix(kind))
    if domains is None or not stem or (nxs and kind):
        raise UnsupportedError(f"{operation}: the effect of this barrier is not modelled")
    return Barrier(domains, loads=kind != "st", stores=kind != "ld", nxs=nxs)
