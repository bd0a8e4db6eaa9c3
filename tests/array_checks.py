"""Holds the model's form for arrays of descriptors to the scalar form, value by value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from harness.arch.addresses import PhysicalAddress
from harness.cases import Case
from harness.errors import UnsupportedError
from harness.memory import WordMemory
from harness.vmsa.translate import Mmu
from harness.vmsa.vectorised import DescriptorArray, GoesOn, Refused, Verdict


@dataclass
class Reads:
    """Memory that notes which words a translation reads, in their order."""

    words: dict[int, int]
    addresses: list[int] = field(default_factory=list)

    def read64(self, address: PhysicalAddress) -> int:
        """Return the word, 0 where there is none."""
        self.addresses.append(address)
        return self.words.get(address, 0)


def scalar(mmu: Mmu, words: dict[int, int], case: Case) -> tuple[Verdict, list[int]]:
    """Return the scalar form's answer and the addresses that it read."""
    reads = Reads(words)
    try:
        return mmu.translate(reads, case.access), reads.addresses
    except UnsupportedError as error:
        return Refused(str(error)), reads.addresses


def check(case: Case, address: int, values: list[int]) -> Counter[str]:
    """Hold the array of the descriptor at `address` to the scalar form; count what came out."""
    mmu = Mmu(case.profile, case.registers, case.regime)
    array = DescriptorArray(mmu, WordMemory(case.memory), case.access, address)
    found: Counter[str] = Counter()
    for value, verdict in zip(values, array.translate(values), strict=True):
        expected, read = scalar(mmu, {**case.memory, address: value}, case)
        if isinstance(verdict, GoesOn):
            if not mmu.context.stage2_enabled:
                following = read[read.index(address) + 1]
                assert following & ~0xFFFF == verdict.pa & ~0xFFFF, (case.id, hex(value))
        else:
            assert verdict == expected, (case.id, hex(value))
        found[type(verdict).__name__] += 1
    return found


def looked_up(case: Case) -> list[int]:
    """Return the addresses of the descriptors that the case's access looks at, in their order."""
    mmu = Mmu(case.profile, case.registers, case.regime)
    return list(dict.fromkeys(scalar(mmu, dict(case.memory), case)[1]))


def flipped(value: int, generator: np.random.Generator, count: int) -> list[int]:
    """Return values with one to four bits of `value` flipped."""
    masks = [generator.integers(0, 64, generator.integers(1, 5)) for _ in range(count)]
    return [value ^ int(np.bitwise_or.reduce(1 << mask.astype(np.uint64))) for mask in masks]


def check_everywhere(case: Case, generator: np.random.Generator) -> Counter[str]:
    """Check every descriptor that the case looks at: its value, changed values, random ones."""
    found: Counter[str] = Counter()
    for address in looked_up(case):
        value = case.memory.get(address, 0)
        values = [value, *flipped(value, generator, 12)]
        values += generator.integers(0, 1 << 64, 4, np.uint64).tolist()
        found += check(case, address, values)
    return found
