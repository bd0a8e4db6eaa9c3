"""TLBI operations as data."""

from __future__ import annotations

import pytest

from harness.arch.tlbi import (
    ASID_OPERAND,
    IPA_OPERAND,
    RANGE_NUM,
    RANGE_OPERAND,
    RANGE_SCALE,
    RANGE_TTL,
    TLBI_OPERATIONS,
    TTL,
    VA,
    VA_OPERAND,
    Domain,
    TlbiOperation,
    TlbiScope,
    operand_layout,
)


def test_an_operation_says_what_it_invalidates_and_where() -> None:
    assert TLBI_OPERATIONS["vaae1is"] == TlbiOperation(
        "vaae1is", 0, 8, 3, 3, TlbiScope.VA_ANY_ASID, 1, Domain.INNER_SHAREABLE
    )
    assert TLBI_OPERATIONS["vale1os"].last_level
    assert TLBI_OPERATIONS["rvae1"].by_range
    assert TLBI_OPERATIONS["vae2"].el == 2
    assert TLBI_OPERATIONS["vmalls12e1"].stage12
    assert TLBI_OPERATIONS["vaae1isnxs"].nxs
    assert TLBI_OPERATIONS["ipas2le1os"].domain is Domain.OUTER_SHAREABLE


def test_every_form_is_there_once() -> None:
    # 17 stems and 4 by IPA, each local, IS and OS, each with and without nXS.
    assert len(TLBI_OPERATIONS) == (17 + 4) * 3 * 2
    encodings = {(each.op1, each.crn, each.crm, each.op2) for each in TLBI_OPERATIONS.values()}
    assert len(encodings) == len(TLBI_OPERATIONS)


@pytest.mark.parametrize("name", ["vmalle1", "alle1is", "alle2os", "vmalls12e1nxs"])
def test_operations_on_everything_take_no_operand(name: str) -> None:
    assert not TLBI_OPERATIONS[name].takes_operand
    assert operand_layout(TLBI_OPERATIONS[name]) is None


def test_operands_have_the_form_of_their_scope() -> None:
    assert operand_layout(TLBI_OPERATIONS["vae1"]) is VA_OPERAND
    assert operand_layout(TLBI_OPERATIONS["vaale1is"]) is VA_OPERAND
    assert operand_layout(TLBI_OPERATIONS["aside1"]) is ASID_OPERAND
    assert operand_layout(TLBI_OPERATIONS["ipas2e1"]) is IPA_OPERAND
    assert operand_layout(TLBI_OPERATIONS["rvaae1"]) is RANGE_OPERAND
    assert operand_layout(TLBI_OPERATIONS["ripas2e1"]) is RANGE_OPERAND


def test_an_unmasked_shifted_address_spills_into_ttl() -> None:
    operand = 0xFFFF_0000_1960_0000 >> 12
    assert VA.meaning(operand) == "0xff000019600000"
    assert TTL.get(operand) == 0xF


def test_the_fields_of_a_range_lie_where_the_manual_has_them() -> None:
    assert [(part.msb, part.lsb) for part in (RANGE_TTL, RANGE_NUM, RANGE_SCALE)] == [
        (38, 37),
        (43, 39),
        (45, 44),
    ]
