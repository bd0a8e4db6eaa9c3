"""The access that a report tells of, as its instruction makes it with the printed registers."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch import pstate as ps
from harness.arch.addresses import VirtualAddress
from harness.errors import UnsupportedError
from harness.machine.accesses import decode_accesses, footprint
from harness.oops.missing import missing_for_run
from harness.oops.report import FaultReport
from harness.oops.syndrome import is_lower_el
from harness.vmsa.access import Access, AccessKind

_INSTRUCTION = 4
_UPPER_HALF = 1 << 55
_WITHOUT_TAG = (1 << 56) - 1


@dataclass(frozen=True, slots=True)
class RecordedAccess:
    """The access that faulted, and what is wrong with it where log and instruction disagree."""

    access: Access
    """As the instruction makes it, or one byte at the recorded address."""
    of_instruction: bool
    contradictions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def recorded_access(report: FaultReport) -> RecordedAccess:
    """Return the access that the log tells of; ValueError without a valid address."""
    address, kind = report.far, report.access
    if address is None or kind is None or report.esr is None:
        raise ValueError("a report without a fault address")
    el = 0 if is_lower_el(report.esr) else 1
    pan = bool(report.pstate and ps.PAN.get(report.pstate))
    if kind is AccessKind.FETCH:
        return RecordedAccess(Access(address, kind, _INSTRUCTION, el=el, pan=pan), False)
    plain = RecordedAccess(Access(address, kind, 1, el=el, pan=pan), False)
    if missing_for_run(report) or report.faulting_word is None:
        return plain
    return _of_instruction(report, report.faulting_word, plain)


def _of_instruction(report: FaultReport, word: int, plain: RecordedAccess) -> RecordedAccess:
    """Return the access that the faulting word makes with the printed registers."""
    unknown: list[str] = []

    def read(name: str) -> int:
        if name == "x30" and report.lr is not None:
            return report.lr
        if name not in report.registers:
            unknown.append(name)
        return report.registers.get(name, 0)

    uao = bool(report.pstate and ps.UAO.get(report.pstate))
    access = plain.access
    try:
        made = decode_accesses(word, report.pc or 0, read, el=access.el, pan=access.pan, uao=uao)
    except UnsupportedError as error:
        return RecordedAccess(access, False, notes=(f"the faulting instruction: {error}",))
    if unknown:
        note = f"the instruction needs {', '.join(unknown)}, which the log prints as a symbol"
        return RecordedAccess(access, False, notes=(note,))
    for candidate in made:
        if _covers(candidate, access.va):
            return RecordedAccess(candidate, True, _direction(candidate, access.kind))
    if not made:
        why = "accesses no memory"
    else:
        why = f"with the printed registers accesses {made[0].va:#018x}"
    return RecordedAccess(
        access,
        False,
        (f"the faulting instruction {word:#010x} {why}, the log gives {access.va:#018x}",),
    )


def _covers(access: Access, address: VirtualAddress) -> bool:
    """Return whether the access touches the byte, tags of the lower half aside."""
    first, size = footprint(access)
    return 0 <= _untagged(address) - _untagged(first) < size


def _direction(made: Access, recorded: AccessKind) -> tuple[str, ...]:
    if made.kind in {recorded, AccessKind.READ_WRITE}:
        return ()
    return (f"the faulting instruction makes a {made.kind}, the ESR says a {recorded}",)


def same_address(address: int, printed: int | None) -> bool:
    """Return whether FAR is the printed address.

    Linux prints addresses of the lower half without the tag that TBI0 lets them carry.
    """
    return printed is not None and _untagged(address) == _untagged(printed)


def _untagged(address: int) -> int:
    """Return the address without the top byte, which TBI0 ignores; the upper half's is printed."""
    return address if address & _UPPER_HALF else address & _WITHOUT_TAG
