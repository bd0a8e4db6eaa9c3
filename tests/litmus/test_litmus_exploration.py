"""Litmus tests run under every permitted choice: the shared set, and rules held both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from shared_data import shared_data

from harness.errors import UnsupportedError
from harness.explore.explorer import Bounds
from harness.explore.litmus import run_test
from harness.litmus.judge import Kind, Observation, Verdict
from harness.litmus.kinds import read_kinds
from harness.litmus.parse import parse_test, read_test

NEVER, SOMETIMES, ALWAYS = Observation.NEVER, Observation.SOMETIMES, Observation.ALWAYS
SHIFT = "LSR X9,X3,#12;"
VAAE1IS = f"{SHIFT}TLBI VAAE1IS,X9;"


def explored(init: str, code: str, condition: str, head: str = "") -> Verdict:
    given = f"x=1; y=2; 0:X1=pte_x; 0:X3=x; 0:X7=3; {init}"
    text = f"AArch64 T\n{head}\n{{ {given} }}\nP0;\n{code}\n{condition}"
    verdict = run_test(parse_test(text))
    assert not verdict.incomplete
    assert verdict.states
    return verdict


def observation(init: str, code: str, proposition: str, head: str = "") -> Observation:
    return explored(init, code, f"exists {proposition}", head).observation


def shared_tests() -> list[Path]:
    return sorted((shared_data() / "litmus").glob("*.litmus"))


def test_no_forbidden_state_of_the_shared_set_is_reached_and_every_required_one_is() -> None:
    paths = shared_tests()
    kinds = read_kinds(shared_data() / "litmus" / "kinds.txt")
    verdicts = {path.name: run_test(read_test(path)) for path in paths}
    expected = {name: kinds[verdict.test.test.name] for name, verdict in verdicts.items()}
    assert set(expected.values()) == set(Kind)
    wrong = [name for name, verdict in verdicts.items() if not verdict.is_as(expected[name])]
    unseen = [
        name
        for name, verdict in verdicts.items()
        if expected[name] is Kind.ALLOWED and not verdict.positive
    ]
    incomplete = [name for name, verdict in verdicts.items() if verdict.incomplete]
    assert (wrong, unseen, incomplete) == ([], [], [])


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ("", SOMETIMES),
        ("DMB SY;", SOMETIMES),
        ("ISB;", SOMETIMES),
        ("DSB ISH;", SOMETIMES),
        ("DSB LD;ISB;", SOMETIMES),
        ("DSB ST;ISB;", NEVER),
        ("DSB ISH;ISB;", NEVER),
    ],
)
def test_a_new_mapping_is_certain_after_a_dsb_for_stores_and_an_isb(
    between: str, expected: Observation
) -> None:
    code = f"STR X0,[X1];{between}L0:LDR W4,[X3];"
    init = "pte_x=(valid:0); 0:X0=(oa:phy_x);"
    assert observation(init, code, "fault(P0:L0,x)") is expected


def test_with_ets2_a_fault_sees_the_mapping_that_a_dsb_has_completed() -> None:
    init, code = "pte_x=(valid:0); 0:X0=(oa:phy_x);", "STR X0,[X1];DSB ISH;L0:LDR W4,[X3];"
    assert observation(init, code, "fault(P0:L0,x)", "Variant=ETS2") is NEVER


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ("", SOMETIMES),
        ("DSB ISH;ISB;", SOMETIMES),
        (f"{VAAE1IS}DSB ISH;ISB;", SOMETIMES),
        (f"DSB ISH;{VAAE1IS}ISB;", SOMETIMES),
        (f"DSB ISH;{VAAE1IS}DSB ISH;", SOMETIMES),
        (f"DSB ISH;{VAAE1IS}DSB ISHST;ISB;", SOMETIMES),
        (f"DSB ISH;{VAAE1IS}DSB NSH;ISB;", SOMETIMES),
        (f"DSB ISH;{VAAE1IS}DSB ISH;ISB;", NEVER),
        ("DSB ISH;TLBI VMALLE1;DSB NSH;ISB;", NEVER),
        ("DSB ISH;TLBI ASIDE1,XZR;DSB ISH;ISB;", NEVER),
        (f"DSB ISH;{SHIFT}TLBI VALE1OS,X9;DSB OSH;ISB;", NEVER),
        ("DSB ISH;TLBI VAAE1IS,X3;DSB ISH;ISB;", SOMETIMES),
    ],
    ids=lambda value: value if isinstance(value, str) else value.value,
)
def test_an_old_mapping_is_gone_after_dsb_tlbi_dsb_isb_and_not_before(
    between: str, expected: Observation
) -> None:
    code = f"STR X0,[X1];{between}L0:LDR W4,[X3];"
    assert observation("0:X0=(oa:phy_x,valid:0);", code, "~fault(P0:L0,x)") is expected
    assert observation("0:X0=(oa:phy_y);", code, "0:X4=1") is expected


def test_hardware_sets_af_for_an_access_and_may_set_it_without() -> None:
    load, init = "LDR W4,[X3];", "pte_x=(af:0);"
    assert observation(init, load, "pte_x=(af:1)", "TTHM=HA") is ALWAYS
    assert observation(init, "NOP;", "pte_x=(af:1)", "TTHM=HA") is SOMETIMES
    assert observation(init, "NOP;", "pte_x=(af:1)") is NEVER
    assert observation("pte_x=(af:0,valid:0);", "NOP;", "pte_x=(af:1,valid:0)", "TTHM=HA") is NEVER
    assert observation(init, "L0:LDR W4,[X3];", "fault(P0:L0,x,MMU:AccessFlag)") is ALWAYS


def test_hardware_sets_the_dirty_state_for_a_store_only() -> None:
    init, head = "pte_x=(db:0,dbm:1);", "TTHM=HD"
    dirty = "pte_x=(db:1,dbm:1)"
    assert observation(init, "STR W7,[X3];", rf"{dirty} /\ x=3", head) is ALWAYS
    assert observation(init, "LDR W4,[X3];", dirty, head) is NEVER
    assert observation(init, "L0:STR W7,[X3];", "fault(P0:L0,x,MMU:Permission)") is ALWAYS
    assert observation("pte_x=(db:0);", "L0:STR W7,[X3];", "fault(P0:L0,x)", head) is ALWAYS


def test_a_store_goes_to_the_page_that_its_dirty_update_was_made_for() -> None:
    clean = "pte_x=(db:0,dbm:1); 0:X0=(oa:phy_y,db:0,dbm:1);"
    early = r"x=3 /\ pte_x=(oa:phy_y,db:0,dbm:1)"
    code = "STR X0,[X1];{}STR W7,[X3];"
    assert observation(clean, code.format(""), early, "TTHM=HD") is SOMETIMES
    assert observation(clean, code.format("DSB ISH;ISB;"), early, "TTHM=HD") is NEVER
    torn = r"x=3 /\ pte_x=(oa:phy_y,db:1,dbm:1)"
    assert observation(clean, code.format(""), torn, "TTHM=HD") is NEVER


@pytest.mark.parametrize(
    ("code", "proposition"),
    [
        ("SWP W7,W4,[X3];", r"x=3 /\ 0:X4=1"),
        ("LDADDAL W7,W4,[X3];", r"x=4 /\ 0:X4=1"),
        ("MOV W5,#1;CAS W5,W7,[X3];", r"x=3 /\ 0:X5=1"),
        ("MOV W5,#9;CAS W5,W7,[X3];", r"x=1 /\ 0:X5=1"),
        ("STADD W7,[X3];", "x=4"),
        ("LDAPR W4,[X3];STLR W7,[X3];", r"x=3 /\ 0:X4=1"),
        ("LDXR W4,[X3];STXR W5,W7,[X3];", r"x=3 /\ 0:X4=1 /\ 0:X5=0"),
        ("STP W7,W7,[X3];LDP W4,W5,[X3];", r"0:X4=3 /\ 0:X5=3"),
        ("CMP W7,#3;CSET W4,EQ;CBNZ W4,L;MOV W4,#5;L:;", "0:X4=1"),
        ("STRB W7,[X3,#1];", "x=0x301"),
    ],
)
def test_instructions_do_what_they_do(code: str, proposition: str) -> None:
    assert observation("", code, proposition) is ALWAYS


def test_a_handler_goes_on_where_a_thread_without_one_ends() -> None:
    text = (
        "AArch64 T\n{ x=1; pte_x=(valid:0); 0:X1=pte_x; 0:X3=x; 0:X0=(oa:phy_x); }\n"
        "P0              | P0.F        ;\n"
        "L0: LDR W4,[X3] | STR X0,[X1] ;\n"
        "MOV W5,#7       | DSB ISH     ;\n"
        "                | ERET        ;\n"
        "forall 0:X4=1 /\\ 0:X5=7 /\\ fault(P0:L0,x,MMU:Translation)"
    )
    assert run_test(parse_test(text)).observation is ALWAYS
    alone = explored("pte_x=(valid:0);", "L0: LDR W4,[X3];MOV W5,#7;", "exists 0:X5=7")
    assert alone.observation is NEVER


def test_a_thread_of_el0_is_kept_out_of_pages_of_el1() -> None:
    code = "L0:LDR W4,[X3];"
    faults = "fault(P0:L0,x,MMU:Permission)"
    assert observation("pte_x=(el0:0);", code, faults, "EL0=P0") is ALWAYS
    assert observation("pte_x=(el0:0);", code, faults) is NEVER
    assert observation("", code, faults, "EL0=P0") is NEVER


def test_a_stale_descriptor_of_a_descriptor_may_show_it_still() -> None:
    init = "0:X2=PTE(PTE(x)); 0:X0=(oa:PTE(x),valid:0,el0:0);"
    code = "STR X0,[X2];{}L0:LDR X4,[X1];"
    proposition = "~fault(P0:L0,PTE(x))"
    assert observation(init, code.format(""), proposition) is SOMETIMES
    full = "DSB ISH;TLBI VMALLE1IS;DSB ISH;ISB;"
    assert observation(init, code.format(full), proposition) is NEVER


def test_a_bound_that_is_reached_makes_the_verdict_incomplete() -> None:
    test = parse_test(
        "AArch64 T\n{ 0:X0=(oa:phy_y); 0:X1=pte_x; 0:X3=x; y=1; }\nP0;\n"
        "STR X0,[X1];\nLDR W4,[X3];\nexists 0:X4=1"
    )
    verdict = run_test(test, Bounds(executions=1))
    assert verdict.incomplete == ("1 executions",)
    assert len(verdict.states) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("MRS X0,PMCCNTR_EL0;", "no two runs would read the same"),
        ("MSR HCR_EL2,X0;", "undefined at its exception level"),
        ("SVC #0;", "an exception that is no abort"),
    ],
)
def test_what_no_condition_has_words_for_is_refused_with_the_file(code: str, message: str) -> None:
    test = parse_test(f"AArch64 T\n{{ }}\nP0;\n{code}\nforall true", "t.litmus")
    with pytest.raises(UnsupportedError, match=rf"^t.litmus: .*{message}"):
        run_test(test)


def test_an_exception_that_is_no_abort_leads_to_a_handler() -> None:
    text = "AArch64 T\n{ }\nP0 | P0.F;\nSVC #0 | MOV X5,#1;\nMOV X6,#2 | ERET;\n"
    test = parse_test(f"{text}forall 0:X5=1 /\\ 0:X6=2 /\\ ~fault(P0)")
    assert run_test(test).observation is ALWAYS


def test_each_state_has_the_witness_of_the_shortest_execution() -> None:
    verdict = explored("0:X0=(oa:phy_y);", "STR X0,[X1];LDR W4,[X3];", "exists 0:X4=1")
    assert [(state.text, state.holds, len(state.witness)) for state in verdict.states] == [
        ("0:X4=1;", True, 1),
        ("0:X4=2;", False, 1),
    ]
    assert verdict.states[0].witness != verdict.states[1].witness
