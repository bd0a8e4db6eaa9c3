"""Linux's names of the lookup levels, folded levels included.

A kernel has five names whatever the hardware walks; with fewer levels the upper ones fold into
the highest that exists.
"""

from __future__ import annotations

from harness.arch.granule import Granule

NAMES = {-1: "pgd", 0: "p4d", 1: "pud", 2: "pmd", 3: "pte"}
"""The prefix of the functions that act on a level: `pmd_leaf`, `pte_valid`."""


def start_level(granule: Granule, va_bits: int) -> int:
    """Return the level at which a walk of `va_bits` begins."""
    return 4 - -(-(va_bits - granule.value) // granule.stride)


def names_of_level(level: int, granule: Granule, va_bits: int) -> tuple[str, ...]:
    """Return every name of `level`: the highest level has those of all levels folded into it."""
    if level == start_level(granule, va_bits):
        return tuple(name for number, name in NAMES.items() if number <= level)
    return (NAMES[level],)


def level_of_name(name: str, granule: Granule, va_bits: int) -> int:
    """Return the hardware level that `name` (pgd, p4d, pud, pmd, pte) stands for.

    KeyError for another name.
    """
    for number, known in NAMES.items():
        if known == name:
            return max(number, start_level(granule, va_bits))
    raise KeyError(f"no level is called {name!r} ({', '.join(NAMES.values())})")
