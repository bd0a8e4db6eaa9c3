"""Syndromes: codes, aborts and sentences, held against logs and Arm's own answers."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared_data

from harness.arch.exception_classes import EC_NAMES, LINUX_EC_NAMES, ExceptionClass
from harness.arch.fault_status import FAULT_STATUS_MEANINGS, describe_fault
from harness.arch.faults import FaultKind
from harness.arch.iss import (
    DATA_ABORT,
    DATA_ABORT_2,
    DATA_ABORT_WITHOUT_ISV,
    IMMEDIATE,
    INSTRUCTION_ABORT,
    INSTRUCTION_ABORT_2,
    NO_SYNDROME_2,
    UNINTERPRETED,
    iss2_layout,
    iss_layout,
)
from harness.arch.syndromes import (
    Abort,
    Syndrome,
    decode_abort,
    decode_fault_status,
    describe_esr,
    encode_abort,
    encode_fault_status,
)

K = FaultKind

CODES = [
    *((0x00 + level, K.ADDRESS_SIZE, level) for level in range(4)),
    *((0x04 + level, K.TRANSLATION, level) for level in range(4)),
    *((0x08 + level, K.ACCESS_FLAG, level) for level in range(4)),
    *((0x0C + level, K.PERMISSION, level) for level in range(4)),
    *((0x14 + level, K.EXTERNAL_ON_WALK, level) for level in range(4)),
    (0x29, K.ADDRESS_SIZE, -1),
    (0x2B, K.TRANSLATION, -1),
    (0x13, K.EXTERNAL_ON_WALK, -1),
    (0x2C, K.ADDRESS_SIZE, -2),
    (0x2A, K.TRANSLATION, -2),
    (0x12, K.EXTERNAL_ON_WALK, -2),
    (0x10, K.EXTERNAL, None),
    (0x21, K.ALIGNMENT, None),
    (0x30, K.TLB_CONFLICT, None),
    (0x31, K.UNSUPPORTED_ATOMIC_UPDATE, None),
]
"""The manual's table of DFSC."""


@pytest.mark.parametrize(("code", "kind", "level"), CODES)
def test_fault_status_codes_are_those_of_the_manual(
    code: int, kind: FaultKind, level: int | None
) -> None:
    assert encode_fault_status(kind, level) == code
    assert decode_fault_status(code) == (kind, level)


def test_every_other_code_is_no_fault_that_is_modelled() -> None:
    others = set(range(64)) - {code for code, _, _ in CODES}
    assert all(decode_fault_status(code) is None for code in others)
    assert FAULT_STATUS_MEANINGS[0x1A].endswith("walk, level -2")
    assert FAULT_STATUS_MEANINGS[0x11] == "Synchronous Tag Check fault"
    assert FAULT_STATUS_MEANINGS[0x24] == (
        "Granule Protection Fault on a translation table walk, level 0"
    )
    assert FAULT_STATUS_MEANINGS[0x3F] == "reserved"


@pytest.mark.parametrize(
    ("kind", "level"),
    [(K.ACCESS_FLAG, -1), (K.PERMISSION, None), (K.ALIGNMENT, 0), (K.TRANSLATION, 4)],
)
def test_a_fault_that_no_level_can_have_has_no_code(kind: FaultKind, level: int | None) -> None:
    with pytest.raises(ValueError, match=f"no fault status code for {kind.value}"):
        encode_fault_status(kind, level)


MEASURED = [
    (0x9600_0046, Abort(K.TRANSLATION, 2, write=True)),
    (0x9600_004A, Abort(K.ACCESS_FLAG, 2, write=True)),
    (0x9600_004E, Abort(K.PERMISSION, 2, write=True)),
    (0x9600_0021, Abort(K.ALIGNMENT)),
    (0x9600_0004, Abort(K.TRANSLATION, 0)),
    (0x9200_0007, Abort(K.TRANSLATION, 3, lower_el=True)),
    (0x8600_000E, Abort(K.PERMISSION, 2, fetch=True)),
    (0x8200_000F, Abort(K.PERMISSION, 3, fetch=True, lower_el=True)),
    (0x9600_0210, Abort(K.EXTERNAL, external_type=True)),
    (0x9600_0410, Abort(K.EXTERNAL, far_not_valid=True)),
    (0x9200_01C6, Abort(K.TRANSLATION, 2, lower_el=True, write=True, cache_maintenance=True,
                        s1ptw=True)),
    (0x20_9600_004F, Abort(K.PERMISSION, 3, write=True, dirty_bit=True)),
    (0x40_9600_004F, Abort(K.PERMISSION, 3, write=True, overlay=True)),
]  # fmt: skip


@pytest.mark.parametrize(("esr", "abort"), MEASURED)
def test_syndromes_of_aborts_read_and_write_as_seen(esr: int, abort: Abort) -> None:
    assert decode_abort(esr) == abort
    assert encode_abort(abort) == esr


@pytest.mark.parametrize(
    "esr",
    [
        0x5600_0000,  # SVC
        0xBF00_0000,  # SError
        0x9600_0011,  # a data abort for a tag check
        0x9600_003F,  # a reserved code
    ],
)
def test_what_is_no_modelled_abort_decodes_to_none(esr: int) -> None:
    assert decode_abort(esr) is None


@st.composite
def aborts(draw: st.DrawFn) -> Abort:
    """Draw an abort that an ESR can hold."""
    _, kind, level = draw(st.sampled_from(CODES))
    fetch = draw(st.booleans())
    flags = [draw(st.booleans()) for _ in range(8)]
    return Abort(kind, level, fetch, flags[0], flags[1] and not fetch, flags[2] and not fetch,
                 *flags[3:])  # fmt: skip


