"""The system registers at the first instruction: Linux's choices, then what the scenario states."""

from __future__ import annotations

from collections.abc import Mapping

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.features import Feature, Profile
from harness.arch.granule import Granule
from harness.arch.registers import REGISTERS, mair, sctlr, tcr, tcr2, ttbr
from harness.errors import MappingError, UnsupportedError
from harness.scenario import Half, TranslationSetup
from harness.tables.geometry import Geometry

LINUX_MAIR = (0xFF, 0xFF, 0x44, 0x00, 0x04)
"""Normal, Normal-Tagged, Normal-NC, Device-nGnRnE, Device-nGnRE, in the order of Linux 7.0.

Normal-Tagged is 0xff, as Linux has it on a machine without MTE: tag checks are not modelled.
"""

_SCTLR_SET = (
    sctlr.M,
    sctlr.C,
    sctlr.I,
    sctlr.SA,
    sctlr.SA0,
    sctlr.SED,
    sctlr.EOS,
    sctlr.EIS,
    sctlr.DZE,
    sctlr.UCT,
    sctlr.UCI,
    sctlr.NTWI,
    sctlr.NTWE,
    sctlr.SPAN,
    sctlr.NTLSMD,
    sctlr.LSMAOE,
)
_TG0 = {Granule.K4: 0, Granule.K64: 1, Granule.K16: 2}
_TG1 = {Granule.K16: 1, Granule.K4: 2, Granule.K64: 3}
_IPS = {32: 0, 36: 1, 40: 2, 42: 3, 44: 4, 48: 5, 52: 6}
_INNER_SHAREABLE = 3
_WRITE_BACK = 1
_NARROW = 48
"""Bits of an address that every descriptor format holds."""


def system_registers(setup: TranslationSetup, profile: Profile) -> dict[str, int]:
    """Return the translation registers but the TTBRs that the scenario leaves to the harness.

    A register stated whole replaces the default; fields are then put into what results.
    """
    registers = {
        "SCTLR_EL1": sum(field.mask for field in _SCTLR_SET),
        "TCR_EL1": _tcr(setup, profile),
        "MAIR_EL1": sum(
            field.set(0, value) for field, value in zip(mair.ATTR, LINUX_MAIR, strict=False)
        ),
        **setup.registers,
    }
    for name, fields in setup.fields.items():
        layout = REGISTERS[name].layout
        value = registers.get(name, 0)
        for field, content in fields.items():
            value = layout[field].set(value, content)
        registers[name] = value
    if not sctlr.M.get(registers["SCTLR_EL1"]):
        raise UnsupportedError(
            "SCTLR_EL1.M = 0: the harness starts a scenario with stage 1 translation on"
        )
    return registers


def geometry_of(registers: Mapping[str, int], profile: Profile, *, high: bool) -> Geometry:
    """Return the shape of the tables of one half, as TCR_EL1 has it.

    MappingError where no tables have that shape, UnsupportedError for 128-bit descriptors.
    """
    control = registers["TCR_EL1"]
    codes, granule_field, size_field = (
        (_TG1, tcr.TG1, tcr.T1SZ) if high else (_TG0, tcr.TG0, tcr.T0SZ)
    )
    code = granule_field.get(control)
    granule = next((one for one, encoded in codes.items() if encoded == code), None)
    if granule is None:
        raise MappingError(f"TCR_EL1.{granule_field.name} = {code:#04b} is a reserved granule")
    return Geometry(
        granule, 64 - size_field.get(control), high, _format(registers, granule, profile)
    )


def table_base(value: int, geometry: Geometry) -> PhysicalAddress:
    """Return the address of the root table that a TTBR holds (AArch64.S1TTBaseAddress)."""
    base = value & ttbr.BADDR.mask & ~(geometry.root_alignment - 1)
    if geometry.format is not OutputFormat.VMSA48:
        base = base & ~0x3F | (value >> 2 & 0xF) << _NARROW
    return PhysicalAddress(base)


def ttbr_value(root: PhysicalAddress, geometry: Geometry) -> int:
    """Return the TTBR for a root table, with ASID 0; the inverse of `table_base`."""
    low = root & ((1 << _NARROW) - 1)
    return low if geometry.format is OutputFormat.VMSA48 else low | (root >> _NARROW) << 2


def _tcr(setup: TranslationSetup, profile: Profile) -> int:
    value = 0
    for field, content in (
        (tcr.T0SZ, 64 - setup.low.va_bits),
        (tcr.T1SZ, 64 - setup.high.va_bits),
        (tcr.TG0, _TG0[setup.low.granule]),
        (tcr.TG1, _TG1[setup.high.granule]),
        (tcr.SH0, _INNER_SHAREABLE),
        (tcr.SH1, _INNER_SHAREABLE),
        (tcr.IRGN0, _WRITE_BACK),
        (tcr.IRGN1, _WRITE_BACK),
        (tcr.ORGN0, _WRITE_BACK),
        (tcr.ORGN1, _WRITE_BACK),
        (tcr.AS, 1),
        (tcr.IPS, _IPS[profile.pa_bits]),
        (tcr.DS, int(_wants_lpa2(setup.low) or _wants_lpa2(setup.high))),
    ):
        value = field.set(value, content)
    return value


def _wants_lpa2(half: Half) -> bool:
    """Return whether only the descriptors of FEAT_LPA2 reach the whole half."""
    return half.granule is not Granule.K64 and half.va_bits > _NARROW


def _format(registers: Mapping[str, int], granule: Granule, profile: Profile) -> OutputFormat:
    if tcr2.D128.get(registers.get("TCR2_EL1", 0)):
        return OutputFormat.D128
    if granule is Granule.K64:
        lpa = profile.has(Feature.LPA) and profile.pa_bits > _NARROW
        return OutputFormat.LPA if lpa else OutputFormat.VMSA48
    lpa2 = profile.has(Feature.LPA2) and tcr.DS.get(registers["TCR_EL1"])
    return OutputFormat.LPA2 if lpa2 else OutputFormat.VMSA48
