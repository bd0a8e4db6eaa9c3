"""What translation needs to know of an access (AccessDescriptor in the manual)."""

from __future__ import annotations

from typing import NamedTuple

from harness.vmsa.access import Access


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
    walk: bool = False
    """A read or an update of a stage 1 descriptor, on its way through stage 2."""
