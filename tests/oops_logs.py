"""An invented fault report, in pieces, and the accidents that happen to logs on their way."""

from __future__ import annotations

HEADLINE = (
    "Unable to handle kernel paging request at virtual address ffff0000c0de1040",
    "Mem abort info:",
    "  ESR = 0x0000000096000046",
    "  EC = 0x25: DABT (current EL), IL = 32 bits",
    "  SET = 0, FnV = 0",
    "  EA = 0, S1PTW = 0",
    "  FSC = 0x06: level 2 translation fault",
    "Data abort info:",
    "  ISV = 0, ISS = 0x00000046, ISS2 = 0x00000000",
    "  CM = 0, WnR = 1, TnD = 0, TagAccess = 0",
    "  GCS = 0, Overlay = 0, DirtyBit = 0, Xs = 0",
)
TABLES = (
    "swapper pgtable: 4k pages, 48-bit VAs, pgdp=0000000041000000",
    (
        "[ffff0000c0de1040] pgd=0000000000000000, p4d=1800000042000403, pud=1800000042001403, "
        "pmd=00e80000c0c00704"
    ),
)
DEATH = (
    "Internal error: Oops: 0000000096000046 [#1]  SMP",
    "Modules linked in: first second third",
    "CPU: 3 UID: 0 PID: 77 Comm: writer Not tainted 7.0.1-test #9 PREEMPT",
    "Hardware name: A board (DT)",
)
_VALUES = {
    0: 0x1122334455667788,
    1: 0xFFFF0000C0DE1040,
    29: 0xFFFF800080123B40,
    30: 0,
}
REGISTERS = (
    "pstate: 60400005 (nZCv daif +PAN -UAO -TCO -DIT -SSBS BTYPE=--)",
    "pc : store_word+0x14/0x40",
    "lr : caller+0x58/0x90 [module]",
    "sp : ffff800080123b40",
    *(
        " ".join(
            f"x{number:<2}: {_VALUES.get(number, number):016x}"
            for number in range(high, max(high - 3, -1), -1)
        )
        for high in (29, 26, 23, 20, 17, 14, 11, 8, 5, 2)
    ),
)
TRACE = (
    "Call trace:",
    " store_word+0x14/0x40 (P)",
    " caller+0x58/0x90 [module]",
    "Code: aa0003e0 aa0103e1 d503201f d503201f (f9000020)",
    "---[ end trace 0000000000000000 ]---",
)
LINES = (*HEADLINE, *TABLES, *DEATH, *REGISTERS, *TRACE)


def text(lines: tuple[str, ...] | list[str] = LINES, prefix: str = "") -> str:
    """Return the lines as a log, each behind the same prefix."""
    return "".join(f"{prefix}{line}\n" for line in lines)


def stamped(lines: tuple[str, ...] | list[str] = LINES) -> str:
    """Return the lines behind the time since boot, as dmesg prints it."""
    return "".join(f"[{15.432 + 0.01 * place:12.6f}] {line}\n" for place, line in enumerate(lines))


def replaced(old: str, new: str) -> tuple[str, ...]:
    """Return the lines with one piece of text replaced, which has to be there."""
    lines = tuple(line.replace(old, new) for line in LINES)
    if lines == LINES:
        raise ValueError(f"{old!r} is not in the report")
    return lines


def without(*starts: str) -> tuple[str, ...]:
    """Return the lines without those that begin with one of these."""
    return tuple(line for line in LINES if not line.strip().startswith(starts))


def wrapped(log: str, width: int) -> str:
    """Return the log as a mailer sends it: broken at the last space before `width`."""
    out = []
    for line in log.splitlines():
        rest = line
        while len(rest) > width and " " in rest[1:width].strip():
            cut = rest.rindex(" ", 1, width)
            out.append(rest[:cut])
            rest = rest[cut + 1 :]
        out.append(rest)
    return "\n".join(out) + "\n"
