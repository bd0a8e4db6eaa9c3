"""From a fault to what the target exception level's registers hold."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from harness.arch.addresses import IntermediatePhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.syndromes import Abort, encode_abort
from harness.vmsa.access import AccessKind, Operation
from harness.vmsa.outcome import Fault
from harness.vmsa.record import FaultRecord
from harness.vmsa.request import Request

_MAINTENANCE = frozenset(
    {Operation.CACHE_MAINTENANCE, *(each for each in Operation if each.name.startswith("AT_"))}
)
"""Instructions that report CM = 1 and WnR = 1 (AArch64.FaultSyndrome)."""

_IPA_FAULTS = frozenset({FaultKind.TRANSLATION, FaultKind.ADDRESS_SIZE, FaultKind.ACCESS_FLAG})


def abort(
    record: FaultRecord,
    request: Request,
    va: VirtualAddress,
    stage1_target: int,
    updates: Mapping[int, int],
) -> Fault:
    """Return the exception that `record` becomes (AArch64.AbortSyndrome, AArch64.FaultSyndrome).

    `va` is the address of the failing piece of the access; `stage1_target` the exception level
    that takes stage 1 faults. Stage 2 faults go to EL2. `updates`: what hardware had changed.
    """
    access = request.access
    second = record.stage != 1
    target = 2 if second else stage1_target
    maintenance = access.operation in _MAINTENANCE
    write = record.write
    if write is None:
        write = request.write and not request.read
    # IPAValid: for a permission fault of the access itself, HPFAR_EL2 is UNKNOWN.
    permission = record.kind is FaultKind.PERMISSION
    hpfar = None
    if second and (record.kind in _IPA_FAULTS or (record.s1ptw and permission)):
        hpfar = hpfar_of(record.ipa or 0)
    return Fault(
        kind=record.kind,
        esr=_esr(
            _Inputs(
                record.kind,
                record.level,
                access.kind is AccessKind.FETCH,
                access.el != target,
                write or maintenance,
                maintenance,
                record.s1ptw,
                record.dirty,
                record.overlay,
            )
        ),
        far=va,
        level=record.level,
        stage=record.stage,
        s1ptw=record.s1ptw,
        target_el=target,
        ipa=None if record.ipa is None else IntermediatePhysicalAddress(record.ipa),
        hpfar=hpfar,
        updates=updates,
        rule=record.rule,
    )


def hpfar_of(ipa: int) -> int:
    """Return HPFAR_EL2: FIPA holds the page of the faulting IPA."""
    return ipa >> 12 << 4


class _Inputs(NamedTuple):
    """All that ESR_ELx depends on: few combinations, so that each is encoded once."""

    kind: FaultKind
    level: int | None
    fetch: bool
    lower_el: bool
    write: bool
    maintenance: bool
    s1ptw: bool
    dirty: bool
    overlay: bool


@cache
def _esr(inputs: _Inputs) -> int:
    return encode_abort(
        Abort(
            inputs.kind,
            inputs.level,
            fetch=inputs.fetch,
            lower_el=inputs.lower_el,
            write=inputs.write,
            cache_maintenance=inputs.maintenance,
            s1ptw=inputs.s1ptw,
            dirty_bit=inputs.dirty,
            overlay=inputs.overlay,
        )
    )
