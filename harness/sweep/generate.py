"""Cases out of a seed: whole machines whose tables mostly make sense, and an access each.

Each case depends on its category, the seed and its number alone, so that any one of them can be
made again by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.cases import Case
from harness.errors import UnsupportedError
from harness.memory import WordMemory
from harness.sweep.accesses import make_access
from harness.sweep.dice import Dice
from harness.sweep.invention import Invention
from harness.sweep.machines import make_profile, make_registers
from harness.sweep.recipes import RECIPES, Recipe
from harness.vmsa.context import Context
from harness.vmsa.translate import translate
from harness.vmsa.walk import Trail

CATEGORIES = tuple(RECIPES)
_MUTATED = 0.25
"""How often descriptors have some bits flipped after the tables were made."""


def generate_cases(categories: Iterable[str], count: int, seed: int) -> Iterator[Case]:
    """Yield `count` cases of each category; KeyError for one that is not in CATEGORIES."""
    for category in categories:
        for number in range(1, count + 1):
            yield generate_case(category, seed, number)


def generate_case(category: str, seed: int, number: int) -> Case:
    """Return one case, which the reference model has an answer to."""
    recipe = RECIPES[category]
    dice = Dice(f"{category}/{seed}/{number}")
    while True:
        try:
            return _attempt(dice, recipe, f"{category}-{seed}-{number}")
        except UnsupportedError:
            # Reserved encodings, and combinations that nobody models: throw again.
            continue


def _attempt(dice: Dice, recipe: Recipe, identifier: str) -> Case:
    profile = make_profile(dice, recipe)
    registers = make_registers(dice, recipe, profile)
    context = Context(profile, registers, recipe.regime)
    access = make_access(dice, recipe, context)
    trail: Trail = []
    memory = Invention(dice, context, trail, access.va)
    translate(context, memory, access, trail)
    words = memory.words
    if words and dice.chance(_MUTATED):
        _mutate(dice, words)
        translate(context, WordMemory(words), access)
    return Case(identifier, profile, recipe.regime, registers, words, access)


def _mutate(dice: Dice, words: dict[int, int]) -> None:
    for _ in range(dice.between(1, 2)):
        address = dice.one_of(tuple(words))
        for _ in range(dice.between(1, 3)):
            words[address] ^= 1 << dice.bits(6)
