"""Which machine a run is made on, and what is expected of it there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runs import scenario

from harness.errors import ValueSyntaxError
from harness.machine.model_machine import ModelMachine
from harness.machine.policies import Fresh, Random, Stale, Witness, policy_named
from harness.machine.unicorn_machine import UnicornMachine
from harness.runner import Mmu, build_image, expecting, open_machine
from harness.scenario import Expect

ALL = Expect(level=3, model=Expect(level=2), stale=Expect(level=1))


def test_the_machine_is_that_of_the_mmu_and_names_its_policy() -> None:
    given = scenario()
    image = build_image(given)
    for mmu, kind, name in (
        (Mmu.UNICORN, UnicornMachine, "its own MMU"),
        (Mmu.MODEL, ModelMachine, "the reference model as its MMU, TLB random:7"),
    ):
        machine = open_machine(image, given, mmu, Random(7))
        assert type(machine) is kind
        assert machine.name.endswith(name)
        machine.close()


@pytest.mark.parametrize(
    ("mmu", "policy", "level"),
    [
        (Mmu.UNICORN, None, 3),
        (Mmu.MODEL, None, 2),
        (Mmu.MODEL, Fresh(), 2),
        (Mmu.MODEL, Witness(()), 2),
        (Mmu.MODEL, Stale(), 1),
    ],
)
def test_what_is_expected_depends_on_who_translates(
    mmu: Mmu, policy: Fresh | Stale | None, level: int
) -> None:
    held = expecting(scenario(ALL), mmu, policy).expect
    assert held is not None
    assert held.level == level


def test_what_is_not_stated_apart_is_expected_of_all() -> None:
    given = scenario(Expect(level=3))
    for policy in (Fresh(), Stale()):
        assert expecting(given, Mmu.MODEL, policy).expect == Expect(level=3)
    below = scenario(replace(ALL, stale=None))
    held = expecting(below, Mmu.MODEL, Stale()).expect
    assert held is not None
    assert held.level == 2


def test_of_a_random_policy_nothing_is_expected() -> None:
    assert expecting(scenario(ALL), Mmu.MODEL, Random(1)).expect is None
    assert expecting(scenario(), Mmu.MODEL, Fresh()).expect is None


@pytest.mark.parametrize("policy", [Fresh(), Stale(), Random(0), Random(12)])
def test_a_policy_is_known_by_its_name(policy: Fresh | Stale | Random) -> None:
    assert policy_named(policy.name) == policy


@pytest.mark.parametrize("text", ["", "Fresh", "random", "random:", "random:-1", "random:x", "lru"])
def test_another_name_is_no_policy(text: str) -> None:
    with pytest.raises(ValueSyntaxError, match="fresh, stale or random:SEED"):
        policy_named(text)
