"""A scenario that was run: what went in, what happened, what was left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.memory import PhysicalMemory
from harness.scenario import Scenario
from harness.trace import Trace


@dataclass(frozen=True, slots=True)
class Execution:
    """All that an oracle needs to judge a run, and a report to show it."""

    scenario: Scenario
    engine: str
    """Name and version of what executed and translated: `unicorn 2.1.4, its own MMU`."""
    system_registers: Mapping[str, int]
    """At the first instruction, by the manual's names."""
    memory: PhysicalMemory
    """The image at the first instruction: tables, code, data."""
    trace: Trace
    final_memory: PhysicalMemory
