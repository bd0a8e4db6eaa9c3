"""One level of one kind of tables under one encoding: where a property is held."""

from __future__ import annotations

from dataclasses import dataclass

from harness.encodings.definition import Encoding, Hardware, LevelEncoding, State
from harness.encodings.form import Form
from harness.encodings.logic import ALL_BITS, Truth, Value, negate
from harness.vmsa.descriptor import INVALID, TABLE, kind_code


@dataclass(frozen=True, slots=True)
class Place:
    """A level of `form` under `encoding`."""

    encoding: Encoding
    form: Form
    level: int

    @property
    def meaning(self) -> LevelEncoding:
        """What software makes of descriptors here."""
        return self.encoding.level(self.level, self.form)

    @property
    def below(self) -> Place | None:
        """The next level, None at the last."""
        further = self.level + 1
        return Place(self.encoding, self.form, further) if further in self.form.levels else None

    def hardware_is(self, what: Hardware, value: Value) -> Truth:
        """Return whether hardware takes the descriptor for `what`.

        By the classification of the reference model's own walk (harness.vmsa.descriptor).
        """
        code = kind_code(value, self.form.kinds(self.level))
        if what is Hardware.INVALID:
            return code == INVALID
        if what is Hardware.TABLE:
            return code == TABLE
        return negate((code == INVALID) | (code == TABLE))

    def hardware_of(self, value: int) -> Hardware:
        """Return what hardware takes an integer for."""
        return next(what for what in Hardware if self.hardware_is(what, value))

    def write(self, state: State, value: Value) -> Value:
        """Return what software writes for `state`, made of any value.

        The low address bits of a leaf are 0, as software leaves them.
        """
        return state.make(self.aligned(value) if state.is_leaf else value)

    def aligned(self, value: Value) -> Value:
        """Return the value with the low address bits of a leaf of this level 0."""
        return value & (ALL_BITS ^ self.form.reserved_address_bits(self.level))

    def any_leaf(self, value: Value) -> Value:
        """Return a leaf that hardware uses, with every other bit as in `value`."""
        kinds = self.form.kinds(self.level)
        is_block = kinds.bit1_clear not in {INVALID, TABLE}
        return (self.aligned(value) & (ALL_BITS ^ 3)) | (1 if is_block else 3)
