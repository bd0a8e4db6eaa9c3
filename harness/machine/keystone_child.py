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

MEMORY_BYTES = 1 << 30


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
        engine = keystone.Ks(keystone.KS_ARCH_ARM64, keystone.KS_MODE_LITTLE_ENDIAN)
        try:
            code, _ = engine.asm(request["text"], request["base"], as_bytes=True)
            answer = {"code": (code or b"").hex()}
        except keystone.KsError as error:
            answer = {"error": _reason(error)}
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(answer), flush=True)  # noqa: T201 — the protocol
    return 0


def _reason(error: Exception) -> str:
    """Keystone's message, where it has one: many of its own codes are `Unknown error`."""
    text = str(error).partition(" (KS_ERR")[0]
    return "" if text.startswith("Unknown error") else text


if __name__ == "__main__":
    sys.exit(main())
