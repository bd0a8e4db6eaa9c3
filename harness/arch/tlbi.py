"""TLBI operations as data: what each invalidates, where, and what its operand holds.

Names, encodings and operands: DDI 0487, C5.5 (TLB maintenance). What an operation does to an
entry is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from harness.arch.fields import Field, Layout


class TlbiScope(StrEnum):
    """What an operation selects entries by."""

    ALL = "all"
    """Everything of the regime: VMALL… (one VMID), ALL… (every VMID)."""
    ASID = "asid"
    VA = "va"
    """Address and ASID; global entries match under every ASID."""
    VA_ANY_ASID = "va_any_asid"
    IPA = "ipa"


class Domain(StrEnum):
    """Which PEs an operation reaches."""

    LOCAL = "local"
    INNER_SHAREABLE = "inner_shareable"
    OUTER_SHAREABLE = "outer_shareable"


@dataclass(frozen=True, slots=True)
class TlbiOperation:
    """One TLBI, by its assembly name without `tlbi`: `vaae1is`."""

    name: str
    op1: int
    crn: int
    crm: int
    op2: int
    scope: TlbiScope
    el: int
    """Exception level of the regime whose entries go: 1 for EL1&0, 2 for EL2 or EL2&0."""
    domain: Domain
    last_level: bool = False
    """Entries of table descriptors may stay."""
    by_range: bool = False
    stage12: bool = False
    """Entries of both stages, combined ones included (VMALLS12E1, ALLE1)."""
    nxs: bool = False
    """Need not wait for accesses to memory with the XS attribute (FEAT_XS)."""

    @property
    def takes_operand(self) -> bool:
        """Whether the instruction names a register Xt."""
        return self.scope is not TlbiScope.ALL


TTL = Field(
    "TTL", 47, 44, "Level hint: granule and level of the leaf, 0 for none", feature="FEAT_TTL"
)
ASID = Field("ASID", 63, 48, "Address space identifier")
VA = Field("VA", 43, 0, "VA[55:12]", address_lsb=12)
VA_OPERAND = Layout.of("Xt", "Operand of TLBI by address", VA, TTL, ASID)
ASID_OPERAND = Layout.of("Xt", "Operand of TLBI by ASID", ASID)
IPA_OPERAND = Layout.of(
    "Xt", "Operand of TLBI by IPA", Field("IPA", 43, 0, "IPA[55:12]", address_lsb=12), TTL
)

RANGE_BASE = Field("BaseADDR", 36, 0, "Base address in granules, in 64KB units when TCR.DS is 1")
RANGE_TTL = Field("TTL", 38, 37, "Level hint, 0 for none")
RANGE_NUM = Field("NUM", 43, 39, "(NUM + 1) << (5 * SCALE + 1) granules")
RANGE_SCALE = Field("SCALE", 45, 44, "(NUM + 1) << (5 * SCALE + 1) granules")
RANGE_TG = Field("TG", 47, 46, "Granule", {0: "reserved", 1: "4KB", 2: "16KB", 3: "64KB"})
RANGE_OPERAND = Layout.of(
    "Xt",
    "Operand of TLBI by range",
    RANGE_BASE,
    RANGE_TTL,
    RANGE_NUM,
    RANGE_SCALE,
    RANGE_TG,
    ASID,
)


_OPERANDS: Mapping[TlbiScope, Layout | None] = MappingProxyType(
    {
        TlbiScope.ALL: None,
        TlbiScope.ASID: ASID_OPERAND,
        TlbiScope.VA: VA_OPERAND,
        TlbiScope.VA_ANY_ASID: VA_OPERAND,
        TlbiScope.IPA: IPA_OPERAND,
    }
)


def operand_layout(operation: TlbiOperation) -> Layout | None:
    """Return what Xt of `operation` holds, None where it takes none."""
    return RANGE_OPERAND if operation.by_range else _OPERANDS[operation.scope]


@dataclass(frozen=True, slots=True)
class _Row:
    """An operation without its domain: op2, and CRm for local, Inner and Outer Shareable."""

    stem: str
    op1: int
    op2: int
    crm: tuple[int, int, int]
    scope: TlbiScope
    el: int
    last_level: bool = False
    by_range: bool = False
    stage12: bool = False


_BY_ENTRY = (7, 3, 1)
_BY_RANGE = (6, 2, 5)
_S = TlbiScope

_ROWS = (
    _Row("vmalle1", 0, 0, _BY_ENTRY, _S.ALL, 1),
    _Row("vae1", 0, 1, _BY_ENTRY, _S.VA, 1),
    _Row("aside1", 0, 2, _BY_ENTRY, _S.ASID, 1),
    _Row("vaae1", 0, 3, _BY_ENTRY, _S.VA_ANY_ASID, 1),
    _Row("vale1", 0, 5, _BY_ENTRY, _S.VA, 1, last_level=True),
    _Row("vaale1", 0, 7, _BY_ENTRY, _S.VA_ANY_ASID, 1, last_level=True),
    _Row("rvae1", 0, 1, _BY_RANGE, _S.VA, 1, by_range=True),
    _Row("rvaae1", 0, 3, _BY_RANGE, _S.VA_ANY_ASID, 1, by_range=True),
    _Row("rvale1", 0, 5, _BY_RANGE, _S.VA, 1, last_level=True, by_range=True),
    _Row("rvaale1", 0, 7, _BY_RANGE, _S.VA_ANY_ASID, 1, last_level=True, by_range=True),
    _Row("alle2", 4, 0, _BY_ENTRY, _S.ALL, 2),
    _Row("vae2", 4, 1, _BY_ENTRY, _S.VA, 2),
    _Row("alle1", 4, 4, _BY_ENTRY, _S.ALL, 1, stage12=True),
    _Row("vale2", 4, 5, _BY_ENTRY, _S.VA, 2, last_level=True),
    _Row("vmalls12e1", 4, 6, _BY_ENTRY, _S.ALL, 1, stage12=True),
    _Row("rvae2", 4, 1, _BY_RANGE, _S.VA, 2, by_range=True),
    _Row("rvale2", 4, 5, _BY_RANGE, _S.VA, 2, last_level=True, by_range=True),
)

_IPA_ROWS = (
    # stem, op2 local and Inner Shareable, op2 Outer Shareable, last level only, range
    ("ipas2e1", 1, 0, False, False),
    ("ripas2e1", 2, 3, False, True),
    ("ipas2le1", 5, 4, True, False),
    ("ripas2le1", 6, 7, True, True),
)

_DOMAINS = (
    (Domain.LOCAL, ""),
    (Domain.INNER_SHAREABLE, "is"),
    (Domain.OUTER_SHAREABLE, "os"),
)
_CRN = 8
_CRN_NXS = 9


def _operations() -> Iterator[TlbiOperation]:
    for crn, nxs, suffix in ((_CRN, False, ""), (_CRN_NXS, True, "nxs")):
        for row in _ROWS:
            for (domain, letters), crm in zip(_DOMAINS, row.crm, strict=True):
                yield TlbiOperation(
                    f"{row.stem}{letters}{suffix}",
                    row.op1,
                    crn,
                    crm,
                    row.op2,
                    row.scope,
                    row.el,
                    domain,
                    row.last_level,
                    row.by_range,
                    row.stage12,
                    nxs,
                )
        for stem, op2, op2_outer, last_level, by_range in _IPA_ROWS:
            for (domain, letters), crm, op in zip(
                _DOMAINS, (4, 0, 4), (op2, op2, op2_outer), strict=True
            ):
                yield TlbiOperation(
                    f"{stem}{letters}{suffix}",
                    4,
                    crn,
                    crm,
                    op,
                    TlbiScope.IPA,
                    1,
                    domain,
                    last_level,
                    by_range,
                    nxs=nxs,
                )


TLBI_OPERATIONS: Mapping[str, TlbiOperation] = MappingProxyType(
    {operation.name: operation for operation in _operations()}
)
"""Every TLBI that acts on the EL1&0, EL2 and EL2&0 regimes, by name: `vaae1is`."""
