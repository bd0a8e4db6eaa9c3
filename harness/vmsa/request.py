"""What translation needs to know of an access (AccessDescriptor in the manual)."""

from __future__ import annotations

from typing import NamedTuple

from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.context import Context


class Request(NamedTuple):
    """An access, or one piece of it, as permissions and alignment see it."""

    access: Access
    """The instruction's access, for the syndrome."""
    el0: bool
    """Checked as made at EL0: AccessDescriptor.el."""
    read: bool
    write: bool
    fetch: bool
    pan: bool
    """PSTATE.PAN where it applies to this kind of access."""
    aligned: bool = True
    zeroing: bool = False
    """DC ZVA."""
    dirty_state: bool = True
    """Hardware may set the dirty state: not for AT and cache maintenance."""
    access_flag_checked: bool = True
    """Takes Access flag faults: a choice for IC and DC (AArch64.S1Walk, AArch64.S2Walk)."""
    walk: bool = False
    """A read or an update of a stage 1 descriptor, on its way through stage 2."""


def request_of(context: Context, access: Access) -> Request:
    """Return what `access`, which is no AT, asks of the translation.

    CreateAccDescGPR, CreateAccDescIFetch, CreateAccDescDC and their like. Cache maintenance that
    does not invalidate needs permission to read at EL0 only (AArch64.S1CheckPermissions).
    """
    kind = access.kind
    maintenance = access.operation is Operation.CACHE_MAINTENANCE
    el0 = access.el == 0 or (access.unprivileged and not _privileged(context, access))
    return Request(
        access,
        el0,
        (kind is AccessKind.READ and (el0 or not maintenance)) or kind is AccessKind.READ_WRITE,
        kind is AccessKind.WRITE or kind is AccessKind.READ_WRITE,
        kind is AccessKind.FETCH,
        access.pan and context.pan and kind is not AccessKind.FETCH,
        zeroing=access.operation is Operation.DC_ZVA,
        dirty_state=not maintenance,
        access_flag_checked=(
            not maintenance or context.choices.access_flag_fault_on_cache_maintenance
        ),
    )


def _privileged(context: Context, access: Access) -> bool:
    """Return whether LDTR and STTR are as LDR and STR (AArch64.IsUnprivAccessPriv)."""
    if access.uao and context.uao:
        return True
    return access.el != 1 and not context.host
