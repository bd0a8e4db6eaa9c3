"""Memory that makes up the descriptors which a walk asks for, and remembers them.

So the tables of a case lie where the walk looks, whatever the geometry, in either stage.
"""

from __future__ import annotations

from harness.arch.addresses import PhysicalAddress
from harness.arch.descriptors import d128 as wide
from harness.arch.descriptors import fields as bits
from harness.sweep.dice import Dice
from harness.vmsa.context import Context
from harness.vmsa.descriptor import BLOCK, LAST_LEVEL, TABLE, AddressFormat
from harness.vmsa.walk import Lookup, Trail, WalkParameters, kind_of

_INVALID = 0.03
_BLOCK = 0.45
_MISTAKEN_BLOCK = 0.02
"""How often a descriptor is a block where its level has blocks, and where it has none."""
_BLOCK_ALIGNMENT = 21
_SELDOM = 0.08
_STAGE2_TYPES = (0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 15, 15, 15, 15)
"""MemAttr that is not reserved, where HCR_EL2.FWB is clear."""
_ACCESSIBLE = 0.8
_STAGE2 = 2


class Invention:
    """The physical memory of a case in the making.

    `trail` is the trail of the walk that reads it: it tells which stage's descriptor comes next.
    """

    def __init__(self, dice: Dice, context: Context, trail: Trail, va: int) -> None:
        self._dice = dice
        self._context = context
        self._trail = trail
        self._stage1 = context.stage1(va).walk if context.stage1_enabled else None
        self._stage2 = context.stage2.walk if context.stage2_enabled else None
        self._overlays = bool(context.stage1_enabled and any(context.stage1(va).overlays))
        self.words: dict[int, int] = {}

    def read64(self, address: PhysicalAddress) -> int:
        """Return the word at `address`, a new descriptor if it was never read."""
        if address not in self.words:
            self.words[address] = self._invent(address)
        return self.words[address]

    def _invent(self, address: int) -> int:
        walk, level = self._next()
        if walk.d128:
            return self._d128(walk) if address % 16 == 0 else self._d128_high(level)
        return (self._stage1_word if walk.stage == 1 else self._stage2_word)(walk, level)

    def _next(self) -> tuple[WalkParameters, int]:
        """Return whose descriptor is read next, and its level."""
        if self._stage2 is None or self._stage1 is None:
            walk = self._stage1 or self._stage2
        elif self._trail and self._leaf_of_stage2(self._trail[-1]):
            # Stage 2 has said where stage 1's descriptor lies.
            walk = self._stage1
        else:
            walk = self._stage2
        if walk is None:
            raise AssertionError("a descriptor is read, and no stage walks")
        same = [each for each in self._trail if each.parameters.stage == walk.stage]
        if not same or self._leaf_of_stage2(same[-1]):
            return walk, walk.start_level
        kind, skip = kind_of(walk, same[-1].descriptor, same[-1].level)
        return walk, same[-1].level + 1 + skip if kind == TABLE else walk.start_level

    def _leaf_of_stage2(self, lookup: Lookup) -> bool:
        kind, _ = kind_of(lookup.parameters, lookup.descriptor, lookup.level)
        return lookup.parameters.stage == _STAGE2 and kind != TABLE

    def _address(self, walk: WalkParameters, low: int) -> int:
        """Return a descriptor's address bits: mostly in range, and with none below bit `low`."""
        size = walk.oa_bits
        if walk.stage == 1 and self._stage2 is not None:
            size = min(size, self._stage2.ia_bits)
        if self._dice.chance(0.03):
            size = 56
        return encode_address(self._dice.bits(size) >> low << low, walk.form)

    def _type_and_address(self, walk: WalkParameters, level: int) -> tuple[int, int]:
        """Return bits 1:0 and the address of a descriptor that mostly suits its level."""
        dice = self._dice
        if dice.chance(_INVALID):
            return dice.bits(1) << 1, self._address(walk, 0)
        blocks = walk.kinds[level].bit1_clear == BLOCK
        if not dice.chance(_BLOCK if blocks else _MISTAKEN_BLOCK):
            return 0b11, self._address(walk, 0)
        return 0b01, self._address(walk, _BLOCK_ALIGNMENT if dice.chance(0.8) else 0)

    def _stage1_word(self, walk: WalkParameters, level: int) -> int:
        dice = self._dice
        kind, address = self._type_and_address(walk, level)
        word = dice.fields(bits.ATTR_INDX, bits.AP, bits.SH, bits.NG, bits.GP, bits.SOFTWARE)
        word |= dice.flags(
            {bits.AF: 0.85, bits.DBM: 0.3, bits.CONTIGUOUS: 0.15, bits.PXN: 0.25, bits.UXN: 0.25}
        )
        if kind == 0b01:
            word |= dice.flags({bits.NT: 0.15})
        if self._overlays:
            word |= dice.fields(bits.PO_INDEX)
        else:
            # Of a table: what it takes from everything below.
            above = bits.PXN_TABLE.mask | bits.UXN_TABLE.mask | bits.AP_TABLE.mask
            word |= dice.some_of(above, _SELDOM)
        return word & ~(walk.form.in_place | walk.form.high | 0b11) | address | kind

    def _stage2_word(self, walk: WalkParameters, level: int) -> int:
        dice = self._dice
        kind, address = self._type_and_address(walk, level)
        word = dice.fields(bits.SH, bits.FNXS)
        if self._context.stage2.forced_write_back:
            word |= dice.bits(3) << bits.MEM_ATTR.lsb
        else:
            word |= dice.one_of(_STAGE2_TYPES) << bits.MEM_ATTR.lsb
        word |= bits.S2AP.mask if dice.chance(_ACCESSIBLE) else dice.fields(bits.S2AP)
        word |= dice.flags({bits.AF: 0.93, bits.DBM_STAGE2: 0.3, bits.CONTIGUOUS: 0.1})
        word |= dice.some_of(bits.XN_STAGE2.mask, 0.25)
        return word & ~(walk.form.in_place | walk.form.high | 0b11) | address | kind

    def _d128(self, walk: WalkParameters) -> int:
        dice = self._dice
        word = dice.fields(bits.ATTR_INDX, bits.SH, bits.NDIRTY, bits.NG)
        word |= dice.flags({bits.VALID: 0.97, bits.AF: 0.9, wide.NT: 0.1})
        return word | self._address(walk, 0)

    def _d128_high(self, level: int) -> int:
        dice = self._dice
        word = dice.fields(wide.PI_INDEX, wide.PO_INDEX)
        skip = dice.one_of((0, 0, 1, LAST_LEVEL - level)) if dice.chance(0.95) else dice.bits(2)
        word |= (skip & 0b11) << wide.SKL.lsb
        return (word | dice.flags({wide.CONTIGUOUS: 0.2, wide.DISCH: 0.2})) >> 64


def encode_address(address: int, form: AddressFormat) -> int:
    """Return the descriptor bits that hold `address`, as far as the format has room."""
    return address & form.in_place | address >> form.high_shift & form.high
