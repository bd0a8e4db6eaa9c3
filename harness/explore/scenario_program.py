"""A scenario as a program to explore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.explore.machine_program import MachineProgram, Watched
from harness.machine.injections import Injector
from harness.machine.model_machine import ModelMachine
from harness.runner.execute import locate_in, operate_in
from harness.runner.image import Image, build_image
from harness.runner.program import stop_addresses
from harness.scenario import Scenario
from harness.trace import Event


@contextmanager
def scenario_program(
    scenario: Scenario,
    assembler: str | None = None,
    watched: Watched | None = None,
    injecting: type[Injector] | None = None,
) -> Iterator[MachineProgram]:
    """Give the scenario at its first instruction; its machine is closed afterwards.

    `injecting`: what takes the place of an Injector, even where there is no injection.

    `watched` None: x0…x30, every word of memory that changes, and whether hardware has set AF in
    the descriptors that `[expect]` names.
    """
    image = build_image(scenario, assembler)
    machine = ModelMachine(image.memory, scenario.profile, tables=image.tables)
    try:
        machine.write_registers({**image.system_registers, **image.registers})

        def injector(emit: Callable[[Event], None]) -> Injector:
            return (injecting or Injector)(
                scenario.injections,
                machine=machine,
                labels=image.program.symbols,
                locate=locate_in(machine, scenario),
                emit=emit,
                at=scenario.at,
                operate=operate_in(machine, scenario, image.table_space),
            )

        yield MachineProgram(
            machine,
            image.program,
            stop_addresses(image.program),
            watched or Watched(descriptors=_descriptors(scenario, image)),
            injector if scenario.injections or injecting else None,
        )
    finally:
        machine.close()


def _descriptors(scenario: Scenario, image: Image) -> tuple[int, ...]:
    """Return the words of tables of which `[expect]` states what they hold at the end."""
    stated = scenario.expect.memory if scenario.expect else {}
    return tuple(
        address for address in sorted(stated) if any(address in table for table in image.tables)
    )
