"""System instructions: words to names and back, held against GNU as."""

from __future__ import annotations

from pathlib import Path

import gnu
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.arch.registers import REGISTERS
from harness.arch.system_instructions import (
    BARRIERS,
    ERET,
    SystemInstruction,
    SystemInstructionKind,
    decode_system_instruction,
    encode_maintenance,
    encode_mrs,
    encode_msr,
    takes_register,
)
from harness.arch.system_operations import SYSTEM_OPERATIONS

Kind = SystemInstructionKind

LITERAL = [
    (0xD508_8760, "tlbi vaae1", 0),
    (0xD508_8363, "tlbi vaae1is", 3),
    (0xD508_871F, "tlbi vmalle1", None),
    (0xD508_8621, "tlbi rvae1", 1),
    (0xD508_9760, "tlbi vaae1nxs", 0),
    (0xD50C_87DF, "tlbi vmalls12e1", None),
    (0xD508_7801, "at s1e1r", 1),
    (0xD50C_78C2, "at s12e0r", 2),
    (0xD50B_7420, "dc zva", 0),
    (0xD50B_7E22, "dc civac", 2),
    (0xD508_751F, "ic iallu", None),
    (0xD50B_7524, "ic ivau", 4),
    (0xD503_3B9F, "dsb ish", None),
    (0xD503_3A9F, "dsb ishst", None),
    (0xD503_3D9F, "dsb ld", None),
    (0xD503_3F9F, "dsb sy", None),
    (0xD503_3FBF, "dmb sy", None),
    (0xD503_3E3F, "dsb synxs", None),
    (0xD503_3FDF, "isb", None),
    (0xD69F_03E0, "eret", None),
]


ADDED_IN_2022 = {
    "ID_AA64MMFR3_EL1": "S3_0_C0_C7_3",
    "ID_AA64MMFR4_EL1": "S3_0_C0_C7_4",
    "TCR2_EL1": "S3_0_C2_C0_3",
    "TCR2_EL2": "S3_4_C2_C0_3",
    "MAIR2_EL1": "S3_0_C10_C2_1",
    "MAIR2_EL2": "S3_4_C10_C1_1",
    "PIR_EL1": "S3_0_C10_C2_3",
    "PIRE0_EL1": "S3_0_C10_C2_2",
    "PIR_EL2": "S3_4_C10_C2_3",
    "PIRE0_EL2": "S3_4_C10_C2_2",
    "S2PIR_EL2": "S3_4_C10_C2_5",
    "POR_EL0": "S3_3_C10_C2_4",
    "POR_EL1": "S3_0_C10_C2_4",
    "POR_EL2": "S3_4_C10_C2_4",
}
"""Registers younger than binutils 2.40, with the encodings of their pages in the manual."""


@pytest.mark.parametrize(("word", "name", "rt"), LITERAL)
def test_known_words_decode_to_their_names(word: int, name: str, rt: int | None) -> None:
    found = decode_system_instruction(word)
    assert found is not None
    assert (found.name, found.rt) == (name, rt)
    assert found.kind.value == name.split(maxsplit=1)[0]


@pytest.mark.parametrize(("word", "name", "rt"), [row for row in LITERAL if row[1] != "eret"])
def test_known_names_encode_to_their_words(word: int, name: str, rt: int | None) -> None:
    assert encode_maintenance(name, 31 if rt is None else rt) == word


@pytest.mark.needs(gnu.AS)
def test_every_operation_and_barrier_is_what_gnu_as_says(tmp_path: Path) -> None:
    lines = [f"{name}, x3" if takes_register(name) else name for name in SYSTEM_OPERATIONS]
    assembled = gnu.words([*lines, *BARRIERS], tmp_path)
    for line, word in assembled.items():
        name = line.partition(",")[0]
        assert encode_maintenance(name, 3 if takes_register(name) else 31) == word, line
        decoded = decode_system_instruction(word)
        assert decoded is not None, line
        assert decoded.name == name
    unknown = [name for name in lines if name not in assembled]
    assert all("nxs" in name or "a, x3" in name for name in unknown)


@pytest.mark.needs(gnu.AS)
def test_register_encodings_are_those_of_gnu_as(tmp_path: Path) -> None:
    readable = gnu.words([f"mrs x7, {name.lower()}" for name in REGISTERS], tmp_path)
    by_line = {f"mrs x7, {name.lower()}": name for name in REGISTERS}
    for line, word in readable.items():
        name = by_line[line]
        assert encode_mrs(7, name) == word, name
        assert decode_system_instruction(word) == SystemInstruction(
            Kind.MRS, f"mrs {name.lower()}", 7, name
        )
    unknown = {name for line, name in by_line.items() if line not in readable}
    assert unknown <= set(ADDED_IN_2022)
    assert len(readable) > 50


