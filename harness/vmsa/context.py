"""The registers of one machine as a translation regime sees them: parameters, found once."""

from __future__ import annotations

from collections.abc import Mapping

from harness.arch.features import Feature, Profile
from harness.arch.implementation import Implementation
from harness.arch.registers import hcr, sctlr
from harness.vmsa.parameters import Stage1Parameters, stage1_parameters
from harness.vmsa.refusal import Refusal
from harness.vmsa.regime import Regime
from harness.vmsa.stage2_parameters import Stage2Parameters, stage2_parameters

HCR_EL2_DEFAULT = hcr.RW.mask
"""HCR_EL2 where it is not given: EL1 is AArch64, EL2 changes nothing."""

_STAGE1_OFF = hcr.DC.mask | hcr.TGE.mask
_STAGE2_ON = hcr.VM.mask | hcr.DC.mask
_HOST = hcr.E2H.mask | hcr.TGE.mask
_NO_HCR = Refusal((hcr.NV, "FEAT_NV"), (hcr.NV1, "FEAT_NV"), (hcr.NV2, "FEAT_NV2"))


class Context:
    """What a translation depends on besides memory and access; nothing changes it once made.

    Registers that are absent read as zero, HCR_EL2 as RW. UnsupportedError for what the registers
    ask for and the model does not have: at once, or when an address that needs it is translated.
    """

    __slots__ = (
        "_lower",
        "_stage2",
        "_upper",
        "alignment_enforced",
        "choices",
        "default_cacheable",
        "host",
        "instruction_cache",
        "lse2",
        "pan",
        "profile",
        "regime",
        "registers",
        "routed_to_el2",
        "stage1_enabled",
        "stage2_enabled",
        "uao",
        "unaligned_ordered",
    )

    def __init__(
        self, profile: Profile, registers: Mapping[str, int], regime: str | Regime
    ) -> None:
        self.profile = profile
        self.registers = registers
        self.regime = regime if isinstance(regime, Regime) else Regime.named(regime)
        self.choices: Implementation = profile.implementation
        control = registers.get("SCTLR" + self.regime.suffix, 0)
        hypervisor = registers.get("HCR_EL2", HCR_EL2_DEFAULT)
        _NO_HCR.check("HCR_EL2", hypervisor)
        guest = self.regime is Regime.EL10
        # AArch64.S1Enabled.
        self.stage1_enabled = bool(
            control & sctlr.M.mask and not (guest and hypervisor & _STAGE1_OFF)
        )
        self.stage2_enabled = bool(guest and hypervisor & _STAGE2_ON)
        self.default_cacheable = bool(guest and hypervisor & hcr.DC.mask)
        self.host = hypervisor & _HOST == _HOST
        self.routed_to_el2 = bool(guest and hypervisor & hcr.TGE.mask)
        """HCR_EL2.TGE: EL2 takes the faults of EL0."""
        self.instruction_cache = bool(control & sctlr.I.mask)
        self.alignment_enforced = bool(control & sctlr.A.mask)
        self.unaligned_ordered = bool(control & sctlr.NAA.mask)
        features = profile.features
        self.lse2 = Feature.LSE2 in features
        self.pan = Feature.PAN in features
        self.uao = Feature.UAO in features
        self._lower: Stage1Parameters | None = None
        self._upper: Stage1Parameters | None = None
        self._stage2: Stage2Parameters | None = None

    def stage1(self, va: int) -> Stage1Parameters:
        """Return the parameters of the half that `va` lies in (AArch64.GetVARange)."""
        if va >> 55 & 1 and self.regime.has_unprivileged:
            if self._upper is None:
                self._upper = stage1_parameters(
                    self.profile, self.registers, self.regime, upper=True
                )
            return self._upper
        if self._lower is None:
            self._lower = stage1_parameters(self.profile, self.registers, self.regime, upper=False)
        return self._lower

    @property
    def stage2(self) -> Stage2Parameters:
        """The parameters of stage 2, which is on."""
        if self._stage2 is None:
            self._stage2 = stage2_parameters(self.profile, self.registers)
        return self._stage2
