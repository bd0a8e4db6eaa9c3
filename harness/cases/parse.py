"""From a line of a case file to a `Case`, strictly: what is not understood is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import cache, reduce
from operator import or_
from typing import Any

from harness.arch.addresses import VirtualAddress
from harness.arch.features import PROFILES, Feature, Profile
from harness.arch.implementation import (
    DeviceFetch,
    Implementation,
    Misprogrammed,
    OutOfRange,
    ReservedAttribute,
    ReservedGranule,
)
from harness.arch.registers import REGISTERS
from harness.cases.case import Case, Document
from harness.errors import CaseError, Location, UnsupportedError
from harness.vmsa.access import Access, AccessKind, Operation
from harness.vmsa.regime import Regime
from harness.vmsa.unmodelled import ALWAYS_ON, REFUSED


def parse_case(line: str, file: str, number: int) -> Case:
    """Return the case of line `number` of `file`; CaseError names the place and the reason."""
    try:
        return _case(_decode(line))
    except (_Malformed, UnsupportedError) as error:
        raise CaseError(str(error), Location(file, number)) from None
    except json.JSONDecodeError as error:
        reason = f"not JSON: {error.msg} at column {error.colno}"
        raise CaseError(reason, Location(file, number)) from None


_decode = json.JSONDecoder().decode


class _Malformed(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with a line, without its place."""


_CASE_KEYS = frozenset(
    {
        "id", "profile", "regime", "features", "pa_bits", "implementation", "registers",
        "memory", "access", "expect",
    }
)  # fmt: skip
_CASE_NEEDS = frozenset({"id", "registers", "memory", "access"})
_ACCESS_NEEDS = frozenset({"va", "type"})
_ACCESS_KEYS = frozenset({"va", "type", "operation", "size", "el", "pan", "uao", "unprivileged"})


def _case(document: Any) -> Case:  # noqa: ANN401 - whatever JSON holds
    _object(document, "a case", _CASE_KEYS, _CASE_NEEDS)
    identifier = document["id"]
    if not isinstance(identifier, str):
        raise _Malformed("id is not a string")
    profile, refused = _machine(document)
    regime = _regime(document.get("regime", Regime.EL10.label))
    expect = document.get("expect")
    if expect is not None and not isinstance(expect, dict):
        raise _Malformed("expect is not an object")
    return Case(
        identifier,
        profile,
        regime,
        _registers(document["registers"]),
        _memory(document["memory"]),
        _access(document["access"], regime),
        expect,
        refused,
    )


def _object(
    value: Any,  # noqa: ANN401 - whatever JSON holds
    what: str,
    keys: frozenset[str],
    required: frozenset[str] = frozenset(),
) -> None:
    if not isinstance(value, dict):
        raise _Malformed(f"{what} is not an object")
    if not value.keys() <= keys:
        unknown = ", ".join(sorted(value.keys() - keys))
        raise _Malformed(f"{what} has an unknown key: {unknown}")
    if not required <= value.keys():
        raise _Malformed(f"{what} has no {min(required - value.keys())}")


def _machine(document: Document) -> tuple[Profile, tuple[str, ...]]:
    """Return the profile that is named or spelt out, and the features that are refused."""
    if "profile" in document:
        for key in ("features", "pa_bits", "implementation"):
            if key in document:
                raise _Malformed(f"profile and {key} exclude each other")
        named = PROFILES.get(document["profile"])
        if named is None:
            known = ", ".join(PROFILES)
            raise _Malformed(f"no profile is called {document['profile']!r} ({known})")
        return named, ()
    features, pa_bits = document.get("features"), document.get("pa_bits")
    if not isinstance(features, list) or not isinstance(pa_bits, int):
        raise _Malformed("a case needs a profile, or features (a list) and pa_bits (a number)")
    choices = document.get("implementation", {})
    _object(choices, "implementation", _CHOICE_KEYS)
    try:
        return _spelt_out(tuple(features), pa_bits, tuple(choices.items()))
    except TypeError:
        raise _Malformed("features or implementation hold something that is no name") from None


_BBM_LEVELS = (0, 1, 2)


def _bbm_level(value: object) -> int:
    if isinstance(value, int) and value in _BBM_LEVELS:
        return value
    raise ValueError(value)


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(value)


_CHOICES: Mapping[str, Callable[[Any], Any]] = {
    "txsz_above_max": OutOfRange,
    "txsz_below_min": OutOfRange,
    "contiguous_misprogrammed": Misprogrammed,
    "nt_bit": Misprogrammed,
    "fetch_from_device": DeviceFetch,
    "reserved_granule": ReservedGranule,
    "reserved_memory_attribute": ReservedAttribute,
    "bbm_level": _bbm_level,
    "bbm_no_abort": _boolean,
    "af_update_on_alignment_or_permission_fault": _boolean,
    "dirty_update_on_alignment_fault": _boolean,
    "access_flag_fault_on_cache_maintenance": _boolean,
}
_CHOICE_KEYS = frozenset(_CHOICES)
_PA_BITS = frozenset({32, 36, 40, 42, 44, 48, 52, 56})


@cache
def _spelt_out(
    features: tuple[str, ...], pa_bits: int, choices: tuple[tuple[str, object], ...]
) -> tuple[Profile, tuple[str, ...]]:
    """Return the machine; cached because a file repeats few of them."""
    if pa_bits not in _PA_BITS:
        raise _Malformed(f"pa_bits is {pa_bits}: no physical address has that size")
    modelled: set[Feature] = set()
    refused: list[str] = []
    for name in features:
        if name in REFUSED:
            refused.append(name)
        elif name not in ALWAYS_ON:
            try:
                modelled.add(Feature(name))
            except ValueError:
                raise _Malformed(f"unknown feature {name!r}") from None
    values: dict[str, Any] = {}
    for key, value in choices:
        try:
            values[key] = _CHOICES[key](value)
        except ValueError:
            raise _Malformed(f"implementation: {key} cannot be {value!r}") from None
    return Profile("", frozenset(modelled), pa_bits, Implementation(**values)), tuple(refused)