@pytest.mark.parametrize("name", ADDED_IN_2022)
def test_encodings_that_binutils_2_40_lacks_are_those_of_the_manual(name: str) -> None:
    assert REGISTERS[name].encoding.generic_name == ADDED_IN_2022[name]


@pytest.mark.parametrize("name", ["TTBR0_EL1", "TCR2_EL1", "HCR_EL2", "SCR_EL3", "PIR_EL1"])
def test_msr_and_mrs_name_the_register(name: str) -> None:
    write = decode_system_instruction(encode_msr(name, 5))
    read = decode_system_instruction(encode_mrs(5, name))
    assert write == SystemInstruction(Kind.MSR, f"msr {name.lower()}", 5, name)
    assert read == SystemInstruction(Kind.MRS, f"mrs {name.lower()}", 5, name)


def test_msr_and_mrs_have_the_words_of_the_manual() -> None:
    assert encode_msr("TTBR0_EL1", 0) == 0xD518_2000
    assert encode_mrs(0, "SCTLR_EL1") == 0xD538_1000
    with pytest.raises(KeyError):
        encode_msr("TCR_EL9", 0)


def test_an_unknown_register_has_its_generic_name() -> None:
    found = decode_system_instruction(0xD51B_F200)
    assert found == SystemInstruction(Kind.MSR, "msr s3_3_c15_c2_0", 0, "S3_3_C15_C2_0")


@pytest.mark.parametrize(
    ("word", "name", "immediate"),
    [
        (0xD500_419F, "msr pan", 1),
        (0xD503_42DF, "msr daifset", 2),
        (0xD503_44FF, "msr daifclr", 4),
        (0xD500_40BF, "msr spsel", 0),
        (0xD500_417F, "msr uao", 1),
    ],
)
def test_msr_immediate_names_the_field_of_pstate(word: int, name: str, immediate: int) -> None:
    found = decode_system_instruction(word)
    assert found == SystemInstruction(Kind.MSR_IMMEDIATE, name, immediate=immediate)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        (0xD503_389F, "dsb sy"),
        (0xD503_30BF, "dmb sy"),
        (0xD503_32DF, "isb"),
        (0xD69F_0BFF, "eretaa"),
        (0xD69F_0FFF, "eretab"),
    ],
)
def test_reserved_options_act_as_sy(word: int, name: str) -> None:
    found = decode_system_instruction(word)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "word",
    [
        0xA900_340C,  # stp x12, x13, [x0]
        0xD503_201F,  # nop
        0xD503_309F,  # ssbb
        0xD503_349F,  # pssbb
        0xD503_30FF,  # sb
        0xD503_3F5F,  # clrex
        0xD528_7800,  # sysl
        0xD508_7000,  # sys with no name
        0xD500_401F,  # cfinv
        0xD500_409E,  # msr pan with Rt that is not 31
    ],
)
def test_other_words_are_none_of_these(word: int) -> None:
    assert decode_system_instruction(word) is None


def test_the_operand_register_of_an_operation_without_one_is_ignored() -> None:
    assert decode_system_instruction(0xD508_8305) == SystemInstruction(Kind.TLBI, "tlbi vmalle1is")


def test_case_and_spaces_of_a_name_do_not_matter() -> None:
    assert encode_maintenance("TLBI  VAAE1", 0) == 0xD508_8760
    assert encode_maintenance("isb sy") == encode_maintenance("isb") == 0xD503_3FDF
    assert ERET == 0xD69F_03E0


@pytest.mark.parametrize("name", ["tlbi nothing", "eret", "dsb", "", "msr ttbr0_el1"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no maintenance instruction is called"):
        encode_maintenance(name)


@pytest.mark.parametrize("name", ["dsb ish", "tlbi vmalle1", "ic iallu"])
def test_an_operand_where_none_belongs_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="takes no register"):
        encode_maintenance(name, 0)


@given(st.sampled_from([*SYSTEM_OPERATIONS, *BARRIERS]), st.integers(0, 31))
def test_decoding_is_the_inverse_of_encoding(name: str, rt: int) -> None:
    operand = rt if takes_register(name) else 31
    found = decode_system_instruction(encode_maintenance(name, operand))
    assert found is not None
    assert found.name == name
    assert found.rt == (rt if takes_register(name) else None)


@given(st.integers(0, (1 << 32) - 1))
def test_every_word_decodes_without_an_error(word: int) -> None:
    found = decode_system_instruction(word)
    assert found is None or found.name


@given(st.integers(0, (1 << 22) - 1))
def test_every_word_of_the_system_space_that_has_a_name_has_it_once(low: int) -> None:
    found = decode_system_instruction(0xD500_0000 | low)
    if found is not None and found.rt is not None and found.kind not in (Kind.MSR, Kind.MRS):
        assert encode_maintenance(found.name, found.rt) == 0xD500_0000 | low
