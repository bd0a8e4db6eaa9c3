"""A user's own encodings: TOML, Python, an installed package; and a kernel tree's own tests."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sound_kernel import sound_kernel

from harness.encoding_file import load
from harness.encodings import registry
from harness.encodings.checking import check
from harness.encodings.definition import Encoding, StateName
from harness.encodings.expressions import predicate
from harness.encodings.testing import results
from harness.errors import InputError, ValueSyntaxError

GUIDE = Path(__file__).parents[2] / "docs" / "encodings.md"
BITS = {"VALID": 1, "TYPE": 3, "HIGH": 3 << 60}
SMALL = """
[encoding]
name = "small"
tables = ["64K"]
[bits]
VALID = 0
TYPE = "1:0"
[[level]]
levels = [1, 2, 3]
predicates = { valid = "VALID" }
roles = { valid = "valid" }
[level.states]
none = { recognised_by = "zero", keep = [] }
"""


def _example() -> str:
    found = re.search(
        r"```toml\n(\[encoding\].*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found
    return found[1]


def _written(folder: Path, text: str, name: str = "own.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_guides_encoding_keeps_and_breaks_what_the_guide_says(tmp_path: Path) -> None:
    (own,) = load(_written(tmp_path, _example()))
    assert own.name == "bit59"
    report = check(own)
    assert {(one.property.name, one.place.level) for one in report.broken} == {
        ("validity_agrees", 3),
        *(("round_trip_any_leaf", level) for level in (1, 2, 3)),
        *(("tlbi_any_leaf", level) for level in (1, 2, 3)),
    }


def test_the_guides_block_comes_back_with_nothing_lost(tmp_path: Path) -> None:
    level = load(_written(tmp_path, _example()))[0].level(2)
    block = 0x00E8000199600F05
    off = level.apply("set_memory_valid_off", block)
    assert off == 0x08E8000199600F04
    assert level.state_of(off) == (StateName.INVALID_LEAF,)
    assert level.apply("set_memory_valid_on", off) == block


def test_the_guides_test_of_a_kernel_tree_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = re.search(
        r"```python\n(import pytest.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found
    folder = tmp_path / "tools" / "testing"
    folder.mkdir(parents=True)
    _written(folder, _example(), "bit59.toml")
    monkeypatch.chdir(tmp_path)
    assert len([line for line in found[1].splitlines() if line.strip()]) <= 10
    space: dict[str, object] = {}
    exec(found[1], space)  # noqa: S102 - the guide's own lines
    test = space["test_the_encoding"]
    for held in results(load("tools/testing/bit59.toml")[0]):
        test(held)  # type: ignore[operator]


def test_a_property_that_fails_is_an_assertion_with_its_counterexamples() -> None:
    held = {str(one): one for one in results(registry.encoding("linux-7.0"))}
    assert held["round_trip-4K-level 3"].holds
    held["round_trip-4K-level 3"].check()
    broken = held["round_trip-4K-level 2"]
    with pytest.raises(AssertionError, match="after set_memory_valid_on 0x0040000000000400"):
        broken.check()
    broken.check(known={"round_trip"})


def test_the_same_may_be_asked_of_the_prover() -> None:
    assert all(one.holds for one in results(sound_kernel(), proof=True))


def test_bits_may_be_ranges_and_a_description_lists_states_and_predicates(tmp_path: Path) -> None:
    (own,) = load(_written(tmp_path, SMALL))
    assert own.bits == {"VALID": 1, "TYPE": 3}
    granule = own.forms[0].granule
    assert own.describe(3, 2, granule) == "512M at pmd: in no state; true: valid."
    assert own.describe(0, 3, granule) == "64K at pte: none; true: nothing."


def test_a_file_may_say_how_leaves_are_folded_and_split(tmp_path: Path) -> None:
    more = """folds = ["fold", "unfold"]
