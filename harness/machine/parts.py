"""What a run is made of: the machine that it uses, what it is asked for, how far it has come."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.addresses import VirtualAddress
from harness.machine.engine import Core
from harness.machine.host_memory import HostMemory
from harness.machine.machine import Listener
from harness.machine.program import Program
from harness.machine.register_file import RegisterFile
from harness.scenario import Limits


@dataclass(slots=True)
class Progress:
    """What goes on over several runs of one machine."""

    number: int = 0
    """Instructions begun, fetches that faulted among them."""
    faults: int = 0


@dataclass(frozen=True, slots=True)
class Parts:
    """What every run uses of its machine."""

    core: Core
    memory: HostMemory
    registers: RegisterFile
    progress: Progress
    memory_limit: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is asked for.

    `single`: one instruction and no more. `quiet`: only faults, entries and returns of exceptions
    are told, where the machine heeds it.
    """

    program: Program
    listener: Listener
    limits: Limits
    stop_at: frozenset[VirtualAddress]
    single: bool = False
    quiet: bool = False
