"""Which line belongs to which report, where several were printed at once or one after another.

Every kind of line has its place in a report. A line goes to an open report that has not come so
far yet, the likeliest if there are several; one that may begin a report and fits nowhere opens one.
Where the log names the caller of each line (CONFIG_PRINTK_CALLER) the caller decides. Other splats
(WARNING, BUG) have the same registers and Code lines: they are collected in the same way and thrown
away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.oops.fields import (
    Fact,
    Kind,
    Recogniser,
    read_code,
    read_facts,
    read_registers,
    recogniser_of,
)
from harness.oops.lines import LogLine

MAX_GAP = 250
"""Lines without one of its own after which a report is over; a call trace is the longest gap."""

TURN = 30
"""Lines that a CPU may wait while others print, before a later report is the likelier owner."""

NEAR = 4
"""Lines within which a line follows the one before in a report, be it wrapped or swapped."""

MAX_REPORTS = 10_000
"""Reports kept of one log: the rest of a log that repeats itself endlessly is left out."""

_PARTS = ("pgd", "p4d", "pud", "pmd", "pte")
_SPLAT_FROM = Kind.MODULES
_SAME = {
    "error_esr": ("esr_line", "sea_esr", "code_esr"),
    "bracket_address": ("headline_address", "short_address"),
    "cpu": ("cpu",),
}
"""Facts by which a line knows its report: each with the facts of the report that it repeats."""
_COMPLETE = frozenset({"headline_address", "sea_esr", "code_esr"})
"""What a headline ends with, one of them; up to Linux 4.14 also fewer than 16 digits."""
_SUPERSEDES_SPLAT = frozenset({Kind.HEADLINE, Kind.INTERNAL_ERROR, Kind.MEM_ABORT_INFO, Kind.SPLAT})


@dataclass(slots=True)
class Draft:
    """A report while its lines are collected."""

    caller: str
    first_line: int
    splat: bool = False
    open: bool = True
    last_line: int = 0
    place: float = 0
    kinds: set[Kind] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    facts: dict[str, Fact] = field(default_factory=dict)
    registers: dict[str, Fact] = field(default_factory=dict)
    register_lines: list[int] = field(default_factory=list)
    code: tuple[int | None, ...] = ()
    faulting: int | None = None
    code_line: int = 0
    repeated: list[str] = field(default_factory=list)

    @property
    def dying(self) -> bool:
        """Whether the death notice came: what is decoded is over, registers follow."""
        return self.place >= Kind.INTERNAL_ERROR or "code_esr" in self.facts

    @property
    def damage(self) -> int:
        """How likely the headline was cut in its address, as where a machine stopped printing."""
        if self.kinds != {Kind.HEADLINE} or not _COMPLETE.isdisjoint(self.facts):
            return 0
        return 1 if "short_address" in self.facts else 2


def collect(lines: Iterable[LogLine]) -> list[Draft]:
    """Return the drafts of all fault reports, in the order of their first lines."""
    drafts: list[Draft] = []
    active: list[Draft] = []
    for line in lines:
        recogniser = recogniser_of(line.text)
        if recogniser is None:
            continue
        active = [one for one in active if one.open and line.number - one.last_line <= MAX_GAP]
        if recogniser.kind is Kind.BOOT:
            active = []
            continue
        facts = read_facts(recogniser, line.text, line.number, ended=line.ended)
        draft = _taker(active, recogniser, line, facts)
        if draft is None and recogniser.opens and len(drafts) < MAX_REPORTS:
            draft = Draft(line.caller, line.number, splat=recogniser.kind is Kind.SPLAT)
            drafts.append(draft)
            active.append(draft)
        if draft is not None:
            _add(draft, recogniser, line, facts)
            if recogniser.kind in _SUPERSEDES_SPLAT:
                active = [one for one in active if not one.splat or one is draft]
        else:
            _note_repetition(active, recogniser, line)
    return [draft for draft in drafts if not draft.splat]


def _taker(
    active: list[Draft], recogniser: Recogniser, line: LogLine, facts: tuple[Fact, ...]
) -> Draft | None:
    """Return the report that the line belongs to; None where no open one can have it."""
    kind = recogniser.kind
    if kind in {Kind.SPLAT, Kind.HEADLINE}:
        return None
    mine = [
        one
        for one in active
        if (not one.caller or not line.caller or one.caller == line.caller)
        and (_identity(one, facts) is not False or _is_near(one, line))
    ]
    place = _place(recogniser, line)
    fitting = [one for one in mine if _fits(one, kind, place, line.text)]
    if fitting:
        return min(fitting, key=lambda one: _preference(one, kind, line, facts))
    late = [one for one in mine if _is_near(one, line) and _fits_out_of_order(one, kind)]
    return late[-1] if late else None


def _preference(
    draft: Draft, kind: Kind, line: LogLine, facts: tuple[Fact, ...]
) -> tuple[bool | int, ...]:
    """Return a key that sorts the likeliest owner of a line first.

    A splat in progress has the first claim: an earlier report that was cut is not its owner. Then
    who agrees in what the line says. The kernel lets one CPU at a time die: what follows a death
    notice is of the latest one. While aborts are decoded, CPUs take turns: the first to lack the
    line, unless it has been silent for long.
    """
    stranger = _identity(draft, facts) is not True
    if kind.stage > 1 and kind is not Kind.INTERNAL_ERROR:
        return not draft.splat, stranger, not draft.dying, -draft.last_line
    silent = line.number - draft.last_line > TURN
    barely_begun = kind is Kind.INTERNAL_ERROR and draft.place == Kind.HEADLINE
    return not draft.splat, stranger, draft.damage, barely_begun, silent, draft.first_line


def _identity(draft: Draft, facts: tuple[Fact, ...]) -> bool | None:
    """Return whether the line says of ESR, address or CPU what the report does; None: neither."""
    answer = None
    for fact in facts:
        for name in _SAME.get(fact.name, ()):
            if name in draft.facts:
                if draft.facts[name].value != fact.value:
                    return False
                answer = True
    return answer


def _is_near(draft: Draft, line: LogLine) -> bool:
    return line.number - draft.last_line <= NEAR


def _place(recogniser: Recogniser, line: LogLine) -> float:
    """Return the line's place in a report: register lines are ordered by their first register."""
    if recogniser.kind is Kind.REGISTERS:
        numbers = [int(name[1:]) for name in read_registers(line.text)]
        return recogniser.kind + (30 - max(numbers, default=0)) / 2
    return float(recogniser.kind)


