"""docs/architecture.md speaks of files that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_place_that_is_named_exists() -> None:
    named = set(re.findall(r"`(harness/[\w./]+)`", ARCHITECTURE))
    assert {"harness/vmsa/", "harness/machine/"} <= named
    assert not [place for place in sorted(named) if not (ROOT / place).exists()]
