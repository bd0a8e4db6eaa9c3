"""FAR_EL1, FAR_EL2, HPFAR_EL2: the address that faulted."""

from __future__ import annotations

from harness.arch.fields import Field, Layout, flag
from harness.arch.registers.base import register, whole

FIPA = Field("FIPA", 47, 4, "Faulting IPA, bits 55:12", address_lsb=12)
NS = flag("NS", 63, "Faulting IPA space", "Secure", "Non-secure", "FEAT_SEL2")

FAR_EL1 = whole("FAR_EL1", "Fault Address Register (EL1)", "VA", "Faulting virtual address")
FAR_EL2 = whole("FAR_EL2", "Fault Address Register (EL2)", "VA", "Faulting virtual address")
HPFAR_EL2 = Layout.of("HPFAR_EL2", "Hypervisor IPA Fault Address Register", FIPA, NS)

REGISTERS = (
    register(FAR_EL1, (3, 0, 6, 0, 0)),
    register(FAR_EL2, (3, 4, 6, 0, 0)),
    register(HPFAR_EL2, (3, 4, 6, 0, 4)),
)
