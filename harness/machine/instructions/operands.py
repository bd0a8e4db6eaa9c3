"""What the decoders of accesses read: an instruction's bit fields, and registers before it."""

from __future__ import annotations

from collections.abc import Callable

from harness.arch.addresses import VirtualAddress
from harness.errors import UnsupportedError
from harness.vmsa.access import Access, AccessKind, Operation

Accesses = tuple[Access, ...]

_ALL = (1 << 64) - 1
_ZERO_OR_SP = 31


def bits(word: int, high: int, low: int) -> int:
    """Return bits `high`:`low` of `word`."""
    return (word >> low) & ((1 << (high - low + 1)) - 1)


def signed(value: int, width: int) -> int:
    """Return `value`, `width` bits wide, as a two's complement number."""
    return value - (1 << width) if value >> (width - 1) else value


def not_decoded(word: int) -> UnsupportedError:
    """Return the refusal of a word in the load/store space that no class takes."""
    return UnsupportedError(f"load or store {word:#010x}: unallocated, or of a later extension")


class Operands:
    """Registers, PC and PSTATE before an instruction; makes its accesses."""

    def __init__(
        self, pc: int, read_register: Callable[[str], int], *, el: int, pan: bool, uao: bool
    ) -> None:
        self.pc = pc
        self._read = read_register
        self._el = el
        self._pan = pan
        self._uao = uao

    def x(self, number: int) -> int:
        """Return Xn, where 31 is XZR."""
        return 0 if number == _ZERO_OR_SP else self._read(f"x{number}")

    def base(self, number: int) -> int:
        """Return Xn, where 31 is SP."""
        return self._read("sp" if number == _ZERO_OR_SP else f"x{number}")

    def access(
        self,
        va: int,
        kind: AccessKind,
        size: int,
        operation: Operation = Operation.PLAIN,
        *,
        unprivileged: bool = False,
    ) -> Access:
        """Return one access with this PSTATE; addresses wrap at 64 bits."""
        return Access(
            va=VirtualAddress(va & _ALL),
            kind=kind,
            size=size,
            el=self._el,
            pan=self._pan,
            uao=self._uao,
            unprivileged=unprivileged,
            operation=operation,
        )
