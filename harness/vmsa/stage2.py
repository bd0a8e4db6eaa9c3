"""Stage 2 of a translation: from an intermediate physical address to a location, or to a fault."""

from __future__ import annotations

from harness.arch.descriptors import fields as bits
from harness.arch.faults import FaultKind
from harness.arch.implementation import Implementation
from harness.vmsa.attributes import NON_CACHEABLE
from harness.vmsa.dirty import updated_leaf
from harness.vmsa.location import Location
from harness.vmsa.outcome import MemoryAttributes
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import Request
from harness.vmsa.stage2_attributes import combined, forced_write_back, stage2_attributes
from harness.vmsa.stage2_parameters import Stage2Parameters
from harness.vmsa.stage2_permissions import check_stage2_permissions
from harness.vmsa.table_memory import TableMemory
from harness.vmsa.walk import Trail, walk


def translate_stage2(
    parameters: Stage2Parameters,
    stage1: Location,
    request: Request,
    tables: TableMemory,
    choices: Implementation,
    trail: Trail | None = None,
) -> Location | FaultRecord:
    """Translate the output of stage 1, or the address of one of its descriptors.

    AArch64.S2Translate, in its order of faults. Attributes come out combined with those of stage 1.
    """
    found = _translate(parameters, stage1, request, tables, choices, trail)
    if isinstance(found, FaultRecord):
        return found._replace(ipa=stage1.address, s1ptw=request.walk)
    return found


def _translate(
    parameters: Stage2Parameters,
    stage1: Location,
    request: Request,
    tables: TableMemory,
    choices: Implementation,
    trail: Trail | None,
) -> Location | FaultRecord:
    ipa = stage1.address
    if parameters.walk is None:
        return FaultRecord(FaultKind.TRANSLATION, 0, parameters.invalid_by, 2)
    if ipa >> parameters.walk.ia_bits:
        return FaultRecord(FaultKind.TRANSLATION, 0, "AArch64.IPAIsOutOfRange", 2)
    checked = request.access_flag_checked
    read = tables.read128 if parameters.d128 else tables.read
    leaf = walk(parameters.walk, ipa, read, trail, access_flag_checked=checked)
    if isinstance(leaf, FaultRecord):
        return leaf
    attributes = _leaf_attributes(parameters, leaf.descriptor, stage1.attributes)
    device = attributes.device is not None
    fault: FaultRecord | None
    if device and not request.fetch and (request.zeroing or not request.aligned):
        fault = FaultRecord(FaultKind.ALIGNMENT, None, "AArch64.S2HasAlignmentFault", 2)
    else:
        fault = check_stage2_permissions(parameters, leaf, request, device=device)
    if parameters.access_flag_updates:
        updated = updated_leaf(
            leaf.descriptor,
            fault,
            choices,
            stage=2,
            dirty_state=parameters.dirty_updates and request.write and request.dirty_state,
            indirect=parameters.indirect is not None,
        )
        if updated != leaf.descriptor:
            tables.update(leaf.address, updated)
    if fault is not None:
        return fault
    if _forced_non_cacheable(parameters, request, device=device):
        attributes = NON_CACHEABLE
    if not parameters.forced_write_back:
        attributes = combined(stage1.attributes, attributes)
    return Location(leaf.oa, attributes)


def _leaf_attributes(
    parameters: Stage2Parameters, descriptor: int, stage1: MemoryAttributes
) -> MemoryAttributes:
    """AArch64.S2NextWalkStateLeaf."""
    shareability = parameters.shareability
    if shareability is None:
        shareability = bits.SH.get(descriptor)
    memory_attribute = bits.MEM_ATTR.get(descriptor)
    if parameters.forced_write_back:
        return forced_write_back(stage1, memory_attribute, shareability)
    return stage2_attributes(memory_attribute, shareability)


def _forced_non_cacheable(parameters: Stage2Parameters, request: Request, *, device: bool) -> bool:
    """HCR_EL2.CD, ID and PTW, as AArch64.S2Translate applies them to the leaf's memory type."""
    if request.fetch:
        return device or parameters.fetch_non_cacheable
    if device:
        return request.walk and not parameters.device_walk_faults
    return parameters.data_non_cacheable
