"""Steps of an operation on live tables, the tables that it works on, and carrying steps out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.encodings.definition import Encoding, LevelEncoding
from harness.encodings.form import Form
from harness.errors import MappingError
from harness.memory import DescriptorMemory
from harness.tables.editor import TableMemory
from harness.tables.geometry import Geometry
from harness.tables.pool import TablePool


@dataclass(frozen=True, slots=True)
class Store:
    """A descriptor is written: by the kernel that owns the tables, with `old` in its place."""

    address: PhysicalAddress
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Maintain:
    """A TLBI for `va`, or, where `va` is None, of everything; or a barrier."""

    operation: str
    va: VirtualAddress | None = None


@dataclass(frozen=True, slots=True)
class Overlooked:
    """An entry in the range that is not zero and that the walk leaves as it is; `why`: a clause."""

    address: PhysicalAddress
    descriptor: int
    why: str


Step = Store | Maintain | Overlooked

MAKE_VISIBLE = (Maintain("dsb ishst"), Maintain("isb"))
"""After a change that nothing can have cached: this PE's next walk sees it."""


@dataclass(frozen=True, slots=True)
class KernelTables:
    """One half's tables as a kernel owns them.

    `pool` gives memory to new tables. `resizes_live`: the machine may change the size of live
    leaves in place (BBML2_NOABORT).
    """

    encoding: Encoding
    geometry: Geometry
    root: PhysicalAddress
    memory: DescriptorMemory
    pool: TablePool | None = None
    resizes_live: bool = False

    def meaning(self, level: int) -> LevelEncoding:
        """Return what the kernel makes of `level`; MappingError if it has no such tables."""
        form = Form(self.geometry.granule, self.geometry.format)
        if form not in self.encoding.forms:
            known = ", ".join(form.label for form in self.encoding.forms if form.stage == 1)
            raise MappingError(
                f"{self.encoding.name} has no tables {form.label!r} ({known or 'of stage 1'})"
            )
        return self.encoding.level(level, form)

    def read(self, address: PhysicalAddress) -> int:
        """Return a descriptor; MappingError where there is no memory."""
        descriptor = self.memory.read64(address)
        if descriptor is None:
            raise MappingError(f"there is no memory at {address:#x}, where a table would be")
        return descriptor

    def new_table(self, size: int, alignment: int, purpose: str) -> PhysicalAddress:
        """Return memory for a table; MappingError where there is none."""
        if self.pool is None:
            raise MappingError(f"there is no memory for {purpose}")
        return self.pool.allocate(size, alignment)


@dataclass(frozen=True, slots=True)
class Performed:
    """What an operation did."""

    stores: tuple[Store, ...]
    maintenance: tuple[Maintain, ...]
    overlooked: tuple[Overlooked, ...]


def perform(memory: TableMemory, steps: Iterable[Step]) -> Performed:
    """Carry the steps out on memory, one by one, and return them; no TLB is there to maintain."""
    done: list[Step] = []
    for step in steps:
        if isinstance(step, Store):
            memory.write64(step.address, step.new)
        done.append(step)
    return Performed(
        tuple(step for step in done if isinstance(step, Store)),
        tuple(step for step in done if isinstance(step, Maintain)),
        tuple(step for step in done if isinstance(step, Overlooked)),
    )


def invalidate(places: Iterable[int]) -> Iterator[Step]:
    """Yield the maintenance after stores to live entries: one TLBI for each leaf, or for all."""
    leaves = [VirtualAddress(place) for place in places]
    yield Maintain("dsb ishst")
    if len(leaves) > MOST_TLBIS:
        yield Maintain("tlbi vmalle1is")
    else:
        yield from (Maintain("tlbi vaale1is", leaf) for leaf in leaves)
    yield Maintain("dsb ish")
    yield Maintain("isb")


MOST_TLBIS = 512
"""Leaves beyond which everything is invalidated instead."""
