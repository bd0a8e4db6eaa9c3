"""Operations of a kernel on tables in memory: each as Linux 7.0 does it, and as 7.0.1 does."""

from __future__ import annotations

import pytest

from harness.arch.addresses import PhysicalAddress, VirtualAddress
from harness.arch.granule import Granule
from harness.encodings import encoding, names, resolve_attributes
from harness.errors import MappingError, ValueSyntaxError
from harness.memory import PhysicalMemory, Region
from harness.operations import (
    KernelTables,
    Maintain,
    Performed,
    operate,
    operations_of,
    perform,
)
from harness.tables.builder import Mapping, build_tables
from harness.tables.editor import find
from harness.tables.geometry import Geometry
from harness.tables.pool import TablePool
from harness.tables.reader import read_tables

HIGH = Geometry(Granule.K4, 48, high=True)
BASE = 0x8000_0000
LINEAR = 0xFFFF_0000_0000_0000
K4, K64, M2, G1 = 0x1000, 0x1_0000, 0x20_0000, 0x4000_0000
VALID, NG, RDONLY, CONT, WRITE, PXN = 1, 1 << 11, 1 << 7, 1 << 52, 1 << 51, 1 << 53
BOTH = ["linux-7.0", "linux-7.0.1"]


class Kernel:
    """A linear map of a kernel, in memory of its own."""

    def __init__(
        self, name: str, *maps: tuple[int, int, str | None], resizes_live: bool = True
    ) -> None:
        self.memory = PhysicalMemory([Region(PhysicalAddress(BASE), 16 << 20)])
        pool = TablePool(PhysicalAddress(BASE), 16 << 20)
        bits = resolve_attributes(f"{name}:PAGE_KERNEL")
        wanted = [
            Mapping(VirtualAddress(LINEAR + pa), PhysicalAddress(pa), size, bits, shape)
            for pa, size, shape in maps
        ]
        root = build_tables(HIGH, wanted, pool, self.memory)
        self.pool = pool
        self.tables = KernelTables(
            encoding(name), HIGH, root, self.memory, pool, resizes_live=resizes_live
        )

    def do(self, name: str, pa: int, size: int) -> Performed:
        """Do an operation on the addresses of `size` bytes at `pa`."""
        return perform(self.memory, operate(self.tables, name, LINEAR + pa, size))

    def entry(self, pa: int) -> int:
        """Return the descriptor that ends the walk for `pa`."""
        return find(HIGH, self.tables.root, self.memory, LINEAR + pa).descriptor

    def level(self, pa: int) -> int:
        """Return the level at which the walk for `pa` ends."""
        return find(HIGH, self.tables.root, self.memory, LINEAR + pa).level


def mixed(name: str) -> Kernel:
    """Return a kernel with 2M of pages, a 2M block and a 1G block, in a row up to 2G."""
    return Kernel(
        name,
        (G1 - 2 * M2, M2, "page"),
        (G1 - M2, M2, "block"),
        (G1, G1, "block"),
    )


def words(kernel: Kernel) -> list[int]:
    return [leaf.descriptor for leaf in read_tables(HIGH, kernel.tables.root, kernel.memory).leaves]


def test_a_range_of_mixed_leaves_comes_back_on_linux_7_0_1() -> None:
    kernel = mixed("linux-7.0.1")
    before = words(kernel)
    assert len(before) == 514
    off = kernel.do("set_memory_valid_off", G1 - 2 * M2, 2 * M2 + G1)
    assert words(kernel) == [word & ~VALID | NG for word in before]
    assert not off.overlooked
    assert kernel.do("set_memory_valid_on", G1 - 2 * M2, 2 * M2 + G1).overlooked == ()
    assert words(kernel) == before


def test_on_linux_7_0_only_the_pages_of_it_come_back() -> None:
    kernel = mixed("linux-7.0")
    before = words(kernel)
    kernel.do("set_memory_valid_off", G1 - 2 * M2, 2 * M2 + G1)
    assert words(kernel) == [word & ~VALID for word in before]
    on = kernel.do("set_memory_valid_on", G1 - 2 * M2, 2 * M2 + G1)
    assert words(kernel) == before[:512] + [word & ~VALID for word in before[512:]]
    assert [(one.descriptor, one.why) for one in on.overlooked] == [
        (before[512] & ~VALID, "pmd_sect is false"),
        (before[513] & ~VALID, "pud_sect is false"),
    ]


@pytest.mark.parametrize("name", BOTH)
def test_what_becomes_valid_needs_no_tlbi_and_all_else_does(name: str) -> None:
    kernel = Kernel(name, (0, 2 * K4, "page"))
    off = kernel.do("set_memory_valid_off", 0, 2 * K4)
    assert off.maintenance == (
        Maintain("dsb ishst"),
        Maintain("tlbi vaale1is", VirtualAddress(LINEAR)),
        Maintain("tlbi vaale1is", VirtualAddress(LINEAR + K4)),
        Maintain("dsb ish"),
        Maintain("isb"),
    )
    on = kernel.do("set_memory_valid_on", 0, 2 * K4)
    assert on.maintenance == (Maintain("dsb ishst"), Maintain("isb"))
    assert kernel.do("set_memory_valid_on", 0, K4).maintenance == ()


