"""What the log says in two ways that do not agree: said, never smoothed over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.arch import iss
from harness.arch.exception_classes import LINUX_EC_NAMES
from harness.arch.fault_status import describe_fault
from harness.arch.fields import Field
from harness.arch.pstate import mode_name
from harness.arch.registers import esr as outer
from harness.arch.syndromes import Syndrome, decode_abort
from harness.oops.report import FaultReport
from harness.oops.syndrome import (
    DATA_ABORTS,
    FETCH_ABORTS,
    LOWER_EL_ABORTS,
    access_of,
    is_abort,
)
from harness.vmsa.access import AccessKind

_ISS_FIELDS: tuple[tuple[str, Field], ...] = (
    ("SET", iss.SET),
    ("FnV", iss.FNV),
    ("EA", iss.EA),
    ("S1PTW", iss.S1PTW),
    ("FSC", iss.FSC),
    ("ISV", iss.ISV),
    ("SSE", iss.SSE),
    ("SRT", iss.SRT),
    ("SF", iss.SF),
    ("AR", iss.AR),
    ("CM", iss.CM),
    ("WnR", iss.WNR),
)
_ISS2_FIELDS: tuple[tuple[str, Field], ...] = (
    ("TnD", iss.TND),
    ("TagAccess", iss.TAG_ACCESS),
    ("GCS", iss.GCS),
    ("Overlay", iss.OVERLAY),
    ("DirtyBit", iss.DIRTY_BIT),
    ("Xs", iss.XS),
)
_FSC_TEXT = re.compile(r"level (-?\d) (translation|access flag|permission|address size) fault")
_PHRASES = (
    ("write to read-only memory", "permission", AccessKind.WRITE),
    ("read from unreadable memory", "permission", AccessKind.READ),
    ("execute from non-executable memory", "permission", AccessKind.FETCH),
)
"""Headlines that name the fault: the kind and the access that they stand for."""
_NULL_PAGE = 0x10000
"""Addresses that the kernel may call NULL: below one page of the largest size."""
_UPPER_HALF = 1 << 55
_COUNTS = {"il_bits": "IL in bits", "access_size": "access size"}
"""What is printed in decimal, under another name than the field's."""
_BITS_OF_IL = {0: 16, 1: 32}


def contradictions(report: FaultReport) -> tuple[str, ...]:
    """Return one sentence for each pair of statements of the log that cannot both be true."""
    return tuple(_all(report))


def _all(report: FaultReport) -> Iterator[str]:
    yield from _of_sources(report)
    if report.esr is not None:
        yield from _of_decoding(report, report.esr)
        yield from _of_headline(report, report.esr)
        yield from _of_mode(report, report.esr)
    yield from _of_addresses(report)
    if report.registers_interleaved:
        yield ("registers of several reports are printed in turns: whose are whose cannot be told")


def _of_sources(report: FaultReport) -> Iterator[str]:
    for source, esr in report.other_esrs.items():
        if esr != report.esr:
            yield f"the {report.esr_source} gives ESR {report.esr:#010x}, the {source} {esr:#010x}"


def _of_decoding(report: FaultReport, esr: int) -> Iterator[str]:
    """Compare the kernel's decoding of the ESR with the ESR."""
    printed = report.printed
    syndrome = Syndrome.from_int(esr)
    expected: dict[str, int | str] = {
        "EC": syndrome.ec,
        "il_bits": _BITS_OF_IL[outer.IL.get(esr)],
    }
    if is_abort(esr):
        expected |= {name: field.get(syndrome.iss) for name, field in _ISS_FIELDS}
        expected |= {name: field.get(syndrome.iss2) for name, field in _ISS2_FIELDS}
        expected |= {
            "ISS": syndrome.iss,
            "ISS2": syndrome.iss2,
            "access_size": 1 << iss.SAS.get(syndrome.iss),
        }
    for name, value in expected.items():
        if name in printed and printed[name] != value:
            seen = f"line {report.where.get(name, 0)} prints {_label(name)} ="
            yield f"{seen} {_shown(name, printed[name])}, ESR {esr:#010x} has {_shown(name, value)}"
    yield from _of_texts(report, esr, syndrome)


def _of_texts(report: FaultReport, esr: int, syndrome: Syndrome) -> Iterator[str]:
    text = report.printed.get("ec_text")
    name = LINUX_EC_NAMES.get(syndrome.ec)
    if isinstance(text, str) and name is not None and text != name:
        yield f"the log calls the exception {text}, ESR {esr:#010x} is {name}"
    abort = decode_abort(esr)
    match = _FSC_TEXT.search(str(report.printed.get("fsc_text", "")))
    if match is None or abort is None:
        return
    seen = (match[2].replace(" ", "_"), int(match[1]))
    if seen != (abort.kind.value, abort.level):
        yield (
            f"the log calls it a {match[0]}, ESR {esr:#010x} says "
            f"{describe_fault(abort.kind, abort.level)}"
        )


def _of_headline(report: FaultReport, esr: int) -> Iterator[str]:
    phrase = report.phrase or ""
    if "Unable" in phrase or not phrase:
        return
    abort = decode_abort(esr)
    for text, kind, access in _PHRASES:
        if text not in phrase:
            continue
        if abort is None or abort.kind.value != kind or access_of(esr) is not access:
            yield f"the headline says {text}, ESR {esr:#010x} is no {kind} fault on a {access}"
    address = report.address
    if "NULL pointer" in phrase and address is not None and address >= _NULL_PAGE:
        yield f"the headline says NULL pointer, the address is {address:#018x}"
    if "SError" in phrase and abort is not None:
        yield f"the headline says SError, ESR {esr:#010x} is an abort"


def _of_mode(report: FaultReport, esr: int) -> Iterator[str]:
    """Compare the exception class with the exception level that pstate shows."""
    ec = Syndrome.from_int(esr).ec
    if report.pstate is None or ec not in (*DATA_ABORTS, *FETCH_ABORTS):
        return
    mode = mode_name(report.pstate)
    if mode is None:
        return
    if (ec in LOWER_EL_ABORTS) != mode.startswith("EL0"):
        yield f"ESR {esr:#010x} is {LINUX_EC_NAMES[ec]}, pstate {report.pstate:#010x} is {mode}"


def _of_addresses(report: FaultReport) -> Iterator[str]:
    address = report.address
    if report.other_address is not None and address is not None:
        yield (
            f"the headline gives the address {address:#018x}, the line of the entries "
            f"{report.other_address:#018x}"
        )
    if address is None or report.pgtable is None:
        return
    upper = bool(address & _UPPER_HALF)
    if upper != (report.pgtable == "swapper"):
        half = "upper" if upper else "lower"
        yield (
            f"the entries are of the {report.pgtable} tables, the address {address:#018x} is in "
            f"the {half} half"
        )


def _label(name: str) -> str:
    return _COUNTS.get(name, name)


def _shown(name: str, value: int | str) -> str:
    return str(value) if name in _COUNTS or isinstance(value, str) else f"{value:#x}"