@given(aborts())
def test_decoding_an_abort_is_the_inverse_of_encoding_it(abort: Abort) -> None:
    assert decode_abort(encode_abort(abort)) == abort


@given(st.integers(0, 63), st.integers(0, (1 << 25) - 1), st.booleans(), st.integers(0, 1 << 23))
def test_a_syndrome_survives_the_register(ec: int, iss: int, il: bool, iss2: int) -> None:  # noqa: FBT001 - drawn
    syndrome = Syndrome(ec, iss, il, iss2)
    assert Syndrome.from_int(syndrome.to_int()) == syndrome


def test_a_part_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="EC has 6 bits"):
        Syndrome(64).to_int()


@pytest.mark.parametrize(
    ("esr", "sentence"),
    [
        (
            0x9600_0046,
            "Data abort from the current exception level: Translation fault, level 2, on a write.",
        ),
        (
            0x8600_000F,
            (
                "Instruction abort from the current exception level: Permission fault, level 3, "
                "on an instruction fetch."
            ),
        ),
        (
            0x9200_0107,
            (
                "Data abort from a lower exception level: Translation fault, level 3, "
                "on cache maintenance or address translation."
            ),
        ),
        (
            0x9200_0087,
            (
                "Data abort from a lower exception level: Translation fault, level 3, on a read, "
                "of stage 2 during the walk of stage 1."
            ),
        ),
        (
            0x60_9600_044F,
            (
                "Data abort from the current exception level: Permission fault, level 3, "
                "on a write, due to the dirty state, due to a permission overlay, FAR not valid."
            ),
        ),
        (0x9600_0011, "Data abort from the current exception level: Synchronous Tag Check fault."),
        (
            0x9600_003F,
            "Data abort from the current exception level: reserved fault status code 0x3f.",
        ),
        (0x5600_0000, "SVC instruction in AArch64, immediate 0x0."),
        (0xF200_0800, "BRK instruction in AArch64, immediate 0x800."),
        (0x8A00_0000, "PC alignment fault."),
        (0xBF00_0002, "SError exception."),
        (0x0200_0000, "Unknown reason."),
        (0xFC00_0000, "Reserved exception class 0x3f."),
    ],
)
def test_a_syndrome_is_told_in_one_sentence(esr: int, sentence: str) -> None:
    assert describe_esr(esr) == sentence


def test_a_fault_without_a_level_is_told_without_one() -> None:
    assert describe_fault(K.ALIGNMENT, None) == "Alignment fault"


def test_the_form_of_iss_follows_the_class_and_isv() -> None:
    same = ExceptionClass.DATA_ABORT_SAME
    assert iss_layout(same, 0x46) is DATA_ABORT_WITHOUT_ISV
    assert iss_layout(same, 1 << 24) is DATA_ABORT
    assert iss_layout(ExceptionClass.INSTRUCTION_ABORT_LOWER) is INSTRUCTION_ABORT
    assert iss_layout(ExceptionClass.BRK_AARCH64) is IMMEDIATE
    assert iss_layout(0x1A) is UNINTERPRETED
    assert iss2_layout(same) is DATA_ABORT_2
    assert iss2_layout(ExceptionClass.INSTRUCTION_ABORT_SAME) is INSTRUCTION_ABORT_2
    assert iss2_layout(ExceptionClass.SVC_AARCH64) is NO_SYNDROME_2


def test_exception_classes_have_the_numbers_that_the_manual_gives() -> None:
    assert EC_NAMES[ExceptionClass.DATA_ABORT_SAME] == (
        "Data abort from the current exception level"
    )
    assert LINUX_EC_NAMES[0x25] == "DABT (current EL)"
    assert set(ExceptionClass) <= set(EC_NAMES)
    assert set(EC_NAMES) == set(LINUX_EC_NAMES)
    assert 0x3F not in EC_NAMES


def test_the_short_names_are_those_that_kernels_print() -> None:
    printed = re.compile(r"EC = 0x([0-9a-f]{2}): (.*), IL = ")
    seen = set()
    for log in sorted((shared_data() / "oops").glob("*.txt")):
        for code, name in printed.findall(log.read_text("latin-1")):
            assert LINUX_EC_NAMES[int(code, 16)] == name
            seen.add(code)
    assert {"25", "21"} <= seen


def test_the_syndromes_of_logs_read_as_their_verified_facts() -> None:
    compared = 0
    for facts_file in sorted((shared_data() / "oops").glob("*.json")):
        facts = json.loads(facts_file.read_text())
        if facts.get("fault") in set(FaultKind) and facts.get("esr"):
            abort = decode_abort(int(facts["esr"], 16))
            assert abort is not None, facts_file.name
            assert (abort.kind.value, abort.level) == (facts["fault"], facts["level"])
            compared += 1
    assert compared > 10


CATEGORIES = (
    "basic", "lpa2", "hafdbs", "priv", "align", "pie", "poe", "choices", "atomic", "d128",
    "s2", "s2at", "el2", "el20",
)  # fmt: skip


@pytest.mark.parametrize("category", CATEGORIES)
def test_syndromes_of_arms_specification_decode_and_encode(category: str) -> None:
    faults = list(_faults(shared_data() / "spec" / f"{category}.jsonl.gz"))
    for expected in faults:
        esr = int(expected["esr"], 16)
        abort = decode_abort(esr)
        assert abort is not None, expected
        assert abort.kind.value == expected["fault"]
        assert abort.level == expected.get("level")
        assert abort.s1ptw is expected.get("s1ptw", False)
        assert encode_abort(abort) == esr
    assert len(faults) > 50


def _faults(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as lines:
        answers = [json.loads(line)["expect"] for line in lines]
    return [answer for answer in answers if answer["outcome"] == "fault"]
