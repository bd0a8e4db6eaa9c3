"""A kind of translation tables, which an encoding is held at: granule, descriptor format, stage."""

from __future__ import annotations

from dataclasses import dataclass

from harness.arch.descriptors import LAST_LEVEL, OutputFormat, View
from harness.arch.granule import Granule
from harness.errors import ValueSyntaxError
from harness.vmsa.descriptor import KindsAt, first_block_level, kinds_at

_ADDRESS_LSB = 12
_WIDEST_IA = {OutputFormat.VMSA48: 48, OutputFormat.LPA: 52, OutputFormat.LPA2: 52}
_TOP_ADDRESS_BIT = {OutputFormat.VMSA48: 47, OutputFormat.LPA: 15, OutputFormat.LPA2: 9}
_PA_52 = 52
STAGE_2 = 2


@dataclass(frozen=True, slots=True)
class Form:
    """Tables of one granule, one format of 64-bit descriptors, one stage."""

    granule: Granule
    output: OutputFormat = OutputFormat.VMSA48
    stage: int = 1

    @property
    def label(self) -> str:
        """`4K`, or `4K lpa2` where addresses have 52 bits."""
        plain = self.output is OutputFormat.VMSA48
        return self.granule.label if plain else f"{self.granule.label} {self.output.value}"

    @property
    def levels(self) -> range:
        """The lookup levels of the widest input range that the format has."""
        if self.stage == STAGE_2 and self.granule is Granule.K16:
            # A start at level 0 needs FEAT_LPA2: two tables of level 1 stand side by side.
            return range(1, LAST_LEVEL + 1)
        bits = _WIDEST_IA[self.output] - self.granule.value
        return range(LAST_LEVEL + 1 - -(-bits // self.granule.stride), LAST_LEVEL + 1)

    def kinds(self, level: int) -> KindsAt:
        """Return what hardware makes of bit 1 of a valid descriptor of `level`."""
        ds = self.output is OutputFormat.LPA2
        pa_bits = _PA_52 if self.output is OutputFormat.LPA else _WIDEST_IA[OutputFormat.VMSA48]
        return kinds_at(level, first_block_level(self.granule, ds=ds, pa_bits=pa_bits))

    def has_leaf(self, level: int) -> bool:
        """Return whether hardware has leaves at `level`."""
        return level == LAST_LEVEL or self.kinds(level).bit1_clear != 0

    def reserved_address_bits(self, level: int) -> int:
        """Return the address bits below the size of a leaf of `level`: 0 in all that is written."""
        lowest = self.granule.value if self.output is OutputFormat.LPA else _ADDRESS_LSB
        return (1 << self.granule.level_shift(level)) - (1 << lowest)

    @property
    def top_address_bit(self) -> int:
        """The mask of the descriptor bit that holds the highest bit of an address."""
        return 1 << _TOP_ADDRESS_BIT[self.output]

    def view(self, level: int) -> View:
        """Return the place of a descriptor of `level`, for its layout."""
        return View(self.granule, level, self.stage, self.output)


PLAIN_FORMS = tuple(Form(granule) for granule in Granule)
"""48-bit addresses."""
WIDE_FORMS = (
    Form(Granule.K4, OutputFormat.LPA2),
    Form(Granule.K16, OutputFormat.LPA2),
)
"""52-bit addresses by FEAT_LPA2."""
LPA_FORM = Form(Granule.K64, OutputFormat.LPA)
"""52-bit addresses of the 64K granule."""


def form_named(label: str, *, stage: int = 1) -> Form:
    """Return the form called `4K`, `64K lpa`, …; ValueSyntaxError for another name."""
    known = {form.label: form for form in (*PLAIN_FORMS, LPA_FORM, *WIDE_FORMS)}
    found = known.get(label)
    if found is None:
        raise ValueSyntaxError(f"no kind of tables is called {label!r} ({', '.join(known)})")
    return Form(found.granule, found.output, stage)
