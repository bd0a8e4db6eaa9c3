"""Indirect permissions (FEAT_S1PIE) and overlays (FEAT_S1POE)."""

from __future__ import annotations

import pytest
from vmsa_machine import LEAF, TCR, Machine, what

from harness.arch.features import Feature
from harness.vmsa.indirect import ENCODINGS
from harness.vmsa.outcome import Translation
from harness.vmsa.overlay import NO_OVERLAY, OVERLAYS
from harness.vmsa.stage2_permissions import INDIRECT

rule = pytest.mark.rule
PIE, E0POE, POE = 1 << 1, 1 << 2, 1 << 3
NOT_DIRTY = 1 << 7
INDEX_1 = 1 << 6
"""PIIndex = 1 in a leaf of 64 bits."""


def machine(privileged: int, unprivileged: int = 0, leaf: int = LEAF, **registers: int) -> Machine:
    """Return a machine whose leaf has PIIndex 1, with these encodings in PIR and PIRE0."""
    values = {
        "TCR2_EL1": PIE,
        "PIR_EL1": privileged << 4,
        "PIRE0_EL1": unprivileged << 4,
        **registers,
    }
    features = (Feature.TCR2, Feature.S1PIE)
    return Machine(leaf=leaf | INDEX_1, registers=values).having(*features)


def allowed(asked: Machine, el: int, **access: bool) -> str:
    return "".join(
        letter if isinstance(asked.ask(kind=kind, el=el, **access), Translation) else "-"
        for letter, kind in (("r", "read"), ("w", "write"), ("x", "fetch"))
    )


@rule("AArch64.S1IndirectBasePermissions")
@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        (0, "---"), (1, "r--"), (2, "--x"), (3, "r-x"), (4, "---"), (5, "rw-"), (6, "rw-"),
        (7, "rwx"), (8, "r--"), (9, "r--"), (10, "r-x"), (11, "---"), (12, "rw-"), (13, "---"),
        (14, "rwx"), (15, "---"),
    ],
)  # fmt: skip
def test_each_encoding_of_pir_gives_its_permissions(encoding: int, expected: str) -> None:
    assert allowed(machine(encoding), 1) == expected
    assert allowed(machine(0, encoding), 0) == expected


def test_every_permission_is_one_bit() -> None:
    for table in (ENCODINGS, OVERLAYS, INDIRECT, (NO_OVERLAY,)):
        assert {bit for entry in table for bit in entry} <= {0, 1}


@rule("AArch64.S1IndirectBasePermissions")
def test_a_guarded_control_stack_conflicts_as_execution_and_writing_do() -> None:
    # Encoding 0b1001 reads as data; privileged it may be pushed to, unprivileged written.
    assert allowed(machine(0b1001, 0b0101), 1) == "---"
    assert allowed(machine(0b0011, 0b1001), 1) == "---"
    assert allowed(machine(0b1001, 0b0001), 1) == "r--"


@rule("AArch64.S1IndirectBasePermissions")
def test_privileged_execute_and_unprivileged_write_exclude_each_other() -> None:
    assert allowed(machine(0b0011, 0b0101), 1) == "---"
    assert allowed(machine(0b0011, 0b0101), 0) == "---"
    assert allowed(machine(0b0001, 0b0101), 1) == "r--"
    assert allowed(machine(0b0011, 0b0001), 1) == "r-x"


@rule("AArch64.S1IndirectBasePermissions")
def test_pan_keeps_el1_out_wherever_el0_has_any_permission() -> None:
    assert allowed(machine(0b0101, 0b0010), 1, pan=True) == "---"
    assert allowed(machine(0b0101, 0b0010), 1) == "rw-"
    assert allowed(machine(0b0101, 0b0000), 1, pan=True) == "rw-"


@rule("AArch64.S1IndirectBasePermissions")
def test_tables_and_wxn_have_no_effect_on_indirect_permissions() -> None:
    asked = machine(0b0111).having(tables=0b11111 << 59, sctlr=0x1005 | 1 << 19)
    assert allowed(asked, 1) == "rwx"


@rule("AArch64.S1IndirectBasePermissions")
def test_the_el2_regime_has_privileged_permissions_alone() -> None:
    registers = {"TCR2_EL2": PIE, "PIR_EL2": 0b0011 << 4, "PIRE0_EL2": 0b0101 << 4}
    asked = Machine(leaf=LEAF | INDEX_1, regime="EL2", tcr=25 | 5 << 16, registers=registers)
    assert allowed(asked.having(Feature.TCR2, Feature.S1PIE), 2) == "r-x"


@rule("AArch64.S1ApplyOutputPerms")
@pytest.mark.parametrize(
    ("leaf", "index"),
    [(1 << 6, 1), (1 << 51, 2), (1 << 53, 4), (1 << 54, 8), (1 << 6 | 1 << 54, 9)],
)
def test_the_permission_index_is_scattered_over_the_leaf(leaf: int, index: int) -> None:
    registers = {"TCR2_EL1": PIE, "PIR_EL1": 0b0001 << 4 * index}
    asked = Machine(leaf=LEAF | leaf, registers=registers).having(Feature.TCR2, Feature.S1PIE)
    assert allowed(asked, 1) == "r--"


