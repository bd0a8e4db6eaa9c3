"""Direct permissions of stage 1, PAN, WXN, hierarchical attributes, unprivileged accesses."""

from __future__ import annotations

from typing import Any

import pytest
from vmsa_machine import (
    AP_EL0,
    AP_READ_ONLY,
    DBM,
    DEVICE,
    HIGH,
    LEAF,
    PXN,
    SCTLR,
    TCR,
    UXN,
    VA,
    Machine,
    what,
)

from harness.arch.features import Feature
from harness.arch.implementation import DeviceFetch, Implementation
from harness.vmsa.outcome import Translation

rule = pytest.mark.rule
WXN = 1 << 19
EPAN = 1 << 57
KINDS = ("read", "write", "fetch")


def allowed(machine: Machine, el: int, **access: bool) -> str:
    """Return which of read, write and fetch succeed: `rw-`."""
    return "".join(
        letter if isinstance(machine.ask(kind=kind, el=el, **access), Translation) else "-"
        for letter, kind in zip("rwx", KINDS, strict=True)
    )


@rule("AArch64.S1DirectBasePermissions")
@pytest.mark.parametrize(
    ("bits", "el1", "el0"),
    [
        (0, "rwx", "--x"),
        (AP_EL0, "rw-", "rwx"),
        (AP_READ_ONLY, "r-x", "--x"),
        (AP_EL0 | AP_READ_ONLY, "r-x", "r-x"),
        (PXN, "rw-", "--x"),
        (UXN, "rwx", "---"),
        (AP_EL0 | UXN, "rw-", "rw-"),
        (AP_EL0 | AP_READ_ONLY | PXN | UXN, "r--", "r--"),
    ],
)
def test_ap_and_execute_never_bits_give_each_exception_level_its_permissions(
    bits: int, el1: str, el0: str
) -> None:
    machine = Machine(leaf=LEAF | bits)
    assert (allowed(machine, 1), allowed(machine, 0)) == (el1, el0)


@rule("AArch64.S1ApplyTablePerms")
@pytest.mark.parametrize(
    ("table", "el1", "el0"),
    [
        (0, "r-x", "r-x"),
        (1 << 59, "r--", "r-x"),
        (1 << 60, "r-x", "r--"),
        (1 << 61, "r-x", "--x"),
        (1 << 62, "r-x", "r-x"),
    ],
)
def test_table_descriptors_take_permissions_away(table: int, el1: str, el0: str) -> None:
    machine = Machine(leaf=LEAF | AP_EL0 | AP_READ_ONLY, tables=table)
    assert (allowed(machine, 1), allowed(machine, 0)) == (el1, el0)


@rule("AArch64.S1ApplyTablePerms")
def test_aptable_makes_a_writable_page_read_only_and_executable_at_el1() -> None:
    machine = Machine(leaf=LEAF | AP_EL0, tables=1 << 62)
    assert (allowed(machine, 1), allowed(machine, 0)) == ("r-x", "r-x")


@rule("AArch64.S1ApplyTablePerms")
def test_hpd_disables_the_attributes_of_tables_in_its_half() -> None:
    machine = Machine(leaf=LEAF | AP_EL0, tables=0xF << 59, tcr=TCR | 1 << 41)
    assert allowed(machine, 0) == "rwx"
    assert what(machine.fault(HIGH, "write", el=0)) == ("permission", 3)
    without = Machine(leaf=LEAF | AP_EL0, tables=0xF << 59, tcr=TCR | 1 << 41, features=frozenset())
    assert allowed(without, 0) == "---"


@rule("AArch64.S1DirectBasePermissions")
def test_pan_keeps_el1_out_of_what_el0_may_access() -> None:
    user = Machine(leaf=LEAF | AP_EL0 | AP_READ_ONLY)
    assert allowed(user, 1) == "r-x"
    assert allowed(user, 1, pan=True) == "--x"
    assert allowed(user, 0, pan=True) == "r-x"
    assert allowed(Machine(), 1, pan=True) == "rwx"
    assert allowed(Machine(leaf=LEAF | AP_EL0, features=frozenset()), 1, pan=True) == "rw-"


@rule("AArch64.S1DirectBasePermissions")
def test_epan_extends_pan_to_what_el0_may_only_execute() -> None:
    machine = Machine(sctlr=SCTLR | EPAN).having(Feature.PAN3)
    assert allowed(machine, 1, pan=True) == "--x"
    assert allowed(machine, 1) == "rwx"
    assert allowed(machine.having(leaf=LEAF | UXN), 1, pan=True) == "rwx"
    assert allowed(Machine(sctlr=SCTLR | EPAN), 1, pan=True) == "rwx"


@rule("AArch64.S1ComputePermissions")
def test_wxn_makes_writable_memory_not_executable() -> None:
    assert allowed(Machine(sctlr=SCTLR | WXN), 1) == "rw-"
    assert allowed(Machine(sctlr=SCTLR | WXN, leaf=LEAF | AP_READ_ONLY), 1) == "r-x"
    assert allowed(Machine(sctlr=SCTLR | WXN, leaf=LEAF | AP_EL0), 0) == "rw-"


