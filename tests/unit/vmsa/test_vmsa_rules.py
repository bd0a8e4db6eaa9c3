"""Every pseudocode function that the model cites has tests that say so, of both its outcomes."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import harness.vmsa

MODEL = sorted(Path(harness.vmsa.__file__).parent.rglob("*.py"))
TESTS = sorted(Path(__file__).parents[1].glob("*/test_*.py"))
CITATION = re.compile(r"\bAArch64\.[A-Za-z0-9]+")
FAULTING = re.compile(r"\.fault\(|allowed\(|invalid_by")
SUCCEEDING = re.compile(r"\.ok\(|allowed\(")


def cited() -> set[str]:
    return {name for path in MODEL for name in CITATION.findall(path.read_text())}


def rules_of_faults() -> set[str]:
    """Return the rules that a fault can carry: literals in the model's calls of FaultRecord."""
    found: set[str] = set()
    for path in MODEL:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "FaultRecord":
                literals = [each.value for each in node.args if isinstance(each, ast.Constant)]
                found |= {each for each in literals if isinstance(each, str)}
    return found


@cache
def marked() -> Mapping[str, str]:
    """Return, by rule, the source of all tests that are marked with it."""
    sources: dict[str, str] = defaultdict(str)
    for path in TESTS:
        text = path.read_text()
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                for rule in _rules(node):
                    sources[rule] += ast.get_source_segment(text, node) or ""
    return sources


def _rules(node: ast.FunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("rule"):
            yield from (
                str(each.value) for each in decorator.args if isinstance(each, ast.Constant)
            )


@pytest.mark.parametrize("name", sorted(cited()))
def test_every_function_cited_has_a_test_marked_with_it(name: str) -> None:
    assert name in marked()


@pytest.mark.parametrize("name", sorted(rules_of_faults()))
def test_every_rule_of_a_fault_is_tested_both_ways(name: str) -> None:
    source = marked()[name]
    assert FAULTING.search(source)
    assert SUCCEEDING.search(source)


def test_no_test_is_marked_with_a_function_that_the_model_does_not_cite() -> None:
    text = "".join(path.read_text() for path in MODEL)
    assert [name for name in marked() if name not in text] == []
