"""Finds what the harness needs in the bytes of the engine's saved context.

Unicorn enters no exception and reports no syndrome, but the state that it saves holds both, at
places that no interface tells. Known exceptions are provoked, and their known numbers searched
for: a place that is not found exactly once in all of them is a refusal, never a guess.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.errors import EngineError

SYNDROME = struct.Struct("<IIQI")
"""Syndrome, AArch32's fault status (of no use here), faulting address, target exception level."""
STATE = struct.Struct("<33QI")
"""x0…x30, the SP in use, PC, and PSTATE without flags and masks."""


@dataclass(frozen=True, slots=True)
class Provoked:
    """The context after one exception, and what it must hold. `far` None: not of this kind."""

    context: bytes
    syndrome: int
    far: int | None
    target_el: int
    registers: tuple[int, ...]
    """x0…x30, SP and PC."""
    mode: int
    """PSTATE.M: exception level and stack pointer."""


@dataclass(frozen=True, slots=True)
class ContextLayout:
    """Offsets of `SYNDROME` and `STATE` in the context's bytes."""

    syndrome: int
    state: int


def locate(provoked: Sequence[Provoked]) -> ContextLayout:
    """Return where every context holds its numbers; EngineError unless each place is unique."""
    return ContextLayout(
        _only("exception syndrome", [set(_syndromes(one)) for one in provoked]),
        _only("general registers", [set(_states(one)) for one in provoked]),
    )


def _only(what: str, found: Sequence[set[int]]) -> int:
    places = set.intersection(*found) if found else set()
    if len(places) != 1:
        raise EngineError(
            f"this build of Unicorn is not one that can be calibrated: the {what} is at "
            f"{len(places)} places of its saved context ({len(found)} exceptions provoked), "
            "not at one; install unicorn 2.1.4"
        )
    return places.pop()


def _syndromes(one: Provoked) -> Iterator[int]:
    for offset in _occurrences(one.context, struct.pack("<I", one.syndrome)):
        if offset + SYNDROME.size > len(one.context):
            continue
        _, _, far, target_el = SYNDROME.unpack_from(one.context, offset)
        if one.far in (None, far) and target_el == one.target_el:
            yield offset


def _states(one: Provoked) -> Iterator[int]:
    pattern = struct.pack(f"<{len(one.registers)}Q", *one.registers)
    for offset in _occurrences(one.context, pattern):
        if offset + STATE.size > len(one.context):
            continue
        if STATE.unpack_from(one.context, offset)[-1] & 0x1F == one.mode:
            yield offset


def _occurrences(data: bytes, pattern: bytes) -> Iterator[int]:
    """Yield the offsets of `pattern` that are aligned to 4 bytes, as the engine's fields are."""
    offset = data.find(pattern)
    while offset >= 0:
        if offset % 4 == 0:
            yield offset
        offset = data.find(pattern, offset + 1)
