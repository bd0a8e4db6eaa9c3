"""What software holds of an entry is what hardware does with it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.encodings.definition import Hardware, Role
from harness.encodings.logic import Predicate, Truth, Value, implies, negate, same
from harness.encodings.place import Place
from harness.encodings.properties.claim import Claim, Property
from harness.encodings.properties.subjects import any_value, as_written, unchanged, written


def _states(place: Place) -> Iterator[Claim]:
    for state in place.meaning.states.values():
        what = state.hardware

        def agrees(value: Value, what: Hardware = what) -> Truth:
            return place.hardware_is(what, value)

        yield Claim(
            f"hardware takes an entry written as {state.name} for {what}",
            f"hardware does not take an entry written as {state.name} for {what}",
            written(place, state),
            agrees,
            (as_written(state),),
        )


def _validity(place: Place) -> Iterator[Claim]:
    is_valid = place.meaning.role(Role.VALID)
    if is_valid is None:
        return
    name = place.meaning.roles[Role.VALID]
    yield Claim(
        f"{name} is true for exactly the entries that hardware does not fault on",
        f"{name} says one thing and hardware does the other",
        unchanged,
        lambda value: same(is_valid(value), negate(place.hardware_is(Hardware.INVALID, value))),
        (any_value(f"an entry for which {name} decides", None),),
    )


def _kinds(place: Place) -> Iterator[Claim]:
    for role, what in ((Role.TABLE, Hardware.TABLE), (Role.LEAF, Hardware.LEAF)):
        ask = place.meaning.role(role)
        if ask is None:
            continue
        name = place.meaning.roles[role]

        def agrees(value: Value, ask: Predicate = ask, what: Hardware = what) -> Truth:
            is_used = negate(place.hardware_is(Hardware.INVALID, value))
            return implies(is_used, same(ask(value), place.hardware_is(what, value)))

        yield Claim(
            f"of entries that hardware uses, {name} is true for exactly its {what} descriptors",
            f"{name} and hardware differ on whether the entry is a {what}",
            unchanged,
            agrees,
            (any_value(),),
        )


HARDWARE = (
    Property(
        "hardware_sees_states",
        "Hardware takes each state, as it is written, for what it is meant to be: it faults on "
        "exactly the states that are not mapped.",
        "An entry that is meant to fault and does not gives access; the other way round it panics.",
        "every level",
        _states,
    ),
    Property(
        "validity_agrees",
        "The question for validity equals hardware's, for every 64-bit value.",
        "Software that takes an entry for valid does not look further when an access faults.",
        "levels where software asks for validity",
        _validity,
    ),
    Property(
        "kinds_agree",
        "The questions for table and leaf equal hardware's, for every value that hardware uses.",
        "Software would descend where hardware maps, or map where hardware descends.",
        "levels where software asks for tables or leaves",
        _kinds,
    ),
)
