"""The errors of the harness: one small tree, each branch with the exit code of the program.

::

    HarnessError                 3  the harness itself failed
    ├── InputError               2  bad input: file, line and reason
    │   ├── ScenarioError           a scenario file or its snippet's use
    │   ├── AssemblyError           a statement of a snippet
    │   ├── CaseError               a line of a case file
    │   ├── ReportError             a fault report that cannot be read at all
    │   ├── LitmusError             a litmus test, or a list of their kinds
    │   ├── MappingError            mappings that no table can hold
    │   └── ValueSyntaxError        a number, register, field or address as typed by the user
    ├── UnsupportedError         4  the architecture has it, the harness does not model it
    ├── LimitError               4  a stated bound was reached: no verdict
    ├── EngineMissingError       4  an external program or library is not installed
    └── EngineError              3  an engine failed, crashed or is not what we calibrated for

A fault of the guest is never an error: it is a value (`harness.vmsa.outcome.Fault`).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What every verb of the program tells the shell."""

    EXPECTED = 0
    FINDING = 1
    BAD_INPUT = 2
    HARNESS_FAILED = 3
    CANNOT_JUDGE = 4


class HarnessError(Exception):
    """Root of the tree; raised itself only for a broken promise inside the harness."""

    exit_code = ExitCode.HARNESS_FAILED


@dataclass(frozen=True, slots=True)
class Location:
    """Where in the user's input: `line` and `column` count from 1, 0 when not known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(parts)


class InputError(HarnessError):
    """Bad input: one line that names the place, when there is one, and the reason."""

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, reason: str, at: Location | None = None) -> None:
        self.reason = reason
        self.at = at
        super().__init__(f"{at}: {reason}" if at else reason)


class ScenarioError(InputError):
    """A scenario that cannot be built: unknown key, overlapping mapping, unmapped entry point."""


class AssemblyError(InputError):
    """A statement that assembles to nothing, wrongly, or not at all."""


class CaseError(InputError):
    """A line of a case file that is no case."""


class ReportError(InputError):
    """A fault report in which no fault can be found."""


class LitmusError(InputError):
    """A litmus test that cannot be parsed, or names what it does not define."""


class MappingError(InputError):
    """Mappings that no translation table can hold: misaligned, overlapping, out of range."""


class ValueSyntaxError(InputError):
    """A number, name, register or field that is not one."""


class UnsupportedError(HarnessError):
    """A feature of the architecture that is named and refused, never guessed at."""

    exit_code = ExitCode.CANNOT_JUDGE


class LimitError(HarnessError):
    """A stated bound (instructions, seconds, memory, states) was reached."""

    exit_code = ExitCode.CANNOT_JUDGE


class EngineMissingError(HarnessError):
    """A program or library that this needs is not installed; the message says how to get it."""

    exit_code = ExitCode.CANNOT_JUDGE


class EngineError(HarnessError):
    """Unicorn, Keystone or QEMU failed, died, or does not answer as calibrated."""


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return `; did you mean 'name'?` for the known name that is close to `word`, else nothing."""
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1)
    return f"; did you mean '{folded[close[0]]}'?" if close else ""
