"""How fast the reference model answers, in each of its forms, beside Unicorn: `make bench`.

All rows come from one run on one core, and count its processor time, so that what else runs there
matters little. The same descriptors are asked of the scalar form, of the arrays and of Unicorn's AT
loop, whose answers are compared first.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from at_loop import LEVEL, LEVEL2_HIGH, REGISTERS, VA, AtLoop

from harness.arch.addresses import VirtualAddress
from harness.arch.features import PROFILES
from harness.arch.registers import par
from harness.cases import Case, case_line
from harness.memory import WordMemory
from harness.oracle.translator import Translator
from harness.oracle.unicorn_translator import UnicornTranslator
from harness.sweep import CATEGORIES, generate_cases
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.outcome import Translation
from harness.vmsa.translate import Mmu
from harness.vmsa.vectorised import DescriptorArray, Words

CASES_OF_EACH, CASES = 400, 24_000
UNICORN_CASES = ("basic", "priv", "hafdbs")
SCALAR, LOOP, ARRAY = 20_000, 500_000, 4_000_000
COMPARED = 2_000
ROUNDS = 3
AT = Access(VirtualAddress(VA), AccessKind.AT, operation=Operation.AT_S1E1R)
BOTH_KNOW = np.uint64(par.F.mask | par.PA.mask & (1 << 44) - 1)
"""Unicorn's core has 44 bits of physical addresses."""


def rate(count: int, work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return how many a second, of `count`, in the best of some rounds."""
    times = []
    for _ in range(rounds):
        start = processor_time()
        work()
        times.append(processor_time() - start)
    return count / min(times)


def processor_time() -> float:
    """Return the seconds that this process and its finished children have used."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def blocks(count: int) -> Words:
    """Return block descriptors with random attributes and addresses of 44 bits."""
    random = np.random.default_rng(1).integers(0, 1 << 63, count, np.uint64)
    attributes = np.uint64(0b11 << 53 | 0b11111 << 6 | 1)
    address = np.uint64((1 << 44) - (1 << 21))
    return random & (attributes | address)


def scalar(mmu: Mmu, descriptors: Words) -> list[int]:
    """Return PAR_EL1 for each descriptor, by the scalar form."""
    words = {REGISTERS["TTBR1_EL1"]: LEVEL2_HIGH | 0b11}
    found = []
    for descriptor in descriptors.tolist():
        words[LEVEL2_HIGH] = descriptor
        outcome = mmu.translate(WordMemory(words), AT)
        assert isinstance(outcome, Translation)
        found.append(outcome.par or 0)
    return found


def everything(array: DescriptorArray, descriptors: Words) -> tuple[object, ...]:
    """Have the arrays say all that they can."""
    found = array.translate(descriptors)
    return (
        found.fault, found.level, found.esr, found.pa, found.attributes, found.updated, found.par,
    )  # fmt: skip


def compare(mmu: Mmu, array: DescriptorArray, loop: AtLoop) -> None:
    """Stop if the three do not give the same answers."""
    descriptors = blocks(COMPARED)
    by_array = array.translate(descriptors).par
    assert by_array.tolist() == scalar(mmu, descriptors)
    assert np.array_equal(by_array & BOTH_KNOW, loop.ask(descriptors) & BOTH_KNOW)


def walk_cases(file: Path) -> None:
    """Answer a file of cases with the command, as a user does."""
    command = [sys.executable, "-m", "harness", "walk", "--cases", str(file)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def answer(translator: Translator, cases: list[Case]) -> None:
    for case in cases:
        translator.answer(case)


def main() -> None:
    mmu, loop = Mmu(PROFILES["neoverse-n1"], REGISTERS), AtLoop()
    array = DescriptorArray.at_level(mmu, AT, LEVEL)
    compare(mmu, array, loop)
    made = list(generate_cases(CATEGORIES, CASES_OF_EACH, seed=1))
    asked = [case for case in made if case.id.split("-")[0] in UNICORN_CASES]
    unicorn = UnicornTranslator()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.jsonl"
        file.write_text("\n".join(islice(cycle([case_line(case) for case in made]), CASES)))
        rows = [
            ("walk --cases, start to end: cases", rate(CASES, lambda: walk_cases(file))),
            (
                "Unicorn, a machine a case: cases",
                rate(len(asked), lambda: answer(unicorn, asked)),
            ),
        ]
    few, many, most = blocks(SCALAR), blocks(LOOP), blocks(ARRAY)
    at_loop = rate(LOOP, lambda: loop.ask(many))
    rows += [
        ("scalar form, one machine: descriptors", rate(SCALAR, lambda: scalar(mmu, few))),
        ("Unicorn's AT loop: descriptors", at_loop),
        ("array, verdicts and addresses: descriptors", rate(ARRAY, lambda: array.translate(most))),
        ("array, everything: descriptors", rate(ARRAY, lambda: everything(array, most))),
    ]
    write = sys.stdout.write
    write(f"{'':44}{'a second':>14}{'of the AT loop':>18}\n")
    for what, found in rows:
        write(f"{what:44}{found:14,.0f}{found / at_loop:17.3g}x\n")


if __name__ == "__main__":
    main()
