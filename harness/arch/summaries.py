"""One sentence on the whole of a register's value, from its fields' meanings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from harness.arch.fields import Field, Layout
from harness.arch.pstate import describe_pstate
from harness.arch.registers import far, hcr, par, sctlr, tcr, tcr_el2, ttbr, vtcr
from harness.arch.syndromes import describe_esr

_VA_BITS = 64
_D128_BIT = 64
_ATTRIBUTES = 8


def summarise(layout: Layout, value: int) -> str:
    """Return one sentence on `value` of the register that `layout` belongs to.

    The name of the layout is the register's. Where the fields say all, the sentence says which
    features' fields are not 0, or that all are.
    """
    special = _SUMMARIES.get(layout.name)
    if special is not None:
        return special(layout, value)
    told = [part for part in layout if part.values and part.get(value)]
    if not told:
        return f"{layout.long_name}: {value:#x}."
    return f"{layout.long_name}: {_listed(told, value)}."


def _listed(parts: list[Field], value: int) -> str:
    return ", ".join(f"{part.name} {part.meaning(value)}" for part in parts)


def _tcr(layout: Layout, value: int) -> str:
    if "T1SZ" not in {part.name for part in layout}:
        return (
            f"{_VA_BITS - tcr_el2.T0SZ.get(value)}-bit VAs with the "
            f"{tcr_el2.TG0.meaning(value)} granule; PAs of {tcr_el2.PS.meaning(value)}."
        )
    halves = (
        ("TTBR0", tcr.T0SZ, tcr.TG0, tcr.EPD0),
        ("TTBR1", tcr.T1SZ, tcr.TG1, tcr.EPD1),
    )
    regions = [
        f"{name} walks are disabled"
        if disabled.get(value)
        else f"{name} has {_VA_BITS - size.get(value)}-bit VAs with the {_granule(granule, value)}"
        for name, size, granule, disabled in halves
    ]
    asid = "TTBR1" if tcr.A1.get(value) else "TTBR0"
    return (
        f"{regions[0]}; {regions[1]}; output addresses of {tcr.IPS.meaning(value)}; "
        f"ASIDs of {tcr.AS.meaning(value)} from {asid}."
    )


def _granule(granule: Field, value: int) -> str:
    meaning = granule.meaning(value)
    return "reserved granule" if meaning == "reserved" else f"{meaning} granule"


def _sctlr(_layout: Layout, value: int) -> str:
    return (
        f"The MMU is {_on(sctlr.M, value)}, data caching {_on(sctlr.C, value)}, instruction "
        f"caching {_on(sctlr.I, value)}; alignment checking {_on(sctlr.A, value)}, "
        f"WXN {_on(sctlr.WXN, value)}."
    )


def _on(switch: Field, value: int) -> str:
    return "on" if switch.get(value) else "off"


def _mair(layout: Layout, value: int) -> str:
    told = [f"{part.name[4:]} {part.meaning(value)}" for part in reversed(tuple(layout))]
    return f"AttrIndx {'; '.join(told)}."


def _ttbr(layout: Layout, value: int) -> str:
    if layout.width > _VA_BITS:
        address = ttbr.BADDR_LOW_D128.get(value) << 5 | ttbr.BADDR_HIGH_D128.get(value) << 48
    else:
        address = ttbr.BADDR.get(value) << 1
    owner = "VMID" if layout.name == "VTTBR_EL2" else "ASID"
    return f"The first table lies at {address:#x}; {owner} {ttbr.ASID.get(value):#x}."


def _par(layout: Layout, value: int) -> str:
    if par.F.get(value):
        stage = par.S.meaning(value)
        walk = ", on the walk of stage 1" if par.PTW.get(value) else ""
        return f"The translation failed: {par.FST.meaning(value)}, of {stage}{walk}."
    address = par.PA_D128 if layout.width > _VA_BITS else par.PA
    return (
        f"The translation gave {address.meaning(value)}: {par.ATTR.meaning(value)}, "
        f"{par.SH.meaning(value)}."
    )


def _hcr(_layout: Layout, value: int) -> str:
    regime = "EL2&0 (E2H)" if hcr.E2H.get(value) else "EL2"
    return (
        f"Stage 2 is {_on(hcr.VM, value)}, default cacheability {_on(hcr.DC, value)}; EL1 is "
        f"{hcr.RW.meaning(value)}; EL2 has the {regime} regime; TGE {_on(hcr.TGE, value)}."
    )


def _vtcr(_layout: Layout, value: int) -> str:
    return (
        f"{_VA_BITS - vtcr.T0SZ.get(value)}-bit IPAs with the {_granule(vtcr.TG0, value)}; "
        f"PAs of {vtcr.PS.meaning(value)}; SL0 {vtcr.SL0.get(value)}."
    )


def _hpfar(_layout: Layout, value: int) -> str:
    return f"The IPA {far.FIPA.meaning(value)} faulted, its bits 11:0 not told."


def _esr(_layout: Layout, value: int) -> str:
    return describe_esr(value)


def _pstate(_layout: Layout, value: int) -> str:
    return f"{describe_pstate(value)}."


def _permissions(layout: Layout, value: int) -> str:
    told = [f"{part.name[4:]} {part.meaning(value)}" for part in reversed(tuple(layout))]
    index = "POIndex" if layout.name.startswith("POR") else "PIIndex"
    return f"{index} {'; '.join(told)}."


_SUMMARIES: Mapping[str, Callable[[Layout, int], str]] = MappingProxyType(
    {
        "ESR_EL1": _esr,
        "ESR_EL2": _esr,
        "HCR_EL2": _hcr,
        "HPFAR_EL2": _hpfar,
        "MAIR2_EL1": _mair,
        "MAIR2_EL2": _mair,
        "MAIR_EL1": _mair,
        "MAIR_EL2": _mair,
        "PAR_EL1": _par,
        "PSTATE": _pstate,
        "SCTLR_EL1": _sctlr,
        "SCTLR_EL2": _sctlr,
        "SPSR_EL1": _pstate,
        "SPSR_EL2": _pstate,
        "TCR_EL1": _tcr,
        "TCR_EL2": _tcr,
        "TTBR0_EL1": _ttbr,
        "TTBR0_EL2": _ttbr,
        "TTBR1_EL1": _ttbr,
        "TTBR1_EL2": _ttbr,
        "VTCR_EL2": _vtcr,
        "VTTBR_EL2": _ttbr,
    }
    | dict.fromkeys(("PIR_EL1", "PIRE0_EL1", "PIR_EL2", "PIRE0_EL2", "S2PIR_EL2"), _permissions)
    | dict.fromkeys(("POR_EL0", "POR_EL1", "POR_EL2"), _permissions)
)
