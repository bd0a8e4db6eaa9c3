"""Where a test's locations lie: virtual pages, physical pages, descriptors, tables.

Every location has a 2M region of virtual addresses to itself, so that its leaf descriptor is
alone in a table of its own: as in the tests, nothing but `PTE(x)` decides where `x` leads. The
tables are mapped as well, for EL1 only: the code loads and stores descriptors there. The physical
pages are mapped once more at addresses equal to their own, for code that is given `PA(x)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.arch.addresses import PhysicalAddress
from harness.errors import UnsupportedError
from harness.litmus.descriptor import encode
from harness.litmus.values import Aspect, Descriptor, Symbol
from harness.scenario import MemoryRange

PAGE = 1 << 12
REGION = 1 << 21
"""What one level 3 table maps."""
MAX_LOCATIONS = 512

VA_BITS = 39
"""The walk begins at level 1."""
LOCATIONS_VA = 0x4000_0000
DESCRIPTORS_VA = 0x8000_0000
"""Page i shows the level 3 table of location i."""
DESCRIPTORS_OF_DESCRIPTORS_VA = DESCRIPTORS_VA + REGION
PAGES_PA = 0x1_0000_0000
TABLES_PA = 0x2_0000_0000

ROOT = TABLES_PA
_LOCATIONS = ROOT + PAGE
"""Level 2, for LOCATIONS_VA."""
_DESCRIPTORS = _LOCATIONS + PAGE
"""Level 2, for DESCRIPTORS_VA."""
_DESCRIPTOR_PAGES = _DESCRIPTORS + PAGE
"""Level 3: entry i maps the table of location i."""
_WINDOW = _DESCRIPTOR_PAGES + PAGE
"""Level 3: maps _DESCRIPTOR_PAGES."""
_FLAT = _WINDOW + PAGE
"""Level 2, for addresses equal to the physical ones."""
_FLAT_PAGES = _FLAT + PAGE
LEAVES_PA = TABLES_PA + 0x10_0000
"""Table i holds the leaf of location i, and nothing else."""

_TABLE = 0b11
_GIGABYTE = 1 << 30
_WORD = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """The addresses of a test's locations, in the order of `names`."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, symbols: Iterable[Symbol]) -> Layout:
        """Return the layout of every location that the symbols name."""
        names = tuple(sorted({symbol.name for symbol in symbols}))
        if len(names) > MAX_LOCATIONS:
            raise UnsupportedError(f"{len(names)} locations: at most {MAX_LOCATIONS} are laid out")
        return cls(names)

    def virtual(self, symbol: Symbol) -> int:
        """Return the address that code is given for `symbol`."""
        index = self.names.index(symbol.name)
        match symbol.aspect:
            case Aspect.VIRTUAL:
                return LOCATIONS_VA + REGION * index
            case Aspect.PHYSICAL:
                return self.physical(symbol)
            case Aspect.DESCRIPTOR:
                return DESCRIPTORS_VA + PAGE * index
            case Aspect.DESCRIPTOR_OF_DESCRIPTOR:
                return DESCRIPTORS_OF_DESCRIPTORS_VA + _WORD * index

    def physical(self, symbol: Symbol) -> PhysicalAddress:
        """Return where the contents of `symbol` lie."""
        index = self.names.index(symbol.name)
        match symbol.aspect:
            case Aspect.VIRTUAL | Aspect.PHYSICAL:
                return PhysicalAddress(PAGES_PA + PAGE * index)
            case Aspect.DESCRIPTOR:
                return PhysicalAddress(LEAVES_PA + PAGE * index)
            case Aspect.DESCRIPTOR_OF_DESCRIPTOR:
                return PhysicalAddress(_DESCRIPTOR_PAGES + _WORD * index)

    def symbol_of(self, va: int) -> Symbol | None:
        """Return the symbol whose page or descriptor holds the address, None for no symbol."""
        for aspect, start, stride in (
            (Aspect.VIRTUAL, LOCATIONS_VA, REGION),
            (Aspect.DESCRIPTOR, DESCRIPTORS_VA, PAGE),
            (Aspect.DESCRIPTOR_OF_DESCRIPTOR, DESCRIPTORS_OF_DESCRIPTORS_VA, _WORD),
            (Aspect.PHYSICAL, PAGES_PA, PAGE),
        ):
            index = (va - start) // stride
            if 0 <= index < len(self.names):
                return Symbol(self.names[index], aspect)
        return None

    def output_of(self, oa: int) -> Symbol | None:
        """Return what a descriptor with this output address maps, None for no symbol."""
        for aspect, start in ((Aspect.PHYSICAL, PAGES_PA), (Aspect.DESCRIPTOR, LEAVES_PA)):
            index, offset = divmod(oa - start, PAGE)
            if not offset and 0 <= index < len(self.names):
                return Symbol(self.names[index], aspect)
        return None

    def tables(self, leaves: Mapping[Symbol, Descriptor]) -> Iterator[MemoryRange]:
        """Yield every table; `leaves` holds the descriptors, by their own symbols, that are given.

        What is not given maps each page to where it belongs.
        """
        count = range(len(self.names))
        yield _table(
            ROOT,
            {
                LOCATIONS_VA // _GIGABYTE: _LOCATIONS | _TABLE,
                DESCRIPTORS_VA // _GIGABYTE: _DESCRIPTORS | _TABLE,
                PAGES_PA // _GIGABYTE: _FLAT | _TABLE,
            },
        )
        yield _table(_LOCATIONS, {index: (LEAVES_PA + PAGE * index) | _TABLE for index in count})
        yield _table(_DESCRIPTORS, {0: _DESCRIPTOR_PAGES | _TABLE, 1: _WINDOW | _TABLE})
        yield _table(
            _DESCRIPTOR_PAGES,
            {
                index: self._leaf(leaves, name, Aspect.DESCRIPTOR_OF_DESCRIPTOR)
                for index, name in enumerate(self.names)
            },
        )
        yield _table(_WINDOW, {0: self._private(_DESCRIPTOR_PAGES)})
        yield _table(_FLAT, {0: _FLAT_PAGES | _TABLE})
        yield _table(
            _FLAT_PAGES, {index: self._private(PAGES_PA + PAGE * index) for index in count}
        )
        for index, name in enumerate(self.names):
            leaf = self._leaf(leaves, name, Aspect.DESCRIPTOR)
            yield _table(LEAVES_PA + PAGE * index, {0: leaf})

    def _leaf(self, leaves: Mapping[Symbol, Descriptor], name: str, aspect: Aspect) -> int:
        """Return the bits of the leaf that `aspect` of a location names."""
        default = {
            Aspect.DESCRIPTOR: Descriptor(Symbol(name, Aspect.PHYSICAL)),
            Aspect.DESCRIPTOR_OF_DESCRIPTOR: Descriptor(Symbol(name, Aspect.DESCRIPTOR), el0=0),
        }[aspect]
        leaf = leaves.get(Symbol(name, aspect), default)
        return encode(leaf, self.physical(leaf.oa))

    @staticmethod
    def _private(pa: int) -> int:
        """Return the leaf of a page that EL0 cannot reach."""
        return encode(Descriptor(Symbol(""), el0=0), pa)


def _table(address: int, entries: Mapping[int, int]) -> MemoryRange:
    words = tuple(entries.get(index, 0) for index in range(max(entries, default=0) + 1))
    return MemoryRange(PhysicalAddress(address), PAGE, words=words)
