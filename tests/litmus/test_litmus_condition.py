"""Conditions: what is listed, quantified, compared, and how tightly connectives bind."""

from __future__ import annotations

import pytest

from harness.errors import LitmusError, UnsupportedError
from harness.litmus.condition import (
    Condition,
    Equal,
    Every,
    FaultAt,
    Not,
    Proposition,
    Quantifier,
    Some,
    read_condition,
)
from harness.litmus.sections import Part
from harness.litmus.values import Aspect, Cell, Descriptor, Label, Register, Symbol

X = Symbol("x")
PTE_X = Symbol("x", Aspect.DESCRIPTOR)
A, B, C = (Equal(Cell(Symbol(name)), 1) for name in "abc")


def read(text: str) -> Condition:
    return read_condition(Part(text, 9), "t")


def proposition(text: str) -> Proposition:
    return read(f"exists {text}").proposition


@pytest.mark.parametrize(
    ("text", "quantifier"),
    [
        ("exists a=1", Quantifier.EXISTS),
        ("final a=1", Quantifier.EXISTS),
        ("~exists a=1", Quantifier.NOT_EXISTS),
        ("not exists a=1", Quantifier.NOT_EXISTS),
        ("forall a=1;", Quantifier.FORALL),
    ],
)
def test_a_condition_is_claimed_of_one_no_or_every_state(text: str, quantifier: Quantifier) -> None:
    assert read(text) == Condition(quantifier, A)


def test_a_test_without_a_condition_claims_nothing() -> None:
    assert read(" \n") == Condition(Quantifier.FORALL, Every(()))


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (r"a=1 /\ b=1 \/ c=1", Some((Every((A, B)), C))),
        (r"a=1 \/ b=1 /\ c=1", Some((A, Every((B, C))))),
        (r"a=1 /\ (b=1 \/ c=1)", Every((A, Some((B, C))))),
        (r"~a=1 /\ b=1", Every((Not(A), B))),
        ("not (a=1)", Not(A)),
        ("~~a=1", Not(Not(A))),
        ("a=1 => b=1", Some((Not(A), B))),
        (r"c=1 /\ a=1 => b=1", Every((C, Some((Not(A), B))))),
        ("a != 1", Not(A)),
        ("a<>1", Not(A)),
        ("a==1", A),
        ("true", Every(())),
        ("false", Some(())),
    ],
)
def test_connectives_bind_as_in_herd(text: str, parsed: Proposition) -> None:
    assert proposition(text) == parsed


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("0:X2=0x10", Equal(Register("x2"), 16)),
        ("0:W2=1", Equal(Register("x2", is_word=True), 1)),
        ("[x]=1", Equal(Cell(X), 1)),
        ("x[1]=2", Equal(Cell(X, 1, indexed=True), 2)),
        ("0:X1=x", Equal(Register("x1"), X)),
        ("0:X1=0:X2", Equal(Register("x1"), Register("x2"))),
        ("0:X1=0:L2", Equal(Register("x1"), Label("L2"))),
        ("x=*y", Equal(Cell(X), Cell(Symbol("y")))),
        ("[x]=[y]", Equal(Cell(X), Cell(Symbol("y")))),
        (
            "pte_x=(valid:0)",
            Equal(Cell(PTE_X), Descriptor(Symbol("x", Aspect.PHYSICAL), valid=0)),
        ),
        (
            "0:X1=(oa:phy_y, af:0)",
            Equal(Register("x1"), Descriptor(Symbol("y", Aspect.PHYSICAL), af=0)),
        ),
    ],
)
def test_a_place_is_compared_with_a_value_or_a_place(text: str, parsed: Proposition) -> None:
    assert proposition(text) == parsed


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("fault(P0)", FaultAt()),
        ("fault(P0,x)", FaultAt(symbol=X)),
        ("fault(P0:L0,x)", FaultAt("L0", X)),
        ("Fault(P0:L0)", FaultAt("L0")),
        ("fault(P0,PTE(x))", FaultAt(symbol=PTE_X)),
        ("fault(P0:L0,x,MMU:Translation)", FaultAt("L0", X, "MMU:Translation")),
        ("fault(P0:L0,x,D-MMU:Permission)", FaultAt("L0", X, "MMU:Permission")),
        ("fault(P0,x,MMU)", FaultAt(None, X)),
        ("fault(P0,MMU:AccessFlag)", FaultAt(kind="MMU:AccessFlag")),
    ],
)
def test_a_fault_is_named_by_label_address_and_type(text: str, parsed: Proposition) -> None:
    assert proposition(text) == parsed


def test_what_is_listed_is_kept_with_faults_and_without_types() -> None:
    condition = read("locations [0:X1; x int; pte_x; fault(P0,x);]\nfilter a=1 exists b=1")
    assert condition.locations == (Register("x1"), Cell(X), Cell(PTE_X), FaultAt(symbol=X))
    assert (condition.assumed, condition.proposition) == (A, B)
    assert read("locations []\nexists a=1").locations == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exists", "t:9: a location is expected, not the end of the part"),
        ("maybe x=1", "t:9: exists, ~exists or forall is expected, not `maybe`"),
        ("exists\nx", "t:10: `=` is expected, not the end of the part"),
        ("exists (x=1", "t:9: `)` is expected, not the end of the part"),
        ("exists x=1 y=1", r"t:9: `/\`, `\/` or the end of the condition is expected, not `y`"),
        ("exists fault(x)", "t:9: P0 is expected, not `x`"),
        ("exists fault(P0,x", "t:9: `)` is expected after a fault"),
        ("locations [x exists x=1", "t:9: `;` is expected, not `exists`"),
    ],
)
def test_a_bad_condition_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(LitmusError) as raised:
        read(text)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exists 1:X0=1", "a register of P1"),
        ("exists fault(P1,x)", "a fault of P1"),
        ("exists fault(P0,x,TagCheck)", "type of fault `TagCheck`"),
        ("exists x={1,2}", "the comparison of a whole array"),
        ("observed x=1;", "`observed`"),
        ("exists x=1 with tso: exists", "`with` after a condition"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(UnsupportedError) as raised:
        read(text)
    assert message in str(raised.value)
