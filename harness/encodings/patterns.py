"""The descriptors that a check tries: every pattern of the bits that mean something.

All patterns of the bits that a predicate asks for are made, each with four fillings of the others
(addresses, and attributes that software sets, clears or passes on without asking): all 0, all 1,
and the two that alternate.
NumPy is imported here, when a check runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.encodings.logic import ALL_BITS
from harness.errors import EngineMissingError, LimitError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILLINGS = (0, ALL_BITS, 0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA)
MAX_MEANINGFUL_BITS = 22
_BITS = 64


def patterns(meaningful: int) -> NDArray[np.uint64]:
    """Return the descriptors for one mask of meaningful bits, as an array of 64-bit words.

    EngineMissingError without NumPy, LimitError for more bits than can be tried: `prove` can.
    """
    try:
        import numpy as np
    except ImportError:
        raise EngineMissingError(
            "a check needs NumPy: pip install 'arm64-mmu-harness[fast]' (or numpy)"
        ) from None
    count = meaningful.bit_count()
    if count > MAX_MEANINGFUL_BITS:
        raise LimitError(
            f"{count} meaningful bits are more than {MAX_MEANINGFUL_BITS}: a check of every "
            "pattern would take too long; use prove"
        )
    found = np.array([filling & ~meaningful for filling in FILLINGS], dtype=np.uint64)
    for bit in range(_BITS):
        if meaningful >> bit & 1:
            found = np.concatenate((found, found | np.uint64(1 << bit)))
    return np.unique(found)
