"""The table builder, editor and reader against the reference model, over random mappings.

The two share no logic: what the builder writes, the model must translate as it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import BLOCK_LEVELS, LAST_LEVEL, OutputFormat
from harness.arch.faults import FaultKind
from harness.arch.features import PROFILES, Profile
from harness.arch.granule import Granule
from harness.memory import PhysicalMemory, Region
from harness.tables.builder import Mapping, build_tables
from harness.tables.descriptor import CONTIGUOUS
from harness.tables.editor import Entry, find, fold, fold_run, split
from harness.tables.geometry import Geometry
from harness.tables.mapping import Shape
from harness.tables.pool import TablePool
from harness.tables.reader import read_tables
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.outcome import Fault, Translation
from harness.vmsa.translate import Mmu

POOL_SIZE = 64 << 20
NARROW_BASE = 0x8000_0000
WIDE_BASE = 0xA_0000_8000_0000
"""Tables above 48 bits, for the formats that reach them."""
IPS = {48: 0b101, 52: 0b110}
TG0 = {Granule.K4: 0b00, Granule.K64: 0b01, Granule.K16: 0b10}
TG1 = {Granule.K16: 0b01, Granule.K4: 0b10, Granule.K64: 0b11}
DS = 1 << 59
MAIR_ALL_NORMAL = 0xFFFF_FFFF_FFFF_FFFF
SCTLR_M = 1

AF = 1 << 10
SHAREABLE = 3 << 8
FREE_BITS = (2, 3, 4, 6, 7, 11, 53, 54, 55, 56, 57, 58)
"""Attribute bits under which an EL1 read never faults: AttrIndx, AP, nG, PXN, UXN, software."""

CALM = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass
class Space:
    """One half of an address space: its tables, and the model that walks them."""

    geometry: Geometry
    wanted: list[Mapping]
    base: int
    memory: PhysicalMemory = field(init=False)
    pool: TablePool = field(init=False)
    root: PhysicalAddress = field(init=False)
    mmu: Mmu = field(init=False)

    def __post_init__(self) -> None:
        base = PhysicalAddress(self.base)
        self.memory = PhysicalMemory([Region(base, POOL_SIZE)])
        self.pool = TablePool(base, POOL_SIZE)
        self.root = build_tables(self.geometry, self.wanted, self.pool, self.memory)
        self.mmu = Mmu(self._profile(), self._registers())

    def _profile(self) -> Profile:
        wide = self.geometry.format is not OutputFormat.VMSA48
        return PROFILES["max" if wide else "neoverse-v1"]

    def _registers(self) -> dict[str, int]:
        geometry = self.geometry
        size = 64 - geometry.ia_bits
        tcr = IPS[geometry.format.address_bits] << 32
        if geometry.format is OutputFormat.LPA2:
            tcr |= DS
        if geometry.high:
            tcr |= size << 16 | TG1[geometry.granule] << 30 | 16
        else:
            tcr |= size | TG0[geometry.granule] << 14 | 16 << 16 | TG1[Granule.K4] << 30
        low = self.root & ((1 << 48) - 1)
        return {
            "SCTLR_EL1": SCTLR_M,
            "TCR_EL1": tcr,
            "MAIR_EL1": MAIR_ALL_NORMAL,
            f"TTBR{int(geometry.high)}_EL1": low | self.root >> 48 << 2,
        }

    def translate(self, va: int) -> Translation | Fault:
        """Return what the model makes of a one-byte read at `va`."""
        access = Access(VirtualAddress(va), AccessKind.READ, size=1)
        return self.mmu.translate(self.memory, access)

    def interesting(self) -> Iterator[int]:
        """Yield addresses at and around the ends of each mapping, and of the half."""
        first, last = self.geometry.first, self.geometry.first + self.geometry.size - 1
        yield from (first, last)
        for part in self.wanted:
            middle = part.ia + part.size // 2 + 5
            for va in (part.ia - 1, part.ia, middle, part.end - 1, part.end):
                if first <= va <= last:
                    yield va

    def expected(self, va: int) -> int | None:
        """Return the address that was asked for at `va`, None where nothing was."""
        for part in self.wanted:
            if part.ia <= va < part.end:
                return part.oa + va - part.ia
        return None

    def check(self) -> None:
        """Hold the model's translations to what was asked for, and its levels to the editor's."""
        for va in self.interesting():
            outcome, oa = self.translate(va), self.expected(va)
            if oa is None:
                assert isinstance(outcome, Fault), hex(va)
                assert outcome.kind is FaultKind.TRANSLATION
                entry = find(self.geometry, self.root, self.memory, va)
                assert (outcome.level, entry.descriptor) == (entry.level, 0)
            else:
                assert isinstance(outcome, Translation), (hex(va), outcome)
                assert outcome.pa == oa

    def read_back(self) -> list[tuple[int, int, int, int]]:
        """Return what the reader finds, merged whatever the leaves' sizes."""
        report = read_tables(self.geometry, self.root, self.memory)
        assert not report.problems
        return merged(report.mappings())


def merged(mappings: Iterable[Mapping]) -> list[tuple[int, int, int, int]]:
    """Return (ia, oa, size, attributes), neighbours in step joined."""
    out: list[tuple[int, int, int, int]] = []
    for part in mappings:
        if out:
            ia, oa, size, bits = out[-1]
            if (ia + size, oa + size, bits) == (part.ia, part.oa, part.leaf_bits):
                out[-1] = (ia, oa, size + part.size, bits)
                continue
        out.append((part.ia, part.oa, part.size, part.leaf_bits))
    return out


