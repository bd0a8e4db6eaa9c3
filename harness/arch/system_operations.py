"""SYS instructions by name: TLBI, AT, DC and IC (DDI 0487, C5.3 and C5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from harness.arch.tlbi import TLBI_OPERATIONS


class SystemOperation(NamedTuple):
    """A SYS instruction: op1, CRn, CRm, op2."""

    op1: int
    crn: int
    crm: int
    op2: int


_AT = {
    "s1e1r": (0, 7, 8, 0),
    "s1e1w": (0, 7, 8, 1),
    "s1e0r": (0, 7, 8, 2),
    "s1e0w": (0, 7, 8, 3),
    "s1e1rp": (0, 7, 9, 0),
    "s1e1wp": (0, 7, 9, 1),
    "s1e1a": (0, 7, 9, 2),
    "s1e2r": (4, 7, 8, 0),
    "s1e2w": (4, 7, 8, 1),
    "s12e1r": (4, 7, 8, 4),
    "s12e1w": (4, 7, 8, 5),
    "s12e0r": (4, 7, 8, 6),
    "s12e0w": (4, 7, 8, 7),
    "s1e2a": (4, 7, 9, 2),
}

_DC = {
    "ivac": (0, 7, 6, 1),
    "isw": (0, 7, 6, 2),
    "igvac": (0, 7, 6, 3),
    "igsw": (0, 7, 6, 4),
    "igdvac": (0, 7, 6, 5),
    "igdsw": (0, 7, 6, 6),
    "csw": (0, 7, 10, 2),
    "cgsw": (0, 7, 10, 4),
    "cgdsw": (0, 7, 10, 6),
    "cisw": (0, 7, 14, 2),
    "cigsw": (0, 7, 14, 4),
    "cigdsw": (0, 7, 14, 6),
    "zva": (3, 7, 4, 1),
    "gva": (3, 7, 4, 3),
    "gzva": (3, 7, 4, 4),
    "cvac": (3, 7, 10, 1),
    "cgvac": (3, 7, 10, 3),
    "cgdvac": (3, 7, 10, 5),
    "cvau": (3, 7, 11, 1),
    "cvap": (3, 7, 12, 1),
    "cgvap": (3, 7, 12, 3),
    "cgdvap": (3, 7, 12, 5),
    "cvadp": (3, 7, 13, 1),
    "cgvadp": (3, 7, 13, 3),
    "cgdvadp": (3, 7, 13, 5),
    "civac": (3, 7, 14, 1),
    "cigvac": (3, 7, 14, 3),
    "cigdvac": (3, 7, 14, 5),
}

_IC = {"ialluis": (0, 7, 1, 0), "iallu": (0, 7, 5, 0), "ivau": (3, 7, 5, 1)}

SYSTEM_OPERATIONS: Mapping[str, SystemOperation] = MappingProxyType(
    {
        f"{mnemonic} {name}": SystemOperation(*numbers)
        for mnemonic, table in (("at", _AT), ("dc", _DC), ("ic", _IC))
        for name, numbers in table.items()
    }
    | {
        f"tlbi {each.name}": SystemOperation(each.op1, each.crn, each.crm, each.op2)
        for each in TLBI_OPERATIONS.values()
    }
)
"""Every SYS instruction with a name, by that name: `tlbi vaae1is`, `dc zva`."""

OPERATION_NAMES: Mapping[SystemOperation, str] = MappingProxyType(
    {operation: name for name, operation in SYSTEM_OPERATIONS.items()}
)
"""`SYSTEM_OPERATIONS` the other way."""

WITHOUT_OPERAND = frozenset(
    {"ic ialluis", "ic iallu"}
    | {f"tlbi {each.name}" for each in TLBI_OPERATIONS.values() if not each.takes_operand}
)
"""Names of the operations that have no register Xt."""
