"""One descriptor of a translation as a variable, evaluated for many values at once."""

from __future__ import annotations

from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.arch.descriptors import fields as bits
from harness.errors import UnsupportedError
from harness.memory import DescriptorMemory
from harness.vmsa.access import Access
from harness.vmsa.context import Context
from harness.vmsa.descriptor import BLOCK, INVALID, LAST_LEVEL, PAGE, TABLE, AddressFormat
from harness.vmsa.parameters import NO_OVERLAYS
from harness.vmsa.translate import Mmu
from harness.vmsa.vectorised.bits import Selection
from harness.vmsa.vectorised.outcomes import Outcomes
from harness.vmsa.vectorised.path import path_to
from harness.vmsa.vectorised.verdicts import Judged, Question
from harness.vmsa.vectorised.words import Words, addresses_of, as_indices, kind_codes
from harness.vmsa.walk import Lookup, leaf_bits

_CHUNK: Final = 1 << 14
"""Descriptors worked on at a time: what one step leaves behind is still in the cache."""
_KIND_BITS: Final = 2
_TYPE_BITS = {INVALID: 0b00, BLOCK: 0b01, TABLE: 0b11, PAGE: 0b11}
_ALL_BITS: Final = (1 << 64) - 1


class DescriptorArray:
    """The access's outcome as a function of the 64-bit descriptor at physical `address`.

    `translate(array)` gives, for each value, what the scalar model answers with that value in
    memory, up to the point where something else would be looked up (`GoesOn`): for a leaf of the
    last stage that is the whole answer, unless the access crosses a page. Either stage, every
    regime, every access and AT.

    ValueError where the access does not look at the descriptor; UnsupportedError for 128-bit
    descriptors (FEAT_D128).
    """

    def __init__(self, mmu: Mmu, memory: DescriptorMemory, access: Access, address: int) -> None:
        self._address = address
        self._question = Question(mmu.context, memory, access, address)
        lookup = self._question.lookup
        self._parameters = lookup.parameters
        if self._parameters.d128:
            raise UnsupportedError("FEAT_D128: arrays of 128-bit descriptors are not modelled")
        self.level: int = lookup.level
        self.stage: int = lookup.parameters.stage
        self._kinds = lookup.parameters.kinds[lookup.level]
        self._keep, self._fill = _placing(lookup)
        self._beyond = _beyond(lookup.parameters.form, lookup.parameters.oa_bits)
        self._deciding = Selection(_deciding_bits(mmu.context, access, lookup))
        groups = 1 << self._deciding.width + 1 + _KIND_BITS
        # One more than the code, 0 where it is not known yet.
        self._codes: NDArray[np.int16] = np.zeros(groups, np.int16)
        self._meanings: list[Judged] = []
        self._code_of: dict[str, int] = {}

    @classmethod
    def at_level(cls, mmu: Mmu, access: Access, level: int, above: int = 0) -> Self:
        """Return the array of the descriptor at `level`, below tables that only lead there.

        `above`: bits set in each of these table descriptors, such as APTable. For the one stage
        that is on. ValueError where the walk has no such level, or faults before it.
        """
        memory, address = path_to(mmu.context, access, level, above)
        return cls(mmu, memory, access, address)

    def translate(self, descriptors: ArrayLike) -> Outcomes:
        """Return the outcome for each of `descriptors`, a one-dimensional array of uint64."""
        words: Words = np.ascontiguousarray(descriptors, np.uint64)
        if words.ndim != 1:
            raise ValueError(f"an array of one dimension is needed, not of {words.ndim}")
        codes: NDArray[np.int16] = np.empty(len(words), np.int16)
        addresses = np.empty_like(words)
        for start in range(0, len(words), _CHUNK):
            part = slice(start, start + _CHUNK)
            addresses[part], codes[part] = self._evaluate(words[part])
        return Outcomes(words, self._address, codes, addresses, tuple(self._meanings))

    def _evaluate(self, words: Words) -> tuple[Words, NDArray[np.int16]]:
        """Return where each descriptor leads, and the code of its verdict."""
        kinds = kind_codes(words, self._kinds)
        marked = words >> bits.CONTIGUOUS.lsb & 1
        place = as_indices(kinds << 1 | marked)
        addresses = addresses_of(words, self._parameters.form) & self._keep[place]
        addresses |= self._fill[place]
        beyond = (addresses >> self._parameters.oa_bits) != 0
        # Of an invalid or table descriptor (numbers without bit 0) no attribute counts.
        groups = self._deciding.pack(words) * (kinds & 1)
        groups = as_indices((groups << 1 | beyond) << _KIND_BITS | kinds)
        codes = self._codes[groups]
        if not codes.all():
            self._learn(np.unique(groups[codes == 0]))
            codes = self._codes[groups]
        return addresses, codes - 1

    def _learn(self, groups: NDArray[np.intp]) -> None:
        """Ask the scalar model about one descriptor of each group."""
        for group in groups.tolist():
            kind = group & (1 << _KIND_BITS) - 1
            beyond = group >> _KIND_BITS & 1
            descriptor = self._deciding.unpack(group >> _KIND_BITS + 1) | _TYPE_BITS[kind]
            judged = self._question.judge(descriptor | self._beyond * beyond)
            code = self._code_of.setdefault(repr(judged), len(self._meanings))
            if code == len(self._meanings):
                self._meanings.append(judged)
            self._codes[group] = code + 1


def _placing(lookup: Lookup) -> tuple[Words, Words]:
    """Return which bits of the descriptor's address count, and the bits that the input supplies.

    By twice the number of the type, plus one if the contiguous bit is set.
    """
    keep, fill = [_ALL_BITS] * 8, [0] * 8
    for kind in set(lookup.parameters.kinds[lookup.level]) & {BLOCK, PAGE}:
        for marked in (False, True):
            offset = (1 << leaf_bits(lookup.parameters, lookup.level, marked=marked)) - 1
            keep[kind << 1 | marked] = _ALL_BITS ^ offset
            fill[kind << 1 | marked] = lookup.ia & offset
    return np.array(keep, np.uint64), np.array(fill, np.uint64)


def _beyond(form: AddressFormat, oa_bits: int) -> int:
    """Return descriptor bits that make any address too large, if the format has such."""
    bits_of_address = form.in_place | form.high << form.high_shift
    wanted = bits_of_address >> oa_bits << oa_bits
    return wanted & form.in_place | wanted >> form.high_shift & form.high


_STAGE1 = (bits.ATTR_INDX, bits.AP, bits.AF, bits.DBM, bits.PXN, bits.UXN)
"""With indirect permissions the same bits hold PIIndex and nDirty."""
_STAGE2 = (bits.MEM_ATTR, bits.S2AP, bits.AF, bits.DBM_STAGE2, bits.XN_STAGE2)


def _deciding_bits(context: Context, access: Access, lookup: Lookup) -> int:
    """Return the attribute bits of a leaf that its verdict depends on, besides its address."""
    walk = lookup.parameters
    if walk.stage == 1:
        stage1 = context.stage1(access.va)
        fields = [*_STAGE1, *([bits.PO_INDEX] if stage1.overlays != NO_OVERLAYS else [])]
        shareability = stage1.shareability
    else:
        fields = [*_STAGE2]
        shareability = context.stage2.shareability
    if shareability is None:
        fields.append(bits.SH)
    if walk.contiguous_faults:
        fields.append(bits.CONTIGUOUS)
    if walk.nt_faults and lookup.level < LAST_LEVEL:
        fields.append(bits.NT)
    mask = 0
    for field in fields:
        mask |= field.mask
    return mask
