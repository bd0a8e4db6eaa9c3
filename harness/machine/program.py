"""An assembled snippet: bytes, symbols and a line table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.arch.addresses import VirtualAddress


@dataclass(frozen=True, slots=True)
class SourceLine:
    """The statement at one address."""

    address: VirtualAddress
    size: int
    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Program:
    """Machine code that is right at `base` only."""

    base: VirtualAddress
    code: bytes
    symbols: Mapping[str, VirtualAddress]
    lines: tuple[SourceLine, ...]
    assembler: str
    """`keystone`, `gnu` or `words`."""

    def label(self, address: int) -> str:
        """Return `symbol+0xoffset` for an address inside the code, else an empty string."""
        if not self.base <= address < self.base + len(self.code):
            return ""
        below = [(value, name) for name, value in self.symbols.items() if value <= address]
        if not below:
            return ""
        value, name = max(below, key=lambda pair: (pair[0], pair[1]))
        return name if value == address else f"{name}+{address - value:#x}"
