"""What a system register is: its name, its encoding in MRS and MSR, its layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from harness.arch.fields import Field, Layout


class Encoding(NamedTuple):
    """The five numbers that MRS and MSR name a register by."""

    op0: int
    op1: int
    crn: int
    crm: int
    op2: int

    @property
    def generic_name(self) -> str:
        """The name that every assembler takes: `S3_0_C2_C0_2`."""
        return f"S{self.op0}_{self.op1}_C{self.crn}_C{self.crm}_{self.op2}"


@dataclass(frozen=True, slots=True)
class SystemRegister:
    """A register by the manual's name; `layout_e2h` is its other form, while HCR_EL2.E2H is 1.

    A register that is 128 bits wide with FEAT_D128 has that form in `layout_d128`.
    """

    name: str
    encoding: Encoding
    layout: Layout
    layout_e2h: Layout | None = None
    layout_d128: Layout | None = None


def register(
    layout: Layout,
    encoding: tuple[int, int, int, int, int],
    *,
    layout_e2h: Layout | None = None,
    layout_d128: Layout | None = None,
) -> SystemRegister:
    """Return the register whose layout bears its name."""
    return SystemRegister(layout.name, Encoding(*encoding), layout, layout_e2h, layout_d128)


def whole(name: str, long_name: str, field: str, meaning: str) -> Layout:
    """Return the layout of a register that is one number of 64 bits."""
    return Layout.of(name, long_name, Field(field, 63, 0, meaning))


SHAREABILITY: Mapping[int, str] = {
    0: "Non-shareable",
    1: "reserved",
    2: "Outer Shareable",
    3: "Inner Shareable",
}

CACHEABILITY: Mapping[int, str] = {
    0: "Non-cacheable",
    1: "Write-Back, Read-Allocate Write-Allocate",
    2: "Write-Through, Read-Allocate no Write-Allocate",
    3: "Write-Back, Read-Allocate no Write-Allocate",
}

TG0_GRANULE: Mapping[int, str] = {0: "4KB", 1: "64KB", 2: "16KB", 3: "reserved"}

PHYSICAL_SIZE: Mapping[int, str] = {
    0: "32 bits, 4GB",
    1: "36 bits, 64GB",
    2: "40 bits, 1TB",
    3: "42 bits, 4TB",
    4: "44 bits, 16TB",
    5: "48 bits, 256TB",
    6: "52 bits, 4PB",
    7: "56 bits, 64PB",
}
