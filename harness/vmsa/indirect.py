"""Indirect permissions of stage 1: the leaf holds an index into PIR_ELx and PIRE0_ELx (FEAT_S1PIE).

AArch64.S1IndirectBasePermissions.
"""

from __future__ import annotations

from typing import NamedTuple

from harness.arch.descriptors import d128 as wide
from harness.arch.descriptors import fields as bits
from harness.vmsa.controls import Permissions
from harness.vmsa.parameters import Stage1Parameters
from harness.vmsa.request import Request


class _Encoding(NamedTuple):
    """One value of a field of PIR: permissions, and what else it implies."""

    read: int
    write: int
    execute: int
    guarded_control_stack: int = 0
    wxn: int = 0


# Values from 8 on leave overlays out; 0b0100 and the higher gaps are reserved: no access.
_NONE = _Encoding(0, 0, 0)
ENCODINGS = (
    _NONE,
    _Encoding(1, 0, 0),
    _Encoding(0, 0, 1),
    _Encoding(1, 0, 1),
    _NONE,
    _Encoding(1, 1, 0),
    _Encoding(1, 1, 1, wxn=1),
    _Encoding(1, 1, 1),
    _Encoding(1, 0, 0),
    _Encoding(1, 0, 0, guarded_control_stack=1),
    _Encoding(1, 0, 1),
    _NONE,
    _Encoding(1, 1, 0),
    _NONE,
    _Encoding(1, 1, 1),
    _NONE,
)
_FIRST_WITHOUT_OVERLAY = 8


def permission_index(descriptor: int, *, d128: bool) -> int:
    """Return PIIndex of a leaf: scattered over four old attribute bits, or bits 118:115.

    AArch64.S1ApplyOutputPerms, AArch64.S2ApplyOutputPerms.
    """
    if d128:
        return wide.PI_INDEX.get(descriptor)
    high, low = bits.PI_INDEX_32.get(descriptor), bits.PI_INDEX_0.get(descriptor)
    return high << 2 | bits.PI_INDEX_1.get(descriptor) << 1 | low


def indirect_permissions(
    parameters: Stage1Parameters, descriptor: int, request: Request
) -> Permissions:
    """Return what PIR_ELx and PIRE0_ELx give this leaf for the access's exception level."""
    privileged_register, unprivileged_register = parameters.indirect or (0, 0)
    shift = 4 * permission_index(descriptor, d128=parameters.d128)
    chosen = privileged_register >> shift & 0b1111
    privileged = ENCODINGS[chosen]
    read, write, execute, wxn = (
        privileged.read,
        privileged.write,
        privileged.execute,
        privileged.wxn,
    )
    if parameters.regime.has_unprivileged:
        unprivileged_chosen = unprivileged_register >> shift & 0b1111
        unprivileged = ENCODINGS[unprivileged_chosen]
        # Nothing may be executable when privileged and writable when not: both lose everything.
        conflict = (privileged.execute | privileged.guarded_control_stack) & (
            unprivileged.write | unprivileged.guarded_control_stack
        )
        if request.el0:
            chosen, source = unprivileged_chosen, unprivileged
            read, write, execute, wxn = source.read, source.write, source.execute, source.wxn
        elif request.pan and unprivileged_chosen:
            read = write = 0
        if conflict:
            read = write = execute = 0
    return Permissions(read, write, execute, wxn, chosen < _FIRST_WITHOUT_OVERLAY)
