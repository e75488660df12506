from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.core.home import Home
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from pathlib import Path


def test_all_directories_are_ours_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "state" / "stepflow")
    prepare_home(home)
    prepare_home(home)
    assert {directory.stat().st_mode & 0o777 for directory in home.directories} == {0o700}


def test_a_directory_that_others_can_read_stays_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "public"
    root.mkdir(mode=0o755)
    root.chmod(0o755)
    with pytest.raises(HomeProblem, match="can be read by others; run: chmod 700"):
        prepare_home(Home(root))
    assert list(root.iterdir()) == []


def test_a_directory_of_something_else_stays_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "letters"
    root.mkdir(mode=0o700)
    letter = root / "letter.txt"
    letter.touch()
    with pytest.raises(HomeProblem, match="holds other files, and nothing of ours"):
        prepare_home(Home(root))
    assert list(root.iterdir()) == [letter]


@pytest.mark.parametrize("name", ["stepflow.db", "requests", "runner.lock"])
def test_a_home_with_something_missing_is_mended(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    entry = home.root / name
    entry.mkdir(mode=0o700) if name == "requests" else entry.touch()
    prepare_home(home)
    assert all(directory.is_dir() for directory in home.directories)


def test_an_empty_directory_becomes_a_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    prepare_home(home)
    assert home.refused.is_dir()
