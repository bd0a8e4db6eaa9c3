"""The faulting instruction executed on the report's tables: what comes out, and why."""

from __future__ import annotations

import oops_logs
import pytest
from shared_data import shared_data

from harness.errors import ExitCode
from harness.machine.disassembler import disassemble
from harness.oops.parse import parse_reports
from harness.oops.replay import REFERENCE_MODEL, Replay, exit_code_of, replay
from harness.oracle.verdict import VerdictKind
from harness.trace import MemoryAccess


def replayed(lines: tuple[str, ...] | list[str] = oops_logs.LINES) -> Replay:
    return replay(parse_reports(oops_logs.text(lines), "log")[0])


def changed(*changes: tuple[str, str]) -> Replay:
    lines = oops_logs.LINES
    for old, new in changes:
        lines = tuple(line.replace(old, new) for line in lines)
    return replayed(lines)


PERMISSION = (
    ("0000000096000046", "000000009600004e"),
    ("FSC = 0x06: level 2 translation", "FSC = 0x0e: level 2 permission"),
    ("ISS = 0x00000046", "ISS = 0x0000004e"),
)
LPA2 = (
    ("ffff0000c0de1040", "fff00000c0de1040"),
    ("48-bit VAs", "52-bit VAs"),
    ("pgd=0000000000000000, p4d=1800000042000403", "pgd=1800000042000003, p4d=1800000043000003"),
    ("pud=1800000042001403", "pud=1800000044000003"),
)


def test_an_invalid_block_reproduces_esr_and_far() -> None:
    result = replayed()
    assert result.reproduced is True
    assert result.seen == (0x96000046, 0xFFFF0000C0DE1040)
    assert result.run is not None
    assert result.run.verdict.kind is VerdictKind.AGREES
    assert result.run.passed
    assert result.exit_code is ExitCode.EXPECTED


def test_the_cause_of_an_invalid_block_is_its_bit_0() -> None:
    cause = replayed().cause
    assert cause is not None
    assert cause.sentence == (
        "level 2 (pmd): bit 0 is clear, otherwise a well-formed 2M block: an invalid large leaf; "
        "pmd_leaf() is false for it"
    )
    assert cause.kernel.startswith("linux-7.0.1: ")
    assert cause.deciding is not None
    assert (cause.deciding.bit, cause.deciding.value) == (0, 1)
    assert cause.deciding.pa == 0xC0DE1040


def test_with_the_deciding_bit_changed_the_store_lands() -> None:
    result = replayed().counterfactual
    assert result is not None
    assert result.landed
    assert result.run.verdict.kind is VerdictKind.AGREES
    (store,) = [
        event for event in result.run.execution.trace.events if isinstance(event, MemoryAccess)
    ]
    assert (store.pa, store.value) == (0xC0DE1040, 0x1122334455667788)


@pytest.mark.parametrize("word", ["d503201f", "f9000420"], ids=["nop", "str x0, [x1, #8]"])
def test_an_instruction_that_makes_another_access_is_not_said_to_land(word: str) -> None:
    result = changed(("(f9000020)", f"({word})"))
    assert result.reproduced is False
    assert result.cause is not None
    assert result.cause.deciding is not None
    assert result.counterfactual is None


def test_the_kernel_of_a_version_whose_bits_are_not_known_is_not_quoted() -> None:
    cause = changed(("7.0.1-test", "6.1.0")).cause
    assert cause is not None
    assert cause.kernel == ""
    assert "pmd_" not in cause.sentence


def test_a_build_between_releases_may_have_either_meaning_and_is_not_quoted() -> None:
    cause = changed(("7.0.1-test", "7.0.0-12695-g8923b7a6e11d")).cause
    assert cause is not None
    assert cause.kernel == ""


def test_an_entry_of_zero_is_called_unmapped_and_no_bit_decides() -> None:
    result = changed(("pmd=00e80000c0c00704", "pmd=0000000000000000"))
    assert result.reproduced is True
    assert result.cause is not None
    assert result.cause.sentence == "level 2 (pmd): the entry is 0: nothing is mapped"
    assert result.cause.deciding is None
    assert result.counterfactual is None


def test_a_write_to_a_read_only_block_reproduces_its_permission_fault() -> None:
    result = changed(*PERMISSION, ("pmd=00e80000c0c00704", "pmd=00600000c0c00785"))
    assert result.reproduced is True
    assert result.cause is not None
    assert result.cause.deciding is not None
    assert (result.cause.deciding.bit, result.cause.deciding.name) == (7, "AP[2:1]")
    assert result.counterfactual is not None
    assert result.counterfactual.landed


