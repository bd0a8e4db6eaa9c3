"""An encoding as a TOML document: bits, and for each level predicates, states and operations.

docs/encodings.md describes it with an example. Pure: who has a file reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any

from harness.arch.granule import Granule
from harness.encodings.definition import (
    Course,
    Encoding,
    Hardware,
    KernelOperation,
    LevelEncoding,
    MaskChange,
    PresentQuestion,
    Role,
    State,
    StateName,
    Step,
)
from harness.encodings.expressions import predicate
from harness.encodings.form import Form, form_named
from harness.encodings.levels import NAMES
from harness.encodings.logic import ALL_BITS, Operation, Predicate
from harness.encodings.words import listed, size_in_words
from harness.errors import InputError, Location, ValueSyntaxError, did_you_mean

_TABLES = ("4K", "16K", "64K")
_TOP = frozenset({"encoding", "bits", "attributes", "level", "remarks"})
_OF_ENCODING = frozenset({"name", "summary", "tables", "stage"})
_OF_LEVEL = frozenset(
    {
        "levels", "tables", "predicates", "states", "operations", "courses", "roles", "edited_if",
        "dumped_if", "present", "invalidations", "kept", "changes", "restores", "folds", "split",
        "copy", "meaningful",
    }
)  # fmt: skip
_OF_STATE = frozenset(
    {"recognised_by", "clear", "set", "keep", "of", "after", "hardware", "is_leaf", "also"}
)
_OF_OPERATION = frozenset({"clear", "set", "keep", "flushes", "by_walk"})
_HIGHEST_BIT = 63
Table = Mapping[str, Any]


def encoding_of(document: Table, file: str) -> Encoding:
    """Return the encoding that the document states; InputError with the file's name if none."""
    try:
        return _Document(document).encoding()
    except (ValueSyntaxError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(reason, Location(file)) from None


class _Document:
    def __init__(self, document: Table) -> None:
        _only(document, _TOP, "the file")
        self._head = document["encoding"]
        _only(self._head, _OF_ENCODING, "[encoding]")
        self._bits = {name: _mask(name, place) for name, place in document.get("bits", {}).items()}
        self._levels: Sequence[Table] = document.get("level", [])
        self._attributes = {
            name: self._mask_of(names) for name, names in document.get("attributes", {}).items()
        }
        self._remarks = dict(document.get("remarks", {}))

    def encoding(self) -> Encoding:
        stage = self._head.get("stage", 1)
        labels = self._head.get("tables", _TABLES)
        forms = tuple(form_named(label, stage=stage) for label in labels)
        name = str(self._head["name"])
        encoding = Encoding(
            name,
            str(self._head.get("summary", name)),
            MappingProxyType(self._bits),
            MappingProxyType(self._attributes),
            forms,
            self._build,
            _words,
            self._remarks,
        )
        for form in forms:
            encoding.levels_of(form)
        return encoding

    def _build(self, form: Form) -> Mapping[int, LevelEncoding]:
        found: dict[int, LevelEncoding] = {}
        for table in self._levels:
            _only(table, _OF_LEVEL, "[[level]]")
            if form.label in table.get("tables", [form.label]):
                for level in table["levels"]:
                    found[level] = self._level(table, level)
        missing = [level for level in form.levels if level not in found]
        if missing:
            raise ValueSyntaxError(
                f"no [[level]] says what a descriptor of level {missing[0]} means ({form.label})"
            )
        return MappingProxyType(found)

    def _level(self, table: Table, level: int) -> LevelEncoding:
        asked: dict[str, Predicate] = {}
        for name, text in table.get("predicates", {}).items():
            asked[name] = predicate(text, self._bits, asked)
        operations = {
            name: self._operation(name, one) for name, one in table.get("operations", {}).items()
        }
        states: dict[StateName, State] = {}
        for name, one in table.get("states", {}).items():
            state = self._state(name, one, asked, operations, states)
            states[state.name] = state
        present = table.get("present")
        split = table.get("split")
        return LevelEncoding(
            level,
            NAMES[level],
            MappingProxyType(asked),
            MappingProxyType(states),
            MappingProxyType(operations),
            edited_if=_known(table, "edited_if", asked),
            dumped_if=_known(table, "dumped_if", asked),
            present=None
            if present is None
            else PresentQuestion(
                _known(present, "stops_if", asked), _known(present, "answer", asked)
            ),
            roles={
                Role(role): _one_of(name, asked) for role, name in table.get("roles", {}).items()
            },
            courses=tuple(self._course(one, operations) for one in table.get("courses", [])),
            invalidations=tuple(_one_of(one, operations) for one in table.get("invalidations", [])),
            kept=tuple(_one_of(one, asked) for one in table.get("kept", [])),
            changes=tuple(_one_of(one, operations) for one in table.get("changes", [])),
            restores=_known(table, "restores", operations),
            folds=_pair(table, operations),
            split=None if split is None else self._change(split, "split"),
            copy=_known(table, "copy", operations),
            meaningful=self._mask_of(table.get("meaningful", list(self._bits))),
        )

    def _operation(self, name: str, table: Table) -> KernelOperation:
        _only(table, _OF_OPERATION, f"operation {name}")
        return KernelOperation(
            self._change(table, name), table.get("flushes", True), table.get("by_walk", True)
        )

    def _state(
        self,
        name: str,
        table: Table,
        asked: Mapping[str, Predicate],
        operations: Mapping[str, KernelOperation],
        earlier: Mapping[StateName, State],
    ) -> State:
        _only(table, _OF_STATE, f"state {name!r}")
        text = str(table["recognised_by"])
        state = StateName(name)
        hardware = Hardware(table.get("hardware", "invalid"))
        return State(
            state,
            text,
            predicate(text, self._bits, asked),
            self._maker(name, table, operations, earlier),
            hardware,
            is_leaf=table.get("is_leaf", hardware is Hardware.LEAF or "of" in table),
            also=frozenset(StateName(one) for one in table.get("also", [])),
        )

    def _maker(
        self,
        name: str,
        table: Table,
        operations: Mapping[str, KernelOperation],
        earlier: Mapping[StateName, State],
    ) -> Operation:
        """Return what writes the state: bits of any value, or an operation on another state."""
        change = self._change(table, name)
        if "of" not in table:
            return change
        base = StateName(table["of"])
        if base not in earlier:
            raise ValueSyntaxError(f"state {name!r} is made of {base.value!r}, which comes later")
        operation: Operation = (
            (lambda value: value)
            if "after" not in table
            else operations[_one_of(table["after"], operations)].change
        )
        return lambda value: change(operation(earlier[base].make(value)))

    def _course(self, table: Table, operations: Mapping[str, KernelOperation]) -> Course:
        _only(table, frozenset({"name", "steps", "result", "start"}), "[[level.courses]]")
        steps = tuple(
            Step(_one_of(one["operation"], operations), bool(one["mapped"]))
            for one in table["steps"]
        )
        return Course(
            str(table["name"]),
            steps,
            self._change(table.get("result", {}), "result"),
            self._change(table.get("start", {}), "start"),
        )

    def _change(self, table: Table, what: str) -> Operation:
        clear, put = self._mask_of(table.get("clear", [])), self._mask_of(table.get("set", []))
        if "keep" in table:
            if "clear" in table:
                raise ValueSyntaxError(f"{what} has both keep and clear")
            clear = ALL_BITS ^ self._mask_of(table["keep"])
        return MaskChange(clear, put)

    def _mask_of(self, names: Sequence[str]) -> int:
        if isinstance(names, str):
            raise ValueSyntaxError(f"{names!r} is to be a list of bits")
        return _union(self._bits[_one_of(name, self._bits)] for name in names)


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def _mask(name: str, place: int | str) -> int:
    """Return the mask of a bit's number, or of `high:low`."""
    parts = [int(part) for part in str(place).split(":")]
    high, low = parts[0], parts[-1]
    if len(parts) > len((high, low)) or not 0 <= low <= high <= _HIGHEST_BIT:
        raise ValueSyntaxError(f'bit {name} has no place {place!r}: a number, or "high:low"')
    return (1 << (high + 1)) - (1 << low)


def _only(table: Table, known: frozenset[str], where: str) -> None:
    for name in table:
        if name not in known:
            raise ValueSyntaxError(
                f"{where} has no key {name!r} ({listed(sorted(known))}){did_you_mean(name, known)}"
            )


def _one_of(name: str, known: Mapping[str, object]) -> str:
    if name not in known:
        raise ValueSyntaxError(f"nothing is called {name!r}{did_you_mean(name, list(known))}")
    return name


def _known(table: Table, key: str, known: Mapping[str, object]) -> str | None:
    return _one_of(table[key], known) if key in table else None


def _pair(table: Table, operations: Mapping[str, object]) -> tuple[str, str] | None:
    if "folds" not in table:
        return None
    fold, unfold = (_one_of(name, operations) for name in table["folds"])
    return fold, unfold


def _words(meaning: LevelEncoding, value: int, granule: Granule) -> str:
    """Say which states and predicates are true of a descriptor."""
    states = [state.value for state in meaning.state_of(value)]
    true = [name for name, answer in meaning.true_of(value).items() if answer]
    size = size_in_words(granule.level_size(meaning.level))
    what = listed(states) if states else "in no state"
    return f"{size} at {meaning.name}: {what}; true: {', '.join(true) or 'nothing'}."
