"""Who translates in a run, and the machine for it."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from harness.machine.machine import Machine
from harness.machine.policies import Policy, Random, Stale
from harness.runner.image import Image
from harness.scenario import Scenario


class Mmu(StrEnum):
    """What `--mmu` names."""

    UNICORN = "unicorn"
    """Unicorn's own MMU: QEMU's walker and TLB, with the departures that are known of it."""
    MODEL = "model"
    """The reference model: Unicorn executes."""


def open_machine(
    image: Image, scenario: Scenario, mmu: Mmu, policy: Policy | None = None
) -> Machine:
    """Open a machine on the image; `policy`, `fresh` if None, chooses for the reference model."""
    if mmu is Mmu.MODEL:
        from harness.machine.model_machine import ModelMachine

        return ModelMachine(image.memory, scenario.profile, policy=policy, tables=image.tables)
    from harness.machine.unicorn_machine import UnicornMachine

    return UnicornMachine(image.memory, tables=image.tables)


def expecting(scenario: Scenario, mmu: Mmu, policy: Policy | None = None) -> Scenario:
    """Return the scenario with the expectation that holds under this MMU and policy.

    Under a random policy none does: any permitted outcome may come.
    """
    expect = scenario.expect
    if expect is None or mmu is Mmu.UNICORN:
        return scenario
    if isinstance(policy, Random):
        return replace(scenario, expect=None)
    held = expect.model or expect
    if isinstance(policy, Stale):
        held = expect.stale or held
    return replace(scenario, expect=held)
