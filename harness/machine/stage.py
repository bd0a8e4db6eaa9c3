"""How far an instruction has come under the reference MMU, and what its run uses."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.features import Profile
from harness.machine.engine import SteppingEngine
from harness.machine.events import Executing
from harness.machine.policies import Chooser
from harness.machine.reference_mmu import ReferenceMmu


@dataclass(frozen=True, slots=True)
class Fetched:
    """An instruction that was fetched and has not executed."""

    executing: Executing
    frame: int
    """Of the page that it was fetched from."""
    is_replaced: bool
    is_for_the_core_alone: bool


@dataclass(slots=True)
class Stage:
    """How far the present instruction has come; `begun`: it has its number."""

    begun: bool = False
    fetched: Fetched | None = None
    stored: dict[int, int] | None = None
    """Where given, receives each written word by backing address, with its value before."""


@dataclass(frozen=True, slots=True)
class ReferenceParts:
    """What a run under the reference MMU uses besides `Parts`."""

    engine: SteppingEngine
    mmu: ReferenceMmu
    chooser: Chooser
    profile: Profile
    stage: Stage
    executed: set[int]
    """Pages, by backing address, that instructions were fetched from."""
