"""Stage 1 of a translation: from a virtual address to a location, or to a fault."""

from __future__ import annotations

from typing import Protocol

from harness.arch.descriptors import fields as bits
from harness.arch.faults import FaultKind
from harness.arch.implementation import Implementation
from harness.vmsa.attributes import (
    NON_CACHEABLE,
    RESERVED_ATTRIBUTES,
    is_device,
    stage1_attributes,
)
from harness.vmsa.dirty import updated_leaf
from harness.vmsa.location import Location
from harness.vmsa.outcome import MemoryAttributes
from harness.vmsa.parameters import Stage1Parameters
from harness.vmsa.permissions import check_permissions
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import Request
from harness.vmsa.walk import Leaf, Trail, walk


class Tables(Protocol):
    """Where stage 1 finds its tables: in memory, or in memory through stage 2."""

    def read(self, address: int) -> int | FaultRecord | None:
        """Return a descriptor; a fault of stage 2; None where there is no memory."""
        ...

    def read128(self, address: int) -> int | FaultRecord | None:
        """Return a 128-bit descriptor, in the same way."""
        ...

    def update(self, address: int, descriptor: int) -> FaultRecord | None:
        """Write a descriptor back; a fault of stage 2 if that is not allowed."""
        ...


def translate_stage1(
    parameters: Stage1Parameters,
    va: int,
    request: Request,
    tables: Tables,
    choices: Implementation,
    trail: Trail | None = None,
) -> Location | FaultRecord:
    """Translate `va` with the MMU on (AArch64.S1Translate, in its order of faults)."""
    walk_parameters = parameters.walk
    if walk_parameters is None:
        return FaultRecord(FaultKind.TRANSLATION, 0, "AArch64.S1TxSZFaults")
    refused = _refused_before_the_walk(parameters, va, request)
    if refused is not None:
        return refused
    read = tables.read128 if parameters.d128 else tables.read
    leaf = walk(walk_parameters, va, read, trail, access_flag_checked=request.access_flag_checked)
    if isinstance(leaf, FaultRecord):
        return leaf
    attribute = parameters.mair >> 8 * bits.ATTR_INDX.get(leaf.descriptor) & 0xFF
    if attribute in RESERVED_ATTRIBUTES:
        attribute = parameters.reserved_attribute
    device = is_device(attribute)
    fault: FaultRecord | None
    if device and not request.fetch and (request.zeroing or not request.aligned):
        fault = FaultRecord(FaultKind.ALIGNMENT, None, "AArch64.S1HasAlignmentFault")
    else:
        fault = check_permissions(parameters, leaf, request, device=device)
    if parameters.access_flag_updates:
        updated = updated_leaf(
            leaf.descriptor,
            fault,
            choices,
            stage=1,
            dirty_state=parameters.dirty_updates and request.write and request.dirty_state,
            indirect=parameters.indirect is not None,
        )
        if updated != leaf.descriptor:
            fault = tables.update(leaf.address, updated) or fault
    if fault is not None:
        return fault
    return Location(leaf.oa, _attributes(parameters, leaf, attribute, fetch=request.fetch))


def _refused_before_the_walk(
    parameters: Stage1Parameters, va: int, request: Request
) -> FaultRecord | None:
    """All of these report level 0, wherever the walk would start."""
    checked = parameters.checked_bits_fetch if request.fetch else parameters.checked_bits
    if (va ^ parameters.sign) & checked:
        return FaultRecord(FaultKind.TRANSLATION, 0, "AArch64.VAIsOutOfRange")
    if parameters.e0pd and request.el0:
        return FaultRecord(FaultKind.TRANSLATION, 0, "AArch64.S1Translate")
    if parameters.walk_disabled:
        return FaultRecord(FaultKind.TRANSLATION, 0, "AArch64.S1EPD")
    return None


def _attributes(
    parameters: Stage1Parameters, leaf: Leaf, attribute: int, *, fetch: bool
) -> MemoryAttributes:
    """Return the leaf's attributes as SCTLR_ELx.C and I leave them.

    AArch64.S1NextWalkStateLeaf, then AArch64.S1Translate.
    """
    device = is_device(attribute)
    if fetch:
        cacheable = parameters.fetch_cacheable and not device
    else:
        cacheable = parameters.data_cacheable or device
    if not cacheable:
        return NON_CACHEABLE
    shareability = parameters.shareability
    if shareability is None:
        shareability = bits.SH.get(leaf.descriptor)
    return stage1_attributes(attribute, shareability)
