"""Runs an image on a machine: injections at their moments, every event recorded."""

from __future__ import annotations

from collections.abc import Iterator

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.encodings import encoding
from harness.execution import Execution
from harness.machine.injections import Injector, Locate, Operate
from harness.machine.machine import Machine
from harness.operations import KernelTables, operate
from harness.operations.steps import Step
from harness.runner.image import Image
from harness.runner.program import stop_addresses
from harness.runner.registers import geometry_of, table_base
from harness.scenario import Operation, Scenario
from harness.tables.editor import Entry, find
from harness.tables.geometry import Geometry
from harness.tables.pool import TablePool
from harness.trace import Event, Trace

GENERAL_REGISTERS = (*(f"x{number}" for number in range(31)), "sp", "pc", "pstate")
_TRANSLATION = ("TCR_EL1", "TCR2_EL1")
_BBM_IN_PLACE = 2
"""The level of FEAT_BBM with which the size of live leaves may change in place."""
_SELECTOR = 55
"""Bit of an address that chooses the half, whatever its tag is (AArch64.GetVARange)."""


def execute(scenario: Scenario, image: Image, machine: Machine) -> Execution:
    """Run the image, which `machine` was opened on, to its end."""
    machine.write_registers({**image.system_registers, **image.registers})
    registers = dict(machine.system_registers())
    recorder = _Recorder(scenario, image, machine)
    end = machine.run(image.program, recorder, scenario.run.limits, stop_addresses(image.program))
    left = {name: machine.read_register(name) for name in GENERAL_REGISTERS}
    return Execution(
        scenario=scenario,
        engine=machine.name,
        system_registers=registers,
        memory=image.memory,
        trace=Trace((*recorder.events, end), {**left, **machine.system_registers()}),
        final_memory=machine.memory(),
    )


class _Recorder:
    """Writes every event down, and lets the injector act before each instruction."""

    def __init__(self, scenario: Scenario, image: Image, machine: Machine) -> None:
        self.events: list[Event] = []
        self._injector = Injector(
            scenario.injections,
            machine=machine,
            labels=image.program.symbols,
            locate=locate_in(machine, scenario),
            emit=self.event,
            at=scenario.at,
            operate=operate_in(machine, scenario, image.table_space),
        )
        self.before_instruction = self._injector.before_instruction
        self.after_fault = self._injector.after_fault

    def event(self, event: Event) -> None:
        """Write it down."""
        self.events.append(event)


def locate_in(machine: Machine, scenario: Scenario) -> Locate:
    """Return how descriptors are found: through the translation registers as they are then."""

    def locate(va: VirtualAddress, level: int | None) -> Entry:
        geometry, root = _half_of(machine, scenario, va)
        return find(geometry, root, machine, va, level)

    return locate


def operate_in(machine: Machine, scenario: Scenario, table_space: range) -> Operate:
    """Return how a kernel's operations are done on the tables of a machine.

    New tables go to the lowest memory of `table_space` that holds nothing: no other state is
    kept, so that a machine which goes back to an earlier state gives the same tables again.
    """

    def steps(operation: Operation) -> Iterator[Step]:
        geometry, root = _half_of(machine, scenario, operation.va)
        implementation = scenario.profile.implementation
        tables = KernelTables(
            encoding(operation.encoding),
            geometry,
            root,
            machine,
            _free(machine, table_space, geometry.granule.size),
            resizes_live=implementation.bbm_level == _BBM_IN_PLACE and implementation.bbm_no_abort,
        )
        return operate(tables, operation.name, operation.va, operation.size)

    return steps


def _free(machine: Machine, space: range, size: int) -> TablePool:
    """Return the part of `space` from the first table's worth of memory on that is all zero."""
    empty = bytes(size)
    place = -(-space.start // size) * size
    while place + size <= space.stop and machine.read_memory(PhysicalAddress(place), size) != empty:
        place += size
    return TablePool(PhysicalAddress(place), max(0, space.stop - place))


def _half_of(
    machine: Machine, scenario: Scenario, va: VirtualAddress
) -> tuple[Geometry, PhysicalAddress]:
    """Return the tables of the half that `va` lies in, as the translation registers have them."""
    read = machine.read_register
    high = bool(va >> _SELECTOR & 1)
    registers = {name: read(name) for name in _TRANSLATION}
    geometry = geometry_of(registers, scenario.profile, high=high)
    return geometry, table_base(read("TTBR1_EL1" if high else "TTBR0_EL1"), geometry)
