"""Accesses of SYS and SYSL: cache maintenance and address translation by virtual address."""

from __future__ import annotations

from harness.errors import UnsupportedError
from harness.machine.instructions.operands import Accesses, Operands, bits
from harness.vmsa.access import AccessKind, Operation

ZVA_BLOCK = 64
"""Bytes that DC ZVA zeroes: DCZID_EL0.BS = 4, on every profile of the harness."""

_CLEAN = (AccessKind.READ, Operation.CACHE_MAINTENANCE)
_INVALIDATE = (AccessKind.WRITE, Operation.CACHE_MAINTENANCE)

# (op1, CRm, op2) of SYS with CRn = 7 that take a virtual address. DC IVAC needs write permission,
# the other cache operations at most read permission (AArch64.S1CheckPermissions).
_BY_ADDRESS: dict[tuple[int, int, int], tuple[AccessKind, Operation]] = {
    (0, 6, 1): _INVALIDATE,  # DC IVAC
    (3, 4, 1): (AccessKind.WRITE, Operation.DC_ZVA),
    (3, 5, 1): _CLEAN,  # IC IVAU
    (3, 10, 1): _CLEAN,  # DC CVAC
    (3, 11, 1): _CLEAN,  # DC CVAU
    (3, 12, 1): _CLEAN,  # DC CVAP
    (3, 13, 1): _CLEAN,  # DC CVADP
    (3, 14, 1): _CLEAN,  # DC CIVAC
    (0, 8, 0): (AccessKind.AT, Operation.AT_S1E1R),
    (0, 8, 1): (AccessKind.AT, Operation.AT_S1E1W),
    (0, 8, 2): (AccessKind.AT, Operation.AT_S1E0R),
    (0, 8, 3): (AccessKind.AT, Operation.AT_S1E0W),
    (0, 9, 0): (AccessKind.AT, Operation.AT_S1E1RP),
    (0, 9, 1): (AccessKind.AT, Operation.AT_S1E1WP),
    (4, 8, 4): (AccessKind.AT, Operation.AT_S12E1R),
    (4, 8, 5): (AccessKind.AT, Operation.AT_S12E1W),
    (4, 8, 6): (AccessKind.AT, Operation.AT_S12E0R),
    (4, 8, 7): (AccessKind.AT, Operation.AT_S12E0W),
}

# The same, without an address: by set and way, or everything.
_WITHOUT_ADDRESS = frozenset(
    {
        (0, 1, 0),  # IC IALLUIS
        (0, 5, 0),  # IC IALLU
        (0, 6, 2),  # DC ISW
        (0, 10, 2),  # DC CSW
        (0, 14, 2),  # DC CISW
        (3, 3, 4),  # CFP RCTX
        (3, 3, 5),  # DVP RCTX
        (3, 3, 7),  # CPP RCTX
    }
)

_TLBI = frozenset({8, 9})
"""CRn of TLBI and of its nXS forms: they take an address but access nothing."""


def system_accesses(word: int, operands: Operands) -> Accesses:
    """SYS and SYSL: cache maintenance, AT, TLBI."""
    crn = bits(word, 15, 12)
    if crn in _TLBI:
        return ()
    key = (bits(word, 18, 16), bits(word, 11, 8), bits(word, 7, 5))
    is_sysl = bits(word, 21, 21)
    is_known_space = crn == 7 and not is_sysl
    if is_known_space and key in _WITHOUT_ADDRESS:
        return ()
    if not is_known_space or key not in _BY_ADDRESS:
        op1, crm, op2 = key
        name = "SYSL" if is_sysl else "SYS"
        raise UnsupportedError(f"{name} #{op1}, C{crn}, C{crm}, #{op2} ({word:#010x})")
    kind, operation = _BY_ADDRESS[key]
    va = operands.x(bits(word, 4, 0))
    size = ZVA_BLOCK if operation is Operation.DC_ZVA else 1
    return (operands.access(va, kind, size, operation),)
