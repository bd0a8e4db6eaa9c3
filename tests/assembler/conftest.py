"""What the assembler's tests share."""

from __future__ import annotations

import shutil

import pytest

from harness.arch.addresses import VirtualAddress

BASE = VirtualAddress(0xFFFF_8000_0800_0000)


@pytest.fixture(params=["keystone", "gnu"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each assembler in turn; GNU as is skipped where it is not installed."""
    name: str = request.param
    if name == "gnu" and shutil.which("aarch64-linux-gnu-as") is None:
        pytest.skip("aarch64-linux-gnu-as is not installed: apt install binutils-aarch64-linux-gnu")
    return name