def _regime(label: object) -> Regime:
    try:
        return Regime.named(str(label))
    except ValueError:
        known = ", ".join(regime.label for regime in Regime)
        raise _Malformed(f"no translation regime is called {label!r} ({known})") from None


def _number(value: object, what: str, width: int = 64) -> int:
    """Return a hexadecimal string's value."""
    if isinstance(value, str) and value[:2] == "0x" and value.isalnum() and value.isascii():
        try:
            number = int(value, 16)
        except ValueError:
            pass
        else:
            if number >> width == 0:
                return number
            raise _Malformed(f"{what} does not fit {width} bits: {value}")
    raise _Malformed(f"{what} is no hexadecimal string: {value!r}")


_WIDTHS: Mapping[str, int] = {
    name: 128 if register.layout_d128 else 64 for name, register in REGISTERS.items()
}


def _registers(value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        raise _Malformed("registers is not an object")
    if not value.keys() <= _WIDTHS.keys():
        unknown = next(name for name in value if name not in _WIDTHS)
        raise _Malformed(f"no register is called {unknown!r}")
    numbers = _hexadecimals(value.values())
    if numbers is not None and max(numbers, default=0) >> 64 == 0:
        return dict(zip(value, numbers, strict=True))
    return {name: _number(text, name, _WIDTHS[name]) for name, text in value.items()}


def _memory(value: object) -> dict[int, int]:
    if not isinstance(value, dict):
        raise _Malformed("memory is not an object")
    numbers = _hexadecimals([*value, *value.values()])
    if numbers is not None:
        addresses, contents = numbers[: len(value)], numbers[len(value) :]
        every = reduce(or_, addresses, 0)
        if every & 7 == 0 and every >> 56 == 0 and max(contents, default=0) >> 64 == 0:
            return dict(zip(addresses, contents, strict=True))
    return dict(_word(address, word) for address, word in value.items())


def _word(address: str, word: object) -> tuple[int, int]:
    number = _number(address, "an address of memory", 56)
    if number & 7:
        raise _Malformed(f"memory at {address} is not aligned to 8 bytes")
    return number, _number(word, f"the word at {address}")


def _hexadecimals(texts: Collection[Any]) -> list[int] | None:
    """Return the values if all are hexadecimal strings: one look at all of them, for speed."""
    if not texts:
        return []
    try:
        joined = "".join(texts)
        # Letters and digits alone: no sign, space or underscore, which int() would take. What it
        # takes of these has one 0x at most, so that as many of them as texts is one in each.
        if joined.isalnum() and joined.isascii() and joined.count("0x") == len(texts):
            return [int(text, 16) for text in texts]
    except (TypeError, ValueError):
        # A number instead of a string, or one that is not hexadecimal: the slow path says which.
        pass
    return None


_KINDS: Mapping[str, AccessKind] = {kind.value: kind for kind in AccessKind}
_OPERATIONS: Mapping[str, Operation] = {each.value: each for each in Operation}
_AT = frozenset(each for each in Operation if each.name.startswith("AT_"))
_LARGEST_ACCESS = 64


def _access(value: Any, regime: Regime) -> Access:  # noqa: ANN401 - whatever JSON holds
    _object(value, "access", _ACCESS_KEYS, _ACCESS_NEEDS)
    kind = _KINDS.get(str(value["type"]))
    operation = _OPERATIONS.get(str(value.get("operation", "plain")))
    if kind is None:
        raise _Malformed(_unknown("type", value["type"], _KINDS))
    if operation is None:
        raise _Malformed(_unknown("operation", value["operation"], _OPERATIONS))
    translates = kind is AccessKind.AT
    if translates is not (operation in _AT):
        raise _Malformed(
            "access: type at and an operation that names an AT instruction go together"
        )
    size, el = value.get("size", 8), value.get("el", regime.exception_levels[-1])
    if not isinstance(size, int) or not 0 < size <= _LARGEST_ACCESS or size & (size - 1):
        raise _Malformed(f"access: size {size!r} is no power of two up to {_LARGEST_ACCESS}")
    if el not in ((1, 2) if translates else regime.exception_levels):
        raise _Malformed(f"access: el {el!r} is not served by the {regime.label} regime")
    return Access(
        VirtualAddress(_number(value["va"], "va")),
        kind,
        size,
        el,
        *_flags(value),
        operation,
    )


def _unknown(key: str, value: object, known: Collection[str]) -> str:
    return f"access: no {key} is called {value!r} ({', '.join(known)})"


_BITS: Mapping[object, bool] = {0: False, 1: True}


def _flags(value: Document) -> tuple[bool, bool, bool]:
    """Return PSTATE.PAN, UAO and the unprivileged form; a bit is 0, 1, false, true or absent."""
    get = value.get
    try:
        return _BITS[get("pan", 0)], _BITS[get("uao", 0)], _BITS[get("unprivileged", 0)]
    except (KeyError, TypeError):
        wrong = next(key for key in ("pan", "uao", "unprivileged") if get(key, 0) not in (0, 1))
        raise _Malformed(f"access: {wrong} {get(wrong)!r} is neither 0 nor 1") from None
