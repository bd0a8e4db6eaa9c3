"""Scenario files: what they may say, and the one error with a line that everything else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.arch.addresses import VirtualAddress
from harness.arch.faults import FaultKind
from harness.arch.features import PROFILES, Feature
from harness.arch.granule import Granule
from harness.arch.implementation import OutOfRange
from harness.errors import ScenarioError
from harness.scenario import (
    AtAccess,
    AtFault,
    AtInstruction,
    AtLabel,
    Edit,
    Half,
    Limits,
    Operation,
    Scenario,
)
from harness.scenario_file import LARGEST, load, parse
from harness.trace import EndReason
from harness.vmsa.access import AccessKind

HEAD = '[scenario]\nsummary = "a store"\n'
RUN = '[run]\nwords = ["0xd65f03c0"]\n'
MAP = '[[map]]\nva = "0x10000"\npa = "0x80000"\nsize = "4K"\n'
NAMED = 'attributes = "linux-7.0:PAGE_KERNEL"\n'


def read(*parts: str) -> Scenario:
    """Read a scenario that is complete but for what the test is about."""
    return parse(HEAD + RUN + "".join(parts), Path("here/x.scenario.toml"))


def refused(text: str) -> ScenarioError:
    """Return the error of a scenario that must not be read."""
    with pytest.raises(ScenarioError) as caught:
        parse(text, Path("x.scenario.toml"))
    return caught.value


def test_a_scenario_without_a_choice_is_a_max_machine_with_48_bits_of_4k() -> None:
    scenario = read()
    assert scenario.name == "x"
    assert scenario.summary == "a store"
    assert scenario.profile is PROFILES["max"]
    assert scenario.translation.low == scenario.translation.high == Half(Granule.K4, 48)
    assert scenario.run.limits == Limits()
    assert scenario.run.el == 1
    assert scenario.expect is None


def test_a_machine_may_be_a_list_of_features() -> None:
    text = '[scenario]\nsummary = ""\nfeatures = ["FEAT_PAN", "FEAT_LPA2"]\npa_bits = 52\n' + RUN
    profile = parse(text, Path("x")).profile
    assert profile.features == {Feature.PAN, Feature.LPA2}
    assert profile.pa_bits == 52


def test_a_choice_of_the_implementation_overrides_the_profile() -> None:
    text = (
        '[scenario]\nsummary = ""\nprofile = "neoverse-v1"\n'
        'implementation = { txsz_above_max = "fault", bbm_level = 2, bbm_no_abort = true }\n' + RUN
    )
    choices = parse(text, Path("x")).profile.implementation
    assert choices.txsz_above_max is OutOfRange.FAULT
    assert choices.bbm_level == 2
    assert choices.bbm_no_abort
    assert choices.txsz_below_min is OutOfRange.CLAMP


def test_one_half_may_differ_from_the_other() -> None:
    setup = read(
        '[translation]\ngranule = "16K"\nva_bits = 47\nhigh = { granule = "64K" }\n'
    ).translation
    assert setup.low == Half(Granule.K16, 47)
    assert setup.high == Half(Granule.K64, 47)


def test_a_register_is_stated_whole_or_by_fields() -> None:
    setup = read('[translation]\nTTBR1_EL1 = "0x9ffff000"\nTCR_EL1.HPD1 = 1\n').translation
    assert setup.registers == {"TTBR1_EL1": 0x9FFF_F000}
    assert setup.fields == {"TCR_EL1": {"HPD1": 1}}


def test_mair_is_stated_by_index() -> None:
    setup = read('[translation]\nmair = { 0 = "0xff", 2 = "0x44" }\n').translation
    assert setup.registers == {"MAIR_EL1": 0x44_00FF}


def test_attributes_by_an_encodings_name_become_bits() -> None:
    (mapping,) = read(MAP, NAMED).maps
    assert (mapping.va, mapping.pa, mapping.size) == (0x10000, 0x80000, 0x1000)
    assert mapping.leaf_bits == 0x0068_0000_0000_0700
    assert mapping.attributes == "linux-7.0:PAGE_KERNEL"
    assert mapping.descriptor is None
    assert mapping.line == 5


def test_attributes_by_fields_become_bits() -> None:
    (mapping,) = read(MAP, 'attributes = { AP = "RO", AF = 1, PXN = "1" }\n').maps
    assert mapping.leaf_bits == 1 << 53 | 1 << 10 | 0b10 << 6


def test_attributes_may_be_a_whole_descriptor() -> None:
    (mapping,) = read(MAP, 'attributes = "0x00e8000199600704"\nas = "block"\nlevel = 2\n').maps
    assert mapping.descriptor == 0x00E8_0001_9960_0704
    assert (mapping.shape, mapping.level) == ("block", 2)


@pytest.mark.parametrize(
    ("size", "bytes_"), [('"16K"', 16 << 10), ('"1g"', 1 << 30), ('"0x1000"', 4096), ("8192", 8192)]
)
def test_a_size_has_a_unit_or_none(size: str, bytes_: int) -> None:
    (mapping,) = read(MAP.replace('"4K"', size), NAMED).maps
    assert mapping.size == bytes_


def test_memory_holds_words_a_pattern_nothing_or_another_range() -> None:
    words, pattern, absent, alias = read(
        '[[memory]]\npa = "0x1000"\nwords = ["0x1", 2]\n'
        '[[memory]]\npa = "0x2000"\nsize = "4K"\nfill = "pattern"\n'
        '[[memory]]\npa = "0x3000"\nsize = "4K"\nfill = "absent"\n'
        '[[memory]]\npa = "0x4000"\nsize = "4K"\nalias = "0x2000"\n'
    ).memory
    assert (words.words, words.size) == ((1, 2), 16)
    assert pattern.fill == "pattern"
    assert absent.fill == "absent"
    assert alias.alias_of == 0x2000


def test_the_snippet_lies_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "store.S").write_text("str x0, [x1]\n", encoding="utf-8")
    path = tmp_path / "x.scenario.toml"
    path.write_text(
        HEAD + '[run]\nsnippet = "store.S"\nentry = "copy"\nel = 0\nvectors = "vectors"\n'
        'code = "0x400000"\ncode_pa = "0x90000000"\npstate = { PAN = 1 }\n'
        'registers = { x1 = "0x10", sp = 16 }\nlimit = { instructions = 9, seconds = 0.5 }\n',
        encoding="utf-8",
    )
    run = load(path).run
    assert run.snippet == tmp_path / "store.S"
    assert (run.entry, run.el, run.vectors) == ("copy", 0, "vectors")
    assert (run.code, run.code_pa) == (0x400000, 0x90000000)
    assert run.pstate == {"PAN": 1}
    assert run.registers == {"x1": 16, "sp": 16}
    assert run.limits == Limits(9, 0.5)


@pytest.mark.parametrize(
    ("when", "moment"),
    [
        ('{ label = "store", hit = 2 }', AtLabel("store", 2)),
        ("{ instruction = 7 }", AtInstruction(7)),
        ("{ fault = 1 }", AtFault(1)),
        (
            '{ access = { va = "0x10", size = 8, kind = "write" }, hit = 3 }',
            AtAccess(VirtualAddress(0x10), 8, AccessKind.WRITE, 3),
        ),
    ],
)
def test_an_injection_has_a_moment(when: str, moment: object) -> None:
    (injection,) = read(
        f'[[inject]]\nwhen = {when}\nedit = {{ va = 16, clear = "VALID" }}\n'
    ).injections
    assert injection.when == moment
    assert injection.edit == Edit(VirtualAddress(16), clear_bits=1)
    assert injection.maintenance == ()


def test_an_edit_clears_then_sets_bits_and_fields() -> None:
    (injection,) = read(
        "[[inject]]\nwhen = { instruction = 1 }\n"
        'edit = { va = 16, level = 2, clear = ["VALID", "DBM"], set = "0x800", '
        'fields = { AP = "RO" } }\nmaintenance = ["TLBI  vaae1", "dsb ish"]\n'
    ).injections
    assert injection.edit == Edit(VirtualAddress(16), 2, 1 | 1 << 51 | 0b11 << 6, 0x800 | 0b10 << 6)
    assert injection.maintenance == ("tlbi vaae1", "dsb ish")


def test_an_edit_may_write_a_whole_descriptor() -> None:
    (injection,) = read(
        '[[inject]]\nwhen = { instruction = 1 }\nedit = { va = 16, descriptor = "0x3" }\n'
    ).injections
    assert injection.edit == Edit(VirtualAddress(16), descriptor=3)


def test_an_injection_may_be_an_operation_of_a_kernel() -> None:
    (injection,) = read(
        "[[inject]]\nwhen = { instruction = 1 }\n"
        'operation = "linux-7.0.1:set_memory_decrypted"\nva = "0x4000"\nsize = "2M"\n'
    ).injections
    assert injection.edit == Operation(
        "linux-7.0.1", "set_memory_decrypted", VirtualAddress(0x4000), 2 << 20
    )


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("", "needs a key 'edit' or 'operation'"),
        ('edit = { va = 0, clear = "VALID" }\noperation = "linux-7.0:split"', "exclude each other"),
        ('edit = { va = 0, clear = "VALID" }\nsize = 1', "size goes with operation"),
        ('operation = "split"\nva = 0\nsize = 1', "is written ENCODING:NAME"),
        ('operation = "linux-9:split"\nva = 0\nsize = 1', "no encoding is called 'linux-9'"),
        ('operation = "linux-6.1:split"\nva = 0\nsize = 1', "linux-6.1 has no operation 'split'"),
        ('operation = "linux-7.0:split"\nsize = 1', "needs a key 'va'"),
        ('operation = "linux-7.0:split"\nva = 0', "needs a key 'size'"),
    ],
)
def test_an_operation_that_is_none_is_refused(keys: str, reason: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(reason)) as caught:
        read(f"[[inject]]\nwhen = {{ instruction = 1 }}\n{keys}\n")
    assert caught.value.at is not None
    assert caught.value.at.line


def test_an_expectation_is_a_fault_and_a_state() -> None:
    expect = read(
        '[expect]\nfault = "translation"\nlevel = 2\naccess = "write"\nesr = "0x96000046"\n'
        'far = "0xffff000019600000"\nend = "fault"\nregisters = { x0 = 1 }\n'
        'memory = { "0x1000" = "0x2" }\n'
    ).expect
    assert expect is not None
    assert expect.fault is FaultKind.TRANSLATION
    assert not expect.no_fault
    assert (expect.level, expect.access) == (2, AccessKind.WRITE)
    assert (expect.esr, expect.far) == (0x9600_0046, 0xFFFF_0000_1960_0000)
    assert expect.end is EndReason.FAULT
    assert expect.registers == {"x0": 1}
    assert expect.memory == {0x1000: 2}


def test_an_expectation_may_differ_under_the_reference_mmu() -> None:
    expect = read(
        '[expect]\nfault = "translation"\nlevel = 3\nregisters = { x0 = 1 }\nend = "fault"\n'
        '[expect.model]\nlevel = 2\n[expect.stale]\nfault = "none"\nend = "returned"\n'
    ).expect
    assert expect is not None
    model, stale = expect.model, expect.stale
    assert model is not None
    assert stale is not None
    assert (expect.fault, expect.level) == (FaultKind.TRANSLATION, 3)
    assert (model.fault, model.level, model.end) == (FaultKind.TRANSLATION, 2, EndReason.FAULT)
    assert (stale.fault, stale.no_fault, stale.level) == (None, True, None)
    assert stale.end is EndReason.RETURNED
    assert stale.registers == model.registers == expect.registers == {"x0": 1}


def test_what_holds_with_a_stale_tlb_replaces_what_holds_under_the_reference_mmu() -> None:
    expect = read(
        "[expect.model]\nregisters = { x0 = 1 }\nmemory = { 0x1000 = 2 }\n"
        "[expect.stale]\nregisters = { x0 = 3 }\n"
    ).expect
    assert expect is not None
    assert expect.registers == {}
    assert expect.stale is not None
    assert (expect.stale.registers, expect.stale.memory) == ({"x0": 3}, {0x1000: 2})
    assert (expect.stale.model, expect.stale.stale) == (None, None)


def test_an_expectation_may_be_that_nothing_faults() -> None:
    expect = read('[expect]\nfault = "none"\n').expect
    assert expect is not None
    assert expect.no_fault
    assert expect.fault is None


@pytest.mark.parametrize(
    ("added", "line", "reason"),
    [
        ("[extra]\n", 5, "a scenario has no key 'extra'"),
        ('[[maps]]\nva = "0x1"\n', 5, "a scenario has no key 'maps'; did you mean 'map'?"),
        (MAP + NAMED + "sise = 1\n", 10, "[[map]] has no key 'sise'; did you mean 'size'?"),
        (MAP, 5, "[[map]] needs a key 'attributes'"),
        (MAP.replace('"0x10000"', '"0x1000g"') + NAMED, 6, "va = '0x1000g' is not a number"),
        (MAP.replace('"0x10000"', "-1") + NAMED, 6, "va: -1 is not a number of 64 bits"),
        (MAP.replace('"0x10000"', "true") + NAMED, 6, "va = true is not a number"),
        (MAP.replace('"4K"', '"4Q"') + NAMED, 8, "size = '4Q' is not a number"),
        (MAP.replace("4K", "99999999999T") + NAMED, 8, "bytes from va 0x10000 on do not fit 64"),
        (
            MAP.replace("0x80000", "0xfffffffffffff001") + NAMED,
            8,
            "0x1000 bytes from pa 0xfffffffffffff001 on do not fit 64 bits",
        ),
        (MAP.replace('"4K"', "0") + NAMED, 8, "size is 0"),
        (MAP + 'attributes = "linux-7.0:PAGE_KERNAL"\n', 9, "'PAGE_KERNAL'"),
        (MAP + 'attributes = "linux-9:PAGE_KERNEL"\n', 9, "linux-9"),
        (MAP + "attributes = { APP = 1 }\n", 9, "'APP'"),
        (MAP + "attributes = 1\n", 9, "attributes = 1 is not a table"),
        (MAP + NAMED + 'as = "super"\n', 10, "knows no 'super' (page, block, contiguous)"),
        (MAP + NAMED + "level = 4\n", 10, "level = 4 is not a lookup level"),
        ("[map]\nva = 1\n", 5, "is not an array of tables, each headed [[map]]"),
        ('[[memory]]\npa = "0x1004"\nwords = [1]\n', 6, "pa is a multiple of 8"),
        ("[[memory]]\npa = 0\nwords = [1, true]\n", 7, "words[1] = true is not a number"),
        ("[[memory]]\npa = 0\nwords = 1\n", 7, "words = 1 is not an array of numbers"),
        ("[[memory]]\npa = 0\n", 5, "[[memory]] needs a key 'size'"),
        ("[[memory]]\npa = 0\nsize = 8\nwords = [1, 2]\n", 8, "2 words do not fit in 0x8 bytes"),
        ('[[memory]]\npa = 0\nsize = "1G"\nfill = "pattern"\n', 7, "a pattern fills"),
        (
            '[[memory]]\npa = 0\nsize = "4K"\nalias = 0\nfill = "zero"\n',
            8,
            "neither fill nor words",
        ),
        ('[[memory]]\npa = 0\nfill = "absent"\nwords = [1]\n', 8, "there are no words"),
        ('[translation]\ngranule = "8K"\n', 6, "knows no '8K' (4K, 16K, 64K)"),
        ("[translation]\nva_bits = 64\n", 6, "va_bits is from 16 to 52"),
        ("[translation]\nhigh.va_bits = 1\n", 6, "va_bits is from 16 to 52"),
        ("[translation]\nTCR_EL1.HPD9 = 1\n", 6, "'HPD9'; did you mean 'HPD1'?"),
        ("[translation]\nTCR_EL1.HPD1 = 2\n", 6, "TCR_EL1.HPD1[42]: 0x2 does not fit"),
        ("[translation]\nmair = { 8 = 0 }\n", 6, "no key '8'"),
        ("[translation]\nmair = { 7 = 256 }\n", 6, "attribute 7 has 8 bits"),
        ("[translation]\nmair = { 0 = 0 }\nMAIR_EL1 = 0\n", 6, "exclude each other"),
        ("[[inject]]\nwhen = { label = 'x' }\n", 5, "[[inject]] needs a key 'edit'"),
        ("[[inject]]\nwhen = {}\nedit = {}\n", 6, "one of label, instruction, access, fault"),
        ("[[inject]]\nwhen = { fault = 0 }\nedit = {}\n", 6, "fault is counted from 1"),
        (
            "[[inject]]\nwhen = { fault = 1, hit = 1 }\nedit = {}\n",
            6,
            "hit goes with label or access",
        ),
        ("[[inject]]\nwhen = { fault = 1 }\nedit = { va = 1 }\n", 7, "changes nothing"),
        (
            "[[inject]]\nwhen = { fault = 1 }\nedit = { va = 1, clear = 'VALIDD' }\n",
            7,
            "no descriptor bit 'VALIDD'",
        ),
        (
            "[[inject]]\nwhen = { fault = 1 }\nedit = { va = 1, clear = 0 }\n",
            7,
            "clear names no bit",
        ),
        (
            "[[inject]]\nwhen = { fault = 1 }\nedit = { va = 1, set = 'AF', fields.AF = 0 }\n",
            7,
            "fields changes bits that clear or set changes as well",
        ),
        (
            "[[inject]]\nwhen = { fault = 1 }\nedit = { va = 1, set = 'AF', descriptor = 0 }\n",
            7,
            "descriptor replaces the whole entry",
        ),
        (
            "[[inject]]\nwhen.fault = 1\nedit = { va = 1, set = 1 }\nmaintenance = ['isb',\n'dsb']",
            9,
            "[[inject]]: maintenance knows no 'dsb'",
        ),
        (MAP + "name = ''\n" + NAMED, 9, "a name is one line of text"),
        ("[expect]\nfault = 'transaltion'\n", 6, "did you mean 'translation'?"),
        ("[expect.model]\nfault = 'none'\nlevel = 2\n", 7, "level of a fault"),
        ("[expect.model]\n[expect.model.stale]\n", 6, "stale"),
        ("[expect]\nfault = 'none'\nlevel = 2\n", 7, "level of a fault, where fault = 'none'"),
        ("[expect]\nend = 'limit'\n", 6, "knows no 'limit'"),
        ("[expect]\nregisters = { x31 = 0 }\n", 6, "[expect].registers has no key 'x31'"),
        ("[expect]\nmemory = { '0x1001' = 0 }\n", 6, "0x1001 is not the address of a 64-bit word"),
    ],
)
def test_bad_input_is_one_error_that_names_its_line(added: str, line: int, reason: str) -> None:
    error = refused(HEAD + RUN + added)
    assert error.at is not None
    assert (error.at.file, error.at.line) == ("x.scenario.toml", line)
    assert reason in error.reason
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("run", "line", "reason"),
    [
        ("", 1, "a scenario needs a key 'run'"),
        ("[run]\n", 3, "[run] has either a snippet or words"),
        ("[run]\nwords = []\n", 4, "words is empty"),
        ('[run]\nwords = ["0x1ffffffff"]\n', 4, "words[0] = 0x1ffffffff is no instruction"),
        ("[run]\nwords = [0]\nel = 2\n", 5, "el = 2: the harness runs EL0 and EL1"),
        ("[run]\nwords = [0]\npstate = { PAN = 2 }\n", 5, "PSTATE.PAN is 0 or 1"),
        ("[run]\nwords = [0]\nlimit = { seconds = 0 }\n", 5, "seconds is more than 0"),
        ("[run]\nwords = [0]\nlimit.seconds = 'long'\n", 5, "is not a number of seconds"),
        ("[run]\nwords = [0]\nlimit.instructions = 0\n", 5, "instructions is counted from 1"),
        ("[run]\nwords = [0]\nregisters = 1\n", 5, "registers = 1 is not a table"),
        ("[run]\nsnippet = 'absent.S'\n", 4, "no snippet absent.S beside the scenario"),
        ("[run]\nsnippet = '../x.S'\n", 4, "is not the plain name of a file beside"),
        ("[run]\nsnippet = '/etc/passwd'\n", 4, "is not the plain name of a file beside"),
        ("[run]\nsnippet = 'a/b.S'\n", 4, "is not the plain name of a file beside"),
        ("[run]\nsnippet = '.hidden'\n", 4, "is not the plain name of a file beside"),
    ],
)
def test_a_bad_run_is_one_error_that_names_its_line(run: str, line: int, reason: str) -> None:
    error = refused(HEAD + run)
    assert error.at is not None
    assert error.at.line == line
    assert reason in error.reason


@pytest.mark.parametrize(
    ("head", "line", "reason"),
    [
        ('summary = "s"\n[scenario]\n', 1, "a scenario has no key 'summary'"),
        ("[scenario]\n", 1, "[scenario] needs a key 'summary'"),
        ("[scenario]\nsummary = 1\n", 2, "summary = 1 is not a string"),
        ("[scenario]\nsummary = ''\nprofile = 'neoverse'\n", 3, "did you mean 'neoverse-"),
        ("[scenario]\nsummary = ''\nprofile = 'max'\nfeatures = []\n", 4, "exclude each other"),
        ("[scenario]\nsummary = ''\npa_bits = 48\n", 3, "pa_bits goes with features"),
        ("[scenario]\nsummary = ''\nfeatures = []\npa_bits = 47\n", 4, "pa_bits is one of 32, 36"),
        ("[scenario]\nsummary = ''\nfeatures = ['FEAT_PAM']\n", 3, "did you mean 'FEAT_PAN'?"),
        ("[scenario]\nsummary = ''\nfeatures = [1]\n", 3, "is not an array of strings"),
        (
            "[scenario]\nsummary = ''\nimplementation = { bbm_level = 3 }\n",
            3,
            "bbm_level is 0, 1 or 2",
        ),
        (
            "[scenario]\nsummary = ''\nimplementation = { bbm_no_abort = 1 }\n",
            3,
            "bbm_no_abort = 1 is not true or false",
        ),
        ("[scenario]\nsummary = ''\nimplementation = { nt_bit = 'x' }\n", 3, "(fault, ignore)"),
    ],
)
def test_a_bad_head_is_one_error_that_names_its_line(head: str, line: int, reason: str) -> None:
    error = refused(head + RUN)
    assert error.at is not None
    assert error.at.line == line
    assert reason in error.reason


def test_pan_needs_a_machine_that_has_it() -> None:
    text = "[scenario]\nsummary = ''\nprofile = 'cortex-a57'\n" + RUN + "pstate = { PAN = 1 }\n"
    assert refused(text).reason == "cortex-a57 has no FEAT_PAN"


@pytest.mark.parametrize(
    ("text", "line"), [("a = \n", 1), ("a = 1\nb = [\n", 3), ("a = 1\na = 2\n", 2)]
)
def test_what_is_no_toml_is_named_with_its_line(text: str, line: int) -> None:
    error = refused(text)
    assert error.reason.startswith("not TOML: ")
    assert error.at is not None
    assert error.at.line == line


def test_deep_nesting_is_refused() -> None:
    assert "nested too deeply" in refused("a = " + "[" * 100_000).reason


def test_a_file_of_other_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.scenario.toml"
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(ScenarioError, match=r"x\.scenario\.toml:2: is not UTF-8 text"):
        load(path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.scenario.toml"
    path.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(ScenarioError, match="is larger than"):
        load(path)


@pytest.mark.parametrize("name", ["absent.scenario.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioError, match=r"No such file|Is a directory"):
        load(tmp_path / name)


def test_a_snippet_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.S").write_text("ret\n", encoding="utf-8")
    folder = tmp_path / "asm"
    folder.mkdir()
    (folder / "link.S").symlink_to(tmp_path / "elsewhere.S")
    path = folder / "x.scenario.toml"
    path.write_text(HEAD + "[run]\nsnippet = 'link.S'\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="is a symbolic link"):
        load(path)
