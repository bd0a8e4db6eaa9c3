"""What a leaf allows, as the permission rules hand it on."""

from __future__ import annotations

from typing import NamedTuple


class Permissions(NamedTuple):
    """What a leaf allows the access's exception level (S1AccessControls)."""

    read: int
    write: int
    execute: int
    wxn: int
    """Writable, and so not executable: SCTLR_ELx.WXN, or the indirect encoding 0b0110."""
    overlay_applies: bool = True
