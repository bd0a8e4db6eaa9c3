"""Correct sequences with one instruction left out: what goes wrong, and what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from graph import Graph
from toy import PTES, VAS, Program, Toy, explored, pte

from harness.explore.advice import DSB, ISB, TLBI, Advice, Place, advise
from harness.explore.explorer import Bounds
from harness.explore.steppable import FinalState, Steppable

X, PTE_X = VAS["x"], PTES["pte_x"]
REGISTERS = {"X0": 0, "X1": pte("y"), "X2": PTE_X, "X3": X, "X9": X >> 12}
Instruction = tuple[object, ...]
BREAK: Instruction = ("str", "X0", "X2")
MAKE: Instruction = ("str", "X1", "X2")
USE: Instruction = ("ldr", "X4", "X3")
MAINTENANCE: dict[str, Instruction] = {
    DSB: ("dsb", "dsb ish"),
    ISB: ("isb",),
    TLBI: ("tlbi", "tlbi vmalle1is"),
}
TLBI_X: Instruction = ("tlbi", "tlbi vaae1is", "X9")
NAMES = {MAINTENANCE[DSB]: DSB, MAINTENANCE[ISB]: ISB, TLBI_X: TLBI}
MEMORY = {"x": 1, "y": 2}

UNMAP = (BREAK, MAINTENANCE[DSB], TLBI_X, MAINTENANCE[DSB], MAINTENANCE[ISB], USE)
MAP = (MAKE, MAINTENANCE[DSB], MAINTENANCE[ISB], USE)
REMAP = (
    BREAK,
    MAINTENANCE[DSB],
    TLBI_X,
    MAINTENANCE[DSB],
    MAKE,
    MAINTENANCE[DSB],
    MAINTENANCE[ISB],
    USE,
)


class ToyVariants:
    """Variants of a toy program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.places = tuple(
            Place(index, f"instruction {index}") for index in range(len(program.code))
        )

    def variant(self, place: Place, instructions: tuple[str, ...]) -> Steppable:
        """Return the program with more instructions."""
        code = list(self.program.code)
        code[place.index : place.index] = [MAINTENANCE[each] for each in instructions]
        return Toy(replace(self.program, code=tuple(code)))


def program(code: tuple[Instruction, ...], *, mapped: bool = True) -> Program:
    """Return a program on a page that is mapped, or not yet."""
    memory = MEMORY if mapped else {**MEMORY, "pte_x": 0}
    return Program(code, REGISTERS, memory)


def uses_the_old_page(state: FinalState) -> bool:
    return dict(state.registers).get("X4") == 1


def faults(state: FinalState) -> bool:
    return bool(state.faults)


def is_reached(code: tuple[Instruction, ...], bad: object, *, mapped: bool = True) -> bool:
    assert callable(bad)
    return any(bad(each.state) for each in explored(program(code, mapped=mapped)).outcomes)


def without(code: tuple[Instruction, ...], index: int) -> tuple[Instruction, ...]:
    return (*code[:index], *code[index + 1 :])


def remap_goes_wrong(state: FinalState) -> bool:
    return uses_the_old_page(state) or faults(state)


@pytest.mark.parametrize("code", [UNMAP, REMAP], ids=["unmap", "remap"])
def test_a_correct_sequence_has_no_bad_outcome(code: tuple[Instruction, ...]) -> None:
    bad = uses_the_old_page if code is UNMAP else remap_goes_wrong
    assert not is_reached(code, bad)


def test_a_correct_mapping_has_no_bad_outcome() -> None:
    assert not is_reached(MAP, faults, mapped=False)


@pytest.mark.parametrize("index", [1, 2, 3, 4])
def test_unmapping_without_any_one_of_its_steps_goes_wrong(index: int) -> None:
    broken = without(UNMAP, index)
    assert is_reached(broken, uses_the_old_page)
    advice = advise(ToyVariants(program(broken)), uses_the_old_page)
    missing = NAMES[UNMAP[index]]
    assert Advice(Place(index, f"instruction {index}"), (missing,)) in advice
    assert {each.instructions for each in advice} == {(missing,)}


@pytest.mark.parametrize("index", [1, 2])
def test_mapping_without_any_one_of_its_steps_goes_wrong(index: int) -> None:
    broken = without(MAP, index)
    assert is_reached(broken, faults, mapped=False)
    advice = advise(ToyVariants(program(broken, mapped=False)), faults)
    assert [each.instructions for each in advice] == [(NAMES[MAP[index]],)]


@pytest.mark.parametrize("index", [1, 2, 5, 6])
def test_remapping_without_one_of_these_steps_goes_wrong(index: int) -> None:
    broken = without(REMAP, index)
    assert is_reached(broken, remap_goes_wrong)
    advice = advise(ToyVariants(program(broken)), remap_goes_wrong)
    assert (NAMES[REMAP[index]],) in {each.instructions for each in advice}


def test_a_second_tlbi_does_as_well_as_the_dsb_that_the_first_one_lacks() -> None:
    broken = without(REMAP, 1)
    advice = advise(ToyVariants(program(broken)), remap_goes_wrong)
    assert {each.instructions for each in advice} == {(DSB,), (TLBI,)}


def test_the_second_dsb_of_a_remap_is_redundant_for_the_page_s_own_user() -> None:
    # The last DSB completes the TLBI as well; the PE accesses the page only after that.
    assert REMAP[3] == MAINTENANCE[DSB]
    assert not is_reached(without(REMAP, 3), remap_goes_wrong)


def test_everything_at_once_is_advised_where_nothing_was_done() -> None:
    advice = advise(ToyVariants(program((BREAK, USE))), uses_the_old_page)
    assert [(each.place.index, each.instructions) for each in advice] == [
        (1, (DSB, TLBI, DSB, ISB))
    ]


def test_no_advice_where_no_maintenance_helps() -> None:
    assert advise(ToyVariants(program((USE,))), uses_the_old_page) == ()


def test_no_advice_where_nothing_goes_wrong() -> None:
    assert advise(ToyVariants(program(UNMAP)), uses_the_old_page) == ()
    assert advise(ToyVariants(program(())), uses_the_old_page) == ()


class LongVariants:
    """A program that goes wrong; what is inserted makes it longer, and right."""

    places = (Place(0, "start"),)

    def variant(self, place: Place, instructions: tuple[str, ...]) -> Steppable:
        """Return a graph."""
        assert place in self.places
        if not instructions:
            return Graph({"start": ("bad",), "bad": "end"})
        return Graph({"start": ("a",), "a": ("b",), "b": ("good",), "good": "end"})


def test_a_variant_that_was_not_explored_to_its_end_is_no_advice() -> None:
    def is_bad(state: FinalState) -> bool:
        return state.registers[0][0] == "bad"

    assert advise(LongVariants(), is_bad, Bounds(instructions=2)) == ()
    advice = advise(LongVariants(), is_bad, Bounds(instructions=3))
    assert [each.instructions for each in advice] == [(ISB,), (DSB,), (TLBI,)]


def test_advice_says_what_where_and_why() -> None:
    text = Advice(Place(3, "unmap+0xc"), (TLBI, DSB)).text
    assert text.startswith("missing before unmap+0xc: a TLBI that covers the change, DSB ISH (")
    assert "a TLB may keep the old descriptor; without a DSB" in text