@rule("AArch64.S1TTWParamsEL10")
def test_pie_needs_both_features() -> None:
    asked = machine(0)
    assert allowed(asked, 1) == "---"
    assert allowed(Machine(leaf=LEAF, registers=asked.registers), 1) == "rwx"


@rule("AArch64.S1CheckPermissions")
def test_a_write_to_a_clean_page_faults_with_dirtybit_unless_hardware_sets_it_dirty() -> None:
    clean = machine(0b0101, leaf=LEAF | NOT_DIRTY)
    fault = clean.fault(kind="write")
    assert what(fault) == ("permission", 3)
    assert fault.esr >> 32 == 1 << 5
    assert clean.ok().pa
    hardware = clean.having(Feature.HAFDBS, tcr=TCR | 0b11 << 39)
    assert hardware.ok(kind="write").updates == {0x3000: LEAF | INDEX_1}
    assert machine(0b0101).ok(kind="write").updates == {}


@rule("AArch64.S1OverlayPermissions")
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (0, "---"), (1, "r--"), (2, "--x"), (3, "r-x"), (4, "-w-"), (5, "rw-"), (6, "-wx"),
        (7, "rwx"), (8, "---"), (15, "---"),
    ],
)  # fmt: skip
def test_an_overlay_takes_permissions_away(field: int, expected: str) -> None:
    leaf = LEAF | 1 << 60
    privileged = machine(0b0111, leaf=leaf, TCR2_EL1=PIE | POE, POR_EL1=field << 4)
    assert allowed(privileged.having(Feature.S1POE), 1) == expected
    assert allowed(privileged, 1) == "rwx"
    user = machine(0, 0b0111, leaf=leaf, TCR2_EL1=PIE | E0POE, POR_EL0=field << 4)
    assert allowed(user.having(Feature.S1POE), 0) == expected


@rule("AArch64.S1CheckPermissions")
def test_an_overlay_fault_says_so_in_iss2() -> None:
    asked = machine(0b0111, TCR2_EL1=PIE | POE, POR_EL1=0).having(Feature.S1POE)
    for kind in ("read", "write", "fetch"):
        fault = asked.fault(kind=kind)
        assert fault.esr >> 32 == 1 << 6
        assert bool(fault.esr & 0x40) is (kind == "write")
    base = machine(0b0000, TCR2_EL1=PIE | POE, POR_EL1=7).having(Feature.S1POE)
    assert base.fault().esr >> 32 == 0


@rule("AArch64.S1POEnabled")
def test_encodings_from_8_on_leave_overlays_out() -> None:
    asked = machine(0b1110, TCR2_EL1=PIE | POE, POR_EL1=0).having(Feature.S1POE)
    assert allowed(asked, 1) == "rwx"


@rule("AArch64.S1POR")
@rule("AArch64.S1E0POEnabled")
def test_each_exception_level_has_its_own_overlay_enable() -> None:
    only_el1 = machine(0b0101, 0b0001, TCR2_EL1=PIE | POE, POR_EL1=0).having(Feature.S1POE)
    assert (allowed(only_el1, 1), allowed(only_el1, 0)) == ("---", "r--")
    only_el0 = machine(0b0101, 0b0001, TCR2_EL1=PIE | E0POE, POR_EL0=0).having(Feature.S1POE)
    assert (allowed(only_el0, 1), allowed(only_el0, 0)) == ("rw-", "---")


@rule("AArch64.S1ComputePermissions")
def test_an_overlay_turns_wxn_against_the_write_instead_of_the_execution() -> None:
    execute = machine(0b0110, TCR2_EL1=PIE | POE, POR_EL1=0b0111).having(Feature.S1POE)
    assert allowed(execute, 1) == "r-x"
    no_execute = machine(0b0110, TCR2_EL1=PIE | POE, POR_EL1=0b0101).having(Feature.S1POE)
    assert allowed(no_execute, 1) == "rw-"


@rule("AArch64.S1OverlayPermissions")
def test_overlays_apply_to_direct_permissions_too() -> None:
    registers = {"TCR2_EL1": POE, "POR_EL1": 0b0001}
    asked = Machine(registers=registers).having(Feature.TCR2, Feature.S1POE)
    assert allowed(asked, 1) == "r--"


def test_an_indirection_register_that_is_not_given_allows_nothing() -> None:
    given = {"TCR2_EL1": PIE, "PIR_EL1": 0b0101}
    features = (Feature.TCR2, Feature.S1PIE)
    assert allowed(Machine(registers={**given, "PIRE0_EL1": 1}).having(*features), el=0) == "r--"
    assert allowed(Machine(registers=given).having(*features), el=0) == "---"
