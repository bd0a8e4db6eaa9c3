"""The reference model against the answers of Arm's own specification, category by category."""

from __future__ import annotations

import pytest
from shared_data import shared_data

from harness.cases import compare, read_cases
from harness.oracle.translator import ModelTranslator

CASES = 1500
CATEGORIES = (
    "basic", "align", "lpa2", "hafdbs", "priv", "at", "pie", "poe", "choices", "atomic", "d128",
    "s2", "s2at", "el2", "el20",
)  # fmt: skip


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_model_agrees_with_every_case_of_the_specification(category: str) -> None:
    translator = ModelTranslator()
    asked = 0
    disagreements = []
    for case in read_cases(str(shared_data() / "spec" / f"{category}.jsonl.gz")):
        asked += 1
        assert case.expect is not None
        differences = compare(case.expect, translator.answer(case))
        if differences:
            disagreements.append(f"{case.id}: {'; '.join(map(str, differences))}")
    assert not disagreements
    assert asked == CASES
