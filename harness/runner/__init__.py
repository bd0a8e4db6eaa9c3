"""From a scenario to what happened: lay out the image, run it on a machine, record the trace."""

from __future__ import annotations

from harness.execution import Execution
from harness.runner.execute import execute
from harness.runner.image import Image, build_image
from harness.runner.judged import JudgedRun
from harness.scenario import Scenario

__all__ = ["Image", "JudgedRun", "build_image", "execute", "run", "run_and_judge"]


def run(scenario: Scenario, *, assembler: str | None = None) -> Execution:
    """Run a scenario under Unicorn's own MMU.

    `assembler`: `keystone` or `gnu`; None lets the snippet choose. Errors of the scenario are
    InputErrors with their place; a fault of the guest is part of the Execution.
    """
    from harness.machine.unicorn_machine import UnicornMachine

    image = build_image(scenario, assembler)
    machine = UnicornMachine(image.memory, tables=image.tables)
    try:
        return execute(scenario, image, machine)
    finally:
        machine.close()


def run_and_judge(scenario: Scenario, *, assembler: str | None = None) -> JudgedRun:
    """Run a scenario and hold it against the reference model and its own expectations."""
    from harness.oracle.judge import judge
    from harness.runner.expectation import missed_expectations

    execution = run(scenario, assembler=assembler)
    return JudgedRun(execution, judge(execution), missed_expectations(execution))