split = { clear = ["TYPE"], set = ["TYPE"] }
tables = ["64K"]
[level.operations]
fold = { set = ["VALID"], by_walk = false }
unfold = { clear = ["VALID"], by_walk = false }
[level.states]
"""
    text = SMALL.replace("[level.states]\n", "", 1).replace("none = {", f"{more}none = {{", 1)
    level = load(_written(tmp_path, text))[0].level(2)
    assert level.folds == ("fold", "unfold")
    assert level.split is not None
    assert level.split(0b100) == 0b111
    assert level.apply("unfold", level.apply("fold", 0)) == 0


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[encoding]", "[encodings]", "no key 'encodings'"),
        ('name = "small"', "", "lacks 'name'"),
        ('tables = ["64K"]', 'tables = ["8K"]', "no kind of tables is called '8K'"),
        ("VALID = 0", "VALID = 64", "bit VALID has no place 64"),
        ('TYPE = "1:0"', 'TYPE = "0:1"', "bit TYPE has no place '0:1'"),
        ("levels = [1, 2, 3]", "levels = [2, 3]", "no [[level]] says what a descriptor of level 1"),
        ('valid = "VALID" }', 'valid = "VALLID" }', "did you mean 'VALID'?"),
        ('valid = "VALID" }', 'valid = "VALID +" }', "is no expression"),
        ("roles = { valid", "roles = { walid", "'walid' is not a valid Role"),
        ('roles = { valid = "valid"', 'roles = { valid = "leaf"', "nothing is called 'leaf'"),
        ('"zero", keep = []', '"zero", keep = [], clear = []', "both keep and clear"),
        ('"zero", keep = []', '"zero", kept = []', "did you mean 'keep'?"),
        ('"zero", keep = []', '"zero", of = "swap"', "made of 'swap', which comes later"),
        ('"zero", keep = []', '"zero", set = "VALID"', "is to be a list of bits"),
        ("none = {", "nothing = {", "'nothing' is not a valid StateName"),
        ("levels = [", 'edited_if = "leaf"\nlevels = [', "nothing is called 'leaf'"),
        ("[bits]", "[bits", "is no TOML"),
    ],
)
def test_a_mistake_in_a_file_is_one_error_with_the_files_name(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert old in SMALL
    path = _written(tmp_path, SMALL.replace(old, new, 1))
    with pytest.raises(InputError) as refused:
        load(path)
    assert reason in str(refused.value)
    assert str(refused.value).startswith(str(path))


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("own.txt", "", "a .toml file or a Python module"),
        ("own.py", "x = 1", "neither ENCODING nor ENCODINGS"),
        ("own.py", "ENCODING = 1", "neither ENCODING nor ENCODINGS"),
        ("own.py", "ENCODINGS = 1", "ENCODINGS is no sequence"),
        ("own.py", "import nothing_such", "ModuleNotFoundError in it"),
    ],
)
def test_a_file_that_holds_no_encoding_is_refused(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    with pytest.raises(InputError, match=re.escape(reason)):
        load(_written(tmp_path, text, name))


@pytest.mark.parametrize("name", ["absent.toml", "absent.py"])
def test_a_file_that_is_not_there_is_one_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / name)


def test_a_python_module_states_one_encoding_or_several(tmp_path: Path) -> None:
    one = "from harness.encodings import encoding\nENCODING = encoding('bare')\n"
    several = "from harness.encodings import encoding\nENCODINGS = [encoding('bare')] * 2\n"
    assert [each.name for each in load(_written(tmp_path, one, "one.py"))] == ["bare"]
    assert len(load(_written(tmp_path, several, "several.py"))) == 2


def _entry(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint("own", value, registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [entry] if group else [])
    registry._all.cache_clear()


@pytest.fixture
def _fresh_registry() -> object:
    yield
    registry._all.cache_clear()


@pytest.mark.usefixtures("_fresh_registry")
def test_an_installed_package_brings_encodings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    _entry(monkeypatch, "test_encoding_files:of_a_package")
    assert "sound" in registry.names()
    assert registry.encoding("sound").summary == "a sound kernel"


@pytest.mark.usefixtures("_fresh_registry")
@pytest.mark.parametrize(
    ("value", "reason"),
    [("no_such_module:encodings", "failed: No module"), ("test_encoding_files:words", "gives no")],
)
def test_a_package_that_brings_none_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str, reason: str
) -> None:
    _entry(monkeypatch, value)
    with pytest.raises(InputError, match=reason) as refused:
        registry.names()
    assert "entry point 'own'" in str(refused.value)
    assert value in str(refused.value)


def of_a_package() -> list[Encoding]:
    """Return what an installed package would."""
    return [sound_kernel()]


def words() -> list[str]:
    """Return what is no encoding."""
    return ["none"]


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("VALID", {1, 3}),
        ("TYPE", {3}),
        ("not VALID", {0, 2}),
        ("VALID and TYPE", {3}),
        ("VALID or zero", {0, 1, 3}),
        ("TYPE == 2", {2}),
        ("TYPE != 2", {0, 1, 3}),
        ("HIGH == 1", set()),
        ("True", {0, 1, 2, 3}),
        ("False", set()),
        ("other and not VALID", {2}),
    ],
)
def test_an_expression_over_bits_is_a_predicate(text: str, true: set[int]) -> None:
    ask = predicate(text, BITS, {"other": lambda value: value & 2 == 2})
    assert {value for value in range(4) if ask(value)} == true


def test_a_field_is_compared_at_its_place() -> None:
    assert predicate("HIGH == 2", BITS, {})(2 << 60)
    assert not predicate("HIGH == 2", BITS, {})(1 << 60)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("VALID & TYPE", "only names, and, or, not"),
        ("f(VALID)", "only names, and, or, not"),
        ("TYPE == 4", "4 does not fit TYPE"),
        ("TYPE == -1", "compared with a number only"),
        ("TYPE == True", "compared with a number only"),
        ("TYPE == VALID", "compared with a number only"),
        ("1 == TYPE", "only names, and, or, not"),
        ("VALUD", "did you mean 'VALID'?"),
        ("3", "only names, and, or, not"),
    ],
)
def test_another_expression_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(ValueSyntaxError) as refused:
        predicate(text, BITS, {})
    assert reason in str(refused.value)
