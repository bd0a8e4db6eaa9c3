"""Stage 1 switched off: the address is its own translation, with default attributes."""

from __future__ import annotations

from harness.arch.faults import FaultKind
from harness.vmsa.attributes import (
    DEFAULT_CACHEABLE,
    NON_CACHEABLE,
    STRONGEST_DEVICE,
    WRITE_THROUGH,
)
from harness.vmsa.context import Context
from harness.vmsa.location import Location
from harness.vmsa.outcome import MemoryAttributes
from harness.vmsa.parameters import address_tops, bits_above
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import Request

_ADDRESS_BITS = (1 << 56) - 1


def translate_stage1_off(context: Context, va: int, request: Request) -> Location | FaultRecord:
    """Return the flat location of `va` (AArch64.S1DisabledOutput)."""
    control = context.registers.get("TCR" + context.regime.suffix, 0)
    tops = address_tops(control, context.regime, upper=bool(va >> 55 & 1))
    if va & bits_above(context.profile.pa_bits, tops[request.fetch]):
        return FaultRecord(FaultKind.ADDRESS_SIZE, 0, "AArch64.S1DisabledOutput")
    attributes: MemoryAttributes
    if context.default_cacheable:
        attributes = DEFAULT_CACHEABLE
    elif request.fetch:
        attributes = WRITE_THROUGH if context.instruction_cache else NON_CACHEABLE
    elif request.zeroing or not request.aligned:
        return FaultRecord(FaultKind.ALIGNMENT, None, "AArch64.S1HasAlignmentFault")
    else:
        attributes = STRONGEST_DEVICE
    return Location(va & _ADDRESS_BITS, attributes)
