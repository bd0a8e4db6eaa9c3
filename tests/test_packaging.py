"""What the package promises about itself."""

from __future__ import annotations

from importlib.metadata import metadata
from importlib.resources import files


def test_a_package_that_calls_itself_typed_says_so_to_type_checkers() -> None:
    assert "Typing :: Typed" in (metadata("arm64-mmu-harness").get_all("Classifier") or [])
    assert files("harness").joinpath("py.typed").is_file()
