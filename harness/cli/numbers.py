"""Numbers as users type them."""

from __future__ import annotations

import re

from harness.errors import ValueSyntaxError

_NUMBER = re.compile(r"0x[0-9a-f_]+|0b[01_]+|0o[0-7_]+|[0-9][0-9_]*", re.IGNORECASE)
_BASES = {"0x": 16, "0b": 2, "0o": 8}
_DECIMAL = 10


def parse_number(text: str, bits: int = 64) -> int:
    """Return the number in hexadecimal (0x), binary (0b), octal (0o) or decimal.

    Case does not matter and underscores may separate digits. ValueSyntaxError for anything else
    and for more than `bits` bits.
    """
    word = text.strip()
    digits = word.replace("_", "")
    if not _NUMBER.fullmatch(word) or digits.lower() in _BASES:
        hint = f"; did you mean 0x{word}?" if re.fullmatch(r"[0-9a-fA-F]+", word) else ""
        raise ValueSyntaxError(f"{text!r} is no number (0x…, 0b… or decimal){hint}")
    number = int(digits, _BASES.get(digits[:2].lower(), _DECIMAL))
    if number >> bits:
        raise ValueSyntaxError(f"{text!r} does not fit in {bits} bits")
    return number
