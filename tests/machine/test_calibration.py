"""Finding the syndrome and the registers in the saved context, and refusing to guess."""

from __future__ import annotations

import struct

import pytest

from harness.errors import EngineError
from harness.machine.calibration import STATE, SYNDROME, ContextLayout, Provoked, locate
from harness.machine.unicorn_machine import calibrated_layout

REGISTERS = tuple(0xA5C3_0000_0000_0000 | number for number in range(33))
MODE = 0x3C5 & 0x1F


def _provoked(
    syndrome: int,
    far: int | None,
    *,
    at: tuple[int, ...] = (64,),
    states: tuple[int, ...] = (256,),
    held_far: int | None = None,
) -> Provoked:
    context = bytearray(1024)
    for offset in at:
        SYNDROME.pack_into(context, offset, syndrome, 0, far or held_far or 0, 1)
    for offset in states:
        STATE.pack_into(context, offset, *REGISTERS, MODE)
    return Provoked(bytes(context), syndrome, far, 1, REGISTERS, MODE)


def test_what_every_context_holds_at_one_place_is_found() -> None:
    provoked = [_provoked(0x9600_0005, 0x1234), _provoked(0x5600_0001, None, held_far=0x1234)]
    assert locate(provoked) == ContextLayout(syndrome=64, state=256)


def test_a_second_place_in_one_context_only_is_sorted_out_by_the_others() -> None:
    provoked = [_provoked(0x9600_0005, 0x1234, at=(64, 128)), _provoked(0x9600_0045, 0x88)]
    assert locate(provoked).syndrome == 64


@pytest.mark.parametrize("places", [(), (64, 128)])
def test_a_syndrome_at_no_place_or_two_is_refused(places: tuple[int, ...]) -> None:
    provoked = [_provoked(0x9600_0005, 1, at=places), _provoked(0x9600_0045, 2, at=places)]
    with pytest.raises(EngineError, match=f"syndrome is at {len(places)} places"):
        locate(provoked)


@pytest.mark.parametrize("places", [(), (256, 640)])
def test_registers_at_no_place_or_two_are_refused(places: tuple[int, ...]) -> None:
    with pytest.raises(EngineError, match=f"registers is at {len(places)} places"):
        locate([_provoked(0x9600_0005, 1, states=places)])


def test_a_syndrome_beside_another_address_or_level_does_not_count() -> None:
    one = _provoked(0x9600_0005, 0x1234)
    context = bytearray(one.context)
    struct.pack_into("<Q", context, 64 + 8, 0x9999)
    with pytest.raises(EngineError):
        locate([Provoked(bytes(context), one.syndrome, one.far, 1, REGISTERS, MODE)])
    with pytest.raises(EngineError):
        locate([Provoked(one.context, one.syndrome, one.far, 3, REGISTERS, MODE)])


def test_a_place_that_is_not_aligned_or_runs_over_the_end_does_not_count() -> None:
    with pytest.raises(EngineError):
        locate([_provoked(0x9600_0005, 0x1234, at=(66,))])
    one = _provoked(0x9600_0005, 0x1234)
    with pytest.raises(EngineError):
        locate([Provoked(one.context[:80], one.syndrome, one.far, 1, REGISTERS, MODE)])


def test_nothing_provoked_calibrates_nothing() -> None:
    with pytest.raises(EngineError):
        locate([])


def test_this_build_of_unicorn_is_calibrated_once_a_process() -> None:
    assert calibrated_layout() is calibrated_layout()
    assert calibrated_layout().syndrome != calibrated_layout().state
