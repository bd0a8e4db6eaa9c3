"""Hardware updates of a leaf: the Access flag and the dirty state (FEAT_HAFDBS)."""

from __future__ import annotations

from harness.arch.faults import FaultKind
from harness.arch.implementation import Implementation
from harness.vmsa.descriptor import ACCESS_FLAG, DIRTY_BIT_MODIFIER, DIRTY_STAGE2, NOT_DIRTY
from harness.vmsa.record import FaultRecord


def setting_access_flag_permitted(fault: FaultRecord | None, choices: Implementation) -> bool:
    """AArch64.SettingAccessFlagPermitted.

    Only an alignment or a permission fault comes this far: the walk itself has found a leaf.
    """
    return fault is None or choices.af_update_on_alignment_or_permission_fault


def setting_dirty_state_permitted(fault: FaultRecord | None, choices: Implementation) -> bool:
    """AArch64.SettingDirtyStatePermitted."""
    if fault is None:
        return True
    return fault.kind is FaultKind.ALIGNMENT and choices.dirty_update_on_alignment_fault


def updated_leaf(
    descriptor: int,
    fault: FaultRecord | None,
    choices: Implementation,
    *,
    stage: int,
    dirty_state: bool,
    indirect: bool,
) -> int:
    """Return the leaf as hardware leaves it (AArch64.S1Translate, AArch64.S2Translate).

    HA is set. `dirty_state`: HD too, and the access is a write that may set it; direct permissions
    need the DBM bit of the leaf for that, indirect ones do not.
    """
    if setting_access_flag_permitted(fault, choices):
        descriptor |= ACCESS_FLAG
    if (
        dirty_state
        and (indirect or descriptor & DIRTY_BIT_MODIFIER)
        and setting_dirty_state_permitted(fault, choices)
    ):
        descriptor = descriptor & ~NOT_DIRTY if stage == 1 else descriptor | DIRTY_STAGE2
    return descriptor
