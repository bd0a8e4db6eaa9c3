"""What a Linux kernel makes of one descriptor, in a sentence or two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.arch.granule import Granule
from harness.encodings.definition import LevelEncoding, WalkDecision
from harness.encodings.linux_bits import VALID
from harness.encodings.words import listed, size_in_words

_TELLING = ("present", "leaf", "sect", "table")
_TELLING_PTE = ("present", "valid", "present_invalid")
_ARE = {1: "is", 2: "are both"}


def describe(meaning: LevelEncoding, value: int, granule: Granule) -> str:
    """Say what the kernel takes `value` for at one level, and what follows from it."""
    name = meaning.name
    if value == 0:
        return f"{name}_none: nothing is mapped here."
    answers = meaning.true_of(value)
    if f"{name}_valid" not in answers:
        what = "not a table, and it has no other entries" if answers[f"{name}_bad"] else "a table"
        return f"At {name} this kernel knows tables only; this is {what}."
    told = [
        f"{name}_{question}"
        for question in (_TELLING if f"{name}_leaf" in answers else _TELLING_PTE)
        if f"{name}_{question}" in answers
    ]
    return f"{_answers_in_words(told, answers)} {_consequence(meaning, value, granule)}"


def _answers_in_words(told: Iterable[str], answers: Mapping[str, bool]) -> str:
    """Return which predicates are true, then which are false, as one sentence."""
    parts = []
    for truth, word in ((True, "true"), (False, "false")):
        named = [name for name in told if answers[name] is truth]
        if named:
            verb = _ARE.get(len(named), "are all")
            parts.append(f"{listed(named)} {verb} {word}")
    return "; ".join(parts) + "."


def _consequence(meaning: LevelEncoding, value: int, granule: Granule) -> str:
    name = meaning.name
    size = size_in_words(granule.level_size(meaning.level))
    if meaning.predicates.get(f"{name}_table", _never)(value):
        return "A table of the next level."
    if meaning.restores is None:
        edits = "this kernel changes the attributes of pages only"
    elif meaning.edited_if is None:
        edits = "the walk that changes page attributes edits every pte"
    else:
        edits = f"the walk that changes page attributes asks {meaning.edited_if} and edits it"
    if value & VALID:
        return f"A valid {size} leaf: {edits}."
    if meaning.restores is None:
        return f"Not valid, and {edits}."
    if meaning.walk_decision(value) is WalkDecision.EDITS:
        if meaning.true_of(value).get(f"{name}_present_invalid"):
            state = f"A {size} leaf made invalid, and known as one"
        else:
            state = f"Not present: a swap or migration entry, or a {size} leaf made invalid"
        restored = meaning.apply("set_memory_valid_on", value)
        return f"{state}: {edits}; set_memory_valid(on) makes it {restored:#018x}."
    sentence = (
        f"The walk that changes page attributes asks {meaning.edited_if}: it takes the entry for a "
        "table and goes on below, so VALID is not set again."
    )
    written = meaning.operations["set_memory_valid_off"](value | VALID)
    if written != value:
        sentence += f" A valid leaf that this kernel makes invalid would be {written:#018x}."
    return sentence


def _never(_value: int) -> bool:
    return False
