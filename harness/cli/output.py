"""Writing files that a user asked for: whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import InputError, Location


def write_whole(file: str, text: str) -> None:
    """Write the file so that a reader sees the old contents or the new; InputError if it cannot.

    What is no regular file (`/dev/stdout`, a pipe) is written to as it is.
    """
    path = Path(file)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", Location(file)) from None
