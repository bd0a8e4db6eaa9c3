"""Exception entry as a function of plain values (AArch64.TakeException)."""

from __future__ import annotations

import pytest

from harness.arch.addresses import VirtualAddress
from harness.machine.exception_entry import Entry, enter_el1, uses_sp_el0

VBAR = 0xFFFF_8000_0001_0800
SPAN = 1 << 23
EL0, EL1T, EL1H = 0x0, 0x4, 0x5
MASKED = 0x3C5


@pytest.mark.parametrize(("mode", "offset"), [(EL1T, 0x000), (EL1H, 0x200), (EL0, 0x400)])
def test_the_vector_depends_on_level_and_stack_pointer(mode: int, offset: int) -> None:
    entry = enter_el1(before=mode, vbar=VBAR, sctlr_el1=SPAN)
    assert entry == Entry(VirtualAddress(VBAR + offset), offset, MASKED, mode)


def test_the_low_bits_of_vbar_are_res0() -> None:
    assert enter_el1(before=EL1H, vbar=VBAR | 0x7FF, sctlr_el1=SPAN).pc == VBAR + 0x200


def test_spsr_is_pstate_as_it_was_and_the_rest_is_masked() -> None:
    for before in (0x0, 0x6000_0000, 0x8000_0045):
        entry = enter_el1(before=before, vbar=VBAR, sctlr_el1=SPAN)
        assert entry.spsr == before
        assert entry.pstate == before & 0xF000_0000 | MASKED


@pytest.mark.parametrize(
    ("bit", "stays"),
    [
        (10, False),  # BTYPE
        (20, False),  # IL
        (21, False),  # SS
        (22, True),  # PAN
        (23, False),  # UAO
        (24, True),  # DIT
        (28, True),  # V
    ],
)
def test_each_field_is_cleared_or_kept(bit: int, *, stays: bool) -> None:
    entry = enter_el1(before=EL1H | 1 << bit, vbar=VBAR, sctlr_el1=SPAN)
    assert bool(entry.pstate >> bit & 1) is stays


def test_pan_is_set_where_span_is_clear() -> None:
    assert enter_el1(before=EL0, vbar=VBAR, sctlr_el1=0).pstate == MASKED | 1 << 22
    assert enter_el1(before=EL0, vbar=VBAR, sctlr_el1=SPAN).pstate == MASKED


def test_sp_el0_is_in_use_at_el0_and_at_el1t() -> None:
    assert [uses_sp_el0(mode) for mode in (EL0, EL1T, EL1H)] == [True, True, False]
