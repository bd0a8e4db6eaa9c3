"""Runs an image on a machine: injections at their moments, every event recorded."""

from __future__ import annotations

from harness.arch.addresses import VirtualAddress
from harness.execution import Execution
from harness.machine.injections import Injector, Locate
from harness.machine.machine import Machine
from harness.machine.program import Program
from harness.runner.image import Image
from harness.runner.program import stop_addresses
from harness.runner.registers import geometry_of, table_base
from harness.scenario import Scenario
from harness.tables.editor import Entry, find
from harness.trace import Event, Trace

GENERAL_REGISTERS = (*(f"x{number}" for number in range(31)), "sp", "pc", "pstate")
_TRANSLATION = ("TCR_EL1", "TCR2_EL1")
_SELECTOR = 55
"""Bit of an address that chooses the half, whatever its tag is (AArch64.GetVARange)."""


def execute(scenario: Scenario, image: Image, machine: Machine) -> Execution:
    """Run the image, which `machine` was opened on, to its end."""
    machine.write_registers({**image.system_registers, **image.registers})
    registers = dict(machine.system_registers())
    recorder = _Recorder(scenario, image.program, machine)
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

    def __init__(self, scenario: Scenario, program: Program, machine: Machine) -> None:
        self.events: list[Event] = []
        self._injector = Injector(
            scenario.injections,
            machine=machine,
            labels=program.symbols,
            locate=locate_in(machine, scenario),
            emit=self.event,
            at=scenario.at,
        )
        self.before_instruction = self._injector.before_instruction
        self.after_fault = self._injector.after_fault

    def event(self, event: Event) -> None:
        """Write it down."""
        self.events.append(event)


def locate_in(machine: Machine, scenario: Scenario) -> Locate:
    """Return how descriptors are found: through the translation registers as they are then."""

    def locate(va: VirtualAddress, level: int | None) -> Entry:
        read = machine.read_register
        high = bool(va >> _SELECTOR & 1)
        registers = {name: read(name) for name in _TRANSLATION}
        geometry = geometry_of(registers, scenario.profile, high=high)
        root = table_base(read("TTBR1_EL1" if high else "TTBR0_EL1"), geometry)
        return find(geometry, root, machine, va, level)

    return locate
