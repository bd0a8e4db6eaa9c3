"""The whole translation of an access: alignment, stage 1, stage 2, syndrome, in that order."""

from __future__ import annotations

from collections.abc import Mapping

from harness.arch.addresses import IntermediatePhysicalAddress, PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.features import Profile
from harness.memory import DescriptorMemory
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.alignment import TRAITS, pieces
from harness.vmsa.at import translate_at
from harness.vmsa.context import Context
from harness.vmsa.full import Output, full_translate
from harness.vmsa.outcome import Fault, Outcome, Step, Translation
from harness.vmsa.record import FaultRecord
from harness.vmsa.regime import Regime
from harness.vmsa.request import Request, request_of
from harness.vmsa.steps import steps_of
from harness.vmsa.syndrome import abort
from harness.vmsa.table_memory import TableMemory
from harness.vmsa.walk import Trail

_ADDRESS_MASK = (1 << 64) - 1


class Mmu:
    """The MMU of one machine with one setting of its registers: what the architecture says.

    Registers that are absent read as zero, HCR_EL2 as RW. Raises UnsupportedError for what the
    registers ask for and the model does not have, ValueError for an access from an exception level
    that `regime` does not serve.
    """

    __slots__ = ("context",)

    def __init__(
        self, profile: Profile, registers: Mapping[str, int], regime: str | Regime = Regime.EL10
    ) -> None:
        self.context = Context(profile, registers, regime)

    def translate(self, memory: DescriptorMemory, access: Access) -> Outcome:
        """Return the location of the access's first byte, or the fault that it takes."""
        return translate(self.context, memory, access)

    def steps(self, memory: DescriptorMemory, access: Access) -> tuple[Outcome, tuple[Step, ...]]:
        """Return the same, and how it came about: one step for each lookup and decision."""
        trail: Trail = []
        outcome = translate(self.context, memory, access, trail)
        return outcome, steps_of(self.context, access, outcome, trail)


def translate(
    context: Context, memory: DescriptorMemory, access: Access, trail: Trail | None = None
) -> Outcome:
    """Translate `access` with the tables in `memory` (AArch64.TranslateAddress, Mem[], MemAtomic).

    `trail`, if given, receives every lookup of a descriptor.
    """
    tables = TableMemory(memory)
    if access.kind is AccessKind.AT:
        result = translate_at(context, access, tables, trail)
        if isinstance(result, Translation):
            return result
        return _taken(context, *result, access.va, tables)
    if access.el not in context.regime.exception_levels:
        raise ValueError(f"EL{access.el} is not served by the {context.regime.label} regime")
    request = request_of(context, access)
    parts = pieces(
        access,
        enforced=context.alignment_enforced,
        lse2=context.lse2,
        naa=context.unaligned_ordered,
    )
    if isinstance(parts, FaultRecord):
        return _taken(context, parts, request, access.va, tables)
    outputs: list[Output] = []
    for offset, aligned in parts:
        va = VirtualAddress((access.va + offset) & _ADDRESS_MASK)
        if not aligned:
            request = request._replace(aligned=False)
        found = _single(context, va, request, tables, trail)
        if isinstance(found, FaultRecord):
            return _taken(context, found, request, va, tables)
        outputs.append(found)
    location, ipa = outputs[0]
    return Translation(
        PhysicalAddress(location.address),
        location.attributes,
        None if ipa is None else IntermediatePhysicalAddress(ipa),
        tables.updates,
        further=tuple([PhysicalAddress(output.location.address) for output in outputs[1:]]),
    )


def _single(
    context: Context,
    va: VirtualAddress,
    request: Request,
    tables: TableMemory,
    trail: Trail | None,
) -> Output | FaultRecord:
    """AArch64.MemSingle: a misaligned access that must be single-copy atomic needs Normal WB.

    MemAtomic, which makes the atomic read-modify-writes, has no such check.
    """
    found = full_translate(context, va, request, tables, trail)
    if isinstance(found, FaultRecord) or request.aligned:
        return found
    traits = TRAITS[request.access.operation]
    if (traits.exclusive or traits.ordered) and not traits.atomic:
        attributes = found.location.attributes
        if not attributes.inner == attributes.outer == "WB":
            return FaultRecord(FaultKind.ALIGNMENT, None, "AArch64.MemSingle")
    return found


def _taken(
    context: Context,
    record: FaultRecord,
    request: Request,
    va: VirtualAddress,
    tables: TableMemory,
) -> Fault:
    """Return the exception with the exception level that takes it (AArch64.Abort)."""
    from_el = request.access.el
    target = max(from_el, context.regime.el)
    if context.routed_to_el2 and from_el == 0:
        target = 2
    return abort(record, request, va, target, tables.updates)
