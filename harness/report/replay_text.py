"""Replayed reports as plain text: facts, the walk with every descriptor decoded, the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.arch.syndromes import describe_esr
from harness.errors import EngineMissingError
from harness.machine.disassembler import disassemble
from harness.oops.cause import DecidingBit
from harness.oops.descriptor_words import describe_bits
from harness.oops.model import ModelWalk
from harness.oops.replay import Replay
from harness.oops.report import LEVEL_NAMES, FaultReport
from harness.oops.syndrome import comparable
from harness.oops.tables import RebuiltTables
from harness.report.text import verdict_line
from harness.vmsa.access import AccessKind
from harness.vmsa.outcome import Step

_LABEL = 13
_UNDER = " " * 17
_KIND = {
    AccessKind.READ: "read",
    AccessKind.WRITE: "write",
    AccessKind.FETCH: "instruction fetch",
}


def replay_text(replay: Replay, *, count: int, file: str | None = None) -> str:
    """Return the text of one report of `count`; `file` is where its scenario was written."""
    return "\n".join(_lines(replay, count, file)) + "\n"


def summary_table(replays: Sequence[Replay]) -> str:
    """Return one line a report: which it is, the fault, and what came of it."""
    rows = [("REPORT", "LINES", "ESR", "FAULT", "RESULT")]
    rows += [
        (
            one.report.title,
            f"{one.report.first_line}-{one.report.last_line}",
            "-" if one.report.esr is None else f"{one.report.esr:#010x}",
            _fault(one.report),
            result_word(one),
        )
        for one in replays
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    )


def result_word(replay: Replay) -> str:
    """Return what came of a report in a few words."""
    if replay.reproduced:
        word = "reproduced"
    elif replay.reproduced is False:
        word = "NOT REPRODUCED"
    elif replay.walk is not None and replay.walk.agrees_with(replay.report):
        word = "decoded, walk agrees"
    else:
        word = "decoded"
    return f"{word}, CONTRADICTIONS" if replay.contradictions else word


def _lines(replay: Replay, count: int, file: str | None) -> Iterator[str]:
    report = replay.report
    of = f" of {count}" if count > 1 else ""
    lines = f"lines {report.first_line} to {report.last_line}"
    yield f"report {report.number}{of} in {report.name}, {lines}"
    yield from _facts(report)
    if replay.walk is not None and replay.tables is not None:
        yield ""
        yield from _walk(replay.walk, replay.tables)
    if replay.cause is not None:
        yield ""
        yield "cause"
        yield f"  {replay.cause.sentence}"
        if replay.cause.kernel:
            yield f"  {replay.cause.kernel}"
        if replay.cause.deciding is not None:
            yield f"  {_deciding(replay.cause.deciding)}"
    yield ""
    yield from _replay(replay)
    yield from _listed("contradictions", replay.contradictions)
    yield from _listed("missing for a replay", replay.missing)
    yield from _listed("notes", _all_notes(replay))
    if file:
        yield ""
        yield f"scenario written to {file}"


def _facts(report: FaultReport) -> Iterator[str]:
    yield from _row("headline", report.phrase or report.error)
    yield from _row("kernel", _join(", ", report.kernel, _cpu(report), report.comm))
    if report.esr is None:
        yield from _row("ESR", "not in the log")
    else:
        yield from _row("ESR", f"{report.esr:#010x}  {describe_esr(report.esr)}")
        yield from _row("", f"from the {report.esr_source} (line {report.where.get('esr', 0)})")
    if report.far is not None:
        yield from _row("FAR", f"{report.far:#018x}")
    elif report.address is not None:
        yield from _row("FAR", f"not valid; {report.address:#018x} is printed")
    yield from _row("pc", _place(report.pc_symbol, report.pc))
    yield from _row("lr", _place(report.lr_symbol, report.lr))
    yield from _row("pstate", None if report.pstate is None else f"{report.pstate:#010x}")
    yield from _row("registers", _registers(report))
    yield from _row("code", _code(report))
    yield from _row("tables", _tables(report))
    if report.entries:
        named = (name for name in LEVEL_NAMES if name in report.entries)
        yield from _row("entries", "  ".join(f"{n}={report.entries[n]:016x}" for n in named))


def _walk(walk: ModelWalk, tables: RebuiltTables) -> Iterator[str]:
    access = walk.recorded.access
    size = f" of {access.size} bytes" if walk.recorded.of_instruction else ""
    yield f"walk of the {_KIND.get(access.kind, access.kind)}{size} at {access.va:#018x}"
    names = {place: name for name, place in tables.places.items()}
    for step in walk.steps:
        yield from _step(step, tables, names.get(step.address, "") if step.address else "")


def _step(step: Step, tables: RebuiltTables, name: str) -> Iterator[str]:
    level = "" if step.level is None else f"level {step.level}"
    if step.descriptor is None or step.table is None or step.level is None:
        yield f"  {level:<15}{step.decision}  [{step.rule}]"
        return
    value = step.descriptor
    yield f"  {level:<8}  {name:<3}  {step.table:#x}[{step.index}] = {value:#018x}"
    bits = describe_bits(tables, step.level, value)
    yield f"{_UNDER}{step.decision}  [{step.rule}]"
    if bits:
        yield f"{_UNDER}{bits}"


def _replay(replay: Replay) -> Iterator[str]:
    yield "replay"
    yield f"  {_result(replay)}"
    if replay.run is not None:
        if replay.seen is None:
            yield "  the engine took no fault"
        else:
            esr, far = replay.seen
            yield f"  the engine took ESR {esr:#010x}, FAR {far:#018x}"
        engine = replay.run.execution.engine
        yield f"  {engine}, held against the reference model: {verdict_line(replay.run)}"
        if replay.run.verdict.divergence:
            yield f"  {replay.run.verdict.explanation}"
    elif replay.not_run:
        yield f"  judged by the reference model alone: {replay.not_run}"
    changed = replay.counterfactual
    if changed is not None:
        ends = f"lands at {changed.bit.pa:#x}" if changed.landed else "still faults"
        access = replay.report.access
        what = f"{_KIND.get(access, access)}" if access else "access"
        yield f"  run again with {_bit_as_changed(changed.bit)}: the {what} {ends}"


def _deciding(bit: DecidingBit) -> str:
    return (
        f"one bit decides: with {_bit_as_changed(bit)}, the reference model translates the access "
        f"to {bit.pa:#x}"
    )


def _bit_as_changed(bit: DecidingBit) -> str:
    state = "set" if bit.value else "clear"
    return f"bit {bit.bit} ({bit.name}) of the descriptor at {bit.place:#x} {state}"


def _result(replay: Replay) -> str:
    if replay.reproduced:
        return f"reproduced by {replay.by}: {_as_recorded(replay)}"
    if replay.reproduced is False:
        return f"NOT REPRODUCED by {replay.by}"
    if replay.walk is None:
        return "not replayed: the log lacks what a replay needs"
    agrees = "gives" if replay.walk.agrees_with(replay.report) else "does NOT give"
    return f"not executed; the reference model on the printed entries {agrees} the recorded fault"


def _as_recorded(replay: Replay) -> str:
    recorded = replay.report.esr
    if recorded is None or comparable(recorded) == recorded:
        return "ESR and FAR come out as recorded"
    return (
        f"FAR comes out as recorded, and ESR {recorded:#010x} but for its instruction syndrome "
        "(ISS[24:14]), which no translation decides"
    )


def _listed(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield ""
        yield title
        yield from (f"  - {sentence}" for sentence in sentences)


def _all_notes(replay: Replay) -> tuple[str, ...]:
    report = replay.report
    if not report.interleaved_with:
        return replay.notes
    others = ", ".join(str(number) for number in report.interleaved_with)
    note = (
        f"lines of report {others} stand between those of this one: which line is whose is told by "
        "their order, and by ESR, address and CPU where a line repeats them"
    )
    return (note, *replay.notes)


def _row(label: str, content: str | None) -> Iterator[str]:
    if content:
        yield f"  {label:<{_LABEL}}{content}"


def _join(separator: str, *parts: str | None) -> str:
    return separator.join(part for part in parts if part)


def _cpu(report: FaultReport) -> str | None:
    return None if report.cpu is None else f"CPU {report.cpu}"


def _place(symbol: str | None, value: int | None) -> str | None:
    """Return the symbol and the address, whichever is there."""
    if value is None:
        return symbol
    return (
        f"{value:#018x}" if symbol is None or symbol.startswith("0x") else f"{symbol}, {value:#x}"
    )


def _registers(report: FaultReport) -> str | None:
    if not report.registers:
        return None
    return "x0 to x29, sp" if report.registers_complete else f"{len(report.registers)} of 31"


def _code(report: FaultReport) -> str | None:
    if not report.code:
        return report.code_text
    printed = ["????????" if word is None else f"{word:08x}" for word in report.code]
    if report.faulting_word is None:
        return " ".join(printed)
    words = " ".join((*printed[:-1], f"({printed[-1]})"))
    try:
        text = disassemble(report.faulting_word, report.pc or 0)
    except EngineMissingError:
        return words
    return f"{words}  {text}"


def _tables(report: FaultReport) -> str | None:
    if report.pgtable is None or report.granule is None:
        return report.no_tables
    root = "" if report.root is None else f", root {report.root:#x}"
    return f"{report.pgtable}, {report.granule.label} pages, {report.va_bits}-bit addresses{root}"


def _fault(report: FaultReport) -> str:
    parts = [report.fault or "unknown"]
    if report.level is not None:
        parts.append(f"level {report.level}")
    if report.access is not None:
        parts.append(report.access.value)
    return " ".join(parts)
