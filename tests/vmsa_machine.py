"""A small machine for tests of the reference model: one walk whose every descriptor is known.

The 4K granule with 39-bit addresses walks levels 1, 2 and 3 from TTBR0_EL1 (or TTBR1_EL1 for an
address in the upper half). Every index on the way is 0 unless the address says otherwise, the
leaf is at `level`, and each test overrides only what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.arch.addresses import VirtualAddress
from harness.arch.features import Feature, Profile
from harness.arch.implementation import Implementation
from harness.memory import WordMemory
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.outcome import Fault, Outcome, Step, Translation
from harness.vmsa.translate import Mmu

TABLES = {1: 0x1000, 2: 0x2000, 3: 0x3000}
STAGE2_TABLES = {1: 0x10_1000, 2: 0x10_2000, 3: 0x10_3000}
OUTPUT = 0x4000_0000
VALID, PAGE, AF, INNER = 1, 0b11, 1 << 10, 0b11 << 8
AP_EL0, AP_READ_ONLY = 1 << 6, 1 << 7
DBM, CONTIGUOUS, PXN, UXN, NT = 1 << 51, 1 << 52, 1 << 53, 1 << 54, 1 << 16
NORMAL, DEVICE, NON_CACHEABLE = 0 << 2, 1 << 2, 2 << 2
"""AttrIndx into `MAIR`."""
MAIR = 0x44_00_FF
LEAF = OUTPUT | PAGE | AF | INNER
"""A page, or with `block` a block: Normal write-back, readable and writable at EL1, executable."""
SCTLR = 0x1005
"""M, C, I."""
TCR = 25 | 25 << 16 | 0b10 << 30 | 5 << 32
"""T0SZ = T1SZ = 25, TG0 = TG1 = 4K, IPS = 48 bits."""
VA = 0xABC
HIGH = 0xFFFF_FF80_0000_0ABC


def block(leaf: int = LEAF) -> int:
    """Return a leaf as a block descriptor."""
    return leaf & ~0b10


@dataclass(frozen=True)
class Machine:
    """All that an answer depends on, with defaults that translate `VA` to `OUTPUT` + 0xabc."""

    leaf: int = LEAF
    level: int = 3
    tables: int = 0
    """Bits set in every table descriptor."""
    features: frozenset[Feature] = frozenset({Feature.PAN, Feature.UAO, Feature.HPDS})
    pa_bits: int = 48
    choices: Implementation = Implementation()
    sctlr: int = SCTLR
    tcr: int = TCR
    regime: str = "EL1&0"
    registers: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[int, int] = field(default_factory=dict)
    """Further memory, which wins over the tables."""

    def having(self, *features: Feature, **changes: Any) -> Machine:  # noqa: ANN401 - any field
        """Return this machine with more features, and with `changes`."""
        return replace(self, features=self.features | set(features), **changes)

    def memory(self) -> WordMemory:
        """Return the tables down to the leaf, and `words`."""
        words = {}
        for level in range(1, self.level):
            words[TABLES[level]] = TABLES[level + 1] | PAGE | self.tables
        words[TABLES[self.level]] = self.leaf
        return WordMemory({**words, **self.words})

    def mmu(self) -> Mmu:
        """Return the MMU with its registers set."""
        suffix = "_EL1" if self.regime == "EL1&0" else "_EL2"
        registers = {
            f"SCTLR{suffix}": self.sctlr,
            f"TCR{suffix}": self.tcr,
            f"MAIR{suffix}": MAIR,
            f"TTBR0{suffix}": TABLES[1],
            f"TTBR1{suffix}": TABLES[1],
            **self.registers,
        }
        profile = Profile("test", self.features, self.pa_bits, self.choices)
        return Mmu(profile, registers, self.regime)

    def ask(self, va: int = VA, kind: str = "read", **access: Any) -> Outcome:  # noqa: ANN401
        """Return the outcome of one access."""
        return self.mmu().translate(self.memory(), make_access(va, kind, **access))

    def ok(self, va: int = VA, kind: str = "read", **access: Any) -> Translation:  # noqa: ANN401
        """Return the translation; fails if the access faults."""
        outcome = self.ask(va, kind, **access)
        assert isinstance(outcome, Translation), outcome
        return outcome

    def fault(self, va: int = VA, kind: str = "read", **access: Any) -> Fault:  # noqa: ANN401
        """Return the fault; fails if the access succeeds."""
        outcome = self.ask(va, kind, **access)
        assert isinstance(outcome, Fault), outcome
        return outcome

    def steps(self, va: int = VA, kind: str = "read", **access: Any) -> tuple[Step, ...]:  # noqa: ANN401
        """Return the steps of one access."""
        return self.mmu().steps(self.memory(), make_access(va, kind, **access))[1]


def make_access(va: int, kind: str = "read", **access: Any) -> Access:  # noqa: ANN401
    """Return an access of 4 bytes at EL1, unless `access` says otherwise."""
    operation = Operation(access.pop("operation", "plain"))
    access.setdefault("size", 4)
    return Access(VirtualAddress(va), AccessKind(kind), operation=operation, **access)


def what(fault: Fault) -> tuple[str, int | None]:
    """Return the kind and level of a fault, which most tests are about."""
    return fault.kind.value, fault.level
