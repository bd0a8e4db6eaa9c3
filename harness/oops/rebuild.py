"""A fault report becomes a scenario: its tables, its registers, and the instruction at pc."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.arch import pstate as ps
from harness.arch.addresses import VirtualAddress
from harness.arch.descriptors import fields
from harness.arch.faults import FaultKind
from harness.arch.features import PROFILES
from harness.memory import PAGE_SIZE
from harness.oops.memory_types import memory_types, version_of
from harness.oops.missing import missing_for_run, missing_for_walk
from harness.oops.report import FaultReport
from harness.oops.syndrome import comparable, is_lower_el
from harness.oops.tables import RebuiltTables, Refusal, rebuild_tables, ttbr_of
from harness.scenario import Expect, Half, MemoryRange, Run, Scenario, TranslationSetup
from harness.vmsa.access import AccessKind

PROFILE = "max"
ENTRY = "faulting"
"""Label of the faulting instruction."""
LOW_CODE = 0x40_0000
"""Where the instruction is put when the fault is in the upper half and pc has no value."""

_UPPER_HALF = 1 << 55
_EL2 = 2
_CLEAN = fields.DBM.mask | 1 << 7
"""DBM and AP[2]: a leaf that hardware could make writable."""
_WORD_SIZE = 4


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The scenario of a report, and what had to be chosen because the log does not say it."""

    report: FaultReport
    scenario: Scenario
    tables: RebuiltTables
    notes: tuple[str, ...]


def translation_of(report: FaultReport, tables: RebuiltTables) -> TranslationSetup:
    """Return the translation registers that the log implies.

    TTBR of the fault's half from pgdp, MAIR in the order of the kernel's version, TCR from the
    granule and the size of addresses, which Linux has equal in both halves. TBI0 is always on in
    Linux; TBI1 where the kernel printed entries for an address with a tag.
    """
    half = Half(tables.geometry.granule, tables.geometry.ia_bits)
    name = "TTBR1_EL1" if tables.geometry.high else "TTBR0_EL1"
    tagging = {"TBI0": 1}
    if tables.geometry.high and not tables.geometry.contains(report.address or 0):
        tagging["TBI1"] = 1
    return TranslationSetup(
        low=half,
        high=half,
        registers=MappingProxyType(
            {
                name: ttbr_of(tables.root, tables.geometry),
                "MAIR_EL1": memory_types(report.kernel).mair,
            }
        ),
        fields=MappingProxyType({"TCR_EL1": MappingProxyType(tagging)}),
    )


