"""The words below are GNU as 2.40's encodings of the instruction beside them."""

from __future__ import annotations

import capstone
import pytest
from capstone import arm64
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from harness.errors import UnsupportedError
from harness.machine.accesses import decode_accesses, footprint
from harness.vmsa.access import Access, AccessKind, Operation

PC = 0xFFFF_8000_0800_0000
READ, WRITE, BOTH = AccessKind.READ, AccessKind.WRITE, AccessKind.READ_WRITE


def register(name: str) -> int:
    """Give every register a value that tells it from the others and overflows 32 bits."""
    number = 31 if name == "sp" else int(name[1:])
    return 0xFFFF_0000_9000_0000 + number * 0x10_0040


def decode(word: int) -> tuple[Access, ...]:
    return decode_accesses(word, PC, register)


X0, X1, SP = register("x0"), register("x1"), register("sp")
LITERAL = PC + 0x40

SINGLE = [
    ("ldrb w2, [x0, #5]", 0x39401402, X0 + 5, READ, 1, Operation.PLAIN),
    ("strh w2, [x0, #6]", 0x79000C02, X0 + 6, WRITE, 2, Operation.PLAIN),
    ("ldrsw x2, [x0, #8]", 0xB9800802, X0 + 8, READ, 4, Operation.PLAIN),
    ("ldrsb w2, [x0]", 0x39C00002, X0, READ, 1, Operation.PLAIN),
    ("str x2, [sp, #32]", 0xF90013E2, SP + 32, WRITE, 8, Operation.PLAIN),
    ("ldur x2, [x0, #-8]", 0xF85F8002, X0 - 8, READ, 8, Operation.PLAIN),
    ("str x2, [x0], #16", 0xF8010402, X0, WRITE, 8, Operation.PLAIN),
    ("str x2, [x0, #16]!", 0xF8010C02, X0 + 16, WRITE, 8, Operation.PLAIN),
    ("ldr q2, [x0, #16]", 0x3DC00402, X0 + 16, READ, 16, Operation.PLAIN),
    ("str d2, [x0], #8", 0xFC008402, X0, WRITE, 8, Operation.PLAIN),
    ("ldr x2, .+64", 0x58000202, LITERAL, READ, 8, Operation.PLAIN),
    ("ldrsw x2, .+64", 0x98000202, LITERAL, READ, 4, Operation.PLAIN),
    ("ldr q2, .+64", 0x9C000202, LITERAL, READ, 16, Operation.PLAIN),
    ("ldr x2, [x0, x1]", 0xF8616802, X0 + X1, READ, 8, Operation.PLAIN),
    ("ldr x2, [x0, x1, lsl #3]", 0xF8617802, X0 + (X1 << 3), READ, 8, Operation.PLAIN),
    ("ldr x2, [x0, w1, uxtw]", 0xF8614802, X0 + 0x9010_0040, READ, 8, Operation.PLAIN),
    ("ldr x2, [x0, w1, sxtw]", 0xF861C802, X0 + 0x9010_0040 - (1 << 32), READ, 8, Operation.PLAIN),
    ("ldr x2, [x0, xzr]", 0xF87F6802, X0, READ, 8, Operation.PLAIN),
    ("ldp x2, x3, [x0, #-16]", 0xA97F0C02, X0 - 16, READ, 16, Operation.LOAD_PAIR),
    ("stp w2, w3, [x0], #8", 0x28810C02, X0, WRITE, 8, Operation.STORE_PAIR),
    ("ldpsw x2, x3, [x0, #8]!", 0x69C10C02, X0 + 8, READ, 8, Operation.LOAD_PAIR),
    ("stp q2, q3, [x0, #32]", 0xAD010C02, X0 + 32, WRITE, 32, Operation.STORE_PAIR),
    ("stnp x2, x3, [x0, #16]", 0xA8010C02, X0 + 16, WRITE, 16, Operation.STORE_PAIR),
    ("stp x12, x13, [x0]", 0xA900340C, X0, WRITE, 16, Operation.STORE_PAIR),
    ("ldxr x2, [x0]", 0xC85F7C02, X0, READ, 8, Operation.LOAD_EXCLUSIVE),
    ("ldaxrb w2, [x0]", 0x085FFC02, X0, READ, 1, Operation.LOAD_ACQUIRE_EXCLUSIVE),
    ("stxr w1, x2, [x0]", 0xC8017C02, X0, WRITE, 8, Operation.STORE_EXCLUSIVE),
    ("stlxrh w1, w2, [x0]", 0x4801FC02, X0, WRITE, 2, Operation.STORE_RELEASE_EXCLUSIVE),
    ("ldxp x2, x3, [x0]", 0xC87F0C02, X0, READ, 16, Operation.LOAD_EXCLUSIVE_PAIR),
    ("stxp w1, w2, w3, [x0]", 0x88210C02, X0, WRITE, 8, Operation.STORE_EXCLUSIVE_PAIR),
    ("ldar w2, [x0]", 0x88DFFC02, X0, READ, 4, Operation.LOAD_ACQUIRE),
    ("stlr x2, [sp]", 0xC89FFFE2, SP, WRITE, 8, Operation.STORE_RELEASE),
    ("ldapr x2, [x0]", 0xF8BFC002, X0, READ, 8, Operation.LOAD_ACQUIRE_PC),
    ("ldapur x2, [x0, #-8]", 0xD95F8002, X0 - 8, READ, 8, Operation.LOAD_ACQUIRE_PC),
    ("stlurb w2, [x0, #1]", 0x19001002, X0 + 1, WRITE, 1, Operation.STORE_RELEASE),
    ("cas x1, x2, [x0]", 0xC8A17C02, X0, BOTH, 8, Operation.COMPARE_AND_SWAP),
    ("casp x2, x3, x4, x5, [x0]", 0x48227C04, X0, BOTH, 16, Operation.COMPARE_AND_SWAP),
    ("casp w2, w3, w4, w5, [x0]", 0x08227C04, X0, BOTH, 8, Operation.COMPARE_AND_SWAP),
    ("swp x1, x2, [x0]", 0xF8218002, X0, BOTH, 8, Operation.SWAP),
    ("ldadd w1, w2, [x0]", 0xB8210002, X0, BOTH, 4, Operation.SWAP),
    ("ldumin x1, x2, [x0]", 0xF8217002, X0, BOTH, 8, Operation.SWAP),
    ("stadd x1, [x0]", 0xF821001F, X0, BOTH, 8, Operation.SWAP),
    ("ldadda x1, x2, [x0]", 0xF8A10002, X0, BOTH, 8, Operation.SWAP_ACQUIRE_RELEASE),
    ("ldseta x1, xzr, [x0]", 0xF8A1301F, X0, BOTH, 8, Operation.SWAP),
    ("swpl x1, x2, [x0]", 0xF8618002, X0, BOTH, 8, Operation.SWAP_ACQUIRE_RELEASE),
    ("dc zva, x0", 0xD50B7420, X0, WRITE, 64, Operation.DC_ZVA),
    ("dc civac, x0", 0xD50B7E20, X0, READ, 1, Operation.CACHE_MAINTENANCE),
    ("dc ivac, x0", 0xD5087620, X0, WRITE, 1, Operation.CACHE_MAINTENANCE),
    ("ic ivau, x0", 0xD50B7520, X0, READ, 1, Operation.CACHE_MAINTENANCE),
    ("at s1e1r, x0", 0xD5087800, X0, AccessKind.AT, 1, Operation.AT_S1E1R),
    ("at s1e0w, x0", 0xD5087860, X0, AccessKind.AT, 1, Operation.AT_S1E0W),
    ("at s1e1wp, x0", 0xD5087920, X0, AccessKind.AT, 1, Operation.AT_S1E1WP),
    ("at s12e0r, x0", 0xD50C78C0, X0, AccessKind.AT, 1, Operation.AT_S12E0R),
]


