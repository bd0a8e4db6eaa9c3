"""The few operations that a definition over descriptor values is written in.

One definition serves integers, arrays of unsigned 64-bit integers and bit-vectors of a prover
alike. So neither here nor in what is built from this is there a `not`, `and`, `or`, `~` or a
branch on a value: Python's `~` makes negative numbers, and only integers can be branched on.
Truths are joined by `&` and `|`, and a value is chosen by `select`. A prover answers a Python `if`
on one of its equations without an error, by comparing the text of its two sides: what branches is
wrong there in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_

Value = int
"""A descriptor: 64 bits, without a sign."""
Truth = bool
"""What a predicate says of it."""
Predicate = Callable[[Value], Truth]
Operation = Callable[[Value], Value]

ALL_BITS = (1 << 64) - 1


def has_all(value: Value, mask: int) -> Truth:
    """Return whether every bit of `mask` is set."""
    return (value & mask) == mask


def has_none(value: Value, mask: int) -> Truth:
    """Return whether no bit of `mask` is set."""
    return (value & mask) == 0


def holds(value: Value, mask: int, content: int) -> Truth:
    """Return whether the bits of `mask` are those of `content`, stated at its place."""
    return (value & mask) == content


def negate(truth: Truth) -> Truth:
    """Return the opposite of `truth`."""
    return truth ^ True


def change_bits(value: Value, clear: int, put: int) -> Value:
    """Return `value` with the bits of `clear` cleared, then those of `put` set."""
    return (value & (ALL_BITS ^ clear)) | put


def implies(premise: Truth, conclusion: Truth) -> Truth:
    """Return whether `conclusion` is true wherever `premise` is."""
    return negate(premise) | conclusion


def same(one: Truth, other: Truth) -> Truth:
    """Return whether two truths are alike."""
    return negate(one ^ other)


def select(truth: Truth, chosen: Value, other: Value) -> Value:
    """Return `chosen` where `truth` is true, else `other`; both depend on the descriptor."""
    return truth * chosen | negate(truth) * other


def is_one_of(value: Value, mask: int, contents: Iterable[int]) -> Truth:
    """Return whether the bits of `mask` are those of one of `contents`, stated at their place."""
    return reduce(or_, (holds(value, mask, content) for content in contents), never(value))


def never(value: Value) -> Truth:
    """Return false, as a truth about `value`."""
    return (value & 0) != 0


def always(value: Value) -> Truth:
    """Return true, as a truth about `value`."""
    return (value & 0) == 0
