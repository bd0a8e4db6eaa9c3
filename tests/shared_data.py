"""Where the data that is not part of the project lies: real logs, cases answered by Arm's ASL."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data() -> Path:
    """Return the folder of the shared data; the calling test skips where there is none."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MMU_HARNESS_SHARED", default))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder} (set MMU_HARNESS_SHARED)")
    return folder
