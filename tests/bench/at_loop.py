"""Unicorn's own walker asked about descriptors by a loop in the guest, without a single hook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.machine.assembler import assemble_file
from harness.machine.engine import STATE_PC
from harness.machine.host_memory import HostMemory
from harness.machine.unicorn_machine import UnicornEngine, calibrated_layout
from harness.memory import PhysicalMemory, Region
from harness.vmsa.vectorised import Words

RAM, RAM_SIZE = 0x8000_0000, 0x100_0000
CODE, TABLES, QUESTIONS, ANSWERS = RAM + 0x1_0000, RAM + 0x2_0000, RAM + 0x10_0000, RAM + 0x80_0000
LEVEL1, LEVEL1_HIGH, LEVEL2_HIGH = TABLES, TABLES + 0x1000, TABLES + 0x2000
AT_ONCE = (ANSWERS - QUESTIONS) // 8
VA = 0xFFFF_FF80_0000_0000
LEVEL = 2
"""Of the descriptor that is asked about, in the tables of TTBR1_EL1: 39 bits, 4KB granule."""
REGISTERS = {
    "MAIR_EL1": 0xFF,
    "TCR_EL1": 25 | 25 << 16 | 0b10 << 30 | 0b101 << 32,
    "TTBR0_EL1": LEVEL1,
    "TTBR1_EL1": LEVEL1_HIGH,
    "SCTLR_EL1": 0x30D0_1805,
}
_GIGABYTE_OF_RAM = RAM | 0x701
_EL1H = 0x3C5


class _Unhooked(UnicornEngine):
    """The engine as it runs fastest: nothing is reported."""

    def _connect(self) -> None:
        pass


class AtLoop:
    """The guest, ready to run; the same registers serve the reference model."""

    def __init__(self) -> None:
        image = PhysicalMemory([Region(PhysicalAddress(RAM), RAM_SIZE)])
        image.write64(PhysicalAddress(LEVEL1 + 8 * (RAM >> 30)), _GIGABYTE_OF_RAM)
        image.write64(PhysicalAddress(LEVEL1_HIGH), LEVEL2_HIGH | 0b11)
        program = assemble_file(Path(__file__).with_suffix(".S"), VirtualAddress(CODE))
        image.write(CODE, program.code)
        self._end = CODE + len(program.code) - 4
        self._memory = HostMemory(image)
        self._engine = _Unhooked(self._memory, calibrated_layout())
        self._engine.write_pstate(_EL1H)
        for name, value in REGISTERS.items():
            self._engine.write_system(name, value)

    def ask(self, descriptors: Words) -> Words:
        """Return PAR_EL1 for each descriptor."""
        return np.concatenate([*self._rounds(descriptors)])

    def _rounds(self, descriptors: Words) -> Iterator[Words]:
        for start in range(0, len(descriptors), AT_ONCE):
            part = descriptors[start : start + AT_ONCE]
            self._memory.write(QUESTIONS, part.tobytes())
            values = (LEVEL2_HIGH, VA, QUESTIONS, ANSWERS, len(part), 0, VA >> 12 & (1 << 44) - 1)
            for register, value in enumerate(values):
                self._engine.write_general(register, value)
            self._engine.write_general(STATE_PC, CODE)
            self._engine.emu_start(CODE, self._end)
            answers = self._memory.read(ANSWERS, 8 * len(part))
            assert answers is not None
            yield np.frombuffer(answers, np.uint64)
