"""Lines of a case or answer file, plain or gzip, one at a time: memory use does not grow."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.cases.case import Case
from harness.cases.parse import parse_case
from harness.errors import InputError, Location

STANDARD_INPUT = "-"


def read_lines(file: str) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank, with its number; `-` is standard input.

    InputError if the file cannot be read; a name that ends in `.gz` is unpacked.
    """
    number = 0
    try:
        for number, line in enumerate(_lines(file), start=1):
            if not line.isspace():
                yield number, line
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text", Location(name_of(file), number + 1)) from None
    except (OSError, EOFError) as error:
        raise InputError(f"cannot be read: {_reason(error)}", Location(name_of(file))) from None


def read_cases(file: str) -> Iterator[Case]:
    """Yield the cases of a file; CaseError names the line that is none."""
    name = name_of(file)
    for number, line in read_lines(file):
        yield parse_case(line, name, number)


def name_of(file: str) -> str:
    """Return what messages call the file."""
    return "standard input" if file == STANDARD_INPUT else file


def _reason(error: OSError | EOFError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _lines(file: str) -> Iterator[str]:
    if file == STANDARD_INPUT:
        yield from sys.stdin
    elif file.endswith(".gz"):
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            yield from stream
    else:
        with Path(file).open(encoding="utf-8") as stream:
            yield from stream
