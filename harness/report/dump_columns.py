"""The columns in which a Linux kernel's dump shows the bits of an entry, one after another.

Source: the format of /sys/kernel/debug/kernel_page_tables on arm64.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.descriptors import OutputFormat
from harness.arch.registers import mair
from harness.encodings.linux_bits import (
    AF,
    BITS,
    CONT,
    GP,
    MAIR_INDEX,
    NG,
    PXN,
    RDONLY,
    SHARED,
    TABLE_BIT,
    USER,
    UXN,
    VALID,
)
from harness.tables.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Column:
    """What stands for a field whose bits are all set, and what for any other contents."""

    mask: int
    all_set: str
    other: str


_ATTRINDX = BITS["ATTRINDX"]
_ATTRINDX_LSB = 2
COLUMNS = (
    Column(VALID, " ", "F"),
    Column(USER, "USR", "   "),
    Column(RDONLY, "ro", "RW"),
    Column(PXN, "NX", "x "),
    Column(SHARED, "SHD", "   "),
    Column(AF, "AF", "  "),
    Column(NG, "NG", "  "),
    Column(CONT, "CON", "   "),
    Column(TABLE_BIT, "   ", "BLK"),
    Column(UXN, "UXN", "   "),
    Column(GP, "GP", "  "),
)
_SHOWN = sum(column.mask for column in COLUMNS) | _ATTRINDX

_TYPE_WORDS = {
    "DEVICE_nGnRnE": "DEVICE/nGnRnE",
    "DEVICE_nGnRE": "DEVICE/nGnRE",
    "NORMAL_NC": "MEM/NORMAL-NC",
    "NORMAL": "MEM/NORMAL",
    "NORMAL_TAGGED": "MEM/NORMAL-TAGGED",
}
_CONTENTS = {
    "DEVICE_nGnRnE": (0x00,),
    "DEVICE_nGnRE": (0x04,),
    "NORMAL_NC": (0x44,),
    "NORMAL": (0xFF,),
    "NORMAL_TAGGED": (0xF0, 0xFF),
}
"""The attributes of MAIR_EL1 that go by these names; without MTE tagged memory is plain Normal."""


def shown_bits(geometry: Geometry) -> int:
    """Return the bits that columns show; those of SH hold address bits with FEAT_LPA2."""
    return _SHOWN & ~SHARED if geometry.format is OutputFormat.LPA2 else _SHOWN


def columns(bits: int, types: tuple[str, ...]) -> str:
    """Return the columns for the shown bits of an entry, each led by a space.

    `types`: names of memory types by AttrIndx, empty where the kernel has none. Nothing is shown
    where no bit is set.
    """
    if not bits:
        return ""
    words = [
        column.all_set if bits & column.mask == column.mask else column.other for column in COLUMNS
    ]
    memory_type = types[(bits & _ATTRINDX) >> _ATTRINDX_LSB]
    if memory_type:
        words.append(memory_type)
    return "".join(f" {word}" for word in words)


def memory_types(value: int) -> tuple[str, ...]:
    """Return the names of the eight memory types of a MAIR_EL1.

    Where an index holds what Linux keeps there it has Linux's name for that index; elsewhere
    (older kernels, other orders) the contents decide. What Linux has no name for has none.
    """
    return tuple(_type(index, field.get(value)) for index, field in enumerate(mair.ATTR))


def _type(index: int, contents: int) -> str:
    by_index = {number: name for name, number in MAIR_INDEX.items()}
    name = by_index.get(index)
    if name is not None and contents in _CONTENTS[name]:
        return _TYPE_WORDS[name]
    fitting = (name for name, known in _CONTENTS.items() if contents in known)
    # An index beyond Linux's five that holds 0 was not stated.
    if index >= len(by_index) and not contents:
        return ""
    return next((_TYPE_WORDS[name] for name in fitting), "")
