"""The whole translation of an access: alignment, stage 1, stage 2, syndrome, in that order."""

from __future__ import annotations

from collections.abc import Mapping

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.features import Feature, Profile
from harness.arch.registers import hcr, sctlr
from harness.memory import DescriptorMemory
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.alignment import TRAITS, pieces
from harness.vmsa.location import Location
from harness.vmsa.outcome import Outcome, Translation
from harness.vmsa.parameters import Stage1Parameters, stage1_parameters
from harness.vmsa.record import FaultRecord
from harness.vmsa.regime import Regime
from harness.vmsa.request import Request
from harness.vmsa.stage1 import translate_stage1
from harness.vmsa.stage1_off import translate_stage1_off
from harness.vmsa.syndrome import abort
from harness.vmsa.table_memory import TableMemory
from harness.vmsa.walk import Trail

HCR_EL2_DEFAULT = 0x8000_0000
"""HCR_EL2 where it is not given: RW, EL1 is AArch64."""


class Mmu:
    """The registers of one machine, as the translation regime `regime` sees them.

    Parameters are derived from them once, when an address of their half is first translated.
    Registers that are absent read as zero, HCR_EL2 as 0x80000000. Raises UnsupportedError for
    what the registers ask for and the model does not have.
    """

    __slots__ = ("_hcr", "_lower", "_sctlr", "_upper", "profile", "regime", "registers")

    def __init__(
        self, profile: Profile, registers: Mapping[str, int], regime: str | Regime = Regime.EL10
    ) -> None:
        self.profile = profile
        self.registers = registers
        self.regime = regime if isinstance(regime, Regime) else Regime.named(regime)
        self._sctlr = registers.get("SCTLR" + self.regime.suffix, 0)
        self._hcr = registers.get("HCR_EL2", HCR_EL2_DEFAULT)
        self._lower: Stage1Parameters | None = None
        self._upper: Stage1Parameters | None = None

    def stage1(self, va: int) -> Stage1Parameters:
        """Return the parameters of the half that `va` lies in."""
        if va >> 55 & 1 and self.regime.has_unprivileged:
            if self._upper is None:
                self._upper = stage1_parameters(
                    self.profile, self.registers, self.regime, upper=True
                )
            return self._upper
        if self._lower is None:
            self._lower = stage1_parameters(self.profile, self.registers, self.regime, upper=False)
        return self._lower

    def translate(self, memory: DescriptorMemory, access: Access) -> Outcome:
        """Return the location of the access's first byte, or the fault that it takes."""
        return self._translate(memory, access, None)

    def _translate(self, memory: DescriptorMemory, access: Access, trail: Trail | None) -> Outcome:
        request = self._request(access)
        control = self._sctlr
        parts = pieces(
            access,
            enforced=bool(control & _ALIGNMENT_CHECK),
            lse2=Feature.LSE2 in self.profile.features,
            naa=bool(control & _UNALIGNED_ORDERED),
        )
        tables = TableMemory(memory)
        if isinstance(parts, FaultRecord):
            return self._abort(parts, request, access.va, tables)
        first: Location | None = None
        for offset, aligned in parts:
            va = VirtualAddress((access.va + offset) & _ADDRESS_MASK)
            if not aligned:
                request = request._replace(aligned=False)
            found = self._one(va, request, tables, trail)
            if isinstance(found, FaultRecord):
                return self._abort(found, request, va, tables)
            first = first or found
        if first is None:
            raise AssertionError("an access has at least one piece")
        return Translation(PhysicalAddress(first.address), first.attributes, updates=tables.updates)

    def _one(
        self, va: VirtualAddress, request: Request, tables: TableMemory, trail: Trail | None
    ) -> Location | FaultRecord:
        """AArch64.FullTranslate of one piece, and what AArch64.MemSingle checks after it."""
        found = self._stage1(va, request, tables, trail)
        if isinstance(found, FaultRecord) or request.aligned:
            return found
        traits = TRAITS[request.access.operation]
        if (traits.exclusive or traits.ordered) and not traits.atomic:
            attributes = found.attributes
            if not attributes.inner == attributes.outer == "WB":
                return FaultRecord(FaultKind.ALIGNMENT, None, "AArch64.MemSingle")
        return found

    def _stage1(
        self, va: VirtualAddress, request: Request, tables: TableMemory, trail: Trail | None
    ) -> Location | FaultRecord:
        """AArch64.S1Translate; whether stage 1 is on: AArch64.S1Enabled."""
        control = self._sctlr
        default_cacheable = self.regime is Regime.EL10 and bool(hcr.DC.get(self._hcr))
        off = default_cacheable or (self.regime is Regime.EL10 and hcr.TGE.get(self._hcr))
        if control & _MMU_ENABLE and not off:
            return translate_stage1(
                self.stage1(va), va, request, tables, self.profile.implementation, trail
            )
        return translate_stage1_off(
            self.registers,
            self.regime,
            self.profile.pa_bits,
            va,
            request,
            default_cacheable=default_cacheable,
            instruction_cache=bool(control & _INSTRUCTION_CACHE),
        )

    def _request(self, access: Access) -> Request:
        kind = access.kind
        el = access.el
        el0 = el == 0 or (access.unprivileged and not self._unprivileged_is_privileged(access))
        return Request(
            access,
            el0,
            kind is AccessKind.READ or kind is AccessKind.READ_WRITE,
            kind is AccessKind.WRITE or kind is AccessKind.READ_WRITE,
            kind is AccessKind.FETCH,
            access.pan and kind is not AccessKind.FETCH and Feature.PAN in self.profile.features,
            zeroing=access.operation is Operation.DC_ZVA,
            dirty_state=access.operation is not Operation.CACHE_MAINTENANCE,
        )

    def _unprivileged_is_privileged(self, access: Access) -> bool:
        """AArch64.IsUnprivAccessPriv: when LDTR and STTR are as LDR and STR."""
        if access.uao and Feature.UAO in self.profile.features:
            return True
        if access.el == 1:
            return False
        return not (hcr.E2H.get(self._hcr) and hcr.TGE.get(self._hcr))

    def _abort(
        self, record: FaultRecord, request: Request, va: VirtualAddress, tables: TableMemory
    ) -> Outcome:
        target = self.regime.el
        if target == 1 and request.access.el == 0 and hcr.TGE.get(self._hcr):
            target = 2
        return abort(record, request, va, target, tables.updates)


_ADDRESS_MASK = 0xFFFF_FFFF_FFFF_FFFF
_MMU_ENABLE = sctlr.M.mask
_INSTRUCTION_CACHE = sctlr.I.mask
_ALIGNMENT_CHECK = sctlr.A.mask
_UNALIGNED_ORDERED = sctlr.NAA.mask
