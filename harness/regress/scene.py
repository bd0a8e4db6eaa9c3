"""A moment of a counterexample as a scenario: live tables are edited, then memory is written."""

from __future__ import annotations

from collections.abc import Sequence

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.descriptors import OutputFormat
from harness.arch.features import PROFILES
from harness.encodings.finding import Counterexample, Moment
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
from harness.tables.descriptor import TYPE_MASK, leaf_type, output_address
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
_MAINTENANCE_WITHOUT_TLBI = ("dsb ish", "isb")
_BYTES = 4096
_PROFILE = "neoverse-v1"
"""Of 48-bit addresses, as the tables are."""


def can_run(form: Form) -> bool:
    """Return whether the tables are such as a machine of the harness walks."""
    return form.output is OutputFormat.VMSA48 and form.stage == 1


def scenario_of(example: Counterexample, moment: int) -> Scenario:
    """Return the scenario that writes the descriptors of each moment up to `moment`, then stores.

    Every write is followed by a TLBI, a DSB and an ISB, so that nothing but the last descriptor
    decides; only a moment that is stale has no TLBI, and a store of its own before it.
    """
    moments = example.moments[: moment + 1]
    last = moments[-1]
    place = last.place
    half = Half(place.form.granule, VA_BITS)
    written = [one for one in moments if one.place.level == place.level]
    steps = ["nop"] * len(written)
    if last.stale:
        steps.insert(len(written) - 1, "str x1, [x0]")
    injections = []
    for number, one in enumerate(written, start=1):
        before = number + (one.stale and one is last)
        maintenance = _MAINTENANCE_WITHOUT_TLBI if one.stale else _MAINTENANCE
        edit = Edit(VA, level=one.place.level, descriptor=one.value)
        injections.append(Injection(AtInstruction(before), edit, maintenance))
    return Scenario(
        name=f"{example.place.encoding.name}, level {place.level}, {last.label}",
        summary=example.claim.otherwise,
        profile=PROFILES[_PROFILE],
        translation=TranslationSetup(half, half),
        maps=(Map(VA, PAGE_PA, place.form.granule.size, _PAGE_ATTRIBUTES, "read/write", "page"),),
        run=Run(text="\n".join([*steps, f"{ACCESS}: str x1, [x0]", ""]), registers={"x0": VA}),
        memory=_memory(written, place.form),
        injections=tuple(injections),
    )


def _memory(written: Sequence[Moment], form: Form) -> tuple[MemoryRange, ...]:
    """Return the page of memory that each leaf maps first."""
    geometry = Geometry(form.granule, VA_BITS, True, form.output)
    first = {
        output_address(geometry, one.value, one.place.level)
        for one in written
        if one.value & TYPE_MASK == leaf_type(one.place.level)
        and geometry.has_leaf(one.place.level)
    }
    return tuple(MemoryRange(address, _BYTES, fill="zero") for address in sorted(first))
