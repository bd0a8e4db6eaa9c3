"""Case and answer files: what is read, what is refused and why, what is written, what compares."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.arch.addresses import (
    IntermediatePhysicalAddress,
    PhysicalAddress,
    VirtualAddress,
)
from harness.arch.faults import FaultKind
from harness.arch.features import PROFILES, Feature
from harness.arch.implementation import DeviceFetch, OutOfRange
from harness.cases import (
    Unsupported,
    answer_document,
    answer_line,
    compare,
    parse_case,
    read_cases,
)
from harness.cli.main import main
from harness.errors import CaseError, InputError
from harness.oracle.translator import ModelTranslator
from harness.vmsa.access import AccessKind, Operation
from harness.vmsa.outcome import Fault, MemoryAttributes, Translation
from harness.vmsa.regime import Regime

WRITE_BACK = MemoryAttributes("Normal", None, "WB", "WB", "ISH")


def document(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    """Return a case that translates, with `changes`; None removes a key."""
    base = {
        "id": "one",
        "profile": "max",
        "registers": {
            "SCTLR_EL1": "0x1005",
            "TCR_EL1": "0x580190019",
            "MAIR_EL1": "0xff",
            "TTBR0_EL1": "0x1000",
        },
        "memory": {"0x1000": "0x40000701"},
        "access": {"va": "0xabc", "type": "read", "size": 4, "el": 1, "pan": 0},
    }
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def access(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    return document(access={**document()["access"], **changes})


def parse(content: dict[str, Any]) -> Any:  # noqa: ANN401 - a Case
    return parse_case(json.dumps(content), "cases.jsonl", 7)


def test_a_case_states_a_whole_machine_and_one_access() -> None:
    case = parse(document(regime="EL1&0", expect={"outcome": "ok"}))
    assert (case.id, case.profile, case.regime) == ("one", PROFILES["max"], Regime.EL10)
    assert case.registers["TTBR0_EL1"] == 0x1000
    assert case.memory == {0x1000: 0x4000_0701}
    assert (case.access.va, case.access.kind, case.access.size) == (0xABC, AccessKind.READ, 4)
    assert case.expect == {"outcome": "ok"}


def test_features_size_and_choices_may_be_spelt_out_instead_of_a_profile() -> None:
    case = parse(
        document(
            profile=None,
            features=["FEAT_PAN", "FEAT_VHE"],
            pa_bits=44,
            implementation={"txsz_above_max": "fault", "bbm_level": 2, "bbm_no_abort": True},
        )
    )
    assert case.profile.features == {Feature.PAN}
    assert case.profile.pa_bits == 44
    choices = case.profile.implementation
    assert choices.txsz_above_max is OutOfRange.FAULT
    assert (choices.bbm_level, choices.bbm_no_abort) == (2, True)
    assert choices.fetch_from_device is DeviceFetch.ALLOW


def test_absent_keys_of_an_access_have_defaults() -> None:
    case = parse(document(access={"va": "0x10", "type": "write"}))
    assert (case.access.size, case.access.el, case.access.pan) == (8, 1, False)
    assert case.access.operation is Operation.PLAIN
    el2 = parse(document(regime="EL2", access={"va": "0x10", "type": "write"}))
    assert el2.access.el == 2


def test_a_register_of_128_bits_may_have_them() -> None:
    wide = document()["registers"] | {"TTBR0_EL1": "0x" + "1" * 32}
    assert parse(document(registers=wide)).registers["TTBR0_EL1"] >> 64


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (document(id=None), "a case has no id"),
        (document(id=7), "id is not a string"),
        (document(colour="red"), "a case has an unknown key: colour"),
        (document(profile="m1"), "no profile is called 'm1'"),
        (document(pa_bits=48), "profile and pa_bits exclude each other"),
        (document(profile=None), "a case needs a profile, or features (a list) and pa_bits"),
        (document(profile=None, features=["FEAT_X"], pa_bits=48), "unknown feature 'FEAT_X'"),
        (document(profile=None, features=[], pa_bits=41), "pa_bits is 41"),
        (document(profile=None, features=[[]], pa_bits=48), "something that is no name"),
        (
            document(profile=None, features=[], pa_bits=48, implementation={"bbm_level": 3}),
            "implementation: bbm_level cannot be 3",
        ),
        (
            document(profile=None, features=[], pa_bits=48, implementation={"bbm_no_abort": 1}),
            "implementation: bbm_no_abort cannot be 1",
        ),
        (
            document(profile=None, features=[], pa_bits=48, implementation={"nT": 3}),
            "implementation has an unknown key: nT",
        ),
        (document(regime="EL9"), "no translation regime is called 'EL9' (EL1&0, EL2, EL2&0)"),
        (document(regime="EL3"), "the EL3 translation regime is not modelled"),
        (document(expect=[]), "expect is not an object"),
        (document(registers=[]), "registers is not an object"),
        (document(registers={"TCR_EL9": "0x0"}), "no register is called 'TCR_EL9'"),
        (document(registers={"TCR_EL1": "25"}), "TCR_EL1 is no hexadecimal string: '25'"),
        (document(registers={"TCR_EL1": "0xg"}), "TCR_EL1 is no hexadecimal string: '0xg'"),
        (document(registers={"TCR_EL1": "0x1,0x2"}), "TCR_EL1 is no hexadecimal string"),
        (document(registers={"TCR_EL1": 25}), "TCR_EL1 is no hexadecimal string: 25"),
        (document(registers={"TCR_EL1": "0x1" + "0" * 16}), "TCR_EL1 does not fit 64 bits"),
        (document(memory=[]), "memory is not an object"),
        (document(memory={"0x4": "0x0"}), "memory at 0x4 is not aligned to 8 bytes"),
        (document(memory={"8": "0x0"}), "an address of memory is no hexadecimal string"),
        (document(memory={"0x8": "zero"}), "the word at 0x8 is no hexadecimal string"),
        (document(memory={"0x8": "0x1" + "0" * 16}), "the word at 0x8 does not fit 64 bits"),
        (document(memory={"0x1" + "0" * 14: "0x0"}), "an address of memory does not fit 56 bits"),
        (document(access=[]), "access is not an object"),
        (access(va=None), "va is no hexadecimal string: None"),
        (access(type="look"), "access: no type is called 'look' (read, write, "),
        (access(operation="look"), "access: no operation is called 'look' (plain, "),
        (access(type="at"), "go together"),
        (access(operation="S1E1R"), "go together"),
        (access(size=3), "size 3 is no power of two up to 64"),
        (access(size=0), "size 0 is no power of two"),
        (access(size="4"), "size '4' is no power of two"),
        (access(el=2), "el 2 is not served by the EL1&0 regime"),
        (access(pan=2), "access: pan 2 is neither 0 nor 1"),
        (access(uao=[]), "access: uao [] is neither 0 nor 1"),
        (access(unprivileged="1"), "access: unprivileged '1' is neither 0 nor 1"),
        (access(tag=1), "access has an unknown key: tag"),
    ],
)
def test_what_is_no_case_is_refused_with_its_place_and_the_reason(
    content: dict[str, Any], reason: str
) -> None:
    with pytest.raises(CaseError) as caught:
        parse(content)
    assert reason in str(caught.value)
    assert str(caught.value).startswith("cases.jsonl:7: ")


@pytest.mark.parametrize(
    ("line", "reason"), [("[1]", "a case is not an object"), ("{", "not JSON"), ("", "not JSON")]
)
def test_a_line_that_is_no_json_object_is_refused(line: str, reason: str) -> None:
    with pytest.raises(CaseError, match=reason):
        parse_case(line, "cases.jsonl", 7)


def test_a_feature_that_is_known_but_not_modelled_makes_the_answer_unsupported() -> None:
    case = parse(document(profile=None, features=["FEAT_MTE2"], pa_bits=48))
    assert case.refused == ("FEAT_MTE2",)
    answer = ModelTranslator().answer(case)
    assert answer == Unsupported("FEAT_MTE2 is not modelled")
    assert answer_document("one", answer)["outcome"] == "unsupported"


def test_registers_that_ask_for_what_is_not_modelled_make_the_answer_unsupported() -> None:
    registers = document()["registers"] | {"SCTLR_EL1": "0x2001005"}
    answer = ModelTranslator().answer(parse(document(registers=registers)))
    assert isinstance(answer, Unsupported)
    assert "big-endian" in answer.reason


def test_a_translation_is_written_with_every_key_that_applies_in_a_fixed_order() -> None:
    done = Translation(PhysicalAddress(0x2000), WRITE_BACK, None, {0x18: 3, 0x10: 1})
    assert answer_line("7", done) == (
        '{"id": "7", "outcome": "ok", "pa": "0x2000", "attributes": {"type": "Normal", '
        '"inner": "WB", "outer": "WB", "shareability": "ISH"}, '
        '"updates": {"0x10": "0x1", "0x18": "0x3"}}'
    )
    second = Translation(PhysicalAddress(0), MemoryAttributes("Device", "GRE"), ipa(0x30))
    assert list(answer_document("7", second)) == [
        "id", "outcome", "pa", "ipa", "attributes", "updates",
    ]  # fmt: skip
    assert answer_document("7", second)["attributes"] == {"type": "Device", "device": "GRE"}
    assert "attributes" not in answer_document("7", Translation(PhysicalAddress(0), None))


def ipa(address: int) -> IntermediatePhysicalAddress:
    return IntermediatePhysicalAddress(address)


def test_a_fault_is_written_with_level_ipa_and_hpfar_where_they_exist() -> None:
    fault = Fault(
        FaultKind.TRANSLATION, 0x9200_0004, VirtualAddress(0x10), 0, 2, True, 2, ipa(0x5000), 0x50
    )
    assert answer_line("8", fault) == (
        '{"id": "8", "outcome": "fault", "fault": "translation", "stage": 2, "s1ptw": true, '
        '"level": 0, "target_el": 2, "esr": "0x92000004", "far": "0x10", "ipa": "0x5000", '
        '"hpfar": "0x50", "updates": {}}'
    )
    alignment = Fault(FaultKind.ALIGNMENT, 0x9600_0021, VirtualAddress(1))
    assert not {"level", "ipa", "hpfar"} & answer_document("8", alignment).keys()


def test_an_at_answers_with_par_alone() -> None:
    done = Translation(PhysicalAddress(0), None, par=0x80F)
    assert answer_line("9", done) == '{"id": "9", "outcome": "ok", "par": "0x80f", "updates": {}}'


def test_only_the_keys_of_expect_are_compared() -> None:
    done = Translation(PhysicalAddress(0x2000), WRITE_BACK)
    assert compare({"outcome": "ok"}, done) == ()
    assert compare({"outcome": "ok", "pa": "0x2000", "updates": {}}, done) == ()
    (difference,) = compare({"pa": "0x3000"}, done)
    assert str(difference) == 'pa: expected "0x3000", found "0x2000"'
    (missing,) = compare({"level": 3}, done)
    assert str(missing) == "level: expected 3, found nothing"


def test_par_is_compared_under_its_mask() -> None:
    done = Translation(PhysicalAddress(0), None, par=0xFF00_0000_0000_0980)
    assert compare({"par": "0x980", "par_mask": "0xfff"}, done) == ()
    assert [each.key for each in compare({"par": "0x981", "par_mask": "0xfff"}, done)] == ["par"]
    assert [each.key for each in compare({"par": "0x980"}, done)] == ["par"]
    absent = compare({"par": "0x980", "par_mask": "0xfff"}, Unsupported("x"))
    assert [each.key for each in absent] == ["par"]


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Write documents, or raw lines, as a file of lines; a name ending in .gz is packed."""

    def write(*lines: dict[str, Any] | str, name: str = "cases.jsonl") -> str:
        text = "".join(
            (line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines
        )
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return str(path)

    return write


Writer = Callable[..., str]


def test_blank_lines_are_skipped_and_files_may_be_packed(file: Writer) -> None:
    packed = file(document(), "", document(id="two"), name="cases.jsonl.gz")
    assert [case.id for case in read_cases(packed)] == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("absent", None, "cannot be read: No such file"),
        ("bad.gz", b"no gzip", "cannot be read: Not a gzipped file"),
        ("bad.jsonl", b"{}\n\xff\n", "not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_bad_input(
    tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        list(read_cases(str(path)))


def test_walk_cases_answers_every_case_in_order(
    file: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = file(document(), access(va="0x8000000000"), document(id="three", memory={}))
    assert main(["walk", "--cases", cases]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["id"], each["outcome"]) for each in answers] == [
        ("one", "ok"), ("one", "fault"), ("three", "fault"),
    ]  # fmt: skip
    assert answers[0]["pa"] == "0x40000abc"
    assert answers[2]["level"] == 1


def test_walk_cases_reads_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(document()) + "\n"))
    assert main(["walk", "--cases", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["pa"] == "0x40000abc"


def test_a_bad_line_ends_with_exit_code_2_after_the_answers_before_it(
    file: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = file(document(), "nonsense", document(id="three"))
    assert main(["walk", "--cases", cases]) == 2
    output = capsys.readouterr()
    assert [json.loads(line)["id"] for line in output.out.splitlines()] == ["one"]
    assert output.err.startswith(f"mmu-harness: {cases}:2: not JSON")
    assert len(output.err.splitlines()) == 1


def test_check_reports_disagreements_and_exits_with_1(
    file: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    right = document(expect={"outcome": "ok", "pa": "0x40000abc"})
    assert main(["walk", "--check", "--cases", file(right, document())]) == 0
    assert capsys.readouterr().out == (
        "1 cases with an expectation: 1 agree, 0 disagree, 0 unsupported\n"
    )
    wrong = document(id="two", expect={"pa": "0x0"})
    assert main(["walk", "--check", "--cases", file(right, wrong)]) == 1
    assert capsys.readouterr().out.startswith('two: pa: expected "0x0", found "0x40000abc"\n')


def test_check_cannot_judge_what_is_unsupported(
    file: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    case = document(profile=None, features=["FEAT_RME"], pa_bits=48, expect={"outcome": "ok"})
    assert main(["walk", "--check", "--cases", file(case)]) == 4
    assert capsys.readouterr().out.startswith("one: unsupported: FEAT_RME is not modelled\n")
    known = {**case, "expect": {"outcome": "unsupported"}}
    assert main(["walk", "--check", "--cases", file(known)]) == 0


def test_cases_diff_compares_two_files_of_answers(
    file: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    first = file({"id": "a", "outcome": "ok", "pa": "0x0"}, {"id": "b", "outcome": "ok"}, name="a")
    same = file({"id": "a", "outcome": "ok", "pa": "0x0"}, {"id": "b", "outcome": "ok"}, name="b")
    assert main(["cases", "diff", first, same]) == 0
    assert capsys.readouterr().out == "2 answers: 2 agree, 0 differ\n"
    other = file({"id": "a", "outcome": "fault"}, {"id": "b", "outcome": "ok"}, name="c")
    assert main(["cases", "diff", first, other]) == 1
    assert capsys.readouterr().out == (
        'a: outcome: expected "ok", found "fault"; pa: expected "0x0", found nothing\n'
        "2 answers: 1 agree, 1 differ\n"
    )


def test_cases_diff_takes_the_expectations_of_a_case_file(file: Writer) -> None:
    case = file(document(expect={"outcome": "ok", "pa": "0x40000abc"}), name="case")
    answer = file({"id": "one", "outcome": "ok", "pa": "0x40000abc", "updates": {}}, name="answer")
    assert main(["cases", "diff", case, answer]) == 0


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ([{"id": "a"}], [{"id": "b"}], "answers 'a' where the other has 'b'"),
        ([{"id": "a"}], [], "has more answers than the other file"),
        ([], [{"id": "a"}], "has more answers than the other file"),
        (["x"], ["x"], "not JSON"),
        (["[]"], ["[]"], "is no answer"),
    ],
)
def test_cases_diff_refuses_files_that_do_not_answer_the_same_cases(
    file: Writer,
    capsys: pytest.CaptureFixture[str],
    left: list[Any],
    right: list[Any],
    reason: str,
) -> None:
    assert main(["cases", "diff", file(*left, name="l"), file(*right, name="r")]) == 2
    assert reason in capsys.readouterr().err