def _fits(draft: Draft, kind: Kind, place: float, text: str) -> bool:
    if draft.splat and kind < _SPLAT_FROM:
        return False
    if kind is Kind.ENTRY_PART:
        printed = [_PARTS.index(name) for name in _PARTS if name in draft.facts]
        part = _PARTS.index(_part_of(text))
        on_time = Kind.ENTRIES in draft.kinds and draft.place <= Kind.ENTRY_PART
        return on_time and part > max(printed, default=-1)
    if kind in {Kind.END_TRACE, Kind.PANIC} and not (draft.dying or draft.splat):
        return False
    return place > draft.place


def _part_of(text: str) -> str:
    return text.lstrip(", ").partition("=")[0]


def _fits_out_of_order(draft: Draft, kind: Kind) -> bool:
    """Return whether the line only came too late within its own stage: a swap on a serial line."""
    if draft.splat or kind in {Kind.REGISTERS, Kind.ENTRY_PART}:
        return False
    return kind not in draft.kinds and int(draft.place) // 100 == kind.stage


def _add(draft: Draft, recogniser: Recogniser, line: LogLine, facts: tuple[Fact, ...]) -> None:
    kind = recogniser.kind
    draft.last_line = line.number
    if kind is not Kind.SPLAT:
        draft.place = max(draft.place, _place(recogniser, line))
    draft.kinds.add(kind)
    draft.texts.add(line.text)
    for fact in facts:
        kept = draft.facts.setdefault(fact.name, fact)
        if kept.value != fact.value:
            draft.repeated.append(
                f"line {line.number} gives {fact.name} another value than line {kept.line}"
            )
    if kind is Kind.REGISTERS:
        draft.register_lines.append(line.number)
        for name, value in read_registers(line.text).items():
            draft.registers.setdefault(name, Fact(name, value, line.number))
    elif kind is Kind.CODE:
        draft.code, draft.faulting = read_code(line.text)
        draft.code_line = line.number
        draft.open = False
    elif kind is Kind.END_TRACE or (kind is Kind.PANIC and draft.place >= Kind.PSTATE):
        draft.open = False


def _note_repetition(active: list[Draft], recogniser: Recogniser, line: LogLine) -> None:
    """Say that a line which an open report already has came again with other contents."""
    if recogniser.kind in {Kind.CALL_TRACE, Kind.MODULES, Kind.HARDWARE, Kind.PANIC}:
        return
    for draft in reversed(active):
        if not draft.splat and recogniser.kind in draft.kinds:
            if line.text not in draft.texts:
                draft.repeated.append(f"line {line.number} fits no report and is not used")
            return
