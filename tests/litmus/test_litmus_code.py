"""The code of a test: columns, rows, labels, and the snippet that is made of it."""

from __future__ import annotations

import pytest

from harness.arch.addresses import VirtualAddress
from harness.errors import AssemblyError, LitmusError, UnsupportedError
from harness.litmus.assembly import snippet
from harness.litmus.code import Code, CodeLine, read_code
from harness.litmus.sections import Part
from harness.machine.assembler import assemble_text
from harness.machine.disassembler import disassemble

BASE = VirtualAddress(0xFFFF_8000_0000_0000)


def read(text: str) -> Code:
    return read_code(Part(text, 3), "t")


def words(code: Code) -> list[str]:
    program = assemble_text(snippet(code, "t"), BASE, file="t")
    return [
        disassemble(int.from_bytes(program.code[at : at + 4], "little"), BASE + at)
        for at in range(0, len(program.code), 4)
    ]


def test_labels_stand_before_their_instruction_or_on_a_row_of_their_own() -> None:
    code = read("\n P0 ;\nL0: L1: LDR W2,[X1] ;\nL2: ;\n ISB;\n ;\n")
    assert code.lines == (
        CodeLine(("L0", "L1"), "LDR W2,[X1]", 5),
        CodeLine(("L2",), "", 6),
        CodeLine((), "ISB", 7),
    )
    assert code.labels == {"L0", "L1", "L2"}


def test_a_second_column_is_the_fault_handler() -> None:
    code = read("P0 | P0.F ;\nNOP | MOV X0,#1 ;\n | ERET ;")
    assert [line.text for line in code.lines] == ["NOP"]
    assert code.handler is not None
    assert [line.text for line in code.handler] == ["MOV X0,#1", "ERET"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "t:3: there is no code"),
        ("P0;", "t:3: P0 has no instruction"),
        ("P0;\nNOP", "t:4: `;` is expected after `NOP`"),
        ("P0;\nNOP|NOP;", "t:4: 1 column(s) are declared and 2 given"),
        ("P0;\nL: NOP;\nL: NOP;", "t:5: label L is given twice"),
        ("P1;\nNOP;", "t:3: the first line of the code names P0 once"),
    ],
)
def test_bad_code_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(LitmusError) as raised:
        read(text)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("P0 | P1;\nNOP|NOP;", "t:3: 2 threads: only tests of one thread are run"),
        ("P0:EL0;\nNOP;", "t:3: column `P0:EL0`"),
    ],
)
def test_more_threads_than_one_are_refused(text: str, message: str) -> None:
    with pytest.raises(UnsupportedError) as raised:
        read(text)
    assert str(raised.value).startswith(message)


def test_the_tests_spelling_of_instructions_assembles() -> None:
    code = read("P0;\nLSR X3,X4,12;\nL: LDR X5,[X4,X3];\nMOV W4,WZR;\nCBNZ W5,L;\nDSB ISH;")
    assert words(code) == [
        "lsr x3, x4, #0xc",
        "ldr x5, [x4, x3]",
        "mov w4, wzr",
        "cbnz w5, #0xffff800000000004",
        "dsb ish",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "cas w0, w1, [x2]",
        "casal x0, x1, [sp]",
        "casb w3, w4, [x5]",
        "caslh w3, w4, [x5]",
        "casp x0, x1, x2, x3, [x4]",
        "caspa w0, w1, w2, w3, [x4]",
        "swp w0, w1, [x2]",
        "swpal x30, xzr, [x2]",
        "swpah w0, w1, [x2]",
        "ldadd w0, w1, [x2]",
        "ldclr x9, x6, [x4]",
        "ldeora x1, x2, [x3]",
        "ldsetl w1, w2, [x3]",
        "ldsmaxal x1, x2, [x3]",
        "ldsmin x1, x2, [x3]",
        "ldumax x1, x2, [x3]",
        "lduminb w1, w2, [x3]",
        "stadd w0, [x1]",
        "stclrl x0, [x1]",
        "stseth w0, [x1]",
        "ldapr w0, [x1]",
        "ldaprh w0, [x1]",
        "tlbi vaae1is, x9",
        "tlbi vmalle1",
        "tlbi vale1os, x3",
        "dsb ish",
    ],
)
def test_what_the_assembler_does_not_know_is_encoded(text: str) -> None:
    assert words(read(f"P0;\n{text.upper()};")) == [text]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("TLBI RVAE1IS,X1", 0xD508_8221),
        ("TLBI VAE1ISNXS,X1", 0xD508_9321),
        ("DSB ISHNXS", 0xD503_3A3F),
        ("DSB SYNXS", 0xD503_3E3F),
    ],
)
def test_what_no_disassembler_knows_has_the_encoding_of_the_manual(text: str, word: int) -> None:
    program = assemble_text(snippet(read(f"P0;\n{text};"), "t"), BASE)
    assert int.from_bytes(program.code, "little") == word


@pytest.mark.parametrize(
    "text",
    [
        "CAS W0,X1,[X2]",
        "CASP X1,X2,X4,X5,[X6]",
        "CASP X0,X2,X4,X5,[X6]",
        "SWPB X0,X1,[X2]",
        "STADDA W0,[X1]",
        "LDADD W0,W1,[W2]",
        "LDADD W0,[X2]",
        "FROB X0",
        "LDAPR [X1]",
        "B NOWHERE",
    ],
)
def test_an_instruction_that_is_none_is_bad_input_with_its_line(text: str) -> None:
    with pytest.raises(AssemblyError) as raised:
        words(read(f"P0;\nNOP;\n{text};"))
    assert str(raised.value).startswith("t:5: ")


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("LDG X0,[X1]", "LDG: FEAT_MTE"),
        ("PACDA X0,X1", "PACDA: FEAT_PAuth"),
        ("LDCLRP X0,X1,[X2]", "LDCLRP: FEAT_LSE128"),
        ("HVC #0", "HVC"),
    ],
)
def test_an_instruction_that_is_not_run_is_refused_by_name(text: str, feature: str) -> None:
    with pytest.raises(UnsupportedError) as raised:
        snippet(read(f"P0;\n{text};"), "t")
    assert str(raised.value).startswith(f"t:4: {feature}")


def test_a_label_of_the_harness_s_own_is_renamed_where_a_test_uses_it() -> None:
    assert words(read("P0;\nCBZ X0,end;\nNOP;\nend: ISB;")) == [
        "cbz x0, #0xffff800000000008",
        "nop",
        "isb",
    ]


def test_a_handler_is_where_exceptions_of_either_level_lead() -> None:
    text = snippet(read("P0 | P0.F ;\nNOP | ERET ;"), "t")
    program = assemble_text(text, BASE)
    vectors, handler = program.symbols["litmus_vectors"], program.symbols["litmus_handler"]
    assert vectors % 0x800 == 0
    assert program.symbols["end"] == BASE + 4
    for offset in (0x200, 0x400):
        at = vectors + offset - BASE
        word = int.from_bytes(program.code[at : at + 4], "little")
        assert disassemble(word, BASE + at) == f"b #{handler:#x}"