@st.composite
def geometries(draw: st.DrawFn, granule: Granule, form: OutputFormat) -> Geometry:
    smallest = 17 if granule is Granule.K64 else 16
    largest = 48 if form is OutputFormat.VMSA48 else 52
    usual = [bits for bits in (36, 39, 42, 47, 48, 52) if bits <= largest]
    ia_bits = draw(st.one_of(st.sampled_from(usual), st.integers(smallest, largest)))
    return Geometry(granule, ia_bits, draw(st.booleans()), form)


def attributes(geometry: Geometry) -> st.SearchStrategy[int]:
    """Attribute bits of leaves that an EL1 read may use."""
    shareable = 0 if geometry.format is OutputFormat.LPA2 else SHAREABLE
    return st.sets(st.sampled_from(FREE_BITS)).map(
        lambda bits: sum(1 << bit for bit in bits) | AF | shareable
    )


@st.composite
def shapes(draw: st.DrawFn, geometry: Geometry) -> tuple[Shape | None, int | None, int]:
    """Draw a shape, its level, and the alignment and size that it needs."""
    choices: list[tuple[Shape | None, int | None, int]] = [(None, None, geometry.granule.size)]
    for level in range(geometry.start_level, LAST_LEVEL + 1):
        size = geometry.granule.level_size(level)
        if geometry.has_leaf(level):
            choices.append((Shape.PAGE if level == LAST_LEVEL else Shape.BLOCK, level, size))
            choices.append((None, None, size))
        run = geometry.contiguous_run(level)
        if run is not None:
            choices.append((Shape.CONTIGUOUS, level, run * size))
    return draw(st.sampled_from(choices))


@st.composite
def spaces(draw: st.DrawFn, granule: Granule, form: OutputFormat) -> Space:
    """Tables of up to five mappings by ascending address, apart or touching."""
    geometry = draw(geometries(granule, form))
    page = geometry.granule.size
    cursor, end = int(geometry.first), geometry.first + geometry.size
    wanted: list[Mapping] = []
    for _ in range(draw(st.integers(1, 5))):
        shape, level, unit = draw(shapes(geometry))
        room = (end - cursor) // unit
        gap = draw(st.one_of(st.just(0), st.integers(0, max(0, room - 1)))) * unit
        ia = -(-(cursor + gap) // unit) * unit
        count = draw(st.integers(1, 3))
        extra = 0 if shape else draw(st.integers(0, 20)) * page
        size = count * unit + extra
        if ia + size > end:
            continue
        most = (1 << geometry.format.address_bits) - size
        oa = draw(st.integers(0, most // unit)) * unit
        bits = draw(attributes(geometry))
        wanted.append(Mapping(VirtualAddress(ia), PhysicalAddress(oa), size, bits, shape, level))
        cursor = ia + size
    bases = [NARROW_BASE] if form is OutputFormat.VMSA48 else [NARROW_BASE, WIDE_BASE]
    return Space(geometry, wanted, draw(st.sampled_from(bases)))


every_format = pytest.mark.parametrize(
    ("granule", "form"), [key for key in BLOCK_LEVELS if key[1] is not OutputFormat.D128]
)


@every_format
@CALM
@given(data=st.data())
def test_the_model_translates_what_was_built(
    granule: Granule, form: OutputFormat, data: st.DataObject
) -> None:
    data.draw(spaces(granule, form)).check()


@every_format
@CALM
@given(data=st.data())
def test_the_reader_finds_what_was_built(
    granule: Granule, form: OutputFormat, data: st.DataObject
) -> None:
    space = data.draw(spaces(granule, form))
    assert space.read_back() == merged(space.wanted)


@every_format
@CALM
@given(data=st.data())
def test_split_and_fold_keep_every_translation(
    granule: Granule, form: OutputFormat, data: st.DataObject
) -> None:
    space = data.draw(spaces(granule, form).filter(lambda space: bool(space.wanted)))
    before = space.read_back()
    part = data.draw(st.sampled_from(space.wanted))
    va = part.ia + data.draw(st.integers(0, part.size - 1))
    tables = (space.geometry, space.root, space.memory, va)
    steps: list[Entry] = []
    while splittable(find(*tables)):
        steps.append(find(*tables))
        split(*tables, space.pool)
        space.check()
        assert space.read_back() == before
    for step in reversed(steps):
        if step.descriptor & CONTIGUOUS:
            assert fold_run(*tables, step.level) == step
        else:
            assert fold(*tables, step.level) == step
        space.check()
        assert space.read_back() == before


def splittable(entry: Entry) -> bool:
    return bool(entry.descriptor & CONTIGUOUS) or entry.level < LAST_LEVEL


@every_format
@CALM
@given(data=st.data())
def test_an_invalid_entry_faults_at_its_level_whatever_its_other_bits(
    granule: Granule, form: OutputFormat, data: st.DataObject
) -> None:
    space = data.draw(spaces(granule, form).filter(lambda space: bool(space.wanted)))
    part = data.draw(st.sampled_from(space.wanted))
    entry = find(space.geometry, space.root, space.memory, part.ia)
    noise = data.draw(st.integers(0, (1 << 64) - 1))
    space.memory.write64(entry.address, noise & ~1)
    outcome = space.translate(part.ia)
    assert isinstance(outcome, Fault)
    assert (outcome.kind, outcome.level) == (FaultKind.TRANSLATION, entry.level)
    space.memory.write64(entry.address, entry.descriptor)
    space.check()
