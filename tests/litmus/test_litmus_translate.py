"""The scenario that stands for a test: its pages by a walk, its descriptors, its registers."""

from __future__ import annotations

import itertools

import pytest

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.features import Feature
from harness.errors import AssemblyError, LitmusError, UnsupportedError
from harness.litmus.descriptor import decode, encode, output_address
from harness.litmus.layout import Layout
from harness.litmus.parse import parse_test
from harness.litmus.translate import Translated, translate
from harness.litmus.values import FIELDS, Aspect, Cell, Descriptor, Symbol
from harness.runner import run
from harness.runner.image import build_image
from harness.trace import EndReason
from harness.vmsa.access import Access, AccessKind
from harness.vmsa.context import Context
from harness.vmsa.outcome import Fault, Outcome, Translation
from harness.vmsa.translate import translate as walk

X, Y = Symbol("x"), Symbol("y")
PA_X, PA_Y = Symbol("x", Aspect.PHYSICAL), Symbol("y", Aspect.PHYSICAL)
PTE_X = Symbol("x", Aspect.DESCRIPTOR)
PTE_PTE_X = Symbol("x", Aspect.DESCRIPTOR_OF_DESCRIPTOR)


def translated(
    init: str = "", code: str = "NOP;", condition: str = "", head: str = ""
) -> Translated:
    return translate(parse_test(f"AArch64 T\n{head}\n{{ x; y; {init} }}\nP0;\n{code}\n{condition}"))


def outcome(test: Translated, symbol: Symbol, kind: AccessKind, el: int = 1) -> Outcome:
    """Return what an access at the symbol's address comes to before the first instruction."""
    image = build_image(test.scenario)
    access = Access(VirtualAddress(test.layout.virtual(symbol)), kind, 8, el=el)
    context = Context(test.scenario.profile, image.system_registers, "EL1&0")
    return walk(context, image.memory, access)


def where(
    test: Translated, symbol: Symbol, kind: AccessKind = AccessKind.WRITE, el: int = 1
) -> int:
    found = outcome(test, symbol, kind, el)
    assert isinstance(found, Translation), found
    return found.pa


def fault(test: Translated, symbol: Symbol, kind: AccessKind, el: int = 1) -> FaultKind:
    found = outcome(test, symbol, kind, el)
    assert isinstance(found, Fault), found
    return found.kind


def test_a_location_is_a_page_that_both_levels_read_and_write() -> None:
    test = translated()
    for symbol, el in itertools.product((X, Y), (0, 1)):
        assert where(test, symbol, el=el) == test.layout.physical(symbol)


def test_a_descriptor_is_read_and_written_at_its_own_address_by_el1_only() -> None:
    test = translated()
    address = test.layout.physical(PTE_X)
    assert where(test, PTE_X) == address
    assert fault(test, PTE_X, AccessKind.READ, el=0) is FaultKind.PERMISSION
    word = build_image(test.scenario).memory.read64(address)
    assert word == encode(Descriptor(PA_X), test.layout.physical(PA_X))


def test_the_descriptor_of_a_descriptor_decides_where_the_descriptor_is_seen() -> None:
    test = translated()
    word = build_image(test.scenario).memory.read64(PhysicalAddress(where(test, PTE_PTE_X)))
    assert word is not None
    assert output_address(word) == test.layout.physical(PTE_X)


def test_a_descriptor_may_be_out_of_reach_at_first() -> None:
    test = translated("PTE(PTE(x))=(valid:0);")
    assert fault(test, PTE_X, AccessKind.READ) is FaultKind.TRANSLATION
    assert where(test, X) == test.layout.physical(X)


def test_a_physical_page_is_reached_at_its_own_address_whatever_maps_it() -> None:
    test = translated("pte_x=(valid:0);")
    assert where(test, PA_X) == test.layout.physical(X)


def test_a_descriptor_maps_what_the_initial_state_says() -> None:
    test = translated("pte_x=(oa:phy_y);")
    assert where(test, X) == test.layout.physical(Y)
    test = translated("pte_x=(oa:PTE(y));")
    assert where(test, X) == test.layout.physical(Symbol("y", Aspect.DESCRIPTOR))


