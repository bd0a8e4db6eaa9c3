"""`mmu-harness decode`, as a user at a shell meets it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.cli.main import main
from harness.cli.numbers import parse_number
from harness.errors import ExitCode, ValueSyntaxError

PANIC = ("descriptor", "0x00e8000199600704", "--level", "2", "--granule", "4K")


def decode(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run the verb and return what it printed; it must succeed."""
    assert main(["decode", *words]) == ExitCode.EXPECTED
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Run the verb with --json and return the document."""
    found: dict[str, Any] = json.loads(decode(capsys, *words, "--json"))
    assert found["schema"] == "mmu-harness/decode/1"
    return found


def test_the_descriptor_of_the_panic_is_invalid_to_hardware_and_shown_as_a_block(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = decode(capsys, *PANIC)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "Block descriptor 0x00e8000199600704 stage 1, level 2, 4K granule, vmsa48"
    assert "[47:21] OA[47:21] 0xccb Output address: 0x199600000" in lines
    assert "[4:2] AttrIndx 0b001 Memory attributes: index into MAIR_ELx" in lines
    assert "[9:8] SH 0b11 Shareability: Inner Shareable" in lines
    assert "[0] Valid 0 Valid descriptor: no: hardware ignores all other bits" in lines
    assert (
        "Hardware: Invalid: bit 0 is clear, and hardware ignores all other bits. "
        "An access takes a Translation fault, level 2 (AArch64.DecodeDescriptorType)."
    ) in lines
    assert "Its bits as a block: maps 2M at 0x199600000." in lines
    assert "Reserved:" not in lines


def test_two_kernels_say_what_they_make_of_that_descriptor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    says = document(capsys, *PANIC)["encodings"]
    assert set(says) == {"linux-7.0", "linux-7.0.1"}
    assert "asks pmd_sect" in says["linux-7.0"]
    assert "0x00e8000199600f04" in says["linux-7.0.1"]


def test_the_json_of_a_descriptor_has_the_facts(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, *PANIC)
    assert found["value"] == "0x00e8000199600704"
    assert found["hardware"]["type"] == "invalid"
    assert found["hardware"]["rule"] == "AArch64.DecodeDescriptorType"
    assert (found["shown_as"], found["address"]) == ("block", "0x199600000")
    assert (found["level"], found["granule"], found["stage"]) == (2, "4K", 1)
    assert found["format"] == "vmsa48"
    assert found["reserved"] == []
    assert found["fields"][-1] == {
        "position": "[0]",
        "name": "Valid",
        "long_name": "Valid descriptor",
        "value": "0x0",
        "meaning": "no: hardware ignores all other bits",
        "kind": "value",
        "feature": None,
        "reserved": False,
        "within": 0,
    }


@pytest.mark.parametrize(
    ("words", "hardware"),
    [
        (("0x00e8000199600705", "--level", "2"), "Block: it maps 2M at 0x199600000."),
        (
            ("0x180000009ffff403", "--level", "0"),
            "Table: it points to the table of level 1 at 0x9ffff000.",
        ),
        (
            ("0x68000199600303", "--level", "3"),
            "Page: it maps 4K at 0x199600000; AF is clear, so an access faults unless HA is on.",
        ),
        (
            ("0x705", "--level", "3"),
            (
                "Invalid: bits 1:0 are 0b01, which is reserved at level 3. An access takes a "
                "Translation fault, level 3 (AArch64.DecodeDescriptorType)."
            ),
        ),
        (
            ("0x701", "--level", "0"),
            (
                "Invalid: bits 1:0 are 0b01, which is reserved at level 0. An access takes a "
                "Translation fault, level 0 (AArch64.DecodeDescriptorType)."
            ),
        ),
        (
            ("0x401", "--level", "0", "--format", "lpa2"),
            "Block: it maps 512G at 0x0.",
        ),
        (
            ("0x8000000000701", "--level", "1", "--granule", "64K", "--format", "lpa"),
            "Block: it maps 4T at 0x0.",
        ),
        (
            ("0xf703", "--level", "3", "--granule", "64K", "--format", "lpa"),
            "Page: it maps 64K at 0xf000000000000.",
        ),
        (("0x7c5", "--level", "2", "--stage", "2"), "Block: it maps 2M at 0x0."),
    ],
)
def test_hardware_takes_a_descriptor_for_what_the_reference_model_says(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], hardware: str
) -> None:
    assert document(capsys, "descriptor", *words)["hardware"]["meaning"] == hardware


@pytest.mark.parametrize(
    ("words", "shown_as"),
    [
        (("0x00e8000199600704", "--level", "2", "--as", "table"), "table"),
        (("0x00e8000199600702", "--level", "2"), "table"),
        (("0x00e8000199600700", "--level", "3"), "page"),
        (("0x00e8000199600700", "--level", "0"), "table"),
    ],
)
def test_the_bits_are_shown_as_asked_or_as_the_level_suggests(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], shown_as: str
) -> None:
    found = document(capsys, "descriptor", *words)
    assert found["shown_as"] == shown_as
    assert found["hardware"]["type"] == "invalid"


def test_a_stage_2_descriptor_is_nothing_to_a_kernels_stage_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert document(capsys, "descriptor", "1", "--level", "2", "--stage", "2")["encodings"] == {}


def test_lpa2_asks_the_kernels_that_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("descriptor", "0xe8000199600405", "--level", "2", "--format", "lpa2")
    assert set(document(capsys, *words)["encodings"]) == {"linux-7.0", "linux-7.0.1"}


def test_indirect_permissions_and_overlays_are_shown_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("descriptor", "0x703", "--level", "3", "--indirect", "--overlay")
    shown = {field["name"] for field in document(capsys, *words)["fields"]}
    assert {"PIIndex[0]", "nDirty", "POIndex"} <= shown


def test_a_syndrome_is_shown_down_to_its_iss(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "esr", "0x96000046")
    by_name = {(field["name"], field["within"]): field for field in found["fields"]}
    assert by_name["EC", 0]["value"] == "0x25"
    assert by_name["DFSC", 1]["meaning"] == "Translation fault, level 2"
    assert by_name["WnR", 1]["position"] == "[6]"
    assert by_name["DirtyBit", 1]["position"] == "[37]"
    assert found["meaning"] == (
        "Data abort from the current exception level: Translation fault, level 2, on a write."
    )


def test_fields_of_iss_are_indented_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = decode(capsys, "ESR_EL1", "0x96000046")
    assert "  [24:0]  ISS " in text.replace("   [24:0]", "  [24:0]")
    assert "\n    [5:0]    DFSC " in text


def test_reserved_bits_are_reported_with_their_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = decode(capsys, "TCR_EL1", "0x800000040").splitlines()
    assert lines[lines.index("Reserved:") + 1 :][:3] == [
        "  RES0[35] = 1 is RES0",
        "  TG1[31:30] = 0b00 is a reserved value",
        "  RES0[6] = 1 is RES0",
    ]
    assert document(capsys, "TCR_EL1", "0x800000040")["reserved"] == [
        "RES0[35]",
        "TG1[31:30]",
        "RES0[6]",
    ]


def test_ignored_bits_are_shown_only_where_they_are_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "ignored" not in decode(capsys, "descriptor", "0x3", "--level", "1")
    assert "[11]  ignored" in decode(capsys, "descriptor", "0x803", "--level", "1")


@pytest.mark.parametrize(
    ("words", "name", "meaning"),
    [
        (("tcr", "0x32b5503510"), "TCR_EL1", "TTBR0 has 48-bit VAs"),
        (("mair", "0xff"), "MAIR_EL1", "AttrIndx 0 Normal, Write-Back"),
        (("SCTLR", "1"), "SCTLR_EL1", "The MMU is on"),
        (("ttbr", "0x81f3f000"), "TTBR0_EL1", "The first table lies at 0x81f3f000"),
        (("par", "0x80d"), "PAR_EL1", "The translation failed: Translation fault, level 2"),
        (("spsr", "0x3c5"), "SPSR_EL1", "EL1h"),
        (("pstate", "0x3c5"), "PSTATE", "EL1h"),
        (("hcr", "0x80000000"), "HCR_EL2", "Stage 2 is off"),
        (("vttbr", "0"), "VTTBR_EL2", "The first table lies at 0x0"),
        (("id_aa64mmfr0_el1", "0x1124"), "ID_AA64MMFR0_EL1", "AArch64 Memory Model"),
        (("currentel", "4"), "CurrentEL", "Current Exception Level"),
        (("tcr_el2", "0x10", "--e2h"), "TCR_EL2", "TTBR0 has 48-bit VAs"),
        (("ttbr", "0x1000000000000000010000", "--d128"), "TTBR0_EL1", "The first table lies at"),
    ],
)
def test_a_register_is_found_by_its_name_or_short(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], name: str, meaning: str
) -> None:
    found = document(capsys, *words)
    assert found["name"] == name
    assert found["meaning"].startswith(meaning)


def test_par_of_128_bits_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "par", "0x12340000000000010000000000000000"[:34], "--d128")
    assert found["long_name"].startswith("Physical Address Register, 128 bits")


BAD = [
    (("tcr", "0x12g4"), "'0x12g4' is no number"),
    (("esr", "9600004f"), "did you mean 0x9600004f?"),
    (("esr", ""), "'' is no number"),
    (("esr", "0x"), "'0x' is no number"),
    (("esr", "-1"), "'-1' is no number"),
    (("esr", "0x10000000000000000"), "does not fit in 64 bits"),
    (("tcr_el9", "0"), "nothing is called 'tcr_el9'"),
    (("descriptor", "1"), "add --level"),
    (("descriptor", "1", "--level", "2", "--granule", "8K"), "no granule is called '8K'"),
    (("descriptor", "1", "--level", "2", "--format", "lpa"), "the 4K granule has no lpa"),
    (("descriptor", "1", "--level", "3", "--as", "block"), "no block descriptor exists"),
    (("descriptor", "1", "--level", "2", "--as", "page"), "no page descriptor exists"),
    (("tcr_el1", "0", "--e2h"), "same form whether E2H"),
    (("mair", "0", "--d128"), "no 128-bit form"),
]


@pytest.mark.parametrize(("words", "reason"), BAD)
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    assert main(["decode", *words]) == ExitCode.BAD_INPUT
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert reason in captured.err


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0x9600_0046", 0x96000046),
        ("0X9600004F", 0x9600004F),
        ("0b1010", 10),
        ("0B_1", 1),
        ("0o17", 15),
        ("1_000", 1000),
        ("007", 7),
        (" 12 ", 12),
    ],
)
def test_numbers_are_read_in_every_usual_form(text: str, number: int) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["0x_", "0b2", "_1", "1.5", "ff", "one", "0x1 2"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueSyntaxError, match="is no number"):
        parse_number(text)


@pytest.mark.parametrize("value", ["96000046", "0000000096000046"])
def test_a_syndrome_as_old_kernels_print_it_is_decimal_with_a_hint(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decode", "esr", value, "--json"]) == ExitCode.EXPECTED
    captured = capsys.readouterr()
    assert int(json.loads(captured.out)["value"], 16) == 96000046
    assert captured.err == (
        f"mmu-harness: {value} is read as decimal; old kernels print ESR in hexadecimal without "
        f"0x: did you mean 0x{value}?\n"
    )


@pytest.mark.parametrize("words", [("esr", "0x96000046"), ("esr", "960046"), ("far", "96000046")])
def test_a_value_that_can_only_be_meant_as_written_gets_no_hint(
    words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    decode(capsys, *words)
