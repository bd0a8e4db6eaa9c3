"""Direct permissions of stage 1, and the check of whichever permissions apply.

Permissions are 0 or 1 and combined by arithmetic on bits, so that they can be whole arrays.
"""

from __future__ import annotations

from harness.arch.descriptors import fields as bits
from harness.arch.faults import FaultKind
from harness.vmsa.controls import Permissions
from harness.vmsa.descriptor import NOT_DIRTY
from harness.vmsa.indirect import indirect_permissions
from harness.vmsa.overlay import NO_OVERLAY, Overlay, overlay_permissions
from harness.vmsa.parameters import Stage1Parameters
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import Request
from harness.vmsa.walk import Leaf


def direct_permissions(parameters: Stage1Parameters, leaf: Leaf, request: Request) -> Permissions:
    """Return what AP, PXN, UXN and the tables above allow, with PAN applied.

    AArch64.S1DirectBasePermissions, AArch64.S1ApplyOutputPerms, AArch64.S1ApplyTablePerms.
    """
    descriptor = leaf.descriptor
    tables = leaf.tables if parameters.hierarchical else 0
    ap = bits.AP.get(descriptor)
    ap_table = bits.AP_TABLE.get(tables)
    may_become_writable = bits.DBM.get(descriptor) if parameters.dirty_updates else 0
    read_only = ((ap & (may_become_writable ^ 1) << 1) | ap_table) >> 1
    upper_xn = bits.UXN.get(descriptor) | bits.UXN_TABLE.get(tables)
    if not parameters.regime.has_unprivileged:
        write, execute = read_only ^ 1, upper_xn ^ 1
        return Permissions(1, write, execute, parameters.wxn & write & execute)
    unprivileged = ap & (ap_table ^ 1) & 1
    unprivileged_write = unprivileged & (read_only ^ 1)
    unprivileged_execute = upper_xn ^ 1
    if request.el0:
        read, write, execute = unprivileged, unprivileged_write, unprivileged_execute
    else:
        pxn = bits.PXN.get(descriptor) | bits.PXN_TABLE.get(tables)
        execute = (pxn | unprivileged_write) ^ 1
        kept_out = request.pan & (unprivileged | parameters.epan & unprivileged_execute)
        read = kept_out ^ 1
        write = read & (read_only ^ 1)
    return Permissions(read, write, execute, parameters.wxn & write & execute)


def check_permissions(
    parameters: Stage1Parameters, leaf: Leaf, request: Request, *, device: bool
) -> FaultRecord | None:
    """Return the fault, None if the access is allowed. `device`: the leaf's memory type.

    AArch64.S1ComputePermissions, then AArch64.S1CheckPermissions in its order.
    """
    if parameters.indirect is None:
        base = direct_permissions(parameters, leaf, request)
    else:
        base = indirect_permissions(parameters, leaf.descriptor, request)
    overlays = parameters.overlays
    register = overlays.unprivileged if request.el0 else overlays.privileged
    overlay = NO_OVERLAY
    if register is not None and base.overlay_applies:
        overlay = overlay_permissions(register, leaf.descriptor, d128=parameters.d128)
    if base.wxn:
        if overlay is not NO_OVERLAY and overlay.execute:
            overlay = overlay._replace(write=0)
        else:
            base = base._replace(execute=0)
    if request.fetch:
        return _check_fetch(parameters, leaf.level, base, overlay, device=device)
    return _check_data(parameters, leaf, base, overlay, request)


def _check_fetch(
    parameters: Stage1Parameters, level: int, base: Permissions, overlay: Overlay, *, device: bool
) -> FaultRecord | None:
    if not overlay.execute:
        return _fault(level, overlay=True)
    if (device and parameters.device_fetch_faults) or not base.execute:
        return _fault(level)
    return None


def _check_data(
    parameters: Stage1Parameters,
    leaf: Leaf,
    base: Permissions,
    overlay: Overlay,
    request: Request,
) -> FaultRecord | None:
    level = leaf.level
    if request.read and not overlay.read:
        return _fault(level, write=False, overlay=True)
    if request.write and not overlay.write:
        return _fault(level, write=True, overlay=True)
    if request.read and not base.read:
        return _fault(level, write=False)
    if request.write and not base.write:
        return _fault(level, write=True)
    # Writable, but clean, and hardware does not manage the dirty state.
    clean = parameters.indirect is not None and leaf.descriptor & NOT_DIRTY
    if request.write and clean and not parameters.dirty_updates:
        return _fault(level, write=True, dirty=True)
    return None


def _fault(
    level: int, *, write: bool | None = None, overlay: bool = False, dirty: bool = False
) -> FaultRecord:
    return FaultRecord(
        FaultKind.PERMISSION,
        level,
        "AArch64.S1CheckPermissions",
        write=write,
        overlay=overlay,
        dirty=dirty,
    )
