"""Runs made by hand: what a machine would give, without a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES
from harness.arch.granule import Granule
from harness.execution import Execution
from harness.memory import PhysicalMemory, Region
from harness.scenario import Expect, Half, Injection, Run, Scenario, TranslationSetup
from harness.trace import End, EndReason, Event, FaultTaken, Trace
from harness.vmsa.access import Access, AccessKind, Operation

PC = VirtualAddress(0xFFFF_8000_0000_0008)
FAR = VirtualAddress(0xFFFF_0000_1960_0000)
STORE = Access(FAR, AccessKind.WRITE, 16, operation=Operation.STORE_PAIR)
WRITE_FAULT = 0x9600_0046
"""ESR_EL1 of a data abort from EL1: Translation fault, level 2, on a write."""


def fault(esr: int = WRITE_FAULT, number: int = 3) -> FaultTaken:
    """Return a fault of `store_pair`."""
    return FaultTaken(number, PC, "store_pair", STORE, esr, FAR, 1)


def end(reason: EndReason = EndReason.FAULT, detail: str = "") -> End:
    """Return the end of the run."""
    return End(3, PC, reason, detail)


def scenario(expect: Expect | None = None, injections: tuple[Injection, ...] = ()) -> Scenario:
    """Return a scenario that says no more than it must."""
    half = Half(Granule.K4, 48)
    base = Scenario(
        "store", "a store", PROFILES["max"], TranslationSetup(half, half), (), Run(words=(0,))
    )
    return replace(base, expect=expect, injections=injections)


def execution(
    *events: Event, given: Scenario | None = None, registers: Mapping[str, int] | None = None
) -> Execution:
    """Return a run with these events; 0x1000 holds 7 at its end."""
    memory = PhysicalMemory([Region(PhysicalAddress(0x1000), 0x1000)])
    final = memory.copy()
    final.write64(PhysicalAddress(0x1000), 7)
    trace = Trace(events or (end(),), registers or {"x0": 1})
    return Execution(given or scenario(), "an engine", {}, memory, trace, final)