def test_many_leaves_are_invalidated_at_once() -> None:
    kernel = Kernel("linux-7.0.1", (0, 2 * M2, "page"))
    assert len(kernel.do("set_memory_ro", 0, M2).maintenance) == 512 + 3
    assert kernel.do("set_memory_ro", 0, 2 * M2).maintenance[1].operation == "tlbi vaale1is"
    whole = kernel.do("set_memory_rw", 0, 2 * M2)
    assert whole.maintenance[1] == Maintain("tlbi vmalle1is")
    assert len(whole.maintenance) == 4


@pytest.mark.parametrize("name", BOTH)
def test_permissions_of_blocks_change_in_place(name: str) -> None:
    kernel = Kernel(name, (0, M2, "block"))
    whole = kernel.entry(0)
    kernel.do("set_memory_ro", 0, M2)
    assert kernel.entry(0) == whole & ~WRITE | RDONLY
    kernel.do("set_memory_rw", 0, M2)
    kernel.do("set_memory_x", 0, M2)
    assert kernel.entry(0) & PXN == 0
    kernel.do("set_memory_nx", 0, M2)
    assert kernel.entry(0) == whole


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("debug_pagealloc_unmap", "debug_pagealloc_map"),
        ("kfence_protect", "kfence_unprotect"),
        ("secretmem_hide", "secretmem_release"),
        ("set_direct_map_invalid", "set_direct_map_default"),
    ],
)
@pytest.mark.parametrize("name", BOTH)
def test_a_page_of_a_block_is_taken_away_and_given_back(name: str, first: str, second: str) -> None:
    kernel = Kernel(name, (0, M2, "block"))
    block = kernel.entry(0)
    kernel.do(first, K64, K4)
    assert kernel.level(0) == 3
    assert kernel.entry(K64) & VALID == 0
    assert kernel.entry(K64) >> 11 & 1 == (name == "linux-7.0.1")
    assert kernel.entry(K64 + K4) == block | 2 | K64 + K4
    kernel.do(second, K64, K4)
    # The run that the page was in has been parted; a kernel does not fold it again.
    assert kernel.entry(K64) == block | 2 | K64
    assert kernel.entry(2 * K64) == block | 2 | CONT | 2 * K64


def test_kfence_takes_one_page() -> None:
    with pytest.raises(MappingError, match="kfence_protect is of one page"):
        Kernel("linux-7.0", (0, M2, "page")).do("kfence_protect", 0, 2 * K4)


def test_a_realms_sharing_moves_a_block_to_its_alias_and_back_on_linux_7_0_1() -> None:
    kernel = Kernel("linux-7.0.1", (0, M2, "block"))
    private = kernel.entry(0)
    kernel.do("set_memory_decrypted", 0, M2)
    assert kernel.entry(0) == private | 1 << 47
    kernel.do("set_memory_encrypted", 0, M2)
    assert kernel.entry(0) == private


def test_a_realms_sharing_leaves_a_block_invalid_on_linux_7_0() -> None:
    kernel = Kernel("linux-7.0", (0, M2, "block"))
    private = kernel.entry(0)
    done = kernel.do("set_memory_decrypted", 0, M2)
    assert kernel.entry(0) == (private | 1 << 47) & ~VALID
    assert len(done.overlooked) == 1


def test_a_split_goes_down_as_far_as_it_must_and_keeps_every_address() -> None:
    kernel = Kernel("linux-7.0.1", (G1, G1, "block"))
    kernel.do("split", G1 + 3 * M2, K4)
    assert kernel.level(G1 + 3 * M2) == 3
    assert kernel.entry(G1 + 3 * M2) & CONT == 0
    assert kernel.entry(G1 + 3 * M2 + K64) & CONT
    assert kernel.level(G1) == 2
    assert kernel.entry(G1) & CONT == 0
    assert kernel.entry(G1 + 32 * M2) & CONT
    leaves = list(read_tables(HIGH, kernel.tables.root, kernel.memory).leaves)
    assert sum(leaf.size for leaf in leaves) == G1
    assert all(leaf.oa == leaf.ia - LINEAR and leaf.valid for leaf in leaves)
    stores = kernel.do("split", G1 + 3 * M2, K4).stores
    assert stores == ()


@pytest.mark.parametrize(("name", "parted"), [("linux-7.0", False), ("linux-7.0.1", True)])
def test_an_invalid_block_is_split_into_invalid_pages_where_it_is_seen(
    name: str, *, parted: bool
) -> None:
    kernel = Kernel(name, (0, M2, "block"))
    kernel.do("set_memory_valid_off", 0, M2)
    kernel.do("split", K64, K64)
    assert kernel.level(0) == (3 if parted else 2)
    assert kernel.entry(0) & VALID == 0
    assert kernel.entry(5 * K64) & VALID == 0