@pytest.mark.parametrize(
    ("word", "va", "kind", "size", "operation"),
    [pytest.param(*row[1:], id=row[0]) for row in SINGLE],
)
def test_an_instruction_makes_its_access(
    word: int, va: int, kind: AccessKind, size: int, operation: Operation
) -> None:
    (access,) = decode(word)
    assert (access.va, access.kind, access.size, access.operation) == (
        va % (1 << 64),
        kind,
        size,
        operation,
    )
    assert not access.unprivileged


@pytest.mark.parametrize(
    ("word", "kind", "va", "size"),
    [
        pytest.param(0xF8408802, READ, X0 + 8, 8, id="ldtr x2, [x0, #8]"),
        pytest.param(0x381FF802, WRITE, X0 - 1, 1, id="sttrb w2, [x0, #-1]"),
        pytest.param(0xB8804802, READ, X0 + 4, 4, id="ldtrsw x2, [x0, #4]"),
    ],
)
def test_unprivileged_loads_and_stores_say_so(
    word: int, kind: AccessKind, va: int, size: int
) -> None:
    (access,) = decode(word)
    assert (access.unprivileged, access.kind, access.va, access.size) == (True, kind, va, size)


def test_an_access_carries_the_pstate_it_is_made_with() -> None:
    (access,) = decode_accesses(0xF9400002, PC, register, el=0, pan=True, uao=True)
    assert (access.el, access.pan, access.uao) == (0, True, True)
    (access,) = decode(0xF9400002)
    assert (access.el, access.pan, access.uao) == (1, False, False)


