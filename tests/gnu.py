"""GNU as and objdump as a second source of encodings."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

AS = "aarch64-linux-gnu-as"
_OBJCOPY = "aarch64-linux-gnu-objcopy"
_ARCH = "armv8.8-a+memtag+sve2+sme"
_ERROR = re.compile(r":(\d+): Error:")


def words(lines: Sequence[str], folder: Path) -> dict[str, int]:
    """Assemble each line to one word; lines that this version of GNU as does not know are left out.

    An assembler without an opinion is no second source: the caller checks how many are left.
    """
    source, output, raw = (folder / f"words.{suffix}" for suffix in ("s", "o", "bin"))
    source.write_text("\n".join(lines) + "\n")
    run = subprocess.run(
        [AS, f"-march={_ARCH}", str(source), "-o", str(output)],
        capture_output=True,
        text=True,
        check=False,
    )
    unknown = {int(number) for number in _ERROR.findall(run.stderr)}
    if unknown:
        known = [line for number, line in enumerate(lines, 1) if number not in unknown]
        return words(known, folder)
    subprocess.run([_OBJCOPY, "-O", "binary", "-j", ".text", str(output), str(raw)], check=True)
    found = [word for (word,) in struct.iter_unpack("<I", raw.read_bytes())]
    return dict(zip(lines, found, strict=True))