@rule("AArch64.IsUnprivAccessPriv")
def test_unprivileged_accesses_are_checked_as_made_at_el0() -> None:
    kernel, user = Machine(), Machine(leaf=LEAF | AP_EL0)
    assert what(kernel.fault(unprivileged=True)) == ("permission", 3)
    assert user.ok(unprivileged=True, pan=True).pa
    assert kernel.fault(unprivileged=True).esr >> 26 == 0x25


@rule("AArch64.IsUnprivAccessPriv")
def test_uao_makes_unprivileged_accesses_privileged() -> None:
    assert Machine().ok(unprivileged=True, uao=True).pa
    without = Machine(features=frozenset())
    assert what(without.fault(unprivileged=True, uao=True)) == ("permission", 3)


@rule("AArch64.S1CheckPermissions")
def test_a_read_and_write_reports_the_read_if_that_fails_too() -> None:
    assert Machine().fault(kind="read_write", el=0, operation="swap").esr & 1 << 6 == 0
    read_only = Machine(leaf=LEAF | AP_READ_ONLY)
    assert read_only.fault(kind="read_write", operation="swap").esr & 1 << 6 != 0
    assert Machine().ok(kind="read_write", operation="swap").pa


@rule("AArch64.S1CheckPermissions")
def test_a_fetch_from_device_memory_faults_by_choice() -> None:
    machine = Machine(leaf=LEAF | DEVICE)
    assert machine.ok(kind="fetch").pa
    faulting = machine.having(choices=Implementation(fetch_from_device=DeviceFetch.FAULT))
    assert what(faulting.fault(kind="fetch")) == ("permission", 3)
    assert faulting.ok().pa


@rule("AArch64.S1ApplyOutputPerms")
def test_dbm_makes_a_read_only_page_writable_where_hardware_manages_dirty_state() -> None:
    leaf = LEAF | AP_READ_ONLY | DBM
    managed = Machine(leaf=leaf, tcr=TCR | 0b11 << 39)
    assert managed.having(Feature.HAFDBS).ok(kind="write").pa
    assert what(managed.fault(kind="write")) == ("permission", 3)
    only_ha = Machine(leaf=leaf, tcr=TCR | 1 << 39).having(Feature.HAFDBS)
    assert what(only_ha.fault(kind="write")) == ("permission", 3)
    plain = managed.having(Feature.HAFDBS, leaf=LEAF | AP_READ_ONLY)
    assert what(plain.fault(kind="write")) == ("permission", 3)


@rule("AArch64.S1DirectBasePermissions")
@pytest.mark.parametrize(
    ("bits", "expected"),
    [(0, "rwx"), (AP_READ_ONLY, "r-x"), (UXN, "rw-"), (PXN, "rwx"), (AP_EL0, "rwx")],
)
def test_the_el2_regime_has_one_set_of_permissions(bits: int, expected: str) -> None:
    machine = Machine(leaf=LEAF | bits, regime="EL2", tcr=25 | 5 << 16)
    assert allowed(machine, 2) == expected


@rule("AArch64.S1ApplyTablePerms")
@pytest.mark.parametrize(
    ("table", "expected"), [(1 << 60, "rw-"), (1 << 62, "r-x"), (1 << 59 | 1 << 61, "rwx")]
)
def test_tables_of_the_el2_regime_have_xntable_and_a_write_restriction(
    table: int, expected: str
) -> None:
    machine = Machine(tables=table, regime="EL2", tcr=25 | 5 << 16)
    assert allowed(machine, 2) == expected
    disabled = Machine(tables=table, regime="EL2", tcr=25 | 5 << 16 | 1 << 24)
    assert allowed(disabled, 2) == "rwx"


@rule("AArch64.S1CheckPermissions")
def test_cache_maintenance_needs_permission_to_read_at_el0_only() -> None:
    maintained: dict[str, Any] = {"operation": "cache_maintenance"}
    assert what(Machine().fault(el=0, **maintained)) == ("permission", 3)
    user = Machine(leaf=LEAF | AP_EL0)
    assert user.ok(el=0, **maintained).pa
    assert user.ok(el=1, pan=True, **maintained).pa
    assert what(user.fault(el=1, pan=True)) == ("permission", 3)


@rule("AArch64.S1CheckPermissions")
def test_invalidation_needs_permission_to_write() -> None:
    read_only = Machine(leaf=LEAF | AP_READ_ONLY)
    assert what(read_only.fault(kind="write", operation="cache_maintenance")) == ("permission", 3)
    assert read_only.ok(kind="read", operation="cache_maintenance").pa


def test_ldtr_at_el2_is_unprivileged_in_a_host_only() -> None:
    e2h, tge = 1 << 34, 1 << 27
    machine = Machine(regime="EL2&0", registers={"HCR_EL2": 1 << 31 | e2h})
    assert machine.ok(el=2, unprivileged=True).pa
    host = Machine(regime="EL2&0", registers={"HCR_EL2": 1 << 31 | e2h | tge})
    assert what(host.fault(el=2, unprivileged=True)) == ("permission", 3)
    assert host.ok(VA, el=2).pa