def memory_of(tables: RebuiltTables) -> tuple[MemoryRange, ...]:
    """Return the entries as memory, and zeroed memory where the last of them would lead."""
    ranges = [MemoryRange(place, 8, words=(value,)) for place, value in tables.words.items()]
    if tables.output is not None:
        pages = {place // PAGE_SIZE for place in tables.words}
        first = tables.output // PAGE_SIZE
        free = all(
            page not in pages for page in range(first, first + tables.output_size // PAGE_SIZE)
        )
        if free:
            ranges.append(MemoryRange(tables.output, tables.output_size, fill="zero"))
    return tuple(sorted(ranges, key=lambda part: part.pa))


def rebuild(report: FaultReport) -> Rebuilt | Refusal:
    """Return the scenario that executes the faulting instruction on the report's tables.

    Refused, with the reason, where the log lacks something that decides the outcome.
    """
    lacking = (*missing_for_walk(report), *missing_for_run(report))
    if lacking:
        return Refusal("; ".join(lacking))
    tables = rebuild_tables(report)
    if isinstance(tables, Refusal):
        return tables
    address = report.far
    if report.esr is None or address is None:
        return Refusal("no ESR or no valid fault address")
    el = 0 if is_lower_el(report.esr) else 1
    registers = dict(report.registers)
    if report.access is AccessKind.FETCH:
        words: tuple[int, ...] = (_RETURN,)
        registers["x30"] = address
        code, notes = _default_code(tables), _fetch_notes(address)
    else:
        words = _known_words(report)
        registers.setdefault("x30", report.lr or 0)
        code, notes = _code_place(report, tables, len(words))
    return Rebuilt(
        report,
        Scenario(
            name=scenario_name(report),
            summary=_summary(report),
            profile=PROFILES[PROFILE],
            translation=translation_of(report, tables),
            maps=(),
            memory=memory_of(tables),
            run=Run(
                text=snippet(report, words),
                entry=ENTRY,
                el=el,
                pstate=_pstate(report),
                registers=MappingProxyType(registers),
                code=code,
            ),
            expect=_expect(report),
        ),
        tables,
        (*tables.notes, *notes, *assumptions(report, tables)),
    )


def scenario_name(report: FaultReport) -> str:
    """Return a name for the report's files: the log's name without its endings, and the number."""
    stem = report.name.replace("\\", "/").rpartition("/")[2].partition(".")[0]
    safe = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in stem)
    return f"{safe.strip('-') or 'report'}-{report.number}"


def snippet(report: FaultReport, words: tuple[int, ...]) -> str:
    """Return the Code line as assembly: the words before pc, then the faulting one."""
    if report.access is AccessKind.FETCH:
        return (
            f"// A return to the address that the kernel could not fetch from.\n{ENTRY}:\n    ret\n"
        )
    lines = ["// The words of the Code line; the faulting instruction is the last."]
    lines += [f"    .word {word:#010x}" for word in words[:-1]]
    lines += [f"{ENTRY}:", f"    .word {words[-1]:#010x}"]
    return "\n".join(lines) + "\n"


_RETURN = 0xD65F03C0
"""RET: to x30, which no report prints, so that no printed register changes."""


def _known_words(report: FaultReport) -> tuple[int, ...]:
    """Return the words up to the faulting one, from the last that could not be read on."""
    words: list[int] = []
    for word in report.code:
        words = [] if word is None else [*words, word]
    return tuple(words)


def _default_code(tables: RebuiltTables) -> VirtualAddress:
    """Return a place in the half that the fault does not use, for the harness's own tables."""
    if tables.geometry.high:
        return VirtualAddress(LOW_CODE)
    bits = tables.geometry.ia_bits
    return VirtualAddress((1 << 64) - (1 << (bits - 1)))


def _code_place(
    report: FaultReport, tables: RebuiltTables, count: int
) -> tuple[VirtualAddress, tuple[str, ...]]:
    before = _WORD_SIZE * (count - 1)
    pc = report.pc
    bits = tables.geometry.ia_bits
    if pc is not None and pc % _WORD_SIZE == 0 and bool(pc & _UPPER_HALF) != tables.geometry.high:
        top = (1 << 64) - (1 << bits)
        if pc - before >= top if pc & _UPPER_HALF else before <= pc < 1 << bits:
            return VirtualAddress(pc - before), ()
    reason = "pc is printed as a symbol" if pc is None else "pc is in the half of the fault"
    code = _default_code(tables)
    where = f"the instruction is put at {code + before:#x}"
    return code, (f"{reason}: {where}, in the half that the fault does not use",)


def _pstate(report: FaultReport) -> Mapping[str, int]:
    if report.pstate is None:
        return {}
    given = {"PAN": ps.PAN.get(report.pstate), "UAO": ps.UAO.get(report.pstate)}
    return MappingProxyType({name: value for name, value in given.items() if value})


def _fetch_notes(address: int) -> tuple[str, ...]:
    return (f"the fetch is made by RET, with x30 = {address:#x}",)


def assumptions(report: FaultReport, tables: RebuiltTables) -> tuple[str, ...]:
    """Return what the registers are set to without the log saying so, where it could matter.

    Memory types, PAN, UAO and hardware updates matter only to a walk that reaches a valid leaf.
    """
    notes = []
    if report.pstate is not None and ps.EL.get(report.pstate) == _EL2:
        notes.append("pstate is EL2: replayed at EL1, whose stage 1 is that of the EL2&0 regime")
    last = list(tables.words.values())[-1]
    if not last & fields.VALID.mask:
        return tuple(notes)
    if version_of(report.kernel) is None:
        notes.append("no kernel release is printed: MAIR_EL1 as Linux 5.14 and later have it")
    if report.pstate is None:
        notes.append("pstate is not printed: PAN and UAO are 0")
    if not last & fields.AF.mask or last & _CLEAN == _CLEAN:
        notes.append("TCR_EL1.HA and HD are not printed: hardware updates are off")
    return tuple(notes)


def _summary(report: FaultReport) -> str:
    what = report.phrase or "fault report"
    where = f" in {report.pc_symbol}" if report.pc_symbol else ""
    kernel = f", Linux {report.kernel}" if report.kernel else ""
    return f"{what}{where}{kernel}"


def _expect(report: FaultReport) -> Expect:
    """Return what the log says came; the ESR only where the access decides the whole of it."""
    whole = report.esr is not None and comparable(report.esr) == report.esr
    return Expect(
        fault=FaultKind(report.fault) if report.fault in set(FaultKind) else None,
        level=report.level,
        access=report.access,
        esr=report.esr if whole else None,
        far=report.far,
    )
