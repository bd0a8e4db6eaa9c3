"""Keystone, through a child process that is kept for as long as it lives."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from harness.errors import EngineError, EngineMissingError
from harness.machine.listing import Item, ItemKind, engine_text, split_output

SECONDS = 1.0
"""Processor time for a snippet, beside what its length asks for, before the child is given up."""
CHARACTERS_PER_SECOND = 1_000_000
"""A tenth of what was measured."""

_CHILD = Path(__file__).with_name("keystone_child.py")


class _Crashed(Exception):  # noqa: N818 — no error of the tree: it never leaves this file
    """The child died while it worked on a request."""


class _Child:
    """One process of `keystone_child`; not shared between processes or threads."""

    def __init__(self) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 — lives as long as the child
        self._process = subprocess.Popen(  # noqa: S603 — our own file, our own interpreter
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            encoding="utf-8",
        )
        self.owner = os.getpid()
        self.has_answered = False

    def ask(self, text: str, base: int) -> dict[str, str]:
        """Return the child's answer; _Crashed if it dies instead."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise EngineError("the Keystone child has no pipes")
        seconds = SECONDS + len(text) / CHARACTERS_PER_SECOND
        request = json.dumps({"text": text, "base": base, "seconds": seconds})
        with contextlib.suppress(BrokenPipeError):
            stdin.write(request + "\n")
            stdin.flush()
        line = stdout.readline()
        if not line:
            raise _Crashed(self._last_words())
        answer: dict[str, str] = json.loads(line)
        self.has_answered = True
        return answer

    def close(self) -> None:
        """End the child by ending its input."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()
        self._stderr.close()

    def _last_words(self) -> str:
        status = self._process.wait()
        if status == -signal.SIGPROF:
            return f"did not end in {SECONDS:g} s"
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        said = f" ({lines[-1]})" if lines else ""
        if status < 0:
            return f"was killed by {signal.Signals(-status).name}{said}"
        return f"ended with status {status}{said}"


class KeystoneAssembler:
    """Assembles listings; starts its child when first asked and again after a crash."""

    name = "keystone"

    def __init__(self) -> None:
        self._child: _Child | None = None
        self._lock = threading.Lock()

    def assemble(self, items: Sequence[Item], base: int) -> bytes:
        """Return the bytes of `engine_text(items)` at `base`.

        Raises AssemblyError with the statement at fault; EngineMissingError without Keystone.
        """
        for item in items:
            if item.source.word == "adrp":
                raise item.source.error("Keystone encodes ADRP wrongly: use `adr`, or GNU as")
        with self._lock:
            failure, code = self._try(items, base)
            if failure is None:
                return code
            culprit, reason = self._culprit(items, base, failure)
        raise culprit.source.error(reason)

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None and self._child.owner == os.getpid():
            self._child.close()
        self._child = None

    def _try(self, items: Sequence[Item], base: int) -> tuple[str | None, bytes]:
        """Return (reason of the failure or None, bytes)."""
        if self._child is None or self._child.owner != os.getpid():
            self._child = _Child()
        child = self._child
        try:
            answer = child.ask(engine_text(items), base)
        except _Crashed as crash:
            self.close()
            if child.has_answered:  # it may have died before this request: ask a new one
                return self._try(items, base)
            return f"Keystone {crash}", b""
        if "missing" in answer:
            self.close()
            raise EngineMissingError(
                "the assembler Keystone is not installed: pip install keystone-engine, or use "
                f"GNU as ({answer['missing']})"
            )
        if "error" in answer:
            said = answer["error"]
            return (f"Keystone: {said}" if said else "Keystone does not assemble this"), b""
        code = bytes.fromhex(answer["code"])
        if split_output(code, items, base) is None:
            return "Keystone assembles this to nothing, and says nothing", b""
        return None, code

    def _culprit(self, items: Sequence[Item], base: int, reason: str) -> tuple[Item, str]:
        """Return the first item that makes the rest fail, and what is wrong with it.

        Labels alone first, then directives with every instruction a NOP, then instructions.
        """
        sound: list[int] = []
        for kinds in (_LABELS, _DIRECTIVES, _INSTRUCTIONS):
            suspects = [i for i, item in enumerate(items) if item.kind in kinds]
            found = self._first_failing(items, base, suspects, sound)
            if found is not None:
                return found
            sound += suspects
        raise EngineError(f"{reason}, but no single statement is at fault")

    def _first_failing(
        self, items: Sequence[Item], base: int, suspects: Sequence[int], sound: Sequence[int]
    ) -> tuple[Item, str] | None:
        """Search, by halves, the shortest run of `suspects` that fails beside what is sound."""

        def reason_with(count: int) -> str | None:
            kept = {*sound, *suspects[:count]}
            some = (item if i in kept else _neutral(item) for i, item in enumerate(items))
            return self._try([item for item in some if item is not None], base)[0]

        reason = reason_with(len(suspects)) if suspects else None
        if reason is None:
            return None
        low, high = 0, len(suspects)
        while high - low > 1:
            middle = (low + high) // 2
            found = reason_with(middle)
            if found is None:
                low = middle
            else:
                high, reason = middle, found
        return items[suspects[high - 1]], reason


_LABELS = frozenset({ItemKind.LABEL})
_INSTRUCTIONS = frozenset({ItemKind.INSTRUCTION})
_DIRECTIVES = frozenset({ItemKind.DATA, ItemKind.ALIGN, ItemKind.CONSTANT})


def _neutral(item: Item) -> Item | None:
    """Return an item of the same size that no engine refuses; None to leave it out."""
    if item.kind is ItemKind.INSTRUCTION:
        return Item(item.kind, "nop", item.source, item.size)
    return None


KEYSTONE = KeystoneAssembler()
atexit.register(KEYSTONE.close)
