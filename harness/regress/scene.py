"""A moment of a counterexample as a scenario: live tables are edited, then memory is written."""

from __future__ import annotations

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.features import PROFILES
from harness.encodings.finding import Counterexample
from harness.encodings.form import Form
from harness.scenario import (
    AtInstruction,
    Edit,
    Half,
    Injection,
    Map,
    MemoryRange,
    Run,
    Scenario,
    TranslationSetup,
)
from harness.tables.descriptor import leaf_type, output_address
from harness.tables.geometry import Geometry

VA = VirtualAddress(0xFFFF_0000_0000_0000)
"""The first address of the high half: index 0 at every level."""
VA_BITS = 48
PAGE_PA = PhysicalAddress(0x8000_0000)
ACCESS = "access"
"""Label of the store."""

_PAGE_ATTRIBUTES = 0x0060_0000_0000_0700
"""Normal memory, inner shareable, accessed, read/write at EL1, never executable."""
_MAINTENANCE = ("tlbi vmalle1", "dsb ish", "isb")
_BYTES = 4096
_PROFILE = "neoverse-v1"
"""Of 48-bit addresses, as the tables are."""


def can_run(form: Form) -> bool:
    """Return whether the tables are such as a machine of the harness walks."""
    return form.output is OutputFormat.VMSA48 and form.stage == 1


def scenario_of(example: Counterexample, moment: int) -> Scenario:
    """Return the scenario that writes the descriptors of each moment up to `moment`, then stores.

    Every write is followed by a TLBI, a DSB and an ISB, so that nothing but the last descriptor
    decides. What an operation leaves out of that is the permitted-outcome model's question.
    """
    moments = example.moments[: moment + 1]
    place = moments[-1].place
    half = Half(place.form.granule, VA_BITS)
    page = place.form.granule.size
    edits = [(one.value, one.place.level) for one in moments if one.place.level == place.level]
    return Scenario(
        name=f"{example.place.encoding.name}, level {place.level}, {moments[-1].label}",
        summary=example.claim.otherwise,
        profile=PROFILES[_PROFILE],
        translation=TranslationSetup(half, half),
        maps=(Map(VA, PAGE_PA, page, _PAGE_ATTRIBUTES, "read/write", "page"),),
        run=Run(
            text=f"{'nop' + chr(10)}" * len(edits) + f"{ACCESS}: str x1, [x0]\n",
            registers={"x0": VA},
        ),
        memory=_memory(moments[-1].value, place.level, place.form),
        injections=tuple(
            Injection(
                AtInstruction(number),
                Edit(VA, level=level, descriptor=value),
                _MAINTENANCE,
            )
            for number, (value, level) in enumerate(edits, start=1)
        ),
    )


def _memory(descriptor: int, level: int, form: Form) -> tuple[MemoryRange, ...]:
    """Return the page of memory that a leaf maps first."""
    geometry = Geometry(form.granule, VA_BITS, True, form.output)
    is_leaf = descriptor & 3 == leaf_type(level)
    if not is_leaf or not geometry.has_leaf(level):
        return ()
    first = output_address(geometry, descriptor, level)
    return (MemoryRange(PhysicalAddress(first), _BYTES, fill="zero"),)
