"""Where two encodings differ: what they take a descriptor for, and what they make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from harness.encodings.definition import Encoding
from harness.encodings.form import Form
from harness.encodings.logic import Predicate, Value, always
from harness.encodings.patterns import patterns
from harness.encodings.place import Place
from harness.encodings.words import listed
from harness.errors import ValueSyntaxError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TYPE = 3
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Example:
    """A descriptor, and what each of the two says of it."""

    value: int
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One predicate, state or operation, at one place. `count` of `tried` values differ."""

    form: Form
    level: int
    kind: str
    """`predicate`, `state`, `operation` and so on, or `… of NAME only`, which has no examples."""
    name: str
    count: int
    tried: int
    examples: tuple[Example, ...]


def differences(
    left: Encoding, right: Encoding, labels: Sequence[str] = ()
) -> tuple[Difference, ...]:
    """Return every difference over all patterns of the bits that either gives a meaning.

    At the forms that both have, or those called `labels`; ValueSyntaxError if there is none.
    EngineMissingError without NumPy.
    """
    shared = [form for form in left.forms if form in right.forms]
    forms = [form for form in shared if not labels or form.label in labels]
    if not forms:
        raise ValueSyntaxError(
            f"{left.name} and {right.name} have no {listed(labels or ['tables'])} in common"
        )
    found: list[Difference] = []
    for form in forms:
        for level in form.levels:
            found += _at(Place(left, form, level), Place(right, form, level))
    return tuple(found)


def _at(left: Place, right: Place) -> Iterator[Difference]:
    one, other = left.meaning, right.meaning
    values = patterns(one.meaningful | other.meaningful | _TYPE)
    yield from _truths(left, "predicate", dict(one.predicates), dict(other.predicates), values)
    yield from _truths(
        left,
        "state",
        {state.name.value: state.recognise for state in one.states.values()},
        {state.name.value: state.recognise for state in other.states.values()},
        values,
    )
    walks = [
        {"changes attributes": one.edited_if, "dumps": one.dumped_if},
        {"changes attributes": other.edited_if, "dumps": other.dumped_if},
    ]
    asked = [
        {walk: _question(place, name) for walk, name in each.items()}
        for place, each in zip((left, right), walks, strict=True)
    ]
    yield from _truths(left, "question of the walk that", asked[0], asked[1], values)
    for name, state in one.states.items():
        if name in other.states:
            makers = state.make, other.states[name].make
            yield from _compare(left, "writing of the state", name.value, *makers, values)
    for operation in one.operations:
        if operation not in other.operations:
            continue

        def apply_left(value: Value, name: str = operation) -> Value:
            return one.apply(name, value)

        def apply_right(value: Value, name: str = operation) -> Value:
            return other.apply(name, value)

        yield from _compare(left, "operation", operation, apply_left, apply_right, values)
    yield from _alone(left, right)


def _question(place: Place, name: str | None) -> Predicate:
    return always if name is None else place.meaning.predicates[name]


def _alone(left: Place, right: Place) -> Iterator[Difference]:
    for here, there in ((left, right), (right, left)):
        known = there.meaning
        names = {
            "predicate": [name for name in here.meaning.predicates if name not in known.predicates],
            "state": [name.value for name in here.meaning.states if name not in known.states],
            "operation": [name for name in here.meaning.operations if name not in known.operations],
        }
        for kind, missing in names.items():
            for name in missing:
                where = f"{kind} of {here.encoding.name} only"
                yield Difference(here.form, here.level, where, name, 0, 0, ())


def _truths(
    place: Place,
    kind: str,
    one: dict[str, Predicate],
    other: dict[str, Predicate],
    values: NDArray[np.uint64],
) -> Iterator[Difference]:
    for name, ask in one.items():
        if name in other:
            yield from _compare(place, kind, name, ask, other[name], values)


def _compare(
    place: Place,
    kind: str,
    name: str,
    one: Callable[[Value], object],
    other: Callable[[Value], object],
    values: NDArray[np.uint64],
) -> Iterator[Difference]:
    subjects = cast("Value", values)
    differ = cast("NDArray[np.bool_]", one(subjects) != other(subjects))
    wrong = values[differ]
    if not wrong.size:
        return
    examples = tuple(
        Example(int(value), _shown(one(int(value))), _shown(other(int(value))))
        for value in wrong[:EXAMPLES]
    )
    yield Difference(
        place.form, place.level, kind, name, int(wrong.size), int(values.size), examples
    )


def _shown(answer: object) -> str:
    return str(answer).lower() if isinstance(answer, bool) else f"{answer:#018x}"
