"""An access for a case: an address that mostly is in range, and who makes it how."""

from __future__ import annotations

from harness.arch.addresses import VirtualAddress
from harness.sweep.dice import Dice
from harness.sweep.recipes import AT_BOTH, Recipe
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.context import Context

_PAGE = 4096
_TOP_BYTE = 56
_WORD = 4
_WIDEST = 64
_PLAIN_SIZES = (1, 2, 4, 8)


def make_access(dice: Dice, recipe: Recipe, context: Context) -> Access:
    """Return an access that crosses no page."""
    va = _address(dice, context)
    pan, uao = dice.chance(0.4), dice.chance(0.3)
    if recipe.at:
        operation = dice.one_of(recipe.at)
        el = 2 if operation in AT_BOTH else _el_of_at(dice, recipe)
        return Access(va, AccessKind.AT, el=el, pan=pan, uao=uao, operation=operation)
    el = dice.one_of(context.regime.exception_levels)
    if recipe.operations:
        operation, kind, sizes = dice.one_of(recipe.operations)
        size = dice.one_of(sizes)
        return Access(_place(dice, recipe, va, size), kind, size, el, pan, uao, False, operation)
    kind = dice.one_of(recipe.kinds)
    if kind is AccessKind.FETCH:
        return Access(VirtualAddress(va & -_WORD), kind, _WORD, el, pan, uao)
    size = dice.one_of(_PLAIN_SIZES)
    unprivileged = el > 0 and dice.chance(recipe.unprivileged)
    place = _place(dice, recipe, va, size)
    return Access(place, kind, size, el, pan, uao, unprivileged, Operation.PLAIN)


def _el_of_at(dice: Dice, recipe: Recipe) -> int:
    return dice.one_of((1, 2)) if recipe.stage2 else 1


def _place(dice: Dice, recipe: Recipe, va: int, size: int) -> VirtualAddress:
    """Return the address, aligned to the size unless it may be otherwise."""
    if not dice.chance(recipe.misaligned):
        va &= -size
    elif va % _PAGE > _PAGE - size:
        va -= size
    return VirtualAddress(va)


def _address(dice: Dice, context: Context) -> VirtualAddress:
    halves = context.regime.has_unprivileged and context.stage1_enabled
    upper = halves and dice.chance(0.5)
    sign = (1 << _WIDEST) - 1 if upper else 0
    width = _width(context, sign)
    va = sign >> width << width | dice.bits(width)
    if dice.chance(0.1):
        # A tag, which is an address out of range where it is not ignored.
        va = va & (1 << _TOP_BYTE) - 1 | dice.bits(8) << _TOP_BYTE
    elif dice.chance(0.03):
        va ^= 1 << dice.between(width, _WIDEST - 1) if width < _WIDEST else 0
    return VirtualAddress(va)


def _width(context: Context, sign: int) -> int:
    """Return how many bits of an address are translated."""
    if context.stage1_enabled:
        walk = context.stage1(sign).walk
        return walk.ia_bits if walk is not None else 48
    if context.stage2_enabled and context.stage2.walk is not None:
        return min(context.stage2.walk.ia_bits, context.profile.pa_bits)
    return context.profile.pa_bits
