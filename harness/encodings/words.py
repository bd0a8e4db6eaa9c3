"""Small pieces of sentences."""

from __future__ import annotations

from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """Return `a`, `a and b`, or `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def size_in_words(size: int) -> str:
    """Return a number of bytes as `64K`, `2M`, `1G`."""
    unit = 0
    while size >= 1 << 10 and size % (1 << 10) == 0:
        size, unit = size >> 10, unit + 1
    return f"{size}{'BKMGTPE'[unit]}"
