"""The lines of a fault report: one recogniser a kind, in the order in which the kernel prints them.

Formats as in arch/arm64 of Linux 4.4 to 7.0. A recogniser tells its line by the `start`, and
reads every number by a pattern that demands its full printed width: a number that was cut is not
read at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """Kinds of lines; the value is the line's place in a report, in hundredths of a stage."""

    HEADLINE = 100
    MEM_ABORT_INFO = 110
    ESR = 120
    FAR = 125
    EC = 130
    SET = 140
    EA = 150
    FSC = 160
    DATA_ABORT_INFO = 170
    ISV = 180
    ACCESS_SIZE = 181
    SSE = 182
    SF = 183
    CM = 190
    GCS = 192
    OLD_PGD = 195
    PGTABLE = 196
    ENTRIES = 197
    ENTRY_PART = 198
    INTERNAL_ERROR = 200
    MODULES = 210
    CPU = 220
    HARDWARE = 230
    PSTATE = 300
    PC_IS_AT = 305
    LR_IS_AT = 306
    PC = 310
    LR = 320
    SP = 330
    REGISTERS = 340
    CALL_TRACE = 400
    CODE = 410
    END_TRACE = 420
    PANIC = 430
    SPLAT = 900
    BOOT = 910

    @property
    def stage(self) -> int:
        """1: the abort decoded, 2: the death notice, 3: the registers, 4: trace and code."""
        return self // 100


def hexadecimal(text: str) -> int:
    """Return the number written in hexadecimal digits."""
    return int(text, 16)


