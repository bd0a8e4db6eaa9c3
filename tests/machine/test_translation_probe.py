"""The probe on an engine that does as it is told: what it makes of each way to end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.errors import EngineError
from harness.machine.engine import CoreSyndrome, Hooks, Missing
from harness.machine.translation_probe import HOME, HOME_SIZE, Probed, TranslationProbe, home
from harness.vmsa.access import AccessKind

LDR = 0xF940_0001
VA = 0x1_2345
EL1H = 0x3C5
ON = {"SCTLR_EL1": 1}

Script = Callable[["_Scripted", Hooks], Missing | None]


class _Scripted:
    """An engine whose `start` runs a function of the test."""

    name = "scripted"

    def __init__(self, script: Script) -> None:
        self.script = script
        self.noted = CoreSyndrome(0, 0, 1)
        self.system: dict[str, int] = {}
        self.general: dict[int, int] = {}
        self.ranges: list[range] = []
        self.read: Callable[[int, int], int] = lambda _pa, _size: 0
        self.stopped = False

    def answer_memory(
        self,
        base: int,
        size: int,
        read: Callable[[int, int], int],
        write: Callable[[int, int, int], None],
    ) -> None:
        write(base, 8, 0)
        self.ranges.append(range(base, base + size))
        self.read = read

    def start(self, hooks: Hooks) -> Missing | None:
        hooks.on_instruction(self.general[32])
        return self.script(self, hooks)

    def stop(self) -> None:
        self.stopped = True

    def syndrome(self) -> CoreSyndrome:
        return self.noted

    def write_general(self, index: int, value: int) -> None:
        self.general[index] = value

    def write_pstate(self, value: int) -> None:
        self.system["PSTATE"] = value

    def read_system(self, name: str) -> int:
        return self.system[name]

    def write_system(self, name: str, value: int) -> None:
        self.system[name] = value

    def flush_tlb(self) -> None:
        self.system["flushed"] = 1


def probe(script: Script) -> tuple[_Scripted, TranslationProbe]:
    engine = _Scripted(script)
    return engine, TranslationProbe(engine, (LDR,))  # type: ignore[arg-type]  # what it uses


def undefined(engine: _Scripted, hooks: Hooks) -> None:
    engine.noted = CoreSyndrome(0x0200_0000, 0, 1)
    hooks.on_exception(fetch=False)


def load(engine: _Scripted, hooks: Hooks) -> None:
    hooks.on_memory(0x8000_0345, 8, write=False)
    hooks.on_memory(0x9000_0000, 4, write=False)
    undefined(engine, hooks)


def test_the_location_is_that_of_the_first_access() -> None:
    engine, made = probe(load)
    assert made.access(ON, {}, VA, LDR, EL1H) == Probed(pa=0x8000_0345)
    assert engine.stopped
    assert engine.system["flushed"]
    assert engine.general[0] == VA


def test_an_abort_is_told_with_its_syndrome() -> None:
    noted = CoreSyndrome(0x9600_0006, VA, 1)

    def abort(engine: _Scripted, hooks: Hooks) -> None:
        engine.noted = noted
        hooks.on_exception(fetch=False)

    _, made = probe(abort)
    assert made.access(ON, {}, VA, LDR, EL1H) == Probed(noted)
    assert made.access(ON, {}, VA, None, EL1H) == Probed(noted)


def test_an_instruction_that_makes_no_access_has_no_location() -> None:
    _, made = probe(undefined)
    assert made.access(ON, {}, VA, LDR, EL1H) == Probed()


def test_a_fetch_leads_where_the_engine_missed_code() -> None:
    _, made = probe(lambda _engine, _hooks: Missing(AccessKind.FETCH, 0x8000_0344, VA))
    assert made.access(ON, {}, VA - 1, None, EL1H) == Probed(pa=0x8000_0344)


def test_a_fetch_that_ends_otherwise_is_an_engine_error() -> None:
    _, made = probe(lambda _engine, _hooks: None)
    with pytest.raises(EngineError, match="no known way"):
        made.access(ON, {}, VA - 1, None, EL1H)


def test_a_probe_whose_own_code_faults_is_an_engine_error() -> None:
    def own_code(engine: _Scripted, hooks: Hooks) -> None:
        engine.noted = CoreSyndrome(0x8600_0007, engine.general[32], 1)
        hooks.on_exception(fetch=True)

    _, made = probe(own_code)
    with pytest.raises(EngineError, match="own code"):
        made.access(ON, {}, VA, LDR, EL1H)


def test_an_at_instruction_leaves_its_result_in_par() -> None:
    def translate(engine: _Scripted, hooks: Hooks) -> None:
        engine.system["PAR_EL1"] = 0x80D
        undefined(engine, hooks)

    _, made = probe(translate)
    assert made.access(ON, {}, VA, LDR, EL1H, translates=True) == Probed(par=0x80D)


def test_the_half_of_the_address_keeps_the_callers_registers() -> None:
    registers = {**ON, "TCR_EL1": 0x80_2000_A51A_3519, "TTBR0_EL1": 0x1000, "TTBR1_EL1": 0x2000}
    engine, made = probe(load)
    made.access(registers, {}, VA, LDR, EL1H)
    assert (engine.system["TTBR0_EL1"], engine.system["TTBR1_EL1"]) == (0x1000, HOME)
    assert engine.system["TCR_EL1"] & 0xFFFF == registers["TCR_EL1"] & 0xFFFF
    assert engine.general[32] >> 55 & 1
    made.access(registers, {}, VA | 0xFFFF << 48, LDR, EL1H)
    assert (engine.system["TTBR0_EL1"], engine.system["TTBR1_EL1"]) == (HOME, 0x2000)
    assert engine.system["TCR_EL1"] >> 16 & 0xFF7F == registers["TCR_EL1"] >> 16 & 0xFF7F
    assert not engine.general[32] >> 55 & 1


def test_code_of_el0_and_of_el1_lies_in_pages_of_its_own() -> None:
    engine, made = probe(load)
    made.access(ON, {}, VA, LDR, EL1H)
    at_el1 = engine.general[32]
    made.access(ON, {}, VA, LDR, 0x3C0)
    assert at_el1 - engine.general[32] == HOME_SIZE
    made.access({}, {}, VA, LDR, EL1H)
    assert engine.general[32] & -HOME_SIZE == HOME, "with the MMU off"


def test_memory_is_answered_from_words_everywhere_but_at_home() -> None:
    engine, made = probe(load)
    made.access(ON, {0x4000: 0x1122_3344_5566_7788}, VA, LDR, EL1H)
    assert engine.read(0x4000, 4) == 0x5566_7788
    assert engine.read(0x4004, 4) == 0x1122_3344
    assert engine.read(0x4007, 1) == 0x11
    assert engine.read(0x5000, 8) == 0
    assert [HOME in each for each in engine.ranges] == [False, False]
    assert engine.ranges[0].stop == HOME
    assert engine.ranges[1].start == HOME + HOME_SIZE
    assert len(home((LDR,))) == HOME_SIZE
