"""A leaf is taken from the hardware and given back: nothing is lost, nothing is let through."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from harness.encodings.definition import Course, Hardware, KernelOperation, StateName
from harness.encodings.logic import Operation, Predicate, Truth, Value, same
from harness.encodings.place import Place
from harness.encodings.properties.claim import Claim, Property, Scene
from harness.encodings.properties.subjects import article, states_of, unchanged, written

_DOES = {True: "maps it", False: "faults on it"}


def _kernel(place: Place) -> Iterator[Operation]:
    for state in states_of(place, StateName.VALID_LEAF):
        yield written(place, state)


def _round_trip(place: Place) -> Iterator[Claim]:
    for subject in _kernel(place):
        for course in place.meaning.courses:
            yield _restored(place, course, subject, "leaf")


def _round_trip_any(place: Place) -> Iterator[Claim]:
    if place.form.has_leaf(place.level):
        for course in place.meaning.courses:
            yield _restored(place, course, place.any_leaf, "valid leaf of any bits")


def _restored(place: Place, course: Course, subject: Operation, what: str) -> Claim:
    after = _values(place, course)

    def is_restored(value: Value) -> Truth:
        return after[-1](value) == course.result(value)

    return Claim(
        f"after {course.name}, a {what} is what it is meant to be",
        f"after {course.name}, the leaf is not what it is meant to be",
        _started(course, subject),
        is_restored,
        (*_scenes(course, after), Scene("meant to be", course.result, Hardware.LEAF)),
    )


def _faults_between(place: Place) -> Iterator[Claim]:
    for subject in _kernel(place):
        for course in place.meaning.courses:
            after = _values(place, course)
            for number, step in enumerate(course.steps):
                meant = Hardware.LEAF if step.mapped else Hardware.INVALID

                def agrees(
                    value: Value, meant: Hardware = meant, result: Operation = after[number]
                ) -> Truth:
                    return place.hardware_is(meant, result(value))

                yield Claim(
                    f"{course.name}: after {step.operation} hardware {_DOES[step.mapped]}",
                    f"{course.name}: after {step.operation} hardware {_DOES[not step.mapped]}",
                    _started(course, subject),
                    agrees,
                    _scenes(course, after)[: number + 2],
                )


@cache
def _started(course: Course, subject: Operation) -> Operation:
    def start(value: Value) -> Value:
        return course.start(subject(value))

    return start


def _values(place: Place, course: Course) -> list[Operation]:
    """Return, for each step, what turns the leaf at the start into the entry after the step."""
    found: list[Operation] = []
    previous: Operation = unchanged
    for step in course.steps:

        def after(
            value: Value, operation: str = step.operation, before: Operation = previous
        ) -> Value:
            return place.meaning.apply(operation, before(value))

        found.append(after)
        previous = after
    return found


def _scenes(course: Course, after: list[Operation]) -> tuple[Scene, ...]:
    scenes = [Scene("the leaf", unchanged, Hardware.LEAF)]
    for step, value in zip(course.steps, after, strict=True):
        meant = Hardware.LEAF if step.mapped else Hardware.INVALID
        scenes.append(Scene(f"after {step.operation}", value, meant))
    return tuple(scenes)


def _keeps_answers(place: Place) -> Iterator[Claim]:
    meaning = place.meaning
    for state in states_of(place, StateName.VALID_LEAF, StateName.USER_LEAF):
        subject = written(place, state)
        for operation in meaning.invalidations:
            if state.name is StateName.USER_LEAF and meaning.operations[operation].by_walk:
                continue
            for name in meaning.kept:
                ask = meaning.predicates[name]

                def is_kept(
                    value: Value, operation: str = operation, ask: Predicate = ask
                ) -> Truth:
                    return same(ask(meaning.apply(operation, value)), ask(value))

                yield Claim(
                    f"{name} answers the same after {operation} of {article(state)}",
                    f"{name} answers otherwise after {operation} of {article(state)}",
                    subject,
                    is_kept,
                    _before_and_after(place, operation),
                )


def _before_and_after(place: Place, operation: str) -> tuple[Scene, ...]:
    def after(value: Value) -> Value:
        return place.meaning.apply(operation, value)

    return (
        Scene("the leaf", unchanged, Hardware.LEAF),
        Scene(f"after {operation}", after, Hardware.INVALID),
    )


def _change_keeps_invalid(place: Place) -> Iterator[Claim]:
    meaning = place.meaning
    if meaning.restores is None:
        return
    for subject in _kernel(place):
        for off in meaning.invalidations[:1]:
            for change in meaning.changes:
                yield _changed_while_invalid(place, subject, off, change, meaning.restores)


def _changed_while_invalid(
    place: Place, subject: Operation, off: str, change: str, on: str
) -> Claim:
    apply = place.meaning.apply
    direct: KernelOperation = place.meaning.operations[change]

    def changed(value: Value) -> Value:
        return apply(change, apply(off, value))

    def restored(value: Value) -> Value:
        return apply(on, changed(value))

    def holds(value: Value) -> Truth:
        stays = place.hardware_is(Hardware.INVALID, changed(value))
        return stays & (restored(value) == direct(value))

    return Claim(
        f"{change} of a leaf made invalid keeps it invalid, and shows when it is valid again",
        f"{change} of a leaf made invalid makes it valid, or is lost, or the leaf stays invalid",
        subject,
        holds,
        (
            *_before_and_after(place, off),
            Scene(f"after {change}", changed, Hardware.INVALID),
            Scene(f"after {on}", restored, Hardware.LEAF),
            Scene("meant to be", direct, Hardware.LEAF),
        ),
    )


INVALIDATION = (
    Property(
        "round_trip",
        "A leaf made invalid and valid again by the kernel's operations is the leaf that it was: "
        "with and without KPTI, contiguous, dirty or not, read-only, executable.",
        "The panic this tool was made for: a block that is not made valid again stays invalid, and "
        "the next store into memory in use takes a Translation fault.",
        "levels with operations that make a leaf invalid",
        _round_trip,
    ),
    Property(
        "round_trip_any_leaf",
        "The same for every valid leaf that there can be, also such as the kernel does not write.",
        "It says what the operations rely on: a bit that they overwrite must never matter.",
        "levels with operations that make a leaf invalid",
        _round_trip_any,
    ),
    Property(
        "faults_between",
        "Hardware faults on a leaf while it is invalid, and maps it when it is valid again.",
        "Memory that is shared with a hypervisor, or guarded, would be open to speculation and "
        "stray accesses.",
        "levels with operations that make a leaf invalid",
        _faults_between,
    ),
    Property(
        "invalid_keeps_answers",
        "What software asks of a leaf beside validity is answered the same while it is invalid.",
        "Dirty pages would be dropped, or read-only ones written.",
        "levels with operations that make a leaf invalid",
        _keeps_answers,
    ),
    Property(
        "change_keeps_invalid",
        "An attribute change of an invalid leaf keeps it invalid, and is there when it is valid.",
        "The change would open what was closed, or be lost in silence.",
        "levels with attribute changes and leaves made invalid",
        _change_keeps_invalid,
    ),
)