def test_entries_that_translate_the_access_contradict_the_recorded_fault() -> None:
    result = changed(("pmd=00e80000c0c00704", "pmd=00e80000c0c00705"))
    assert result.reproduced is False
    assert result.exit_code is ExitCode.FINDING
    (sentence,) = result.contradictions
    assert sentence.startswith("the printed entries give: completed at 0xc0de1040; the log has ESR")


def test_a_fault_at_another_level_than_recorded_is_a_finding() -> None:
    result = changed(("pud=1800000042001403", "pud=0000000000000000"))
    assert result.reproduced is False
    assert result.seen is not None
    assert result.seen[0] == 0x96000045


def test_an_instruction_that_accesses_another_address_is_a_finding() -> None:
    result = changed(("x1 : ffff0000c0de1040", "x1 : ffff0000c0de3040"))
    assert result.exit_code is ExitCode.FINDING
    (sentence,) = result.contradictions
    assert sentence.startswith("the faulting instruction 0xf9000020 with the printed registers")
    assert sentence.endswith("accesses 0xffff0000c0de3040, the log gives 0xffff0000c0de1040")


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (0xD503201F, "the faulting instruction 0xd503201f accesses no memory, the log gives"),
        (0xD65F03C0, "the faulting instruction 0xd65f03c0 accesses no memory, the log gives"),
    ],
)
def test_an_instruction_that_accesses_nothing_is_a_finding(word: int, sentence: str) -> None:
    result = changed(("(f9000020)", f"({word:08x})"))
    assert result.contradictions[0].startswith(sentence)
    assert result.exit_code is ExitCode.FINDING


def test_an_address_in_a_register_that_the_log_prints_as_a_symbol_is_not_known() -> None:
    store_through_x30 = 0xF90003C0
    assert disassemble(store_through_x30, 0) == "str x0, [x30]"
    unknown = changed(("(f9000020)", f"({store_through_x30:08x})"))
    assert "the instruction needs x30, which the log prints as a symbol" in unknown.notes
    known = changed(
        ("(f9000020)", f"({store_through_x30:08x})"),
        ("lr : caller+0x58/0x90 [module]", "lr : ffff0000c0de1040"),
    )
    assert known.reproduced is True


def test_an_instruction_that_the_harness_does_not_model_is_named() -> None:
    store_tag = 0xD9200821
    result = changed(("(f9000020)", f"({store_tag:08x})"))
    assert any(note.startswith("the faulting instruction: ") for note in result.notes)
    assert result.walk is not None
    assert result.walk.agrees_with(result.report)


def test_dc_zva_faults_anywhere_in_its_block() -> None:
    zva = 0xD50B7421
    assert disassemble(zva, 0) == "dc zva, x1"
    assert changed(("(f9000020)", f"({zva:08x})")).reproduced is True


def test_a_load_where_the_syndrome_says_write_is_a_finding() -> None:
    load = 0xF9400020
    assert disassemble(load, 0) == "ldr x0, [x1]"
    result = changed(("(f9000020)", f"({load:08x})"))
    assert "the faulting instruction makes a read, the ESR says a write" in result.contradictions
    assert result.reproduced is False


def test_a_report_without_its_instruction_is_walked_but_not_executed() -> None:
    result = replayed(oops_logs.without("Code:"))
    assert result.reproduced is None
    assert result.run is None
    assert result.walk is not None
    assert result.walk.agrees_with(result.report)
    assert result.cause is not None
    assert result.missing == ("faulting instruction: no Code line",)
    assert result.exit_code is ExitCode.CANNOT_JUDGE


def test_a_report_without_tables_is_decoded_only() -> None:
    result = replayed(oops_logs.without("swapper", "[ffff"))
    assert result.walk is None
    assert result.exit_code is ExitCode.CANNOT_JUDGE
    assert result.report.esr == 0x96000046


def test_52_bit_addresses_are_judged_by_the_reference_model() -> None:
    result = changed(*LPA2)
    assert result.contradictions == ()
    assert result.reproduced is True
    assert result.by == REFERENCE_MODEL
    assert result.run is None
    assert result.not_run.startswith("Unicorn's own MMU has no 52-bit addresses")


def test_a_tag_in_the_upper_half_is_ignored_by_the_walk_and_kept_in_far() -> None:
    result = changed(("ffff0000c0de1040", "f5ff0000c0de1040"))
    assert result.contradictions == ()
    assert result.reproduced is True
    assert result.seen == (0x96000046, 0xF5FF0000C0DE1040)


LOWER = (("ffff0000c0de1040", "0000aaaac0de1040"), ("swapper pgtable", "user pgtable"))


