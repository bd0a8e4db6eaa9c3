"""Arrays of 64-bit words, and the scalar model's arithmetic on descriptors over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from harness.vmsa.descriptor import AddressFormat, KindsAt, address_of, kind_code

Words = NDArray[np.uint64]
Indices = NDArray[np.intp]

# What these do with a number, an array does element by element: they hold no branch on it.
kind_codes = cast("Callable[[Words, KindsAt], Words]", kind_code)
addresses_of = cast("Callable[[Words, AddressFormat], Words]", address_of)


def as_indices(words: NDArray[np.integer[Any]]) -> Indices:
    """Return small numbers as indices, without a copy."""
    return words.view(np.intp)
