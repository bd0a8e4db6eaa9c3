"""Instruction words as assembly text, through Capstone; the only file that imports it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from harness.errors import EngineMissingError

if TYPE_CHECKING:
    import capstone

_WORD_MASK = (1 << 64) - 1


def disassemble(word: int, pc: int) -> str:
    """Return `mnemonic operands` of one A64 instruction at `pc`, `.word 0x…` for no instruction.

    Branch targets and literals are absolute addresses. Raises EngineMissingError.
    """
    code = word.to_bytes(4, "little")
    for _, _, mnemonic, operands in _engine().disasm_lite(code, pc & _WORD_MASK, 1):
        return f"{mnemonic} {operands}".rstrip()
    return f".word {word:#010x}"


@cache
def _engine() -> capstone.Cs:
    try:
        import capstone
    except ImportError as error:
        raise EngineMissingError(
            "the disassembler Capstone is not installed: pip install capstone"
        ) from error
    return capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_LITTLE_ENDIAN)
