"""Confirms the counterexamples of encodings by running them: on a machine, and in the model."""

from __future__ import annotations

from harness.regress.confirm import Confirmation, Observation, confirm

__all__ = ["Confirmation", "Observation", "confirm"]