def test_an_address_wraps_at_64_bits() -> None:
    (access,) = decode_accesses(0xF9400402, PC, lambda _: (1 << 64) - 8)  # ldr x2, [x0, #8]
    assert access.va == 0


@pytest.mark.parametrize(
    ("word", "offsets", "size"),
    [
        pytest.param(0x0C407000, range(8), 1, id="ld1 {v0.8b}, [x0]"),
        pytest.param(0x4C402C00, range(0, 64, 8), 8, id="ld1 {v0.2d-v3.2d}, [x0]"),
        pytest.param(0x4C9F0800, range(0, 64, 4), 4, id="st4 {v0.4s-v3.4s}, [x0], #64"),
        pytest.param(0x0CC18400, range(0, 16, 2), 2, id="ld2 {v0.4h,v1.4h}, [x0], x1"),
        pytest.param(0x4D408400, (0,), 8, id="ld1 {v0.d}[1], [x0]"),
        pytest.param(0x0D007800, (0, 2, 4), 2, id="st3 {v0.h-v2.h}[3], [x0]"),
        pytest.param(0x4D60E800, (0, 4, 8, 12), 4, id="ld4r {v0.4s-v3.4s}, [x0]"),
    ],
)
def test_a_structure_makes_one_access_an_element(
    word: int, offsets: tuple[int, ...], size: int
) -> None:
    accesses = decode(word)
    assert [access.va - X0 for access in accesses] == list(offsets)
    assert {access.size for access in accesses} == {size}


@pytest.mark.parametrize(
    "word",
    [
        pytest.param(0xD503201F, id="nop"),
        pytest.param(0x8B010000, id="add x0, x0, x1"),
        pytest.param(0xD5033F9F, id="dsb sy"),
        pytest.param(0xD5088320, id="tlbi vae1is, x0"),
        pytest.param(0xD508751F, id="ic iallu"),
        pytest.param(0xD5087640, id="dc isw, x0"),
        pytest.param(0xF9800000, id="prfm pldl1keep, [x0]"),
        pytest.param(0xD8000200, id="prfm pldl1keep, .+64"),
        pytest.param(0xF8A16800, id="prfm pldl1keep, [x0, x1]"),
        pytest.param(0xF89FF000, id="prfum pldl1keep, [x0, #-1]"),
        pytest.param(0xD69F03E0, id="eret"),
        pytest.param(0x4E21D400, id="fadd v0.4s, v0.4s, v1.4s"),
        pytest.param(0x00000000, id="udf #0"),
    ],
)
def test_what_touches_no_memory_has_no_access(word: int) -> None:
    assert decode(word) == ()