def test_a_machine_that_cannot_resize_live_leaves_refuses_a_part_of_one() -> None:
    kernel = Kernel("linux-7.0.1", (0, M2, "block"), resizes_live=False)
    before = kernel.entry(0)
    with pytest.raises(MappingError, match="BBML2_NOABORT"):
        kernel.do("set_memory_valid_off", K64, K4)
    assert kernel.entry(0) == before
    kernel.do("set_memory_valid_off", 0, M2)
    assert kernel.entry(0) & VALID == 0


def test_linux_6_1_changes_pages_only() -> None:
    kernel = Kernel("linux-6.1", (0, M2, "block"), (M2, K4, "page"))
    with pytest.raises(MappingError, match=r"linux-6\.1 has no set_memory_valid_off at level 2"):
        kernel.do("set_memory_valid_off", 0, M2)
    kernel.do("set_memory_valid_off", M2, K4)
    assert kernel.entry(M2) & VALID == 0
    with pytest.raises(ValueSyntaxError, match=r"linux-6\.1 has no operation 'split'"):
        kernel.do("split", 0, K4)


@pytest.mark.parametrize("resizes_live", [False, True])
def test_pages_are_folded_by_break_before_make_and_parted_again(*, resizes_live: bool) -> None:
    kernel = Kernel("linux-7.0.1", (0, 2 * K64, "page"), resizes_live=resizes_live)
    page = kernel.entry(0)
    done = kernel.do("contpte_fold", 0, K64)
    assert [store.new for store in done.stores[:16]] == [0] * 16
    assert [store.old for store in done.stores[16:]] == [0] * 16
    tlbis = [one for one in done.maintenance if one.operation.startswith("tlbi")]
    assert len(tlbis) == (0 if resizes_live else 16)
    assert kernel.entry(15 * K4) == page | CONT | 15 * K4
    assert kernel.entry(K64) & CONT == 0
    kernel.do("contpte_unfold", 0, K64)
    assert kernel.entry(15 * K4) == page | 15 * K4


def test_what_is_no_run_is_not_folded() -> None:
    kernel = Kernel("linux-7.0.1", (0, K64, "page"), (2 * K64 + K4, K64, "page"))
    kernel.do("set_memory_ro", 0, K4)
    for pa, size, reason in [
        (0, K64, "is not uniform"),
        (0, K4, "are not whole runs"),
        (2 * K64, K64, "does not begin with a leaf"),
    ]:
        with pytest.raises(MappingError, match=reason):
            kernel.do("contpte_fold", pa, size)
    with pytest.raises(MappingError, match="are no contiguous run"):
        kernel.do("contpte_unfold", 0, K64)


@pytest.mark.parametrize(("name", "usable"), [("linux-7.0", False), ("linux-7.0.1", True)])
def test_the_copy_for_hibernation_makes_pages_usable_and_blocks_on_linux_7_0_1(
    name: str, *, usable: bool
) -> None:
    kernel = mixed(name)
    kernel.do("set_memory_valid_off", G1 - 2 * M2, 2 * M2)
    live = words(kernel)
    root = PhysicalAddress(BASE + kernel.pool.used)
    kernel.do("hibernate_copy", G1 - 2 * M2, 2 * M2 + G1)
    assert words(kernel) == live
    leaves = list(read_tables(HIGH, root, kernel.memory).leaves)
    assert [leaf.oa for leaf in leaves[-3:]] == [G1 - M2 - K4, G1 - M2, G1]
    assert [leaf.valid for leaf in leaves[-3:]] == [True, usable, True]
    assert len(leaves) == 514


def test_the_copy_is_of_the_range_alone() -> None:
    kernel = mixed("linux-7.0.1")
    root = PhysicalAddress(BASE + kernel.pool.used)
    kernel.do("hibernate_copy", G1, G1)
    (leaf,) = read_tables(HIGH, root, kernel.memory).leaves
    assert leaf.oa == G1


@pytest.mark.parametrize(("va", "size"), [(LINEAR + 1, K4), (LINEAR, K4 - 1), (LINEAR, 0), (0, K4)])
def test_a_range_is_of_whole_pages_of_one_half(va: int, size: int) -> None:
    kernel = Kernel("linux-7.0", (0, M2, "block"))
    with pytest.raises(MappingError, match="are not whole pages of one half"):
        perform(kernel.memory, operate(kernel.tables, "split", va, size))


def test_every_encoding_has_the_operations_that_its_levels_have() -> None:
    known = {name: operations_of(encoding(name)) for name in names()}
    assert known["bare"] == ()
    assert known["linux-7.0"] == known["linux-7.0.1"]
    assert {"realm_share", "set_memory_decrypted", "split", "hibernate_copy"} <= set(
        known["linux-7.0"]
    )
    assert "set_memory_decrypted" not in known["linux-6.1"]