@pytest.mark.parametrize(
    ("init", "head", "read", "write"),
    [
        ("valid:0", "", FaultKind.TRANSLATION, FaultKind.TRANSLATION),
        ("af:0", "", FaultKind.ACCESS_FLAG, FaultKind.ACCESS_FLAG),
        ("af:0", "TTHM=HA", None, None),
        ("db:0", "", None, FaultKind.PERMISSION),
        ("db:0,dbm:1", "", None, FaultKind.PERMISSION),
        ("db:0,dbm:1", "TTHM=HA", None, FaultKind.PERMISSION),
        ("db:0,dbm:1", "TTHM=HD", None, None),
        ("db:0,dbm:1,af:0", "TTHM=HD", None, None),
        ("db:0", "TTHM=HD", None, FaultKind.PERMISSION),
        ("db:1,dbm:1", "", None, None),
    ],
)
def test_fields_and_hardware_management_decide_what_faults(
    init: str, head: str, read: FaultKind | None, write: FaultKind | None
) -> None:
    test = translated(f"pte_x=({init});", head=head)
    for kind, wanted in ((AccessKind.READ, read), (AccessKind.WRITE, write)):
        found = outcome(test, X, kind)
        assert (found.kind if isinstance(found, Fault) else None) is wanted


def test_el0_is_kept_out_by_el0_0() -> None:
    test = translated("pte_x=(el0:0);")
    assert fault(test, X, AccessKind.READ, el=0) is FaultKind.PERMISSION
    assert where(test, X, el=1) == test.layout.physical(X)


@pytest.mark.parametrize("values", list(itertools.product((0, 1), repeat=len(FIELDS))))
def test_a_descriptor_comes_back_from_its_bits(values: tuple[int, ...]) -> None:
    descriptor = Descriptor(PA_Y, **dict(zip(FIELDS, values, strict=True)))
    word = encode(descriptor, 0x1_2345_6000)
    assert output_address(word) == 0x1_2345_6000
    assert decode(word, PA_Y) == descriptor


def test_bits_that_tests_have_no_words_for_are_no_descriptor() -> None:
    word = encode(Descriptor(PA_Y), 0x1000)
    assert decode(word ^ 1 << 11, PA_Y) is None
    assert decode(0, PA_Y) is None


def test_the_bits_of_a_descriptor_are_those_of_the_architecture() -> None:
    base = encode(Descriptor(PA_X), 0x1000)
    changed = {
        "valid": 1 << 0,
        "el0": 1 << 6,
        "db": 1 << 7,
        "af": 1 << 10,
        "dbm": 1 << 51,
    }
    defaults = Descriptor(PA_X)
    for name, bit in changed.items():
        other = Descriptor(PA_X, **{name: 1 - getattr(defaults, name)})
        assert encode(other, 0x1000) ^ base == bit
    assert base & 0b11 == 0b11
    assert base >> 7 & 1 == 0


def test_registers_hold_addresses_descriptors_numbers_and_labels() -> None:
    test = translated(
        "0:X0=x; 0:X1=pte_x; 0:X2=(oa:phy_y,valid:0); 0:X3=-1; 0:X4=P0:L; 0:X5=phy_y;",
        "NOP;\nL: NOP;",
    )
    layout = test.layout
    assert test.scenario.run.registers == {
        "x0": layout.virtual(X),
        "x1": layout.virtual(PTE_X),
        "x2": encode(Descriptor(PA_Y, valid=0), layout.physical(PA_Y)),
        "x3": (1 << 64) - 1,
        "x4": test.labels["L"],
        "x5": layout.physical(PA_Y),
    }
    assert test.labels["L"] == 0xFFFF_8000_0000_0004


