"""Scenarios by path and by name, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import library
from harness.errors import HarnessError, ScenarioError
from harness.scenario_file import SUFFIX


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands for the shipped scenarios."""
    folder = tmp_path / "_asm"
    folder.mkdir()
    for name in ("stale_block", "invalid_block"):
        (folder / f"{name}{SUFFIX}").touch()
    (folder / "store.S").touch()
    monkeypatch.setattr(library, "_PLACES", (tmp_path / "absent", folder))
    return folder


def test_the_checkout_has_its_scenarios_beside_the_package() -> None:
    assert library.folder() == Path(__file__).parents[2] / "asm"
    assert "invalid_block_store" in library.names()


def test_the_first_place_that_exists_is_the_one(shipped: Path) -> None:
    assert library.folder() == shipped
    assert library.names() == ["invalid_block", "stale_block"]


def test_an_installation_without_scenarios_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "_PLACES", (tmp_path / "a", tmp_path / "b"))
    with pytest.raises(HarnessError, match="the shipped scenarios are missing"):
        library.folder()


def test_a_name_is_a_shipped_scenario(shipped: Path) -> None:
    assert library.find("stale_block") == shipped / f"stale_block{SUFFIX}"


@pytest.mark.parametrize(
    "name", [f"x{SUFFIX}", f"./x{SUFFIX}", f"/a/b/x{SUFFIX}", "folder/stale_block"]
)
@pytest.mark.usefixtures("shipped")
def test_a_path_is_taken_as_it_is(name: str) -> None:
    assert library.find(name) == Path(name)


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("name", "hint"), [("stale_blok", "did you mean 'stale_block'?"), ("zzz", "run --list")]
)
def test_a_name_that_is_not_shipped_comes_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(ScenarioError, match=f"no shipped scenario is called '{name}'") as caught:
        library.find(name)
    assert hint in caught.value.reason


@pytest.mark.usefixtures("shipped")
def test_a_file_of_another_name_is_no_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store.toml").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError, match=r"a scenario file is called NAME\.scenario\.toml"):
        library.find("store.toml")
