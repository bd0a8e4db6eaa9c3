"""A litmus test becomes a scenario: pages, descriptors, registers, code; and can be read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.features import PROFILES, Feature, Profile
from harness.arch.granule import Granule
from harness.errors import LitmusError, Location
from harness.litmus.assembly import VECTORS, label_names, snippet
from harness.litmus.descriptor import encode
from harness.litmus.init import Initial
from harness.litmus.layout import PAGE, ROOT, VA_BITS, Layout
from harness.litmus.parse import LitmusTest
from harness.litmus.values import Aspect, Cell, Descriptor, Label, Register, Symbol, Value
from harness.machine.assembler import assemble_text
from harness.scenario import Half, Limits, MemoryRange, Run, Scenario, TranslationSetup

CODE = VirtualAddress(0xFFFF_8000_0000_0000)
_WORD = 8
_MASK = (1 << 64) - 1
_LIMITS = Limits(instructions=1000, seconds=60.0)


@dataclass(frozen=True, slots=True)
class Translated:
    """A test and the scenario that stands for it."""

    test: LitmusTest
    scenario: Scenario
    layout: Layout
    labels: Mapping[str, VirtualAddress]
    """The test's labels in the assembled code."""

    @property
    def watched(self) -> tuple[PhysicalAddress, ...]:
        """The physical addresses, of 64-bit words, that the condition and the list mention."""
        cells = {item for item in self.test.observed() if isinstance(item, Cell)}
        return tuple(sorted({PhysicalAddress(self.address_of(cell) & ~7) for cell in cells}))

    def address_of(self, cell: Cell) -> int:
        """Return the physical address of a location, or of an element of an array."""
        declared = self.test.type_of(cell)
        size = declared.size if declared and cell.indexed else _WORD
        return self.layout.physical(cell.symbol) + size * cell.index

    def bits_of(self, value: Value) -> int:
        """Return a value as 64 bits; KeyError for a label that the code does not have."""
        match value:
            case int():
                return value & _MASK
            case Symbol():
                return self.layout.virtual(value)
            case Descriptor(oa):
                return encode(value, self.layout.physical(oa))
            case Label(name):
                return self.labels[name]


def translate(test: LitmusTest) -> Translated:
    """Return the scenario of a test; errors name the test's file and line."""
    layout = Layout.of(test.symbols())
    text = snippet(test.code, test.file)
    program = assemble_text(text, CODE, file=test.file)
    names = label_names(test.code)
    labels = {label: program.symbols[names[label]] for label in test.code.labels}
    settings = test.settings
    low, high = Half(Granule.K4, VA_BITS), Half(Granule.K4, 48)
    scenario = Scenario(
        name=test.name,
        summary=f"litmus test {test.name}",
        profile=_profile(settings.features),
        translation=TranslationSetup(
            low,
            high,
            registers={"TTBR0_EL1": ROOT},
            fields={
                "TCR_EL1": {"HA": int(settings.hardware_af), "HD": int(settings.hardware_dirty)}
            },
        ),
        maps=(),
        run=Run(
            text=text,
            el=settings.el,
            code=CODE,
            vectors=VECTORS if test.code.handler is not None else "",
            limits=_LIMITS,
        ),
    )
    translated = Translated(test, scenario, layout, labels)
    contents = _contents(translated)
    registers = {
        each.place.name: _register(translated, each)
        for each in test.init
        if isinstance(each.place, Register)
    }
    return replace(
        translated,
        scenario=replace(
            scenario,
            memory=(*layout.tables(_leaves(test)), *contents),
            run=replace(scenario.run, registers=registers),
        ),
    )


def _profile(features: frozenset[Feature]) -> Profile:
    """Everything that the harness models but ETS, which a test asks for by name.

    No conflict aborts: tests know none.
    """
    most = PROFILES["max"]
    kept = most.features - {Feature.ETS2, Feature.ETS3}
    return replace(most, name="litmus", features=kept | features)


def _leaves(test: LitmusTest) -> Mapping[Symbol, Descriptor]:
    leaves = {}
    for each in test.init:
        if not isinstance(each.place, Cell) or each.place.symbol.aspect is Aspect.VIRTUAL:
            continue
        value = each.values[0]
        if not isinstance(value, Descriptor):
            raise LitmusError(f"{each.place.symbol} is given no descriptor", _at(test, each))
        leaves[each.place.symbol] = value
    return leaves


def _contents(translated: Translated) -> list[MemoryRange]:
    """Return the physical page of every location, filled as the initial state says."""
    pages = {name: bytearray(PAGE) for name in translated.layout.names}
    for each in translated.test.init:
        if not isinstance(each.place, Cell) or each.place.symbol.aspect is not Aspect.VIRTUAL:
            continue
        page = pages[each.place.symbol.name]
        for index, value in enumerate(each.values):
            size = each.type.size
            start = index * size
            content = _bits(translated, each, value) & ((1 << 8 * size) - 1)
            page[start : start + size] = content.to_bytes(size, "little")
    return [
        MemoryRange(
            translated.layout.physical(Symbol(name, Aspect.PHYSICAL)), PAGE, words=_words(page)
        )
        for name, page in pages.items()
    ]


def _words(page: bytearray) -> tuple[int, ...]:
    """Return the page's words up to the last that is not zero."""
    used = -(-len(page.rstrip(b"\0")) // _WORD) * _WORD
    return tuple(
        int.from_bytes(page[start : start + _WORD], "little") for start in range(0, used, _WORD)
    )


def _register(translated: Translated, initial: Initial) -> int:
    return _bits(translated, initial, initial.values[0])


def _bits(translated: Translated, initial: Initial, value: Value) -> int:
    try:
        return translated.bits_of(value)
    except KeyError as error:
        reason = f"the code has no label {error.args[0]}"
        raise LitmusError(reason, _at(translated.test, initial)) from None


def _at(test: LitmusTest, initial: Initial) -> Location:
    return Location(test.file, initial.line)
