"""Behaviours of single-thread litmus tests for virtual memory, as programs of the toy PE."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from toy import HA, HD, PTES, VAS, Program, explored, pte

from harness.explore.steppable import FinalState

Condition = Callable[[FinalState], bool]
X, PTE_X = VAS["x"], PTES["pte_x"]
PAGE_NUMBER = X >> 12
TLBI_X = (("tlbi", "tlbi vaae1is", "X9"),)
ISH = ("dsb", "dsb ish")


def faults(state: FinalState) -> bool:
    return bool(state.faults)


def runs(state: FinalState) -> bool:
    return not state.faults


def has(**wanted: int) -> Condition:
    """Return whether registers and memory have these values at the end."""

    def holds(state: FinalState) -> bool:
        values = {**dict(state.registers), **dict(state.memory)}
        return all(values.get(name) == value for name, value in wanted.items())

    return holds


def both(first: Condition, second: Condition) -> Condition:
    return lambda state: first(state) and second(state)


def program(
    *code: tuple[object, ...], memory: Mapping[str, int], tcr: int = 0, **registers: int
) -> Program:
    given = {"X3": X, "X2": PTE_X, "X9": PAGE_NUMBER, "X7": 1, **registers}
    return Program(code, given, memory, tcr)


def verdict(test: Program, condition: Condition) -> str:
    """Return never, sometimes or always."""
    found = explored(test)
    assert found.complete
    assert found.outcomes
    held = [condition(outcome.state) for outcome in found.outcomes]
    return "always" if all(held) else "sometimes" if any(held) else "never"


STORE = ("str", "X1", "X2")
LOAD = ("ldr", "X4", "X3")
WRITE = ("str", "X7", "X3")
CLEAN = {"af": 1, "db": 0, "dbm": 1}

CASES: list[tuple[str, str, Program, Condition]] = [
    (
        "an atomic on a page with AF clear sets it and goes on",
        "always",
        program(("ldadd", "X7", "X8", "X3"), memory={"pte_x": pte("x", af=0)}, tcr=HA),
        both(runs, has(x=1, pte_x=pte("x"))),
    ),
    (
        "a load on a page with AF clear sets it",
        "always",
        program(LOAD, memory={"x": 1, "pte_x": pte("x", af=0)}, tcr=HA),
        both(runs, has(X4=1, pte_x=pte("x"))),
    ),
    (
        "a load on a page with AF clear faults where hardware does not set it",
        "always",
        program(LOAD, memory={"pte_x": pte("x", af=0)}),
        both(faults, has(pte_x=pte("x", af=0))),
    ),
    (
        "AF of an invalid descriptor is not set",
        "never",
        program(LOAD, memory={"pte_x": pte("x", af=0, valid=0)}, tcr=HA),
        has(pte_x=pte("x", valid=0)),
    ),
    (
        "a new mapping without any barrier may still fault",
        "sometimes",
        program(STORE, LOAD, memory={"pte_x": pte("x", valid=0), "y": 1}, X1=pte("y")),
        faults,
    ),
    (
        "a new mapping after a DMB may still fault",
        "sometimes",
        program(STORE, ("dmb",), LOAD, memory={"pte_x": pte("x", valid=0)}, X1=pte("y")),
        faults,
    ),
    (
        "a new mapping after a DSB alone may still fault",
        "sometimes",
        program(STORE, ISH, LOAD, memory={"pte_x": pte("x", valid=0)}, X1=pte("y")),
        faults,
    ),
    (
        "a new mapping after DSB and ISB does not fault",
        "never",
        program(STORE, ISH, ("isb",), WRITE, memory={"pte_x": pte("x", valid=0)}, X1=pte("x")),
        faults,
    ),
    (
        "a new mapping after DSB LD and ISB may still fault",
        "sometimes",
        program(
            STORE, ("dsb", "dsb ld"), ("isb",), LOAD,
            memory={"pte_x": pte("x", valid=0)}, X1=pte("x"),
        ),
        faults,
    ),
    (
        "a permission that was added needs a TLBI",
        "sometimes",
        program(STORE, ISH, ("isb",), WRITE, memory={"pte_x": pte("x", db=0)}, X1=pte("x")),
        faults,
    ),
    (
        "what a second store of an invalid entry's new value may have left in a TLB",
        "sometimes",
        program(
            STORE, ISH, ("str", "X5", "X2"), ISH, ("isb",), WRITE,
            memory={"pte_x": pte("x", valid=0, db=0)}, X1=pte("x", db=0), X5=pte("x"),
        ),
        faults,
    ),
    (
        "an unmapped page is gone after DSB, TLBI, DSB and ISB",
        "always",
        program(
            STORE, ("dsb", "dsb st"), *TLBI_X, ISH, ("isb",), LOAD,
            memory={}, X1=pte("x", valid=0),
        ),
        faults,
    ),
    (
        "an unmapped page may stay where a DSB LD follows the TLBI",
        "sometimes",
        program(
            STORE, ISH, *TLBI_X, ("dsb", "dsb ld"), ("isb",), WRITE,
            memory={}, X1=pte("x", valid=0),
        ),
        runs,
    ),
    (
        "an unmapped page may stay without the ISB",
        "sometimes",
        program(STORE, ISH, *TLBI_X, ISH, LOAD, memory={}, X1=pte("x", valid=0)),
        runs,
    ),
    (
        "an unmapped page may stay where the TLBI came before the store was complete",
        "sometimes",
        program(STORE, *TLBI_X, ISH, ("isb",), LOAD, memory={}, X1=pte("x", valid=0)),
        runs,
    ),
    (
        "a DSB without TLBI leaves the old page in use",
        "sometimes",
        program(STORE, ("dsb", "dsb sy"), LOAD, memory={"x": 1, "y": 2}, X1=pte("y")),
        has(X4=1),
    ),
    (
        "a load is not translated by a later store",
        "never",
        program(LOAD, STORE, memory={"x": 1, "y": 2}, X1=pte("y")),
        has(X4=2),
    ),
    (
        "a load of a descriptor sees the store before it",
        "always",
        program(
            STORE, ("ldr", "X4", "X2"), memory={"pte_x": pte("x", valid=0)}, X1=pte("y"),
        ),
        has(X4=pte("y")),
    ),
    (
        "a store sets the dirty state",
        "always",
        program(WRITE, memory={"pte_x": pte("x", **CLEAN)}, tcr=HA | HD),
        both(runs, has(x=1, pte_x=pte("x", dbm=1))),
    ),
    (
        "a store to a clean page faults where hardware does not manage the dirty state",
        "always",
        program(WRITE, memory={"pte_x": pte("x", **CLEAN)}, tcr=HA),
        faults,
    ),
    (
        "a dirty update does not come after a later store to the descriptor",
        "never",
        program(
            WRITE, ISH, ("isb",), STORE,
            memory={"pte_x": pte("x", **CLEAN)}, tcr=HA | HD, X1=pte("y", dbm=1),
        ),
        has(x=1, pte_x=pte("x", dbm=1)),
    ),
    (
        "a dirty update may come before an earlier store, TLBI and DSB",
        "sometimes",
        program(
            STORE, ISH, *TLBI_X, ISH, WRITE,
            memory={"pte_x": pte("x", **CLEAN)}, tcr=HA | HD, X1=pte("y", **CLEAN),
        ),
        has(x=1, pte_x=pte("y", **CLEAN)),
    ),
    (
        "a dirty update does not come before them where an ISB follows",
        "never",
        program(
            STORE, ISH, *TLBI_X, ISH, ("isb",), WRITE,
            memory={"pte_x": pte("x", **CLEAN)}, tcr=HA | HD, X1=pte("y", **CLEAN),
        ),
        has(x=1, pte_x=pte("y", **CLEAN)),
    ),
    (
        "no dirty update revives what an atomic has made invalid",
        "never",
        program(
            ("ldclr", "X7", "X6", "X2"), WRITE,
            memory={"pte_x": pte("x", **CLEAN)}, tcr=HA | HD,
        ),
        both(runs, has(X6=pte("x", **CLEAN), x=1)),
    ),
    (
        "an atomic may find the dirty update of a later store",
        "sometimes",
        program(
            ("ldclr", "X7", "X6", "X2"), WRITE,
            memory={"pte_x": pte("x", **CLEAN)}, tcr=HA | HD,
        ),
        both(runs, has(X6=pte("x", dbm=1), x=1, pte_x=pte("x", dbm=1, valid=0))),
    ),
    (
        "AF may be set without any access",
        "sometimes",
        program(("ldr", "X4", "X2"), memory={"pte_x": pte("x", af=0)}, tcr=HA),
        has(X4=pte("x")),
    ),
    (
        "AF is not set without any access where hardware does not manage it",
        "never",
        program(("ldr", "X4", "X2"), memory={"pte_x": pte("x", af=0)}),
        has(X4=pte("x")),
    ),
    (
        "a load of the descriptor may miss the PE's own update",
        "sometimes",
        program(
            LOAD, ("dsb", "dsb ld"), ("ldr", "X5", "X2"),
            memory={"pte_x": pte("x", af=0)}, tcr=HA,
        ),
        has(X5=pte("x", af=0)),
    ),
    (
        "a load of the descriptor does not miss the PE's own update after a full DSB",
        "never",
        program(
            LOAD, ISH, ("ldr", "X5", "X2"), memory={"pte_x": pte("x", af=0)}, tcr=HA,
        ),
        has(X5=pte("x", af=0)),
    ),
    (
        "a store of a descriptor is not undone by AF",
        "never",
        program(
            ("ldr", "X4", "X2"), STORE,
            memory={"pte_x": pte("x", af=0)}, tcr=HA, X1=pte("y", af=0),
        ),
        has(pte_x=pte("x")),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "test", "condition"),
    [pytest.param(*case[1:], id=case[0].replace(" ", "_")) for case in CASES],
)
def test_behaviour_of(wanted: str, test: Program, condition: Condition) -> None:
    assert verdict(test, condition) == wanted