@pytest.mark.parametrize(
    ("word", "name"),
    [
        pytest.param(0x19010440, "FEAT_MOPS", id="cpyfp"),
        pytest.param(0x19C20420, "FEAT_MOPS", id="setp"),
        pytest.param(0xD9200800, "FEAT_MTE", id="stg"),
        pytest.param(0x69000400, "FEAT_MTE", id="stgp"),
        pytest.param(0xF8200400, "FEAT_PAuth", id="ldraa"),
        pytest.param(0xF83FD000, "FEAT_LS64", id="ld64b"),
        pytest.param(0x19218000, "FEAT_LSE128", id="swpp"),
        pytest.param(0xD9400800, "FEAT_LRCPC3", id="ldiapp"),
        pytest.param(0xA400A000, "SVE", id="ld1b"),
        pytest.param(0xE1000000, "SME", id="ldr za"),
        pytest.param(0xD50B7460, "SYS #3, C7, C4, #3", id="dc gva"),
        pytest.param(0xD52B7720, "SYSL #3, C7, C7, #1", id="gcspopm"),
        pytest.param(0xD508B000, "SYS #0, C11, C0, #0", id="implementation defined"),
        pytest.param(0xB8C00000, "unallocated", id="ldur, size 10, opc 11"),
        pytest.param(0x08237C04, "unallocated", id="casp of odd registers"),
        pytest.param(0x8C400000, "unallocated", id="no class at all"),
        pytest.param(0xC8A10002, "unallocated", id="cas, Rt2 not 31"),
        pytest.param(0xDC000000, "unallocated", id="literal, V 1, opc 11"),
        pytest.param(0xE9000000, "FEAT_LSUI or FEAT_THE", id="pair, opc 11"),
        pytest.param(0x68000000, "unallocated", id="no-allocate pair, opc 01"),
        pytest.param(0x7D800000, "unallocated", id="vector of 16 bytes, size 01"),
        pytest.param(0xF8800400, "unallocated", id="prefetch, post-index"),
        pytest.param(0xF8800800, "unallocated", id="prefetch, unprivileged"),
        pytest.param(0xF8610802, "unallocated", id="register offset, option 000"),
        pytest.param(0xD9800000, "unallocated", id="ldapursw of 8 bytes"),
        pytest.param(0x99C00000, "unallocated", id="ldapurs of 4 bytes to 4"),
        pytest.param(0x0C401000, "unallocated", id="structures, opcode 0001"),
        pytest.param(0x0C408C00, "unallocated", id="ld2 of 1d"),
        pytest.param(0x0D404400, "unallocated", id="ld1 of a halfword, size 01"),
        pytest.param(0x09407C00, "FEAT_LSUI", id="ldtxr"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(word: int, name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        decode(word)


def test_dc_zva_touches_the_block_around_its_address() -> None:
    (access,) = decode_accesses(0xD50B7420, PC, lambda _: 0x1033)
    assert access.va == 0x1033
    assert footprint(access) == (0x1000, 64)
    (access,) = decode_accesses(0xF9000002, PC, lambda _: 0x1033)
    assert footprint(access) == (0x1033, 8)


ENGINE = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_LITTLE_ENDIAN)
ENGINE.detail = True

REFUSED = ("cpy", "set", "stg", "stz", "st2g", "ldg", "ldra", "ld64b", "st64b")
_SUFFIX_BYTES = {"b": 1, "h": 2, "sw": 4}
_REGISTER_BYTES = {"w": 4, "x": 8, "b": 1, "h": 2, "s": 4, "d": 8, "q": 16}


def expected_size(instruction: capstone.CsInsn) -> int:
    """Bytes accessed, from the text alone: registers moved, and a size suffix of the mnemonic."""
    mnemonic = instruction.mnemonic
    if mnemonic == "ldpsw":
        return 8
    names = [
        instruction.reg_name(operand.reg)
        for operand in instruction.operands
        if operand.type == arm64.ARM64_OP_REG
    ]
    is_pair = mnemonic.startswith(("ldp", "stp", "ldnp", "stnp", "ldxp", "ldaxp", "stxp", "stlxp"))
    if mnemonic.startswith(("stx", "stlx")):
        names = names[1:]  # the status register
    if is_pair:
        names = names[:2]
    if mnemonic.startswith("casp"):
        return 2 * _REGISTER_BYTES[names[0][0]]
    for suffix, size in _SUFFIX_BYTES.items():
        if mnemonic.endswith(suffix):
            return size
    element = _REGISTER_BYTES[{"fp": "x", "lr": "x"}.get(names[0], names[0][0])]
    return 2 * element if is_pair else element


def effective_address(instruction: capstone.CsInsn) -> int | None:
    """Address from Capstone's own operand; None where it has no memory operand."""

    def value(number: int) -> int:
        name = {"fp": "x29", "lr": "x30"}.get(instruction.reg_name(number), "")
        name = name or instruction.reg_name(number)
        if name in {"xzr", "wzr"}:
            return 0
        if name in {"sp", "wsp"}:
            return register("sp")
        whole = register("x" + name[1:])
        return whole if name[0] == "x" else whole & 0xFFFF_FFFF

    memory = [op for op in instruction.operands if op.type == arm64.ARM64_OP_MEM]
    if not memory:
        return None
    (operand,) = memory
    address = value(operand.mem.base)
    if not instruction.post_index:
        address += operand.mem.disp
    if operand.mem.index and not instruction.post_index:
        index = value(operand.mem.index)
        if operand.ext == arm64.ARM64_EXT_SXTW and index >> 31:
            index -= 1 << 32
        address += index << operand.shift.value
    return address % (1 << 64)


@settings(max_examples=3000)
@given(st.integers(0, (1 << 32) - 1))
@example(0xF8616802)
@example(0x38E8D9C1)
def test_capstone_sees_the_same_loads_and_stores(bits: int) -> None:
    word = bits & ~0x0200_0000 | 0x0800_0000
    instruction = next(ENGINE.disasm(word.to_bytes(4, "little"), PC), None)
    assume(instruction is not None)
    assert instruction is not None
    if instruction.mnemonic.startswith(REFUSED):
        with pytest.raises(UnsupportedError):
            decode(word)
        return
    accesses = decode(word)
    if instruction.mnemonic.startswith(("prfm", "prfum")):
        assert accesses == ()
        return
    address = effective_address(instruction)
    if address is None:  # a literal: Capstone gives its address as an immediate
        (address,) = (op.imm for op in instruction.operands if op.type == arm64.ARM64_OP_IMM)
        address %= 1 << 64
    assert accesses[0].va == address
    if len(accesses) == 1 and word & 0xBE00_0000 != 0x0C00_0000:
        assert accesses[0].size == expected_size(instruction)
