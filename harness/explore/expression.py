"""Conditions on final states, as `--forbid` and `--require` take them.

::

    condition := alternative ("or" alternative)*
    alternative := part ("and" part)*
    part := "not" part | "(" condition ")" | "fault" ["at" LABEL] | comparison
    comparison := place ("==" | "!=" | "<" | "<=" | ">" | ">=") value
    place := x0…x30 | w0…w30 | sp | pc | "[" ADDRESS "]" | "fault" | "end"

`[ADDRESS]` is the 64-bit word at a physical address; `w` registers are the low 32 bits; `fault`
compares with a kind of fault, `end` with a reason; both know `==` and `!=` only. Numbers are
decimal or begin with 0x.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

from harness.arch.faults import FaultKind
from harness.errors import ValueSyntaxError, did_you_mean
from harness.explore.steppable import FinalState
from harness.trace import EndReason

Initial = Callable[[int], int | None]
"""A word of physical memory as it was at first, None where there is none."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, as it was written and as a function."""

    text: str
    _holds: Callable[[FinalState, Initial], bool]

    def holds(self, state: FinalState, initial: Initial) -> bool:
        """Return whether it is true of `state`; `initial` tells of words that nothing wrote.

        ValueSyntaxError where the state has no such register, and memory no such word.
        """
        return self._holds(state, initial)


_Test = Callable[[FinalState, Initial], bool]

_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = MappingProxyType(
    {
        "==": operator.eq,
        "!=": operator.ne,
        "<=": operator.le,
        ">=": operator.ge,
        "<": operator.lt,
        ">": operator.gt,
    }
)
_TOKEN = re.compile(r"\s*(==|!=|<=|>=|[<>()\[\]]|[\w.$+]+)")
_REGISTER = re.compile(r"[xw](?:[12]?\d|30)|sp|pc")
_W_MASK = 0xFFFF_FFFF
_WORD = 8


def parse_condition(text: str) -> Condition:
    """Read a condition; ValueSyntaxError says what is wrong and where."""
    reader = _Reader(text)
    test = reader.condition()
    reader.expect_end()
    return Condition(text, test)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, int]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                at = len(text) - len(text[position:].lstrip())
                self._refuse(f"{text[at]!r} has no meaning here", at)
            self._tokens.append((match[1], match.start(1)))
            position = match.end()
        self._next = 0

    def condition(self) -> _Test:
        tests = [self._alternative()]
        while self._accept("or"):
            tests.append(self._alternative())
        return _any_of(tests)

    def _alternative(self) -> _Test:
        tests = [self._part()]
        while self._accept("and"):
            tests.append(self._part())
        return _all_of(tests)

    def _part(self) -> _Test:
        if self._accept("not"):
            return _negated(self._part())
        if self._accept("("):
            inner = self.condition()
            self._expect(")")
            return inner
        if self._accept("fault"):
            return self._fault()
        if self._accept("end"):
            return self._end()
        return self._comparison()

    def _fault(self) -> _Test:
        if self._accept("at"):
            label = self._take("a label")
            return lambda state, _: any(fault.label == label for fault in state.faults)
        if self._peek() not in {"==", "!="}:
            return lambda state, _: bool(state.faults)
        positive = self._take("a comparison") == "=="
        kind = self._one_of("kind of fault", [each.value for each in FaultKind])
        return lambda state, _: any(fault.kind == kind for fault in state.faults) is positive

    def _end(self) -> _Test:
        if self._peek() not in {"==", "!="}:
            self._refuse("'end' is compared by == or !=", self._position())
        positive = self._take("a comparison") == "=="
        reason = self._one_of("reason", [each.value for each in EndReason])
        return lambda state, _: (state.end == reason) is positive

    def _comparison(self) -> _Test:
        value = self._place()
        sign = self._take("a comparison")
        compare = _COMPARISONS.get(sign)
        if compare is None:
            self._refuse(f"{sign!r} is no comparison: {', '.join(_COMPARISONS)}", self._before())
        wanted = self._number()
        return lambda state, initial: compare(value(state, initial), wanted)

    def _place(self) -> Callable[[FinalState, Initial], int]:
        name = self._take("a register, [address], fault or end")
        if name == "[":
            address = self._number()
            if address % _WORD:
                self._refuse(f"{address:#x} is not aligned to {_WORD} bytes", self._before())
            self._expect("]")
            return lambda state, initial: _word(state, initial, address)
        lowered = name.lower()
        if not _REGISTER.fullmatch(lowered):
            self._refuse(f"{name!r} is no register, [address], fault or end", self._before())
        if lowered.startswith("w"):
            whole = f"x{lowered[1:]}"
            return lambda state, _: _register(state, whole) & _W_MASK
        return lambda state, _: _register(state, lowered)

    def _number(self) -> int:
        text = self._take("a number")
        try:
            return int(text, 0)
        except ValueError:
            self._refuse(f"{text!r} is no number", self._before())

    def _one_of(self, what: str, known: list[str]) -> str:
        word = self._take(f"a {what}")
        if word not in known:
            hint = did_you_mean(word, known) or f": {', '.join(known)}"
            self._refuse(f"there is no {what} {word!r}{hint}", self._before())
        return word

    def expect_end(self) -> None:
        """Refuse what is left."""
        if self._next < len(self._tokens):
            self._refuse(f"{self._peek()!r} is more than one condition", self._position())

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _accept(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._next += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            found = repr(self._peek()) if self._peek() else "the end"
            self._refuse(f"{token!r} is expected, not {found}", self._position())

    def _take(self, what: str) -> str:
        token = self._peek()
        if not token:
            self._refuse(f"{what} is missing", len(self._text))
        self._next += 1
        return token

    def _position(self) -> int:
        if self._next < len(self._tokens):
            return self._tokens[self._next][1]
        return len(self._text)

    def _before(self) -> int:
        return self._tokens[self._next - 1][1]

    def _refuse(self, reason: str, position: int) -> NoReturn:
        raise ValueSyntaxError(f"condition {self._text!r}, column {position + 1}: {reason}")


def _register(state: FinalState, name: str) -> int:
    for register, value in state.registers:
        if register == name:
            return value
    raise ValueSyntaxError(f"final states of this program do not tell {name}")


def _word(state: FinalState, initial: Initial, address: int) -> int:
    for place, value in state.memory:
        if place == f"{address:#x}":
            return value
    found = initial(address)
    if found is None:
        raise ValueSyntaxError(f"there is no memory at {address:#x}")
    return found


def _any_of(tests: list[_Test]) -> _Test:
    return lambda state, initial: any(test(state, initial) for test in tests)


def _all_of(tests: list[_Test]) -> _Test:
    return lambda state, initial: all(test(state, initial) for test in tests)


def _negated(test: _Test) -> _Test:
    return lambda state, initial: not test(state, initial)
