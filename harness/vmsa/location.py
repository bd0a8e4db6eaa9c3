"""Where a stage leads."""

from __future__ import annotations

from typing import NamedTuple

from harness.vmsa.outcome import MemoryAttributes


class Location(NamedTuple):
    """The output address and memory attributes of a stage."""

    address: int
    attributes: MemoryAttributes
