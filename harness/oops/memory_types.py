"""MAIR_EL1 as each Linux has it: the index in a descriptor means nothing without it.

The order of the MT_ constants of arch/arm64/include/asm/memory.h: it changed when tagged memory
came (5.10) and when two unused types went (5.14). Normal-Tagged is 0xff as without MTE; Normal is
0xff and Device-nGnRE 0x04 in all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryTypes:
    """Attributes by index, of every Linux from version `since` (major, minor) on."""

    since: tuple[int, int]
    attributes: tuple[int, ...]

    @property
    def mair(self) -> int:
        """MAIR_EL1."""
        return sum(attribute << 8 * index for index, attribute in enumerate(self.attributes))


MEMORY_TYPES = (
    MemoryTypes((5, 14), (0xFF, 0xFF, 0x44, 0x00, 0x04)),
    MemoryTypes((5, 10), (0xFF, 0xFF, 0x44, 0xBB, 0x00, 0x04, 0x0C)),
    MemoryTypes((3, 7), (0x00, 0x04, 0x0C, 0x44, 0xFF, 0xBB)),
)
"""The newest first."""

_RELEASE = re.compile(r"(\d+)\.(\d+)")


def version_of(release: str | None) -> tuple[int, int] | None:
    """Return major and minor of a kernel release such as `6.5.0-next-20230906`."""
    match = _RELEASE.match(release or "")
    return (int(match[1]), int(match[2])) if match else None


def memory_types(release: str | None) -> MemoryTypes:
    """Return the types of a release; the newest where it is not known."""
    version = version_of(release)
    for types in MEMORY_TYPES:
        if version is None or version >= types.since:
            return types
    return MEMORY_TYPES[-1]
