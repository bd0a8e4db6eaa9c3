"""Permissions of stage 2, direct and indirect, and their check."""

from __future__ import annotations

from typing import NamedTuple

from harness.arch.descriptors import fields as bits
from harness.arch.faults import FaultKind
from harness.vmsa.descriptor import DIRTY_STAGE2
from harness.vmsa.indirect import permission_index
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import Request
from harness.vmsa.stage2_parameters import Stage2Parameters
from harness.vmsa.walk import Leaf


class Stage2Permissions(NamedTuple):
    """What a leaf of stage 2 allows (S2AccessControls)."""

    read: int
    write: int
    execute_privileged: int
    execute_unprivileged: int
    walk_write: int
    """Hardware may update stage 1 descriptors here."""


def direct_stage2_permissions(parameters: Stage2Parameters, descriptor: int) -> Stage2Permissions:
    """Return what S2AP and XN allow.

    AArch64.S2DirectBasePermissions, AArch64.S2ApplyOutputPerms.
    """
    s2ap = bits.S2AP.get(descriptor)
    may_become_writable = bits.DBM_STAGE2.get(descriptor) if parameters.dirty_updates else 0
    read = s2ap & 1
    write = s2ap >> 1 | may_become_writable
    execute_never = bits.XN_STAGE2.get(descriptor)
    xn = execute_never >> 1
    xnx = execute_never & 1 if parameters.execute_never_by_el else 0
    # XN[1:0]: 0b00 both, 0b01 EL0 only, 0b10 neither, 0b11 EL1 only.
    return Stage2Permissions(read, write, xn ^ xnx ^ 1, xn ^ 1, write)


_MOSTLY_READ_ONLY = Stage2Permissions(1, 0, 0, 0, 1)
_NONE = Stage2Permissions(0, 0, 0, 0, 0)
INDIRECT = (
    _NONE,
    _NONE,  # reserved
    _MOSTLY_READ_ONLY,
    _MOSTLY_READ_ONLY,  # TopLevel1 (FEAT_THE)
    Stage2Permissions(0, 1, 0, 0, 0),
    _NONE,  # reserved
    _MOSTLY_READ_ONLY,  # TopLevel0
    _MOSTLY_READ_ONLY,  # TopLevel0 and 1
    Stage2Permissions(1, 0, 0, 0, 0),
    Stage2Permissions(1, 0, 0, 1, 0),
    Stage2Permissions(1, 0, 1, 0, 0),
    Stage2Permissions(1, 0, 1, 1, 0),
    Stage2Permissions(1, 1, 0, 0, 1),
    Stage2Permissions(1, 1, 0, 1, 1),
    Stage2Permissions(1, 1, 1, 0, 1),
    Stage2Permissions(1, 1, 1, 1, 1),
)
"""By a field of S2PIR_EL2 (AArch64.S2IndirectBasePermissions)."""


def check_stage2_permissions(
    parameters: Stage2Parameters, leaf: Leaf, request: Request, *, device: bool
) -> FaultRecord | None:
    """Return the fault, None if allowed (AArch64.S2CheckPermissions). `device`: memory type."""
    descriptor, level = leaf.descriptor, leaf.level
    if parameters.indirect is None:
        allowed = direct_stage2_permissions(parameters, descriptor)
    else:
        index = permission_index(descriptor, d128=parameters.d128)
        allowed = INDIRECT[parameters.indirect >> 4 * index & 0b1111]
    if request.fetch:
        execute = allowed.execute_unprivileged if request.el0 else allowed.execute_privileged
        refused = (device and parameters.device_fetch_faults) or not execute
        return _fault(level) if refused else None
    # A fault on a stage 1 walk keeps the direction of the access itself.
    walk = request.walk
    if walk and device and parameters.device_walk_faults:
        return _fault(level)
    if request.read and not allowed.read:
        return _fault(level, write=None if walk else False)
    if request.write and not (allowed.walk_write if walk else allowed.write):
        return _fault(level, write=None if walk else True)
    clean = parameters.indirect is not None and not descriptor & DIRTY_STAGE2
    if request.write and clean and not parameters.dirty_updates:
        return _fault(level, write=None if walk else True, dirty=True)
    return None


def _fault(level: int, *, write: bool | None = None, dirty: bool = False) -> FaultRecord:
    return FaultRecord(
        FaultKind.PERMISSION, level, "AArch64.S2CheckPermissions", 2, write=write, dirty=dirty
    )
