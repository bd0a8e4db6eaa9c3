"""Final states held against conditions, in the words that herd7 has for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import LitmusError
from harness.litmus.descriptor import encode
from harness.litmus.judge import Kind, Observation, Verdict, judge
from harness.litmus.kinds import read_kinds
from harness.litmus.parse import parse_test
from harness.litmus.state import Final, SeenFault
from harness.litmus.translate import Translated, translate
from harness.litmus.values import Aspect, Descriptor, Symbol
from harness.report.litmus_document import litmus_document
from harness.report.litmus_text import summary_text, verdict_text

X, Y = Symbol("x"), Symbol("y")
PTE_X = Symbol("x", Aspect.DESCRIPTOR)
PA_Y = Symbol("y", Aspect.PHYSICAL)


def load(condition: str, init: str = "") -> Translated:
    text = (
        f"AArch64 T\n{{ x; y; 0:X1=x; {init} }}\nP0;\nL0: L1: LDR W2,[X1];\nL2: NOP;\n{condition}"
    )
    return translate(parse_test(text))


def final(
    test: Translated,
    *faults: SeenFault,
    words: dict[Symbol, int] | None = None,
    **registers: int,
) -> Final:
    """Return a state in which all else is zero."""
    memory: dict[int, int] = dict.fromkeys(test.watched, 0)
    for symbol, value in (words or {}).items():
        memory[test.layout.physical(symbol)] = value
    return Final({**{f"x{n}": 0 for n in range(31)}, **registers}, memory, faults)


def at_load(test: Translated, kind: str = "translation", symbol: Symbol = X) -> SeenFault:
    return SeenFault(test.labels["L0"], test.layout.virtual(symbol), kind)


def verdict(test: Translated, *finals: Final) -> Verdict:
    return judge(test, [(each, (f"choice {n}",)) for n, each in enumerate(finals)])


def holds(condition: str, init: str = "", **registers: int) -> bool:
    test = load(f"exists {condition}", init)
    return verdict(test, final(test, words=None, **registers)).states[0].holds


def shown(test: Translated, state: Final) -> str:
    return verdict(test, state).states[0].text


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("0:X2=1", 1, True),
        ("0:X2=1", 2, False),
        ("0:X2=1", 0x1_0000_0001, False),
        ("0:W2=1", 0x1_0000_0001, True),
        ("0:X2=-1", (1 << 64) - 1, True),
        ("0:W2=-1", 0xFFFF_FFFF, True),
        ("0:X2!=1", 2, True),
        ("0:X2!=1", 1, False),
        ("0:X2=0:X3", 0, True),
        ("0:X2=0:X3", 1, False),
        (r"0:X2=1 /\ 0:X3=0", 1, True),
        (r"0:X2=1 /\ 0:X3=1", 1, False),
        (r"0:X2=1 \/ 0:X3=1", 1, True),
        (r"0:X2=2 \/ 0:X3=1", 1, False),
        ("~(0:X2=1)", 1, False),
        ("true", 0, True),
        ("false", 0, False),
    ],
)
def test_registers_are_compared_in_the_width_they_are_named_in(
    condition: str, value: int, *, expected: bool
) -> None:
    assert holds(condition, x2=value) is expected


def test_addresses_and_descriptors_are_compared_by_their_bits() -> None:
    test = load("exists 0:X2=x")
    layout = test.layout
    assert holds("0:X2=x", x2=layout.virtual(X))
    assert not holds("0:X2=x", x2=layout.virtual(Y))
    assert holds("0:X2=pte_x", x2=layout.virtual(PTE_X))
    assert holds("0:X2=0:L2", x2=test.labels["L2"])
    word = encode(Descriptor(PA_Y, af=0), layout.physical(PA_Y))
    assert holds("0:X2=(oa:phy_y,af:0)", x2=word)
    assert not holds("0:X2=(oa:phy_y)", x2=word)
    assert not holds("0:X2=(oa:phy_x,af:0)", x2=word)


def test_memory_is_compared_in_the_width_of_its_type() -> None:
    for init, held, expected in (
        ("int a;", 0x1_0000_0001, True),
        ("int64_t a;", 0x1_0000_0001, False),
        ("int8_t a;", 0x101, True),
        ("int16_t a;", 0x101, False),
    ):
        test = load("exists [a]=1", init)
        state = final(test, words={Symbol("a"): held})
        assert verdict(test, state).states[0].holds is expected


def test_an_element_of_an_array_is_compared_at_its_place() -> None:
    test = load("exists a[1]=2", "int a[2];")
    assert verdict(test, final(test, words={Symbol("a"): 2 << 32})).positive == 1
    assert verdict(test, final(test, words={Symbol("a"): 2})).positive == 0


def test_a_fault_is_matched_by_label_address_and_type() -> None:
    for condition, expected in (
        ("fault(P0)", True),
        ("fault(P0,x)", True),
        ("fault(P0:L0,x)", True),
        ("fault(P0:L1,x)", True),
        ("fault(P0:L2,x)", False),
        ("fault(P0:L0,y)", False),
        ("fault(P0:L0,PTE(x))", False),
        ("fault(P0:L0,x,MMU:Translation)", True),
        ("fault(P0:L0,x,MMU:Permission)", False),
        ("fault(P0:L0,x,MMU)", True),
        ("~fault(P0:L0,x)", False),
    ):
        test = load(f"exists {condition}")
        assert bool(verdict(test, final(test, at_load(test))).positive) is expected, condition


def test_without_a_fault_only_its_absence_holds() -> None:
    test = load(r"exists fault(P0) \/ fault(P0,x)")
    assert verdict(test, final(test)).positive == 0
    test = load("exists ~fault(P0:L0,x)")
    assert verdict(test, final(test)).positive == 1


@pytest.mark.parametrize(
    ("quantifier", "values", "kind", "observation", "ok"),
    [
        ("exists", (1,), Kind.ALLOWED, Observation.ALWAYS, True),
        ("exists", (1, 2), Kind.ALLOWED, Observation.SOMETIMES, True),
        ("exists", (2,), Kind.ALLOWED, Observation.NEVER, False),
        ("~exists", (2,), Kind.FORBIDDEN, Observation.NEVER, True),
        ("~exists", (1, 2), Kind.FORBIDDEN, Observation.SOMETIMES, False),
        ("forall", (1,), Kind.REQUIRED, Observation.ALWAYS, True),
        ("forall", (1, 2), Kind.REQUIRED, Observation.SOMETIMES, False),
        ("forall", (2,), Kind.REQUIRED, Observation.NEVER, False),
    ],
)
def test_a_claim_is_of_some_no_or_every_state(
    quantifier: str, values: tuple[int, ...], kind: Kind, observation: Observation, *, ok: bool
) -> None:
    test = load(f"{quantifier} 0:X2=1")
    found = verdict(test, *(final(test, x2=value) for value in values))
    assert (found.kind, found.observation, found.is_ok) == (kind, observation, ok)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (Kind.ALLOWED, (1,), True),
        (Kind.ALLOWED, (2,), True),
        (Kind.FORBIDDEN, (2,), True),
        (Kind.FORBIDDEN, (1, 2), False),
        (Kind.REQUIRED, (1,), True),
        (Kind.REQUIRED, (1, 2), False),
    ],
)
def test_a_stated_kind_is_held_against_the_proposition(
    kind: Kind, values: tuple[int, ...], *, expected: bool
) -> None:
    test = load("exists 0:X2=1")
    found = verdict(test, *(final(test, x2=value) for value in values))
    assert found.is_as(kind) is expected


def test_states_that_look_alike_are_one_with_the_first_witness() -> None:
    test = load("exists 0:X2=1")
    found = verdict(test, final(test, x2=1, x3=5), final(test, x2=1, x3=6), final(test))
    assert [(state.text, state.witness) for state in found.states] == [
        ("0:X2=0;", ("choice 2",)),
        ("0:X2=1;", ("choice 0",)),
    ]


def test_states_that_the_filter_excludes_do_not_count() -> None:
    test = load("filter 0:X3=1 forall 0:X2=1")
    found = verdict(test, final(test, x2=1, x3=1), final(test, x2=2, x3=0))
    assert (found.positive, found.negative) == (1, 0)


def test_a_state_is_shown_as_registers_locations_and_faults() -> None:
    test = load("locations [0:X10; 0:X2; pte_x; y;]\nexists fault(P0:L0,x) /\\ 0:X1=x")
    word = encode(Descriptor(PA_Y, db=0), test.layout.physical(PA_Y))
    words = {PTE_X: word, Y: 0xFFFF_FFFF}
    state = final(test, at_load(test), words=words, x1=test.layout.virtual(X), x10=word, x2=7)
    assert shown(test, state) == (
        "0:X1=x; 0:X2=7; 0:X10=(oa:PA(y), db:0); [PTE(x)]=(oa:PA(y), db:0); [y]=-1; "
        "Fault(P0:{L0,L1},x,MMU:Translation);"
    )


def test_a_fault_that_did_not_come_is_shown_as_its_absence() -> None:
    test = load("exists fault(P0:L2,x,MMU:Permission)")
    assert shown(test, final(test)) == "~Fault(P0:L2,x,MMU:Permission);"
    test = load("exists fault(P0)")
    state = final(test, SeenFault(0x1000, 0x10, "alignment"))
    assert shown(test, state) == "Fault(P0,0x10,alignment);"


def test_a_word_that_is_no_descriptor_is_shown_as_a_number() -> None:
    test = load("locations [0:X2; 0:W3; pte_x;] exists true")
    large = 0xFFFF_0000_0000_0001
    assert shown(test, final(test, x2=large, x3=0xFFFF_FFFF, words={PTE_X: 2})) == (
        f"0:X2={large:#x}; 0:W3=-1; [PTE(x)]=2;"
    )


def test_the_text_has_herd_s_lines_in_herd_s_order() -> None:
    test = load("exists 0:X2=1")
    found = verdict(test, final(test, x2=1), final(test))
    assert verdict_text(found).splitlines() == [
        "Test T Allowed",
        "States 2",
        "0:X2=0;",
        "0:X2=1;",
        "Ok",
        "Witnesses",
        "Positive: 1 Negative: 1",
        "Observation T Sometimes 1 1",
    ]


def test_what_was_not_explored_is_said() -> None:
    test = load("exists 0:X2=1")
    found = judge(test, [(final(test), ())], ("5 executions",))
    assert verdict_text(found).splitlines()[3:] == [
        "No",
        "Witnesses",
        "Positive: 0 Negative: 1",
        "Incomplete T: 5 executions",
        "Observation T Never 0 1",
    ]
    assert summary_text([found], {}, {}).splitlines()[0] == "T  Allowed    Never      incomplete"


def test_the_summary_counts_what_is_not_as_expected_and_what_was_never_seen() -> None:
    test = load("exists 0:X2=1")
    seen, unseen = verdict(test, final(test, x2=1)), verdict(test, final(test))
    text = summary_text([seen], {"T": Kind.FORBIDDEN}, {"u.litmus": "2 threads"})
    assert text.splitlines() == [
        "T         Forbidden  Always     NOT AS EXPECTED",
        "u.litmus  refused: 2 threads",
        "1 tests: 1 not as expected, 0 Allowed and never seen, 0 incomplete, 1 refused",
    ]
    assert summary_text([unseen], {"T": Kind.ALLOWED}, {}).splitlines() == [
        "T  Allowed    Never      never seen",
        "1 tests: 0 not as expected, 1 Allowed and never seen, 0 incomplete, 0 refused",
    ]


def test_the_document_says_the_same_as_data() -> None:
    test = load("exists 0:X2=1")
    found = verdict(test, final(test, x2=1), final(test))
    document = litmus_document([found], {"T": Kind.REQUIRED}, {"u.litmus": "2 threads"})
    (entry,) = document["tests"]
    assert document["schema"] == "mmu-harness/litmus/1"
    assert document["refused"] == [{"file": "u.litmus", "reason": "2 threads"}]
    assert (entry["name"], entry["kind"], entry["expected"]) == ("T", "Allowed", "Required")
    assert (entry["as_expected"], entry["ok"], entry["complete"]) == (False, True, True)
    assert (entry["observation"], entry["positive"], entry["negative"]) == ("Sometimes", 1, 1)
    assert entry["states"] == [
        {"text": "0:X2=0;", "holds": False, "witness": ["choice 1"]},
        {"text": "0:X2=1;", "holds": True, "witness": ["choice 0"]},
    ]


def test_a_list_of_kinds_is_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "kinds.txt"
    path.write_text("# all\nA+B Allowed\n\nC-d Forbid\nE Required # always\n")
    assert read_kinds(path) == {"A+B": Kind.ALLOWED, "C-d": Kind.FORBIDDEN, "E": Kind.REQUIRED}


@pytest.mark.parametrize("text", ["A", "A Maybe", "A B Allowed", "A Allowed\nA Forbidden"])
def test_a_bad_list_of_kinds_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "kinds.txt"
    path.write_text(text)
    with pytest.raises(LitmusError, match=rf"kinds.txt:{text.count(chr(10)) + 1}: "):
        read_kinds(path)


def test_a_list_of_kinds_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(LitmusError, match="cannot be read"):
        read_kinds(tmp_path / "none.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(LitmusError, match="is not UTF-8 text"):
        read_kinds(tmp_path / "binary")
