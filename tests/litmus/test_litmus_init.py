"""Initial states: locations, descriptors, registers, arrays."""

from __future__ import annotations

import pytest

from harness.errors import LitmusError, UnsupportedError
from harness.litmus.init import Initial, read_init
from harness.litmus.sections import Part
from harness.litmus.values import (
    TYPES,
    Aspect,
    Cell,
    Descriptor,
    Label,
    Place,
    Register,
    Symbol,
    Value,
)

X, Y = Symbol("x"), Symbol("y")
PTE_X = Symbol("x", Aspect.DESCRIPTOR)
PA_X, PA_Y = Symbol("x", Aspect.PHYSICAL), Symbol("y", Aspect.PHYSICAL)


def read(text: str) -> tuple[Initial, ...]:
    return read_init(Part(text, 5), "t")


def only(text: str) -> tuple[Place, Value]:
    (initial,) = read(text)
    (value,) = initial.values
    return initial.place, value


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [
        ("x=1;", Cell(X), 1),
        ("[x]=0x10", Cell(X), 16),
        ("x=-1", Cell(X), -1),
        ("int x;", Cell(X), 0),
        ("x", Cell(X), 0),
        ("uint64_t x = 2;", Cell(X), 2),
        ("int *x = y;", Cell(X), Y),
        ("phy_x=3", Cell(X), 3),
        ("0:X1=x", Register("x1"), X),
        ("P0:x30=&x", Register("x30"), X),
        ("0:W1=1", Register("x1", is_word=True), 1),
        ("pteval_t 0:X4;", Register("x4"), 0),
        ("0:X1=pte_x", Register("x1"), PTE_X),
        ("0:X1=PTE(x)", Register("x1"), PTE_X),
        ("0:X1=TTD(x)", Register("x1"), PTE_X),
        ("0:X1=PTE(PTE(x))", Register("x1"), Symbol("x", Aspect.DESCRIPTOR_OF_DESCRIPTOR)),
        ("0:X1=phy_x", Register("x1"), PA_X),
        ("0:X1=PA(x)", Register("x1"), PA_X),
        ('0:X1=label:"P0:L0"', Register("x1"), Label("L0")),
        ("0:X1=P0:L0", Register("x1"), Label("L0")),
        ("pte_x=(valid:0)", Cell(PTE_X), Descriptor(PA_X, valid=0)),
        ("[PTE(x)]=(oa:phy_y, af:0, db:0)", Cell(PTE_X), Descriptor(PA_Y, af=0, db=0)),
        ("TTD(x)=(oa:PA(y),dbm:1,el0:0)", Cell(PTE_X), Descriptor(PA_Y, dbm=1, el0=0)),
        ("0:X1=(oa:PTE(x))", Register("x1"), Descriptor(PTE_X)),
    ],
)
def test_an_assignment_is_read_in_every_spelling(text: str, place: Place, value: Value) -> None:
    assert only(text) == (place, value)


def test_assignments_stand_on_their_lines_in_order() -> None:
    initials = read("x=1;\n0:X1=x; ;\n int y;")
    assert [(str(each.place), each.line) for each in initials] == [
        ("[x]", 5),
        ("0:X1", 6),
        ("[y]", 7),
    ]


def test_a_type_decides_how_many_bytes_a_location_has() -> None:
    assert read("int64_t x=1;")[0].type == TYPES["int64_t"]
    assert read("x=1;")[0].type == TYPES["int"]
    assert read("x=y;")[0].type.size == 8
    assert read("pte_x=(valid:1);")[0].type.size == 8


def test_what_holds_an_address_has_room_for_it() -> None:
    assert read("int x=y;")[0].type.size == 8
    assert read("int a[2]={1,y};")[0].type.size == 8
    assert read("int a[2]={1,2};")[0].type.size == 4


def test_an_array_has_its_elements() -> None:
    (initial,) = read("int32_t a[3]={1,0x2,x};")
    assert initial.place == Cell(Symbol("a"))
    assert initial.values == (1, 2, X)
    assert read("int a[2];")[0].values == (0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=1 y=2", "t:5: `;` is expected, not `y`"),
        ("x=1;\nx=2", "t:6: [x] is given twice"),
        ("x=", "t:5: a location is expected, not the end of the part"),
        ("x=!", "t:5: unexpected character '!'"),
        ("0:X1=(valid:0)", "t:5: the descriptor of 0:X1 needs `oa`"),
        ("pte_x=(valid:2)", "t:5: a field of one bit is 0 or 1, not 2"),
        ("pte_x=(oa:x)", "t:5: x is no output address: PA(x) or PTE(x) is"),
        ("pte_x=(af:0,af:1", "t:5: field `af` is given twice"),
        ("pte_x=(af:0;", "t:5: `)` is expected, not `;`"),
        ("int a[2]={1}", "2 elements are declared and 1 given"),
        ("int a[x]", "t:5: a number is expected, not `x`"),
        ("int a[0]", "an array of 1 to 512 elements is expected"),
    ],
)
def test_a_bad_assignment_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(LitmusError) as raised:
        read(text)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1:X1=x", "a register of P1"),
        ("0:V1=1", "register V1"),
        ("0:X31=1", "register X31"),
        ("0:%r=1", "a symbolic register"),
        ("%r=1", "a symbolic register"),
        ("0:X1=PTE(PTE(pte_x))", "the descriptor of PTE(PTE(x))"),
        ("0:X1=PA(pte_x)", "the physical address of PTE(x)"),
        ("0:X1=tag(x)", "a memory tag"),
        ("float x=1", "type `float`"),
        ("x:red=1", "a memory tag"),
        ("0:X1=x:red", "a memory tag"),
        ("pte_x=(attrs:(Device))", "memory attributes in a descriptor"),
        ("pte_x=(pbha:1)", "field `pbha` of a descriptor"),
        ('0:X1=instr:"NOP"', "an instruction as a value"),
        ("0:X1=1:L0", "a label of P1"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(UnsupportedError) as raised:
        read(text)
    assert str(raised.value).startswith("t:5: ")
    assert message in str(raised.value)
