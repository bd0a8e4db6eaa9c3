"""AT instructions: a translation on request, its result in PAR_EL1."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.addresses import PhysicalAddress
from harness.arch.fault_status import encode_fault_status
from harness.arch.faults import FaultKind
from harness.arch.registers import par
from harness.vmsa.access import Access, Operation
from harness.vmsa.attributes import DEVICE
from harness.vmsa.context import Context
from harness.vmsa.full import Output, first_stage, full_translate
from harness.vmsa.location import Location
from harness.vmsa.outcome import MemoryAttributes, Translation
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import Request
from harness.vmsa.table_memory import TableMemory
from harness.vmsa.walk import Trail

_BOTH_STAGES = frozenset(
    {Operation.AT_S12E0R, Operation.AT_S12E0W, Operation.AT_S12E1R, Operation.AT_S12E1W}
)
_RESERVED_ONE = 1 << 11
_PAGE_BITS = 12
_PAGES_OF_PA = (1 << par.PA.width) - 1


def translate_at(
    context: Context, access: Access, memory: TableMemory, trail: Trail | None
) -> Translation | tuple[FaultRecord, Request]:
    """Return PAR_EL1, or the fault that the instruction takes instead (AArch64.AT).

    A translation that fails is a result like any other: PAR_EL1.F. An exception is taken for an
    external abort on the walk, and at EL1 for a stage 2 fault on the stage 1 walk.
    """
    operation = access.operation
    name = operation.value
    write = "W" in name
    request = Request(
        access,
        el0="E0" in name,
        read=not write,
        write=write,
        fetch=False,
        pan=access.pan and context.pan and name.endswith("P"),
        dirty_state=False,
    )
    wide = _wide_format(context, access)
    found: Output | Location | FaultRecord
    if operation in _BOTH_STAGES:
        found = full_translate(context, access.va, request, memory, trail)
    else:
        found = first_stage(context, access.va, request, memory, trail)
    if isinstance(found, FaultRecord):
        if found.kind is FaultKind.EXTERNAL_ON_WALK or (found.s1ptw and access.el == 1):
            return found, request
        failed = par_of_fault(found, wide=wide)
        return Translation(PhysicalAddress(0), None, updates=memory.updates, par=failed)
    location = found.location if isinstance(found, Output) else found
    return Translation(
        PhysicalAddress(location.address),
        location.attributes,
        updates=memory.updates,
        par=par_of_location(location, wide=wide),
    )


def _wide_format(context: Context, access: Access) -> bool:
    """Return whether PAR_EL1 takes its 128-bit form (AArch64.isPARFormatD128).

    The stage that gives the address decides.
    """
    if access.operation in _BOTH_STAGES and context.stage2_enabled:
        return context.stage2.d128
    return context.stage1_enabled and context.stage1(access.va).d128


def par_of_fault(record: FaultRecord, *, wide: bool) -> int:
    """Return PAR_EL1 of a failed translation (AArch64.EncodePAR, AArch64.PARFaultStatus)."""
    value = par.F.set(_RESERVED_ONE, 1)
    value = par.D128.set(value, int(wide))
    value = par.FST.set(value, encode_fault_status(record.kind, record.level))
    value = par.PTW.set(value, int(record.s1ptw))
    value = par.S.set(value, int(record.stage != 1))
    value = par.OVERLAY.set(value, int(record.overlay))
    return par.DIRTY_BIT.set(value, int(record.dirty))


def par_of_location(location: Location, *, wide: bool) -> int:
    """Return PAR_EL1 of a translation (AArch64.EncodePAR, EncodePARAttrs, PAREncodeShareability).

    Allocation hints and the XS attribute are not modelled: ATTR shows read- and write-allocate,
    not transient, and Device memory with XS.
    """
    attributes = location.attributes
    page = location.address >> _PAGE_BITS
    if wide:
        value = par.PA_D128.set(par.D128.set(_RESERVED_ONE, 1), page)
    else:
        value = par.PA.set(_RESERVED_ONE, page & _PAGES_OF_PA)
    # PAREncodeShareability: Device and Non-cacheable memory count as Outer Shareable. The
    # attributes of the latter say so already.
    value = par.SH.set(value, _SHAREABILITY[attributes.shareability or "OSH"])
    return par.ATTR.set(value, _attribute(attributes))


_SHAREABILITY: Mapping[str, int] = MappingProxyType({"NSH": 0, "OSH": 2, "ISH": 3})
_POLICIES: Mapping[str, int] = MappingProxyType({"NC": 0b0100, "WT": 0b1011, "WB": 0b1111})


def _attribute(attributes: MemoryAttributes) -> int:
    if attributes.device is not None:
        return DEVICE.index(attributes.device) << 2
    return _POLICIES[attributes.outer or ""] << 4 | _POLICIES[attributes.inner or ""]