@dataclass(frozen=True, slots=True)
class Fact:
    """A value read from a line; numbers are integers, everything else is text."""

    name: str
    value: int | str
    line: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One pattern of a line, and the name and conversion of each of its groups."""

    pattern: re.Pattern[str]
    names: tuple[tuple[str, Callable[[str], int | str]], ...]


def _reading(pattern: str, **names: Callable[[str], int | str]) -> Reading:
    return Reading(re.compile(pattern), tuple(names.items()))


@dataclass(frozen=True, slots=True)
class Recogniser:
    """How one kind of line is told (`start`) and read (`readings`: each may be there or not).

    `opens`: the line may be the first of a report. `widths`: digits of the numbers of the line, by
    which one that was broken in two is put together again.
    """

    kind: Kind
    start: re.Pattern[str]
    readings: tuple[Reading, ...] = ()
    opens: bool = False
    widths: tuple[int, ...] = (16,)


def _line(
    kind: Kind,
    start: str,
    *readings: Reading,
    opens: bool = False,
    widths: tuple[int, ...] = (16,),
) -> Recogniser:
    return Recogniser(kind, re.compile(start), readings, opens, widths)


_END = r"(?![0-9A-Za-z])"
_H16 = rf"([0-9a-f]{{16}}){_END}"
_H8_OR_16 = rf"([0-9a-f]{{16}}|[0-9a-f]{{8}}){_END}"
_DIGITS = rf"(\d+){_END}"
_BIT = rf"([01]){_END}"
_SHORT = rf"([0-9a-f]{{8}}|[1-9a-f][0-9a-f]{{8,14}}){_END}"
"""An address as %08lx printed it, up to Linux 4.14."""
_SYMBOL = r"([A-Za-z_$.][\w$.]*\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[\w+\])?)(?!\S)"

RECOGNISERS = (
    _line(
        Kind.HEADLINE,
        r"Unable to handle\b",
        _reading(r"kernel (.*?) at virtual address ", phrase=str),
        _reading(rf"virtual address {_H16}", headline_address=hexadecimal),
        _reading(rf"virtual address {_SHORT}", short_address=hexadecimal),
        opens=True,
    ),
    _line(
        Kind.HEADLINE,
        r"Synchronous External Abort: ",
        _reading(r"Abort: (.*?) (?:\(0x|at 0x)", phrase=str),
        _reading(rf"\(0x{_H8_OR_16}\)", sea_esr=hexadecimal),
        _reading(rf" at 0x{_H16}", headline_address=hexadecimal),
        opens=True,
    ),
    _line(
        Kind.HEADLINE,
        r"Unhandled fault(?:: | at 0x)",
        _reading(r"fault: (.*?) (?:\(0x|at 0x)", phrase=str),
        _reading(rf"\(0x{_H8_OR_16}\)", sea_esr=hexadecimal),
        _reading(rf" at 0x{_H16}", headline_address=hexadecimal),
        opens=True,
    ),
    _line(
        Kind.HEADLINE,
        r"SError Interrupt on CPU",
        _reading(r"(SError Interrupt)", phrase=str),
        _reading(r"on CPU ?(\d+),", cpu=int),
        _reading(rf"code 0x{_H8_OR_16}", code_esr=hexadecimal),
        opens=True,
    ),
    _line(
        Kind.HEADLINE,
        r"Bad mode in .* handler detected",
        _reading(r"(Bad mode in .* handler)", phrase=str),
        _reading(r"on CPU ?(\d+),", cpu=int),
        _reading(rf"code 0x{_H8_OR_16}", code_esr=hexadecimal),
        opens=True,
    ),
    _line(
        Kind.HEADLINE,
        r"Unhandled (?:64|32)-bit \S+ \S+ exception on CPU",
        _reading(r"(Unhandled .* exception)", phrase=str),
        _reading(r"on CPU ?(\d+),", cpu=int),
        _reading(rf"ESR 0x{_H8_OR_16}", code_esr=hexadecimal),
        opens=True,
    ),
    _line(
        Kind.HEADLINE,
        r"Insufficient stack space to handle exception",
        _reading(r"(Insufficient stack space)", phrase=str),
        opens=True,
    ),
    _line(
        Kind.HEADLINE,
        r"\S+\[\d+\]: unhandled (?:exception|level \d|.* fault)",
        _reading(r"(unhandled .*?)(?: at 0x|, ESR|, esr)", phrase=str),
        _reading(rf"(?:ESR|esr) 0x{_H8_OR_16}", sea_esr=hexadecimal),
        _reading(rf" at 0x{_H16}", headline_address=hexadecimal),
        opens=True,
    ),
    _line(Kind.MEM_ABORT_INFO, r"Mem abort info:", opens=True),
    _line(
        Kind.ESR,
        r"ESR(?: =|:) 0x",
        _reading(rf"ESR(?: =|:) 0x{_H8_OR_16}", esr_line=hexadecimal),
        opens=True,
        widths=(8, 16),
    ),
    _line(Kind.FAR, r"FAR: 0x", _reading(rf"FAR: 0x{_H16}", headline_address=hexadecimal)),
    _line(
        Kind.EC,
        r"EC = 0x|Exception class = ",
        _reading(rf"EC = 0x([0-9a-f]{{2}}){_END}", EC=hexadecimal),
        _reading(r"(?:EC = 0x..:|class =) (\w[^,]*?),", ec_text=str),
        _reading(r"IL = (16|32) bits", il_bits=int),
    ),
    _line(
        Kind.SET,
        r"SET = ",
        _reading(rf"SET = {_DIGITS}", SET=int),
        _reading(rf"FnV = {_BIT}", FnV=int),
    ),
    _line(
        Kind.EA,
        r"EA = ",
        _reading(rf"EA = {_BIT}", EA=int),
        _reading(rf"S1PTW = {_BIT}", S1PTW=int),
    ),
    _line(
        Kind.FSC,
        r"FSC = 0x",
        _reading(rf"FSC = 0x([0-9a-f]{{2}}){_END}", FSC=hexadecimal),
        _reading(r"FSC = 0x..: (\w.*)", fsc_text=str),
    ),
    _line(Kind.DATA_ABORT_INFO, r"Data abort info:"),
    _line(
        Kind.ISV,
        r"ISV = ",
        _reading(rf"ISV = {_BIT}", ISV=int),
        _reading(rf"ISS = 0x([0-9a-f]{{8}}){_END}", ISS=hexadecimal),
        _reading(rf"ISS2 = 0x([0-9a-f]{{8}}){_END}", ISS2=hexadecimal),
        widths=(8,),
    ),
    _line(
        Kind.ACCESS_SIZE, r"Access size = ", _reading(r"size = (\d+) byte\(s\)", access_size=int)
    ),
    _line(
        Kind.SSE,
        r"SSE = ",
        _reading(rf"SSE = {_BIT}", SSE=int),
        _reading(rf"SRT = {_DIGITS}", SRT=int),
    ),
    _line(Kind.SF, r"SF = ", _reading(rf"SF = {_BIT}", SF=int), _reading(rf"AR = {_BIT}", AR=int)),
    _line(
        Kind.CM,
        r"CM = ",
        _reading(rf"CM = {_BIT}", CM=int),
        _reading(rf"WnR = {_BIT}", WnR=int),
        _reading(rf"TnD = {_BIT}", TnD=int),
        _reading(rf"TagAccess = {_BIT}", TagAccess=int),
    ),
    _line(
        Kind.GCS,
        r"GCS = ",
        _reading(rf"GCS = {_DIGITS}", GCS=int),
        _reading(rf"Overlay = {_DIGITS}", Overlay=int),
        _reading(rf"DirtyBit = {_DIGITS}", DirtyBit=int),
        _reading(rf"Xs = {_DIGITS}", Xs=int),
    ),
    _line(Kind.OLD_PGD, r"pgd = [0-9a-f]"),
    _line(
        Kind.PGTABLE,
        r"(?:swapper|user) pgtable:",
        _reading(r"(swapper|user) pgtable:", pgtable=str),
        _reading(r"\b(4|16|64)k pages", granule_k=int),
        _reading(r"\b(\d\d)-bit VAs", va_bits=int),
        _reading(rf"pgdp=\s*{_H16}", pgdp=hexadecimal),
        # `pgdp = ` was printed with %p: a hash since Linux 4.15, a virtual address before.
        _reading(rf"pgdp = {_H16}", pgdp_pointer=hexadecimal),
        opens=True,
    ),
    _line(
        Kind.ENTRIES,
        r"\[[0-9a-f]{8,16}\]",
        _reading(rf"\[{_H16}\]", bracket_address=hexadecimal),
        _reading(rf"\[{_SHORT}\]", bracket_address=hexadecimal),
        _reading(
            r"\] (user address but active_mm is swapper|address between user and kernel .*ranges)",
            no_tables=str,
        ),
        *(_reading(rf"\*?{name}={_H16}", **{name: hexadecimal}) for name in ("pgd", "p4d")),
        *(_reading(rf"\*?{name}={_H16}", **{name: hexadecimal}) for name in ("pud", "pmd", "pte")),
        opens=True,
    ),
    *(
        _line(Kind.ENTRY_PART, rf", {name}=", _reading(rf"{name}={_H16}", **{name: hexadecimal}))
        for name in ("p4d", "pud", "pmd", "pte")
    ),
    _line(
        Kind.INTERNAL_ERROR,
        r"Internal error: ",
        _reading(r"error: (.*?):? [0-9a-f]+ \[#", error=str),
        _reading(r": ([0-9a-f]{16}|[0-9a-f]{8}) \[#", error_esr=hexadecimal),
        _reading(r"\[#(\d+)\]", oops_number=int),
        opens=True,
        widths=(8, 16),
    ),
    _line(Kind.MODULES, r"Modules linked in:"),
    _line(
        Kind.CPU,
        r"CPU: ?\d",
        _reading(r"CPU: ?(\d+) (?:UID|PID)", cpu=int),
        _reading(r"Comm: (\S+)\s", comm=str),
        _reading(r"[Tt]ainted(?::[ A-Z]*)?\s+(\d+\.\d+\S*)\s+#\d", kernel=str),
    ),
    _line(Kind.HARDWARE, r"Hardware name:"),
    _line(
        Kind.PSTATE,
        r"pstate ?: [0-9a-f]",
        _reading(rf"pstate ?: {_H8_OR_16}", pstate=hexadecimal),
        widths=(8,),
    ),
    _line(
        Kind.PC_IS_AT,
        r"PC is at ",
        _reading(rf"PC is at {_SYMBOL}", pc_symbol=str),
        _reading(rf"PC is at 0x{_H16}", pc=hexadecimal),
        _reading(r"PC is at (0x[0-9a-f]+)(?!\S)", pc_symbol=str),
    ),
    _line(Kind.LR_IS_AT, r"LR is at ", _reading(rf"LR is at {_SYMBOL}", lr_symbol=str)),
    _line(
        Kind.PC,
        r"pc ?:(?:$| (?:\[<|0x|[0-9a-f]{16}|\S+\+0x))",
        _reading(rf"pc ?: {_SYMBOL}", pc_symbol=str),
        _reading(r"pc ?: (0x[0-9a-f]+)(?!\S)", pc_symbol=str),
        _reading(r"pc ?: 0x([0-9a-f]+)(?!\S)", pc=hexadecimal),
        _reading(rf"pc ?: (?:\[<)?{_H16}", pc=hexadecimal),
        _reading(rf"lr ?: (?:\[<)?{_H16}", lr=hexadecimal),
        _reading(rf"pstate ?: {_H8_OR_16}", pstate=hexadecimal),
    ),
    _line(
        Kind.LR,
        r"lr ?:(?:$| (?:\[<|0x|[0-9a-f]{16}|\S+\+0x))",
        _reading(rf"lr ?: {_SYMBOL}", lr_symbol=str),
        _reading(r"lr ?: 0x([0-9a-f]+)(?!\S)", lr=hexadecimal),
        _reading(rf"lr ?: (?:\[<)?{_H16}", lr=hexadecimal),
    ),
    _line(Kind.SP, r"sp ?: [0-9a-f]", _reading(rf"sp ?: {_H16}", sp=hexadecimal)),
    _line(Kind.REGISTERS, r"x\d{1,2} ?:(?: [0-9a-f]|$)"),
    _line(Kind.CALL_TRACE, r"Call [Tt]race:"),
    _line(
        Kind.CODE,
        r"Code:(?: |$)",
        _reading(r"Code: (bad PC value)", code_text=str),
        widths=(8,),
    ),
    _line(Kind.END_TRACE, r"---\[ end trace"),
    _line(Kind.PANIC, r"Kernel panic - not syncing"),
    _line(
        Kind.SPLAT,
        r"-+\[ cut here \]|WARNING: |BUG: (?!unable)|INFO: |rcu: INFO|watchdog: BUG",
        opens=True,
    ),
    _line(Kind.BOOT, r"Booting Linux on physical CPU|Linux version \d"),
)

_REGISTER = re.compile(r"x(\d{1,2}) ?: ([0-9a-f]{16})(?![0-9a-f])")
_WORD = re.compile(r"(\()?([0-9a-f]{8}|\?{8})(?(1)\)|(?![0-9a-f]))\s*")
_LAST_REGISTER = 29


def recogniser_of(text: str) -> Recogniser | None:
    """Return the recogniser whose line this is, None for any other text."""
    for recogniser in RECOGNISERS:
        if recogniser.start.match(text):
            return recogniser
    return None


def read_facts(recogniser: Recogniser, text: str, line: int, *, ended: bool) -> tuple[Fact, ...]:
    """Return what a line says, the first of each name.

    Where the line is not `ended`, a number of variable width at its very end may have been cut: it
    is left out.
    """
    facts: dict[str, Fact] = {}
    for reading in recogniser.readings:
        match = reading.pattern.search(text)
        if match is None:
            continue
        for group, (name, convert) in enumerate(reading.names, start=1):
            if not ended and match.end(group) == len(text) and len(match[group]) != _FULL_WIDTH:
                continue
            facts.setdefault(name, Fact(name, convert(match[group]), line))
    return tuple(facts.values())


_FULL_WIDTH = 16


def read_registers(text: str) -> dict[str, int]:
    """Return x0 to x29 as far as the line has them in full.

    One that stands there twice with two values, as in a line whose tail was doubled or swapped, is
    left out: which value is its own cannot be told.
    """
    found: dict[str, set[int]] = {}
    for number, value in _REGISTER.findall(text):
        if int(number) <= _LAST_REGISTER:
            found.setdefault(f"x{int(number)}", set()).add(int(value, 16))
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def read_code(text: str) -> tuple[tuple[int | None, ...], int | None]:
    """Return the words of a Code line, and the place of the faulting one among them.

    A word that the kernel could not read (`????????`) is None; the place is None where no word
    stands in parentheses, as after a cut.
    """
    words: list[int | None] = []
    faulting = None
    position = text.find(":") + 1
    position += len(text[position:]) - len(text[position:].lstrip())
    while match := _WORD.match(text, position):
        if match[1]:
            faulting = len(words)
        words.append(None if "?" in match[2] else int(match[2], 16))
        position = match.end()
        if faulting is not None:
            break
    return tuple(words), faulting
