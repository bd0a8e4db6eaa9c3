"""TTBR0/1_EL1, TTBR0/1_EL2 and VTTBR_EL2: where the walk begins, in 64 and (D128) 128 bits."""

from __future__ import annotations

from harness.arch.fields import Field, Layout, flag
from harness.arch.registers.base import register

CNP = flag("CnP", 0, "Common not Private", "private", "shared by PEs", "FEAT_TTCNP")
BADDR = Field("BADDR", 47, 1, "Table base address; 51:48 in bits 5:2 for 52-bit OAs", address_lsb=1)
ASID = Field("ASID", 63, 48, "Address space identifier")
VMID = Field("VMID", 63, 48, "Virtual machine identifier")

SKL = Field("SKL", 2, 1, "Skip level: levels left out of the walk", feature="FEAT_D128")
"""D128 form only."""
BADDR_LOW_D128 = Field("BADDR", 47, 5, "Table base address, bits 47:5", address_lsb=5)
BADDR_HIGH_D128 = Field("BADDR[55:48]", 87, 80, "Table base address, bits 55:48", address_lsb=48)

_D128 = (CNP, SKL, BADDR_LOW_D128, BADDR_HIGH_D128)


def _stage1(name: str, long_name: str) -> tuple[Layout, Layout]:
    return (
        Layout.of(name, long_name, CNP, BADDR, ASID),
        Layout.of(name, f"{long_name}, 128 bits", *_D128, ASID, width=128),
    )


TTBR0_EL1, TTBR0_EL1_D128 = _stage1("TTBR0_EL1", "Translation Table Base Register 0 (EL1)")
TTBR1_EL1, TTBR1_EL1_D128 = _stage1("TTBR1_EL1", "Translation Table Base Register 1 (EL1)")
TTBR0_EL2, TTBR0_EL2_D128 = _stage1("TTBR0_EL2", "Translation Table Base Register 0 (EL2)")
TTBR1_EL2, TTBR1_EL2_D128 = _stage1("TTBR1_EL2", "Translation Table Base Register 1 (EL2)")
VTTBR_EL2 = Layout.of(
    "VTTBR_EL2", "Virtualization Translation Table Base Register", CNP, BADDR, VMID
)
VTTBR_EL2_D128 = Layout.of(
    "VTTBR_EL2",
    "Virtualization Translation Table Base Register, 128 bits",
    *_D128,
    VMID,
    width=128,
)

REGISTERS = (
    register(TTBR0_EL1, (3, 0, 2, 0, 0), layout_d128=TTBR0_EL1_D128),
    register(TTBR1_EL1, (3, 0, 2, 0, 1), layout_d128=TTBR1_EL1_D128),
    register(TTBR0_EL2, (3, 4, 2, 0, 0), layout_d128=TTBR0_EL2_D128),
    register(TTBR1_EL2, (3, 4, 2, 0, 1), layout_d128=TTBR1_EL2_D128),
    register(VTTBR_EL2, (3, 4, 2, 1, 0), layout_d128=VTTBR_EL2_D128),
)
