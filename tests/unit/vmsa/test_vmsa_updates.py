"""Hardware updates of the Access flag and the dirty state (FEAT_HAFDBS)."""

from __future__ import annotations

import pytest
from vmsa_machine import AF, AP_READ_ONLY, DBM, DEVICE, LEAF, TABLES, TCR, VA, Machine, what

from harness.arch.features import Feature
from harness.arch.implementation import Implementation

rule = pytest.mark.rule
HA, HD = 1 << 39, 1 << 40
ENTRY = TABLES[3]
NO_AF = LEAF & ~AF
CLEAN = LEAF | AP_READ_ONLY | DBM


def hardware(leaf: int, tcr: int = HA | HD, **changes: object) -> Machine:
    return Machine(leaf=leaf, tcr=TCR | tcr).having(Feature.HAFDBS, **changes)


@rule("AArch64.SettingAccessFlagPermitted")
@pytest.mark.parametrize("kind", ["read", "write", "fetch"])
def test_ha_sets_the_access_flag_instead_of_a_fault(kind: str) -> None:
    assert hardware(NO_AF, HA).ok(kind=kind).updates == {ENTRY: LEAF}


@rule("AArch64.SettingAccessFlagPermitted")
def test_without_ha_or_the_feature_the_access_flag_faults() -> None:
    assert what(hardware(NO_AF, 0).fault()) == ("access_flag", 3)
    assert what(Machine(leaf=NO_AF, tcr=TCR | HA).fault()) == ("access_flag", 3)


@rule("AArch64.S1Translate")
def test_a_descriptor_that_is_as_it_would_become_is_not_updated() -> None:
    assert hardware(LEAF).ok(kind="write").updates == {}


@rule("AArch64.SettingDirtyStatePermitted")
def test_a_write_to_a_clean_page_makes_it_dirty() -> None:
    dirty = LEAF | DBM
    assert hardware(CLEAN).ok(kind="write").updates == {ENTRY: dirty}
    assert hardware(CLEAN & ~AF).ok(kind="write").updates == {ENTRY: dirty}
    assert hardware(CLEAN).ok(kind="read").updates == {}
    assert hardware(CLEAN & ~AF).ok(kind="read").updates == {ENTRY: CLEAN}


@rule("AArch64.SettingDirtyStatePermitted")
def test_cache_maintenance_does_not_set_the_dirty_state() -> None:
    done = hardware(CLEAN).ok(kind="write", operation="cache_maintenance")
    assert done.updates == {}


@rule("AArch64.S1Walk")
def test_whether_cache_maintenance_takes_access_flag_faults_is_a_choice() -> None:
    machine = Machine(leaf=NO_AF)
    assert what(machine.fault(operation="cache_maintenance")) == ("access_flag", 3)
    choices = Implementation(access_flag_fault_on_cache_maintenance=False)
    assert machine.having(choices=choices).ok(operation="cache_maintenance").pa
    assert what(machine.having(choices=choices).fault()) == ("access_flag", 3)


@rule("AArch64.SettingAccessFlagPermitted")
def test_whether_af_is_set_before_a_permission_fault_is_a_choice() -> None:
    leaf = NO_AF | AP_READ_ONLY
    fault = hardware(leaf).fault(kind="write")
    assert what(fault) == ("permission", 3)
    assert fault.updates == {}
    choices = Implementation(af_update_on_alignment_or_permission_fault=True)
    chosen = hardware(leaf, choices=choices).fault(kind="write")
    assert what(chosen) == ("permission", 3)
    assert chosen.updates == {ENTRY: LEAF | AP_READ_ONLY}


@rule("AArch64.SettingDirtyStatePermitted")
def test_whether_the_dirty_state_is_set_before_an_alignment_fault_is_a_choice() -> None:
    leaf = CLEAN | DEVICE
    fault = hardware(leaf).fault(VA | 1, "write")
    assert what(fault) == ("alignment", None)
    assert fault.updates == {}
    choices = Implementation(dirty_update_on_alignment_fault=True)
    chosen = hardware(leaf, choices=choices).fault(VA | 1, "write")
    assert chosen.updates == {ENTRY: leaf & ~AP_READ_ONLY}
    assert hardware(leaf, choices=choices).fault(VA | 1, "read").updates == {}


@rule("AArch64.SettingAccessFlagPermitted")
def test_no_fault_of_the_walk_itself_updates_anything() -> None:
    assert hardware(NO_AF & ~1).fault().updates == {}
    assert hardware(NO_AF | 1 << 40, pa_bits=40).fault().updates == {}
