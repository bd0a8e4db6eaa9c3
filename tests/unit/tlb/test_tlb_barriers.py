"""What a DSB completes."""

from __future__ import annotations

import pytest

from harness.arch.tlbi import TLBI_OPERATIONS
from harness.errors import UnsupportedError
from harness.vmsa.tlb.barriers import read_dsb

LOCAL = TLBI_OPERATIONS["vaae1"]
INNER = TLBI_OPERATIONS["vaae1is"]
OUTER = TLBI_OPERATIONS["vaae1os"]
INNER_NXS = TLBI_OPERATIONS["vaae1isnxs"]


@pytest.mark.parametrize(
    ("option", "stores", "local", "inner", "outer"),
    [
        ("sy", True, True, True, True),
        ("osh", True, True, True, True),
        ("ish", True, True, True, False),
        ("nsh", True, True, False, False),
        ("ishst", True, False, False, False),
        ("st", True, False, False, False),
        ("ld", False, False, False, False),
        ("ishld", False, False, False, False),
    ],
)
def test_only_a_full_barrier_of_a_domain_as_wide_completes_a_tlbi(
    option: str, *, stores: bool, local: bool, inner: bool, outer: bool
) -> None:
    barrier = read_dsb(f"dsb {option}")
    assert barrier.stores is stores
    assert barrier.completes(LOCAL) is local
    assert barrier.completes(INNER) is inner
    assert barrier.completes(OUTER) is outer


def test_the_nxs_form_waits_for_tlbis_of_that_form_only() -> None:
    assert read_dsb("dsb ishnxs").completes(INNER_NXS)
    assert not read_dsb("dsb ishnxs").completes(INNER)
    assert read_dsb("dsb synxs").completes(INNER_NXS)
    assert read_dsb("dsb ish").completes(INNER_NXS)


@pytest.mark.parametrize("option", ["", "xyz", "ishx", "ishstnxs", "nxs"])
def test_a_barrier_that_is_not_known_is_refused_by_name(option: str) -> None:
    with pytest.raises(UnsupportedError, match="dsb"):
        read_dsb(f"dsb {option}")
