"""Fault status codes: DFSC and IFSC of a syndrome, FST of PAR_EL1 (EncodeLDFSC)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.arch.faults import FaultKind

_UNLEVELLED: Mapping[FaultKind, int] = MappingProxyType(
    {
        FaultKind.EXTERNAL: 0x10,
        FaultKind.ALIGNMENT: 0x21,
        FaultKind.TLB_CONFLICT: 0x30,
        FaultKind.UNSUPPORTED_ATOMIC_UPDATE: 0x31,
    }
)

_LEVELLED: Mapping[FaultKind, Mapping[int, int]] = MappingProxyType(
    {
        FaultKind.ADDRESS_SIZE: {-2: 0x2C, -1: 0x29, 0: 0x00, 1: 0x01, 2: 0x02, 3: 0x03},
        FaultKind.TRANSLATION: {-2: 0x2A, -1: 0x2B, 0: 0x04, 1: 0x05, 2: 0x06, 3: 0x07},
        FaultKind.ACCESS_FLAG: {0: 0x08, 1: 0x09, 2: 0x0A, 3: 0x0B},
        FaultKind.PERMISSION: {0: 0x0C, 1: 0x0D, 2: 0x0E, 3: 0x0F},
        FaultKind.EXTERNAL_ON_WALK: {-2: 0x12, -1: 0x13, 0: 0x14, 1: 0x15, 2: 0x16, 3: 0x17},
    }
)

_ENCODE: Mapping[tuple[FaultKind, int | None], int] = MappingProxyType(
    {
        **{(kind, None): code for kind, code in _UNLEVELLED.items()},
        **{(kind, level): code for kind, row in _LEVELLED.items() for level, code in row.items()},
    }
)

_DECODE: Mapping[int, tuple[FaultKind, int | None]] = MappingProxyType(
    {code: fault for fault, code in _ENCODE.items()}
)

FAULT_KIND_NAMES: Mapping[FaultKind, str] = MappingProxyType(
    {
        FaultKind.TRANSLATION: "Translation fault",
        FaultKind.ACCESS_FLAG: "Access flag fault",
        FaultKind.PERMISSION: "Permission fault",
        FaultKind.ADDRESS_SIZE: "Address size fault",
        FaultKind.ALIGNMENT: "Alignment fault",
        FaultKind.EXTERNAL_ON_WALK: "Synchronous External abort on a translation table walk",
        FaultKind.EXTERNAL: "Synchronous External abort",
        FaultKind.TLB_CONFLICT: "TLB conflict abort",
        FaultKind.UNSUPPORTED_ATOMIC_UPDATE: "Unsupported atomic hardware update fault",
    }
)

_OTHER_CODES: Mapping[int, str] = MappingProxyType(
    {
        0x11: "Synchronous Tag Check fault",
        0x18: "Synchronous parity or ECC error",
        **{
            0x1C + level: f"Synchronous parity or ECC error on a translation table walk, "
            f"level {level}"
            for level in range(-2, 4)
        },
        **{
            0x24 + level: f"Granule Protection Fault on a translation table walk, level {level}"
            for level in range(-2, 4)
        },
        0x28: "Granule Protection Fault, not on a walk",
        0x34: "IMPLEMENTATION DEFINED fault (Lockdown)",
        0x35: "IMPLEMENTATION DEFINED fault (Unsupported Exclusive or Atomic access)",
    }
)
"""Codes of faults that the harness does not model, so that a log that has one can be read."""


def encode_fault_status(kind: FaultKind, level: int | None = None) -> int:
    """Return the six-bit code; ValueError if the architecture has none for this kind at `level`.

    Levels are -2 (FEAT_D128) to 3, and None for faults that have no level. EncodeLDFSC.
    """
    code = _ENCODE.get((kind, level))
    if code is None:
        raise ValueError(f"no fault status code for {kind.value} at level {level}")
    return code


def decode_fault_status(code: int) -> tuple[FaultKind, int | None] | None:
    """Return kind and level of a six-bit code, None for one that the harness does not model."""
    return _DECODE.get(code)


def describe_fault(kind: FaultKind, level: int | None) -> str:
    """Return `Translation fault, level 2`, or the name alone of a fault without a level."""
    name = FAULT_KIND_NAMES[kind]
    return name if level is None else f"{name}, level {level}"


FAULT_STATUS_MEANINGS: Mapping[int, str] = MappingProxyType(
    dict.fromkeys(range(64), "reserved")
    | dict(_OTHER_CODES)
    | {code: describe_fault(*fault) for code, fault in _DECODE.items()}
)
"""All 64 codes in words; `reserved` where the architecture assigns none."""
