"""A scenario: this machine, these mappings, this snippet, these injections. Plain values.

Every table of a `*.scenario.toml` file is one of these classes, so that a test can state a
scenario in Python without any file. Reading files is `harness.scenario_file`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.features import Profile
from harness.arch.granule import Granule
from harness.errors import Location
from harness.trace import EndReason
from harness.vmsa.access import AccessKind

SHAPES = ("page", "block", "contiguous")
"""How a mapping may ask to be built."""

FILLS = ("zero", "pattern", "absent")
"""What a range of memory may hold; `absent`: nothing is there, an access is an external abort."""


@dataclass(frozen=True, slots=True)
class Half:
    """Geometry of one TTBR's half of the address space; `granule` and `va_bits` set TCR_EL1."""

    granule: Granule
    va_bits: int


@dataclass(frozen=True, slots=True)
class TranslationSetup:
    """The translation registers: geometry of both halves, and registers stated whole.

    `registers` wins over what the geometry implies; a TTBR that is absent is given to the root of
    the tables that the harness builds. `fields` replaces single fields of what then results:
    register, to the manual's field names, to contents.
    """

    low: Half
    high: Half
    registers: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Map:
    """Map `size` bytes at `va` to `pa`.

    `leaf_bits` are the attribute bits of a leaf (validity and type bits left to the builder,
    unless `descriptor` gives one whole leaf). `shape`: None lets the builder choose, else `page`,
    `block`, `contiguous` with an optional `level`.
    """

    va: VirtualAddress
    pa: PhysicalAddress
    size: int
    leaf_bits: int
    attributes: str
    """As written in the file, for messages and reports."""
    shape: str | None = None
    level: int | None = None
    descriptor: int | None = None
    name: str = ""
    """Of the region, for dumps."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class MemoryRange:
    """Physical memory stated by the scenario: contents, or an alias of another range."""

    pa: PhysicalAddress
    size: int
    fill: str | None = None
    """One of FILLS; `pattern`: each 8-byte word holds its own physical address."""
    words: tuple[int, ...] = ()
    """64-bit little-endian words from `pa` on."""
    alias_of: PhysicalAddress | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a run; reaching one makes it incomplete, never a verdict."""

    instructions: int = 100_000
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Run:
    """What executes: `snippet` assembled at `code`, from `entry`, at `el`, with `registers`.

    One of `snippet` (a file), `text` (assembly) and `words` (instruction words) is given.
    `vectors` names the label that VBAR_EL1 points to; empty means that the first exception ends
    the run.
    """

    snippet: Path | None = None
    text: str = ""
    words: tuple[int, ...] = ()
    entry: str = ""
    """Label or address (`0x…`) to start at; empty means the first instruction."""
    el: int = 1
    pstate: Mapping[str, int] = field(default_factory=dict)
    """PSTATE fields that differ from the default (DAIF set, SP_EL1, all else 0): `PAN`, `UAO`."""
    registers: Mapping[str, int] = field(default_factory=dict)
    """x0…x30, sp (of `el`), sp_el0."""
    code: VirtualAddress | None = None
    """Where the snippet is mapped; None lets the harness choose a free place."""
    code_pa: PhysicalAddress | None = None
    vectors: str = ""
    limits: Limits = Limits()
    line: int = 0


@dataclass(frozen=True, slots=True)
class AtLabel:
    """Before the instruction at `label` executes for the `hit`-th time."""

    label: str
    hit: int = 1


@dataclass(frozen=True, slots=True)
class AtInstruction:
    """Before the `number`-th executed instruction."""

    number: int


@dataclass(frozen=True, slots=True)
class AtAccess:
    """Before the instruction that makes the `hit`-th access to [va, va + size) executes."""

    va: VirtualAddress
    size: int
    kind: AccessKind | None = None
    hit: int = 1


@dataclass(frozen=True, slots=True)
class AtFault:
    """After the `number`-th fault was taken, before its handler's first instruction."""

    number: int


When = AtLabel | AtInstruction | AtAccess | AtFault


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of the descriptor that maps `va` at `level` (None: where the walk ends).

    New value: `descriptor`, if given, else the old one with `clear_bits` cleared, then `set_bits`
    set.
    """

    va: VirtualAddress
    level: int | None = None
    clear_bits: int = 0
    set_bits: int = 0
    descriptor: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """What a kernel does to the entries of [va, va + size), with the maintenance that it issues.

    `name` is one of `harness.operations.operations_of` the encoding called `encoding`.
    """

    encoding: str
    name: str
    va: VirtualAddress
    size: int


@dataclass(frozen=True, slots=True)
class Injection:
    """When, what, and which maintenance follows (assembly, such as `tlbi vaae1`, `dsb ish`)."""

    when: When
    edit: Edit | Operation
    maintenance: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Expect:
    """What the author expects to see; the reference model judges in any case. None: not stated."""

    fault: FaultKind | None = None
    no_fault: bool = False
    level: int | None = None
    access: AccessKind | None = None
    esr: int | None = None
    far: VirtualAddress | None = None
    end: EndReason | None = None
    registers: Mapping[str, int] = field(default_factory=dict)
    memory: Mapping[int, int] = field(default_factory=dict)
    """Physical address to 64-bit word, at the end of the run."""
    model: Expect | None = None
    """What holds instead under the reference MMU; None: the same."""
    stale: Expect | None = None
    """What holds instead of that with its TLB policy `stale`; None: the same."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that determines a run."""

    name: str
    summary: str
    profile: Profile
    translation: TranslationSetup
    maps: tuple[Map, ...]
    run: Run
    memory: tuple[MemoryRange, ...] = ()
    injections: tuple[Injection, ...] = ()
    expect: Expect | None = None
    table_pool: PhysicalAddress | None = None
    """Where built tables go; None lets the harness choose memory that nothing else uses."""
    source: Path | None = None

    def at(self, line: int = 0) -> Location | None:
        """Return the place of a line of the scenario's file; None where there is no file."""
        return Location(str(self.source), line) if self.source else None
