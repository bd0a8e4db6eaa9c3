"""Walks see every leaf: the one that changes attributes, the dump, the question for presence."""

from __future__ import annotations

from collections.abc import Iterator

from harness.encodings.definition import Hardware, PresentQuestion, State, StateName
from harness.encodings.logic import Predicate, Truth, Value, always, negate, same
from harness.encodings.place import Place
from harness.encodings.properties.claim import Claim, Property
from harness.encodings.properties.subjects import (
    KERNEL_LEAVES,
    as_written,
    is_not,
    states_of,
    written,
)


def _question(place: Place, name: str | None) -> tuple[str, Predicate]:
    return ("every entry", always) if name is None else (name, place.meaning.predicates[name])


def _edits(place: Place) -> Iterator[Claim]:
    if not any(operation.by_walk for operation in place.meaning.operations.values()):
        return
    name, ask = _question(place, place.meaning.edited_if)
    for state in states_of(place, *KERNEL_LEAVES):
        yield _sees(place, state, f"the walk that changes attributes ({name})", ask)
    for state in states_of(place, StateName.TABLE):
        yield Claim(
            f"the walk that changes attributes ({name}) goes on below a table",
            f"the walk that changes attributes ({name}) edits a table as if it were a leaf",
            written(place, state),
            is_not(ask),
            (as_written(state),),
        )


def _dumps(place: Place) -> Iterator[Claim]:
    if place.meaning.present is None:
        return
    name, ask = _question(place, place.meaning.dumped_if)
    for state in states_of(place, *KERNEL_LEAVES):
        yield _sees(place, state, f"the dump ({name})", ask)


def _sees(place: Place, state: State, who: str, ask: Predicate) -> Claim:
    return Claim(
        f"{who} sees an entry written as {state.name}",
        f"{who} does not see an entry written as {state.name}",
        written(place, state),
        ask,
        (as_written(state),),
    )


def _answers(place: Place) -> Iterator[Claim]:
    question = place.meaning.present
    if question is None:
        return
    stops = _question(place, question.stops_if)[1]
    answer = _question(place, question.answer)[1]
    for state in states_of(place, *KERNEL_LEAVES):

        def is_true(value: Value) -> Truth:
            used = negate(place.hardware_is(Hardware.INVALID, value))
            return stops(value) & same(answer(value), used)

        yield Claim(
            f"kernel_page_present answers what is so for an entry written as {state.name}",
            f"{_what_it_does(question)} for an entry written as {state.name}",
            written(place, state),
            is_true,
            (as_written(state),),
        )


def _what_it_does(question: PresentQuestion) -> str:
    if question.stops_if is None:
        return "kernel_page_present answers wrongly"
    return (
        f"kernel_page_present answers wrongly, or {question.stops_if} is false and it goes on to a "
        "table that is none,"
    )


SEEING = (
    Property(
        "walk_edits_every_leaf",
        "The walk that changes attributes edits every leaf, valid or not, and no table.",
        "What it does not see it takes for a table: it leaves the leaf as it is, and reads the "
        "mapped memory as descriptors.",
        "levels with operations that the walk does",
        _edits,
    ),
    Property(
        "dump_shows_every_leaf",
        "The dump of the tables shows every leaf, valid or not.",
        "A block that is missing from the dump misleads whoever looks for the cause of a fault.",
        "levels with leaves of the kernel",
        _dumps,
    ),
    Property(
        "page_present_is_true",
        "kernel_page_present stops at every leaf and says whether hardware maps it.",
        "Hibernation and secret memory ask it before they touch a page.",
        "levels with leaves of the kernel",
        _answers,
    ),
)
