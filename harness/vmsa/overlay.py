"""Permission overlays: POR_ELx and POR_EL0 take away from what the leaf allows (FEAT_S1POE).

AArch64.S1OverlayPermissions.
"""

from __future__ import annotations

from typing import NamedTuple

from harness.arch.descriptors import d128 as wide
from harness.arch.descriptors import fields as bits


class Overlay(NamedTuple):
    """What one field of a POR leaves allowed."""

    read: int
    write: int
    execute: int


NO_OVERLAY = Overlay(1, 1, 1)
"""Takes nothing away."""

# Values from 8 on are reserved: no access.
_RESERVED = (Overlay(0, 0, 0),) * 8
OVERLAYS = tuple(Overlay(n & 1, n >> 2 & 1, n >> 1 & 1) for n in range(8)) + _RESERVED


def overlay_permissions(register: int, descriptor: int, *, d128: bool) -> Overlay:
    """Return the overlay that POIndex of the leaf selects in `register`."""
    field = wide.PO_INDEX if d128 else bits.PO_INDEX
    index = field.get(descriptor)
    return OVERLAYS[register >> 4 * index & 0b1111]