def test_memory_holds_the_initial_values_in_their_widths() -> None:
    test = translated("int16_t a[3]={1,2,-1}; uint64_t b=0x123456789; int c=-2; d=x;")
    memory = build_image(test.scenario).memory
    held = {
        name: memory.read64(test.layout.physical(Symbol(name)))
        for name in ("a", "b", "c", "d", "x")
    }
    assert held == {
        "a": 0xFFFF_0002_0001,
        "b": 0x1_2345_6789,
        "c": 0xFFFF_FFFE,
        "d": test.layout.virtual(X),
        "x": 0,
    }


def test_the_words_that_a_condition_mentions_are_watched() -> None:
    test = translated("int a[4];", condition="locations [pte_x;] exists a[3]=1 /\\ [y]=0")
    assert set(test.watched) == {
        test.layout.physical(PTE_X),
        test.layout.physical(Symbol("a")) + 8,
        test.layout.physical(Y),
    }


def test_an_address_is_named_by_the_page_that_holds_it() -> None:
    layout = Layout.of((X, Y))
    for symbol in (X, Y, PTE_X, PTE_PTE_X, PA_Y):
        assert layout.symbol_of(layout.virtual(symbol)) == symbol
    assert layout.symbol_of(layout.virtual(PTE_X) + 8) == PTE_X
    assert layout.symbol_of(0) is None
    assert layout.physical(PTE_PTE_X) % 8 == 0
    assert layout.output_of(layout.physical(PA_Y)) == PA_Y
    assert layout.output_of(layout.physical(PTE_X)) == PTE_X
    assert layout.output_of(layout.physical(PA_Y) + 0x800) is None


def test_ets2_is_a_feature_of_the_machine_only_where_the_test_asks() -> None:
    assert not translated().scenario.profile.has(Feature.ETS2)
    assert not translated().scenario.profile.has(Feature.ETS3)
    assert translated(head="Variant=ETS2").scenario.profile.has(Feature.ETS2)


def test_the_scenario_runs_and_a_fault_ends_it() -> None:
    execution = run(translated("pte_x=(valid:0); 0:X1=x;", "LDR W0,[X1];\nMOV X2,#1;").scenario)
    assert execution.trace.end.reason is EndReason.FAULT
    assert execution.trace.registers["x2"] == 0


def test_a_handler_goes_on_after_the_fault() -> None:
    text = (
        "AArch64 T\n{ pte_x=(valid:0); 0:X1=x; }\nP0 | P0.F ;\n"
        "LDR W0,[X1] | MRS X3,ELR_EL1 ;\n"
        "MOV X2,#1 | ADD X3,X3,#4 ;\n"
        " | MSR ELR_EL1,X3 ;\n"
        " | MOV X4,#2 ;\n"
        " | ERET ;\n"
    )
    execution = run(translate(parse_test(text)).scenario)
    assert execution.trace.end.reason is EndReason.RETURNED
    assert (execution.trace.registers["x2"], execution.trace.registers["x4"]) == (1, 2)
    assert len(execution.trace.faults) == 1


def test_a_thread_of_el0_runs_there() -> None:
    execution = run(translated("0:X1=pte_x;", "LDR X0,[X1];", head="EL0=P0").scenario)
    assert [fault.esr >> 26 for fault in execution.trace.faults] == [0x24]


@pytest.mark.parametrize(
    ("init", "code", "error", "message"),
    [
        ("pte_x=1;", "NOP;", LitmusError, "<text>:3: PTE(x) is given no descriptor"),
        ("0:X1=P0:L;", "NOP;", LitmusError, "<text>:3: the code has no label L"),
        ("uint64_t a[513];", "NOP;", LitmusError, "<text>:3: an array of 1 to 512"),
        ("", "NOP;\nFROB;", AssemblyError, "<text>:6: "),
    ],
)
def test_what_cannot_be_laid_out_is_refused_with_its_line(
    init: str, code: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        translated(init, code)
    assert str(raised.value).startswith(message)


def test_more_locations_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="600 locations"):
        Layout.of(Symbol(f"v{number}") for number in range(600))


def test_a_cell_of_an_array_lies_at_its_element() -> None:
    test = translated("int a[4];")
    cell = Cell(Symbol("a"), 3, indexed=True)
    assert test.address_of(cell) == test.layout.physical(Symbol("a")) + 12
