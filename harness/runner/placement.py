"""Which physical memory exists: what the scenario states, what its maps reach, and free places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from harness.arch.addresses import PhysicalAddress
from harness.errors import ScenarioError
from harness.memory import PAGE_SIZE, PhysicalMemory, Region
from harness.scenario import MemoryRange, Scenario

FIRST_CHOICE = 0x4000_0000
"""Where the search for free memory begins: RAM begins there on QEMU's `virt` board."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Physical addresses [`start`, `end`)."""

    start: int
    end: int

    def pages(self) -> Span:
        """Return the whole 4K pages that hold the span."""
        return Span(self.start // PAGE_SIZE * PAGE_SIZE, -(-self.end // PAGE_SIZE) * PAGE_SIZE)

    def overlaps(self, other: Span) -> bool:
        """Return whether the spans share an address."""
        return self.start < other.end and other.start < self.end


class Placement:
    """The physical address space of a scenario while its image is laid out."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._ram = [_span(part) for part in scenario.memory if _is_ram(part)]
        self._reached = [Span(part.pa, part.pa + part.size) for part in scenario.maps]
        self._not_ram = [_span(part).pages() for part in scenario.memory if not _is_ram(part)]
        _check_overlaps(scenario)

    def add(self, start: int, size: int) -> None:
        """Make memory exist there, as if the scenario had stated it."""
        self._ram.append(Span(start, start + size))

    def find(self, size: int, alignment: int, purpose: str) -> PhysicalAddress:
        """Make memory exist where nothing else is, and return its address.

        ScenarioError where the machine's physical addresses have no such place.
        """
        limit = 1 << self._scenario.profile.pa_bits
        used = sorted(span.pages() for span in (*self._ram, *self._reached, *self._not_ram))
        for first in (FIRST_CHOICE, PAGE_SIZE):
            start = -(-first // alignment) * alignment
            for span in used:
                if span.overlaps(Span(start, start + size)):
                    start = -(-span.end // alignment) * alignment
            if start + size <= limit:
                self.add(start, size)
                return PhysicalAddress(start)
        raise ScenarioError(
            f"no {size:#x} bytes of physical memory are free for {purpose}", self._scenario.at()
        )

    def memory(self) -> PhysicalMemory:
        """Return the memory, filled as the scenario states; ScenarioError where it cannot be."""
        memory = PhysicalMemory()
        for span in _without(_union((*self._ram, *self._reached)), self._not_ram):
            memory.add(Region(PhysicalAddress(span.start), span.end - span.start))
        for part in self._scenario.memory:
            if part.alias_of is not None:
                self._add_alias(memory, part, part.alias_of)
        for part in self._scenario.memory:
            _fill(memory, part)
        return memory

    def _add_alias(self, memory: PhysicalMemory, part: MemoryRange, target: int) -> None:
        at = self._scenario.at(part.line)
        if part.pa % PAGE_SIZE or part.size % PAGE_SIZE or target % PAGE_SIZE:
            raise ScenarioError("an alias is of whole 4K pages", at)
        shown = Span(target, target + part.size)
        if not memory.covers(target, part.size) or any(map(shown.overlaps, self._not_ram)):
            raise ScenarioError(f"there is no memory at {target:#x} that could be aliased", at)
        memory.add(Region(part.pa, part.size, PhysicalAddress(target)))


def _is_ram(part: MemoryRange) -> bool:
    return part.alias_of is None and part.fill != "absent"


def _span(part: MemoryRange) -> Span:
    return Span(part.pa, part.pa + part.size)


def _check_overlaps(scenario: Scenario) -> None:
    """Refuse ranges that say different things of one byte, or of one page that may not be mixed."""
    for one in scenario.memory:
        if one.pa + one.size > 1 << scenario.profile.pa_bits:
            raise ScenarioError(
                f"[[memory]] at {one.pa:#x} is beyond the {scenario.profile.pa_bits} bits of "
                f"physical address of {scenario.profile.name}",
                scenario.at(one.line),
            )
    ordered = sorted(scenario.memory, key=lambda part: part.pa)
    for one, other in pairwise(ordered):
        whole = not (_is_ram(one) and _is_ram(other))
        spans = (_span(one).pages(), _span(other).pages()) if whole else (_span(one), _span(other))
        if spans[0].overlaps(spans[1]):
            raise ScenarioError(
                f"[[memory]] at {other.pa:#x} overlaps that of line {one.line} at {one.pa:#x}",
                scenario.at(other.line),
            )


def _union(spans: Iterable[Span]) -> list[Span]:
    """Return the whole pages of the spans, merged where they touch."""
    merged: list[Span] = []
    for span in sorted(part.pages() for part in spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _without(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    left = list(spans)
    for hole in holes:
        pieces = []
        for span in left:
            pieces += [
                Span(span.start, min(span.end, hole.start)),
                Span(max(span.start, hole.end), span.end),
            ]
        left = [piece for piece in pieces if piece.start < piece.end]
    return left


def _fill(memory: PhysicalMemory, part: MemoryRange) -> None:
    if part.fill == "pattern":
        first = -(-part.pa // 8) * 8
        places = range(first, (part.pa + part.size) // 8 * 8, 8)
        memory.write(first, b"".join(place.to_bytes(8, "little") for place in places))
    if part.words:
        memory.write(part.pa, b"".join(word.to_bytes(8, "little") for word in part.words))
