"""Register fields that ask for what the model does not have: refused by name."""

from __future__ import annotations

from harness.arch.fields import Field
from harness.errors import UnsupportedError


class Refusal:
    """Fields of one register that must be clear, each with what it would turn on."""

    __slots__ = ("_fields", "_mask")

    def __init__(self, *fields: tuple[Field, str]) -> None:
        self._fields = fields
        self._mask = sum(field.mask for field, _ in fields)

    def check(self, register: str, value: int) -> None:
        """Raise UnsupportedError if `value` sets one of the fields."""
        if value & self._mask:
            field, asked = next(each for each in self._fields if value & each[0].mask)
            raise UnsupportedError(f"{asked} ({register}.{field.name}) is not modelled")
