"""Translation regimes: which exception levels they serve and whose registers control them."""

from __future__ import annotations

from enum import Enum

from harness.errors import UnsupportedError


class Regime(Enum):
    """A stage 1 translation regime of the Non-secure state, by the manual's name."""

    __hash__ = object.__hash__  # Enum's own is written in Python.

    EL10 = "EL1&0"
    EL2 = "EL2"
    EL20 = "EL2&0"

    def __init__(self, label: str) -> None:
        self.label = label
        self.has_unprivileged = label != "EL2"
        """HasUnprivileged: EL0 is part of it, so that there are two TTBRs and two permissions."""
        self.el = 1 if label == "EL1&0" else 2
        """The exception level whose registers control it, and that takes its stage 1 faults."""
        self.suffix = f"_EL{self.el}"
        """Of the names of its registers."""
        self.exception_levels = {"EL1&0": (0, 1), "EL2": (2,), "EL2&0": (0, 2)}[label]
        """Where an access that it translates may come from."""

    @classmethod
    def named(cls, label: str) -> Regime:
        """Return the regime called `label`, else raise ValueError; EL3's is refused by name."""
        if label in {"EL3", "EL30", "EL3&0"}:
            raise UnsupportedError("the EL3 translation regime is not modelled")
        return cls(label)
