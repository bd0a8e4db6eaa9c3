"""Stage 1 switched off: the address is its own translation, with default attributes."""

from __future__ import annotations

from collections.abc import Mapping

from harness.arch.faults import FaultKind
from harness.vmsa.attributes import (
    DEFAULT_CACHEABLE,
    NON_CACHEABLE,
    STRONGEST_DEVICE,
    WRITE_THROUGH,
)
from harness.vmsa.location import Location
from harness.vmsa.outcome import MemoryAttributes
from harness.vmsa.parameters import address_tops, bits_above
from harness.vmsa.record import FaultRecord
from harness.vmsa.regime import Regime
from harness.vmsa.request import Request

_ADDRESS_BITS = (1 << 56) - 1


def translate_stage1_off(
    registers: Mapping[str, int],
    regime: Regime,
    pa_bits: int,
    va: int,
    request: Request,
    *,
    default_cacheable: bool,
    instruction_cache: bool,
) -> Location | FaultRecord:
    """Return the flat location of `va` (AArch64.S1DisabledOutput).

    `default_cacheable`: HCR_EL2.DC; `instruction_cache`: SCTLR_ELx.I.
    """
    upper = bool(va >> 55 & 1)
    tops = address_tops(registers.get("TCR" + regime.suffix, 0), regime, upper=upper)
    if va & bits_above(pa_bits, tops[request.fetch]):
        return FaultRecord(FaultKind.ADDRESS_SIZE, 0, "AArch64.S1DisabledOutput")
    attributes: MemoryAttributes
    if default_cacheable:
        attributes = DEFAULT_CACHEABLE
    elif request.fetch:
        attributes = WRITE_THROUGH if instruction_cache else NON_CACHEABLE
    else:
        attributes = STRONGEST_DEVICE
        if request.zeroing or not request.aligned:
            return FaultRecord(FaultKind.ALIGNMENT, None, "AArch64.S1HasAlignmentFault")
    return Location(va & _ADDRESS_BITS, attributes)
