"""Keystone in a process of its own: it may crash or hang on a statement, its caller must not.

Run as a script. Each line of standard input is a JSON request `{"text", "base", "seconds"}`, each
line of standard output its answer: `{"code": hex}` or `{"error": reason}`. End of input ends it; so
does a timer of `seconds` of processor time, for Keystone loops on some malformed operands. This
file imports nothing of the harness.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keystone

MEMORY_BYTES = 1 << 30
ATTEMPTS = 64
"""At how many addresses an engine is allocated before Keystone is given up."""
TEN = "mov x0, #10"
TEN_CODE = bytes.fromhex("400180d2")


def main() -> int:
    """Answer requests until standard input ends."""
    try:
        import keystone
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)  # noqa: T201 — the protocol
        return 1
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        request = json.loads(line)
        # The default action of its signal ends the process, in C code too.
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])
        engine = new_engine()
        try:
            code, _ = engine.asm(request["text"], request["base"], as_bytes=True)
            answer = {"code": (code or b"").hex()}
        except keystone.KsError as error:
            answer = {"error": _reason(error)}
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(answer), flush=True)  # noqa: T201 — the protocol
    return 0


def new_engine() -> keystone.Ks:
    """Return an engine that reads `10` as ten.

    Keystone 0.9.2 never sets the default radix of an AArch64 engine: where the heap happens to hold
    16 at its place, `#10` is silently sixteen. It stays as it is for the life of the engine.
    """
    import keystone

    refused: list[keystone.Ks] = []
    while len(refused) < ATTEMPTS:
        engine = keystone.Ks(keystone.KS_ARCH_ARM64, keystone.KS_MODE_LITTLE_ENDIAN)
        if engine.asm(TEN, as_bytes=True)[0] == TEN_CODE:
            return engine
        refused.append(engine)  # kept, so that the next one lies elsewhere
    raise SystemExit("reads decimal numbers as hexadecimal ones")


def _reason(error: Exception) -> str:
    """Keystone's message, where it has one: many of its own codes are `Unknown error`."""
    text = str(error).partition(" (KS_ERR")[0]
    return "" if text.startswith("Unknown error") else text


if __name__ == "__main__":
    sys.exit(main())
