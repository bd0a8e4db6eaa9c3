"""GNU as and ld for AArch64, run as programs on text that the preprocessor has made."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import AssemblyError, EngineError, EngineMissingError
from harness.machine.listing import Item, engine_text

PREFIX = "aarch64-linux-gnu-"
ARCHITECTURE = "armv8.5-a+memtag+sve"
"""Everything that Unicorn executes, and what the harness names when it refuses it."""
SECONDS = 30

_AS_MESSAGE = re.compile(r"^\{standard input\}:(\d+): (?:Error|Fatal error): (.*)$", re.MULTILINE)
_UNDEFINED = re.compile(r"undefined reference to [`'](.+?)'")
_AT_MARK = re.compile(r"in function [`']__mark(\d+)'")


class GnuAssembler:
    """Assembles listings with the programs found on PATH."""

    name = "gnu"

    def assemble(self, items: Sequence[Item], base: int) -> bytes:
        """Return the bytes of `engine_text(items)` at `base`.

        Raises AssemblyError with the statement at fault; EngineMissingError without binutils.
        """
        tools = {name: _tool(name) for name in ("as", "ld", "objcopy")}
        with tempfile.TemporaryDirectory(prefix="mmu-harness-") as folder:
            objects, linked, code = (Path(folder, name) for name in ("a.o", "a.elf", "a.bin"))
            command = [tools["as"], f"-march={ARCHITECTURE}", "-o", str(objects), "-"]
            messages = _run(command, engine_text(items))
            if messages is not None:
                raise _assembly_error(items, messages)
            command = [tools["ld"], f"-Ttext={base:#x}", "-e", "0", "-o", str(linked)]
            messages = _run([*command, str(objects)], "")
            if messages is not None:
                raise _link_error(items, messages)
            copy = [tools["objcopy"], "-O", "binary", "-j", ".text", str(linked), str(code)]
            messages = _run(copy, "")
            if messages is not None:
                raise EngineError(f"objcopy failed: {messages.strip()}")
            return code.read_bytes()


def _tool(name: str) -> str:
    path = shutil.which(PREFIX + name)
    if path is None:
        raise EngineMissingError(
            f"{PREFIX}{name} is not installed: apt install binutils-aarch64-linux-gnu"
        )
    return path


def _run(command: Sequence[str], text: str) -> str | None:
    """Run a program; return its messages if it fails, else None."""
    try:
        result = subprocess.run(  # noqa: S603 — a tool on PATH, its arguments from here
            command, input=text, capture_output=True, encoding="utf-8", timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{command[0]} took longer than {SECONDS} s") from error
    return result.stderr if result.returncode else None


def _assembly_error(items: Sequence[Item], messages: str) -> AssemblyError | EngineError:
    match = _AS_MESSAGE.search(messages)
    if match is None or int(match[1]) > len(items):
        return EngineError(f"GNU as failed: {messages.strip()}")
    reason = match[2].partition(" -- `")[0]
    return items[int(match[1]) - 1].source.error(f"GNU as: {reason}")


def _link_error(items: Sequence[Item], messages: str) -> AssemblyError | EngineError:
    """Return the statement that the linker names by a label, or by the mark before it."""
    if undefined := _UNDEFINED.search(messages):
        name = undefined[1]
        word = re.compile(rf"(?<![\w.$]){re.escape(name)}(?![\w.$])")
        for item in items:
            if word.search(item.text):
                return item.source.error(f"GNU as: label `{name}` is not defined")
    if (mark := _AT_MARK.search(messages)) and int(mark[1]) < len(items):
        return items[int(mark[1])].source.error("GNU as: this cannot be resolved at its address")
    return EngineError(f"GNU ld failed: {messages.strip()}")


GNU = GnuAssembler()
