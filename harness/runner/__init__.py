"""From a scenario to what happened: lay out the image, run it on a machine, record the trace."""

from __future__ import annotations

from harness.execution import Execution
from harness.machine.policies import Policy
from harness.runner.execute import execute
from harness.runner.image import Image, build_image
from harness.runner.judged import JudgedRun
from harness.runner.mmu import Mmu, expecting, open_machine
from harness.scenario import Scenario

__all__ = [
    "Image",
    "JudgedRun",
    "Mmu",
    "build_image",
    "execute",
    "expecting",
    "open_machine",
    "run",
    "run_and_judge",
]


def run(
    scenario: Scenario,
    *,
    assembler: str | None = None,
    mmu: Mmu = Mmu.UNICORN,
    policy: Policy | None = None,
) -> Execution:
    """Run a scenario under Unicorn's own MMU, or under the reference model with a TLB policy.

    `assembler`: `keystone` or `gnu`; None lets the snippet choose. `policy` None is `fresh`.
    Errors of the scenario are InputErrors with their place; a fault of the guest is part of the
    Execution.
    """
    image = build_image(scenario, assembler)
    machine = open_machine(image, scenario, mmu, policy)
    try:
        return execute(scenario, image, machine)
    finally:
        machine.close()


def run_and_judge(
    scenario: Scenario,
    *,
    assembler: str | None = None,
    mmu: Mmu = Mmu.UNICORN,
    policy: Policy | None = None,
) -> JudgedRun:
    """Run a scenario and hold it against the reference model and its own expectations."""
    from harness.oracle.judge import judge
    from harness.runner.expectation import missed_expectations

    held = expecting(scenario, mmu, policy)
    execution = run(held, assembler=assembler, mmu=mmu, policy=policy)
    return JudgedRun(execution, judge(execution), missed_expectations(execution))
