"""A decoded value: what `mmu-harness decode` shows, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.arch.fields import DecodedField, Layout
from harness.arch.iss import iss2_layout, iss_layout
from harness.arch.registers import esr, par
from harness.arch.summaries import summarise

SCHEMA = "mmu-harness/decode/1"


@dataclass(frozen=True, slots=True)
class Row:
    """One field: where it stands in the whole value, and what it holds."""

    msb: int
    lsb: int
    depth: int
    decoded: DecodedField

    @property
    def position(self) -> str:
        """`[47:12]` or `[10]`, in bits of the whole value."""
        return f"[{self.msb}]" if self.msb == self.lsb else f"[{self.msb}:{self.lsb}]"

    def document(self) -> dict[str, Any]:
        """Return the field as JSON."""
        part = self.decoded.field
        return {
            "position": self.position,
            "name": part.name,
            "long_name": part.long_name,
            "value": f"{self.decoded.content:#x}",
            "meaning": self.decoded.meaning,
            "kind": part.kind.value,
            "feature": part.feature,
            "reserved": self.decoded.reserved,
            "within": self.depth,
        }


@dataclass(frozen=True, slots=True)
class Decoded:
    """A value with its fields, from the highest bit down, and sentences on the whole."""

    value: int
    width: int
    name: str
    long_name: str
    rows: tuple[Row, ...]
    sentences: tuple[tuple[str, str], ...]
    """Who says what: the first of each pair is empty for the sentence on the whole."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further keys of the JSON document."""

    @property
    def reserved(self) -> tuple[Row, ...]:
        """Fields that hold what the architecture reserves."""
        return tuple(row for row in self.rows if row.decoded.reserved)

    def document(self) -> dict[str, Any]:
        """Return the whole as JSON."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "long_name": self.long_name,
            "value": f"{self.value:#0{self.width // 4 + 2}x}",
            "fields": [row.document() for row in self.rows],
            "reserved": [f"{row.decoded.field.name}{row.position}" for row in self.reserved],
            "meaning": self.sentences[0][1],
            **self.extra,
        }


def rows_of(layout: Layout, value: int, *, shift: int = 0, depth: int = 0) -> tuple[Row, ...]:
    """Return the fields of `value`, their positions counted from bit `shift` of the whole."""
    return tuple(
        Row(each.field.msb + shift, each.field.lsb + shift, depth, each)
        for each in layout.decode(value)
    )


def decode_register(layout: Layout, value: int) -> Decoded:
    """Return `value` as the register that `layout` describes; ESR's ISS and ISS2 by class."""
    form = par.par_layout(value) if layout.name == par.PAR_EL1.name else layout
    rows = rows_of(form, value)
    if layout.name.startswith("ESR_"):
        rows = _with_syndrome(rows, value)
    return Decoded(
        value, form.width, form.name, form.long_name, rows, (("", summarise(form, value)),)
    )


def _with_syndrome(rows: tuple[Row, ...], value: int) -> tuple[Row, ...]:
    """Put the fields of ISS and ISS2 below those two."""
    exception_class, iss = esr.EC.get(value), esr.ISS.get(value)
    inner = {
        esr.ISS: rows_of(iss_layout(exception_class, iss), iss, depth=1),
        esr.ISS2: rows_of(
            iss2_layout(exception_class), esr.ISS2.get(value), shift=esr.ISS2.lsb, depth=1
        ),
    }
    return tuple(line for row in rows for line in (row, *inner.get(row.decoded.field, ())))
