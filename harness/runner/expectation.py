"""`[expect]` held against what happened: what the author stated and the run did not show.

This is not the verdict: the reference model judges every run, with or without expectations.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.addresses import PhysicalAddress
from harness.arch.syndromes import Abort, decode_abort, describe_esr
from harness.execution import Execution
from harness.scenario import Expect
from harness.trace import FaultTaken
from harness.vmsa.access import AccessKind


def missed_expectations(execution: Execution) -> tuple[str, ...]:
    """Return one sentence for each thing that `[expect]` states and that did not come."""
    expect = execution.scenario.expect
    return () if expect is None else tuple(_missed(execution, expect))


def access_of(abort: Abort) -> AccessKind:
    """Return the direction of the access, as the syndrome tells it."""
    if abort.fetch:
        return AccessKind.FETCH
    return AccessKind.WRITE if abort.write else AccessKind.READ


def _missed(execution: Execution, expect: Expect) -> Iterator[str]:
    faults = execution.trace.faults
    if expect.no_fault and faults:
        yield f"no fault was expected, and one came: {_seen(faults[0])}"
    wants_fault = any(
        part is not None
        for part in (expect.fault, expect.level, expect.access, expect.esr, expect.far)
    )
    if wants_fault and not faults:
        yield f"a fault was expected ({_wanted(expect)}), and none came"
    elif wants_fault:
        yield from _missed_of_fault(expect, faults[0])
    end = execution.trace.end
    if expect.end is not None and end.reason is not expect.end:
        yield f"the run was expected to end as {expect.end}, and ended as {end.reason}"
    for name, value in expect.registers.items():
        seen = execution.trace.registers[name]
        if seen != value:
            yield f"{name} was expected to be {value:#x} at the end, and is {seen:#x}"
    for address, value in expect.memory.items():
        word = execution.final_memory.read64(PhysicalAddress(address))
        if word != value:
            holds = "there is no memory" if word is None else f"it holds {word:#x}"
            yield f"{value:#x} was expected at {address:#x} of physical memory, and {holds}"


def _missed_of_fault(expect: Expect, fault: FaultTaken) -> Iterator[str]:
    abort = decode_abort(fault.esr)
    if abort is None:
        yield f"a fault was expected ({_wanted(expect)}), and came as {_seen(fault)}"
        return
    seen, access = _seen(fault), access_of(abort)
    if expect.fault is not None and abort.kind is not expect.fault:
        yield f"a fault of kind {expect.fault} was expected, and one of {abort.kind} came: {seen}"
    if expect.level is not None and abort.level != expect.level:
        yield f"a fault at level {expect.level} was expected, and it is at {abort.level}: {seen}"
    if expect.access is not None and access is not expect.access:
        yield f"a fault on a {expect.access} was expected, and it is on a {access}: {seen}"
    if expect.esr is not None and fault.esr != expect.esr:
        yield (
            f"ESR_EL1 {expect.esr:#x} was expected ({describe_esr(expect.esr).rstrip('.')}), "
            f"and is {seen}"
        )
    if expect.far is not None and fault.far != expect.far:
        yield f"FAR_EL1 {expect.far:#x} was expected, and is {fault.far:#x}"


def _wanted(expect: Expect) -> str:
    parts = {
        "fault": expect.fault,
        "level": expect.level,
        "access": expect.access,
        "esr": None if expect.esr is None else f"{expect.esr:#x}",
        "far": None if expect.far is None else f"{expect.far:#x}",
    }
    return ", ".join(f"{name} {part}" for name, part in parts.items() if part is not None)


def _seen(fault: FaultTaken) -> str:
    return f"{fault.esr:#x} ({describe_esr(fault.esr).rstrip('.')})"