def test_the_kernel_prints_an_address_of_the_lower_half_without_its_tag() -> None:
    result = changed(*LOWER, ("x1 : 0000aaaac0de1040", "x1 : 3400aaaac0de1040"))
    assert result.contradictions == ()
    assert result.reproduced is True


def test_an_abort_of_user_code_is_executed_at_el0() -> None:
    result = changed(
        *LOWER,
        ("0000000096000046", "0000000092000046"),
        ("EC = 0x25: DABT (current EL)", "EC = 0x24: DABT (lower EL)"),
        ("pstate: 60400005", "pstate: 60000000"),
        ("pc : store_word+0x14/0x40", "pc : 0000aaaac0000000"),
    )
    assert result.contradictions == ()
    assert result.reproduced is True
    assert result.seen == (0x92000046, 0x0000AAAAC0DE1040)


def test_a_fetch_that_faulted_is_made_again() -> None:
    result = changed(
        ("0000000096000046", "0000000086000006"),
        ("EC = 0x25: DABT", "EC = 0x21: IABT"),
        ("Data abort info:", "-"),
        ("ISV = 0", "-"),
        ("CM = 0", "-"),
    )
    assert result.contradictions == ()
    assert result.reproduced is True
    assert result.seen == (0x86000006, 0xFFFF0000C0DE1040)


def test_the_instruction_syndrome_is_not_asked_of_the_engine() -> None:
    isv = 1 << 24 | 3 << 22 | 1 << 15
    result = changed(
        ("0000000096000046", f"{0x96000046 | isv:016x}"),
        ("ISV = 0, ISS = 0x00000046", "Access size = 8 byte(s)"),
    )
    assert result.contradictions == ()
    assert result.reproduced is True
    assert result.seen == (0x96000046, 0xFFFF0000C0DE1040)


def test_one_reproduced_report_makes_a_log_expected_and_one_finding_a_finding() -> None:
    good, decoded = replayed(), replayed(oops_logs.without("Code:"))
    bad = changed(("WnR = 1", "WnR = 0"))
    assert exit_code_of((decoded,)) is ExitCode.CANNOT_JUDGE
    assert exit_code_of((decoded, good)) is ExitCode.EXPECTED
    assert exit_code_of((good, bad, decoded)) is ExitCode.FINDING


def real(log: str) -> Replay:
    folder = shared_data()
    path = next(folder.glob(f"{log}*.txt"), None) or next((folder / "oops").glob(f"{log}*.txt"))
    return replay(parse_reports(path.read_bytes(), path.name)[0])


@pytest.mark.parametrize("log", ["000_", "05-", "15-", "17-", "19-", "28-", "37-", "42-", "46-"])
def test_every_real_report_that_has_all_a_replay_needs_is_reproduced(log: str) -> None:
    result = real(log)
    assert result.contradictions == ()
    assert result.missing == ()
    assert result.reproduced is True
    assert result.exit_code is ExitCode.EXPECTED


def test_the_panics_store_lands_with_bit_0_set() -> None:
    result = real("000_")
    assert result.seen == (0x96000046, 0xFFFF000019600000)
    assert result.counterfactual is not None
    assert result.counterfactual.landed
    assert result.counterfactual.bit.pa == 0x199600000
    assert result.cause is not None
    assert result.cause.sentence.endswith("pmd_sect() is false for it")


def test_a_valid_page_under_a_recorded_translation_fault_is_a_contradiction() -> None:
    result = real("35-")
    assert result.reproduced is None
    assert result.exit_code is ExitCode.FINDING
    assert "the printed entries give: completed at 0x8023a0000" in result.contradictions[0]


@pytest.mark.parametrize(
    ("log", "missing"),
    [
        ("07-", "translation tables: user address but active_mm is swapper"),
        ("08-", "a cause in the tables: external aborts come from the memory system"),
        ("12-", "translation tables: address between user and kernel address ranges"),
        ("25-", "translation tables: user address but active_mm is swapper"),
        ("31-", "an access to replay: ESR 0xbf000000 is SError exception"),
        ("50-", "an access to replay: ESR 0x8a000000 is PC alignment fault"),
        ("55-", "registers: none are printed"),
        ("59-", "translation tables: no pgtable line gives granule and size of addresses"),
        ("61-", "a cause in the tables: external aborts come from the memory system"),
    ],
)
def test_a_real_report_that_lacks_something_says_what(log: str, missing: str) -> None:
    result = real(log)
    assert missing in result.missing
    assert result.reproduced is None
    assert result.contradictions == ()
