"""The tables of a scenario that a dump is made of: as they are built, or as its run leaves them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.library import find
from harness.memory import PhysicalMemory
from harness.report.dump_text import Marker, kernel_markers
from harness.report.dump_walk import TablesSeen
from harness.runner import Mmu, build_image, execute, open_machine
from harness.runner.registers import geometry_of, table_base
from harness.scenario import Scenario
from harness.scenario_file import load
from harness.tables.geometry import Geometry

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class HalfState:
    """One half's tables, and the names of its regions."""

    tables: TablesSeen
    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class Dumped:
    """The tables of a scenario at one moment, the low half first."""

    name: str
    moment: str
    halves: tuple[HalfState, ...]


def dumped(name: str, arguments: argparse.Namespace, *, after: bool) -> Dumped:
    """Return the tables of a scenario before its first instruction, or after its last."""
    scenario = load(find(name))
    image = build_image(scenario)
    memory: PhysicalMemory = image.memory
    registers: Mapping[str, int] = image.system_registers
    if after:
        machine = open_machine(image, scenario, Mmu(arguments.mmu))
        try:
            execution = execute(scenario, image, machine)
        finally:
            machine.close()
        memory, registers = execution.final_memory, execution.trace.registers
    wanted = {None: (False, True), "low": (False,), "high": (True,)}[arguments.half]
    halves = tuple(_half(scenario, registers, memory, high=high) for high in wanted)
    return Dumped(scenario.name, AFTER if after else BEFORE, halves)


def _half(
    scenario: Scenario, registers: Mapping[str, int], memory: PhysicalMemory, *, high: bool
) -> HalfState:
    geometry = geometry_of(registers, scenario.profile, high=high)
    root = table_base(registers["TTBR1_EL1" if high else "TTBR0_EL1"], geometry)
    tables = TablesSeen(geometry, root, memory, registers["MAIR_EL1"])
    return HalfState(tables, (*kernel_markers(geometry), *_named(scenario, geometry)))


def _named(scenario: Scenario, geometry: Geometry) -> Iterator[Marker]:
    """Yield the markers of the regions that the scenario names."""
    for region in scenario.maps:
        if region.name and geometry.contains(region.va):
            yield Marker(region.va, f"{region.name} start")
            yield Marker(region.va + region.size, f"{region.name} end")
