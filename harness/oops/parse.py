"""A log becomes fault reports: every step in its order, each in its own file."""

from __future__ import annotations

from types import MappingProxyType

from harness.arch.addresses import VirtualAddress
from harness.arch.granule import Granule
from harness.errors import Location, ReportError
from harness.oops.decode_text import decode_lines
from harness.oops.fields import Fact
from harness.oops.interleave import Draft, collect
from harness.oops.prefixes import strip_prefixes
from harness.oops.report import LEVEL_NAMES, EsrSource, FaultReport
from harness.oops.unwrap import unwrap

ESR_FACTS = (
    ("esr_line", EsrSource.ESR_LINE),
    ("sea_esr", EsrSource.HEADLINE),
    ("code_esr", EsrSource.CODE),
    ("error_esr", EsrSource.INTERNAL_ERROR),
)
"""Lines that give the ESR, the most direct first."""

PRINTED_FIELDS = (
    *("EC", "ec_text", "il_bits", "SET", "FnV", "EA", "S1PTW", "FSC", "fsc_text", "ISV", "ISS"),
    *("ISS2", "access_size", "SSE", "SRT", "SF", "AR", "CM", "WnR", "TnD", "TagAccess"),
    *("GCS", "Overlay", "DirtyBit", "Xs"),
)
"""The kernel's own decoding of the ESR."""


def parse_reports(data: bytes | str, name: str) -> tuple[FaultReport, ...]:
    """Return every fault report of a log; `name` is what errors and reports call it.

    ReportError if there is none, or if the log is larger than a log can be.
    """
    raw = data.encode("utf-8", errors="replace") if isinstance(data, str) else data
    lines = unwrap(strip_prefixes(line) for line in decode_lines(raw, name))
    drafts = collect(lines)
    if not drafts:
        raise ReportError("no arm64 fault report in it", Location(name))
    return tuple(
        _report(draft, drafts, name, number) for number, draft in enumerate(drafts, start=1)
    )


def _report(draft: Draft, drafts: list[Draft], name: str, number: int) -> FaultReport:
    facts = draft.facts
    esrs = {source: _number(facts[key]) for key, source in ESR_FACTS if key in facts}
    esr_source = next(iter(esrs), None)
    address_name, remarks = _address_fact(draft)
    address = _first_number(facts, address_name)
    bracket = _first_number(facts, "bracket_address")
    granule_k = _first_number(facts, "granule_k")
    pgdp = _first_number(facts, "pgdp", "pgdp_pointer")
    registers = dict(draft.registers) | ({"sp": facts["sp"]} if "sp" in facts else {})
    pc = _first_number(facts, "pc")
    lr = _first_number(facts, "lr")
    return FaultReport(
        name=name,
        number=number,
        first_line=draft.first_line,
        last_line=draft.last_line,
        phrase=_text(facts, "phrase"),
        error=_text(facts, "error"),
        oops_number=_first_number(facts, "oops_number"),
        esr=None if esr_source is None else esrs[esr_source],
        esr_source=esr_source,
        other_esrs=MappingProxyType(
            {source: esr for source, esr in esrs.items() if source is not esr_source}
        ),
        address=None if address is None else VirtualAddress(address),
        other_address=None if bracket in {None, address} else VirtualAddress(bracket or 0),
        printed=MappingProxyType({key: facts[key].value for key in PRINTED_FIELDS if key in facts}),
        pgtable=_text(facts, "pgtable"),
        granule=None if granule_k is None else Granule.from_label(f"{granule_k}K"),
        va_bits=_first_number(facts, "va_bits"),
        pgdp=pgdp,
        pgdp_is_pointer="pgdp" not in facts and "pgdp_pointer" in facts,
        entries=MappingProxyType(
            {level: _number(facts[level]) for level in LEVEL_NAMES if level in facts}
        ),
        no_tables=_text(facts, "no_tables"),
        cpu=_first_number(facts, "cpu"),
        comm=_text(facts, "comm"),
        kernel=_text(facts, "kernel"),
        pstate=_first_number(facts, "pstate"),
        pc=None if pc is None else VirtualAddress(pc),
        pc_symbol=_text(facts, "pc_symbol"),
        lr=None if lr is None else VirtualAddress(lr),
        lr_symbol=_text(facts, "lr_symbol"),
        registers=MappingProxyType({key: _number(fact) for key, fact in registers.items()}),
        code=draft.code,
        faulting_word=None if draft.faulting is None else draft.code[draft.faulting],
        code_text=_text(facts, "code_text"),
        interleaved_with=_interleaved(draft, drafts),
        registers_interleaved=any(
            _overlap(draft.register_lines, other.register_lines)
            for other in drafts
            if other is not draft and not (draft.caller and other.caller)
        ),
        remarks=(*remarks, *draft.repeated),
        where=MappingProxyType(_where(draft, registers, address_name)),
    )


def _address_fact(draft: Draft) -> tuple[str, tuple[str, ...]]:
    """Return the name of the fact that gives the address, and remarks about one that does not.

    Kernels that print an ESR line print addresses in 16 digits: a shorter one there was cut. So was
    one that ends the report.
    """
    facts = draft.facts
    if "headline_address" in facts:
        return "headline_address", ()
    if "short_address" not in facts:
        return "bracket_address", ()
    if "esr_line" not in facts and draft.last_line > draft.first_line:
        return "short_address", ()
    line = facts["short_address"].line
    return "bracket_address", (f"the address of line {line} was cut and is not used",)


def _where(draft: Draft, registers: dict[str, Fact], address_name: str) -> dict[str, int]:
    lines = {key: fact.line for key, fact in (draft.facts | registers).items()}
    if draft.code:
        lines["code"] = draft.code_line
    for key, source in ESR_FACTS:
        if key in lines:
            lines.setdefault("esr", lines[key])
            lines[source.value] = lines[key]
    if address_name in lines:
        lines["address"] = lines[address_name]
    return lines


def _interleaved(draft: Draft, drafts: list[Draft]) -> tuple[int, ...]:
    return tuple(
        number
        for number, other in enumerate(drafts, start=1)
        if other is not draft
        and draft.first_line < other.last_line
        and other.first_line < draft.last_line
        and not (draft.caller and other.caller)
    )


def _overlap(one: list[int], other: list[int]) -> bool:
    return bool(one and other) and one[0] < other[-1] and other[0] < one[-1]


def _number(fact: Fact) -> int:
    if not isinstance(fact.value, int):
        raise TypeError(f"{fact.name} is no number")
    return fact.value


def _first_number(facts: dict[str, Fact], *names: str) -> int | None:
    return next((_number(facts[name]) for name in names if name in facts), None)


def _text(facts: dict[str, Fact], name: str) -> str | None:
    return str(facts[name].value) if name in facts else None
