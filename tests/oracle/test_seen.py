"""When what was seen is what an outcome looks like."""

from __future__ import annotations

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.oracle.seen import Aborted, Completed, agrees, describe, describe_outcome
from harness.vmsa.outcome import Fault, Translation

VA = VirtualAddress(0x1000)
PA = PhysicalAddress(0x8000_1000)
FAULT = Fault(FaultKind.TRANSLATION, 0x9600_0006, VA, 2)
EXTERNAL = Fault(FaultKind.EXTERNAL, 0x9600_0010, VA)
HERE = Translation(PA, None)


def test_a_fault_agrees_by_syndrome_and_address() -> None:
    assert agrees(Aborted(0x9600_0006, VA), FAULT)
    assert not agrees(Aborted(0x9600_0046, VA), FAULT)
    assert not agrees(Aborted(0x9600_0006, VirtualAddress(0x1008)), FAULT)
    assert not agrees(Completed(PA), FAULT)


def test_the_type_of_an_external_abort_is_the_implementations() -> None:
    assert agrees(Aborted(0x9600_0210, VA), EXTERNAL)
    assert not agrees(Aborted(0x9600_0206, VA), FAULT)


def test_a_completed_access_agrees_by_its_location_where_that_is_told() -> None:
    assert agrees(Completed(PA), HERE)
    assert agrees(Completed(None), HERE)
    assert not agrees(Completed(PhysicalAddress(PA + 8)), HERE)
    assert not agrees(Aborted(0x9600_0006, VA), HERE)


def test_a_successful_at_agrees_by_the_location_in_par() -> None:
    answer = Translation(PA, None, par=0xFF00_0000_8000_1B80)
    assert agrees(Completed(None, 0x0000_0000_8000_1980), answer)
    assert not agrees(Completed(None, 0x0000_0000_8000_2980), answer)
    assert not agrees(Completed(None, 0x0000_0000_8000_1981), answer)


def test_a_failed_at_agrees_by_the_fault_in_par() -> None:
    answer = Translation(PhysicalAddress(0), None, par=0x80D)
    assert agrees(Completed(None, 0x80D), answer)
    assert not agrees(Completed(None, 0x80F), answer)
    assert not agrees(Completed(None, 0x8000_1980), answer)


def test_outcomes_are_described_in_words_and_numbers() -> None:
    assert describe_outcome(FAULT) == (
        "Data abort from the current exception level: Translation fault, level 2, on a read "
        "(ESR 0x96000006, FAR 0x0000000000001000)"
    )
    assert describe_outcome(HERE) == "completed at 0x80001000"
    assert describe(Completed(None)) == "completed"
    assert describe(Completed(None, 0x80D)) == "completed with PAR_EL1 0x000000000000080d"
