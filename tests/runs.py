"""Runs made by hand: what a machine would give, without a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.features import PROFILES
from harness.arch.granule import Granule
from harness.execution import Execution
from harness.memory import PhysicalMemory, Region
from harness.oracle.permitted import PermittedOutcome
from harness.oracle.seen import Aborted, Completed
from harness.oracle.verdict import Judgment, Verdict, VerdictKind
from harness.runner.judged import JudgedRun
from harness.scenario import Expect, Half, Injection, Run, Scenario, TranslationSetup
from harness.trace import (
    DescriptorWrite,
    End,
    EndReason,
    Event,
    FaultTaken,
    Instruction,
    Trace,
)
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.outcome import Fault, MemoryAttributes, Step, Translation

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


LEAF = Step(
    stage=1,
    level=2,
    table=PhysicalAddress(0x4400_2000),
    index=203,
    address=PhysicalAddress(0x4400_2658),
    descriptor=0x0068_0001_9960_0700,
    decision="bit 0 clear: Invalid descriptor",
    rule="AArch64.DecodeDescriptorType",
)
FAULT_OUTCOME = Fault(FaultKind.TRANSLATION, WRITE_FAULT, FAR, 2)
NORMAL = MemoryAttributes("Normal", inner="WB", outer="WB", shareability="ISH")
PERMITTED_FAULT = PermittedOutcome(FAULT_OUTCOME, {}, ())
PERMITTED_PAST = PermittedOutcome(
    Translation(PhysicalAddress(0x1_9960_0000), NORMAL), {}, (), ("TTBR1_EL1",)
)


def judgment(
    kind: VerdictKind = VerdictKind.AGREES, divergence: str | None = None, *, faulted: bool = True
) -> Judgment:
    """Return what is said of the store."""
    return Judgment(
        number=3,
        pc=PC,
        label="store_pair",
        access=STORE,
        seen=Aborted(WRITE_FAULT, FAR) if faulted else Completed(PhysicalAddress(0x1_9960_0000)),
        kind=kind,
        divergence=divergence,
        explanation="Because.",
        permitted=(PERMITTED_FAULT, PERMITTED_PAST),
        steps=(LEAF,),
    )


def judged(
    kind: VerdictKind = VerdictKind.AGREES,
    *,
    divergence: str | None = None,
    missed: tuple[str, ...] = (),
    given: Scenario | None = None,
) -> JudgedRun:
    """Return a run of one fault, with a verdict."""
    said = judgment(kind, divergence)
    found = () if kind is VerdictKind.AGREES else (said,)
    verdict = Verdict(kind, divergence, "Because.", said, (said,), found, 5)
    events = (
        Instruction(3, PC, 0xA900_0801, "store_pair", 1),
        DescriptorWrite(
            3,
            PhysicalAddress(0x4400_2658),
            0x0068_0001_9960_0701,
            LEAF.descriptor or 0,
            "injection 1",
        ),
        fault(),
        end(),
    )
    return JudgedRun(execution(*events, given=given), verdict, missed)
