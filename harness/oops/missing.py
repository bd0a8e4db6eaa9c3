"""What a report lacks for a replay: for its walk alone, and for executing its instruction."""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.faults import FaultKind
from harness.arch.pstate import M4
from harness.arch.syndromes import Syndrome, decode_abort, describe_esr
from harness.errors import MappingError
from harness.oops.levels import printed_walk
from harness.oops.report import FaultReport
from harness.oops.syndrome import DATA_ABORTS, far_is_valid, is_abort
from harness.oops.tables import geometry_of

_NOT_OF_THE_TABLES = {
    FaultKind.EXTERNAL: "external aborts come from the memory system",
    FaultKind.EXTERNAL_ON_WALK: "external aborts come from the memory system",
    FaultKind.TLB_CONFLICT: "TLB conflicts come from what the TLB held",
    FaultKind.ADDRESS_SIZE: "the output size (TCR_EL1.IPS) is not printed",
}
"""Faults that the printed entries do not decide, and why."""
_GENERAL = tuple(f"x{number}" for number in range(30))


def missing_for_walk(report: FaultReport) -> tuple[str, ...]:
    """Return what the log lacks to walk its tables: empty if the walk can be judged."""
    return tuple(_for_walk(report))


def missing_for_run(report: FaultReport) -> tuple[str, ...]:
    """Return what the log lacks, besides the walk, to execute the faulting instruction."""
    return tuple(_for_run(report))


def _for_walk(report: FaultReport) -> Iterator[str]:
    esr = report.esr
    if esr is None:
        yield "ESR: no line gives it in full"
    elif not is_abort(esr):
        yield f"an access to replay: {_sentence(esr)}"
        return
    else:
        abort = decode_abort(esr)
        if abort is None:
            yield f"a cause in the tables: {_sentence(esr)}"
            return
        if abort.kind in _NOT_OF_THE_TABLES:
            yield f"a cause in the tables: {_NOT_OF_THE_TABLES[abort.kind]}"
            return
    if report.address is None:
        yield "fault address: no line gives it in full"
    elif esr is not None and is_abort(esr) and not far_is_valid(esr):
        yield "fault address: FnV = 1, what is printed is not the address"
    yield from _of_tables(report)


def _of_tables(report: FaultReport) -> Iterator[str]:
    if report.no_tables:
        yield f"translation tables: {report.no_tables}"
        return
    if report.granule is None or report.va_bits is None:
        yield "translation tables: no pgtable line gives granule and size of addresses"
    if not report.entries:
        yield "translation tables: no entries are printed"
        return
    if report.granule is not None and report.va_bits is not None and report.address is not None:
        try:
            geometry_of(report)
        except MappingError as error:
            yield f"translation tables: {error.reason}"
            return
    walk = printed_walk(report)
    if walk is not None and walk.absent is not None:
        yield f"translation tables: the walk needs the {walk.absent} entry, which is not printed"


def _for_run(report: FaultReport) -> Iterator[str]:
    esr = report.esr
    if report.pstate is not None and M4.get(report.pstate):
        yield "an AArch64 instruction: pstate is of AArch32"
    if esr is None or Syndrome.from_int(esr).ec not in DATA_ABORTS:
        # A fetch needs the address alone.
        return
    if not report.registers:
        yield "registers: none are printed"
    elif not report.registers_complete:
        names = [name for name in (*_GENERAL, "sp") if name not in report.registers]
        yield f"registers: {', '.join(names)} not printed in full"
    if report.registers_interleaved:
        yield "registers: those of several reports are printed in turns"
    if report.faulting_word is None:
        yield f"faulting instruction: {_code_problem(report)}"


def _code_problem(report: FaultReport) -> str:
    if report.code_text:
        return f"Code says {report.code_text!r}"
    if None in report.code:
        return "the kernel could not read it (????????)"
    if report.code:
        return "the Code line ends before the word in parentheses"
    return "no Code line"


def _sentence(esr: int) -> str:
    return f"ESR {esr:#010x} is {describe_esr(esr).rstrip('.')}"
