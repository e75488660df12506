from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.tui.forms.command_completion import MOST, complete_command, complete_directory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("one two", "other", ".hidden", "bin"):
        (tmp_path / name).mkdir()
    for name in ("one.sh", "bin/onward", "bad\x1bname", "it's"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("./o", ["./one two/", "./one.sh", "./other/"]),
        ("o", ["onward"]),
        ("run o", ["run one two/", "run one.sh", "run other/"]),
        ("run one\\ t", ["run one two/"]),
        ("run it", ["run it's"]),
        ("run .", ["run .hidden/"]),
        ("run 'o", []),
        ("run ", []),
        ("run ba", []),
        ("", []),
        ("run nowhere/x", []),
        ("run ~nobody-of-this-name/x", []),
        ("run a\0/x", []),
    ],
)
def test_the_last_word_is_completed(place: Path, text: str, found: list[str]) -> None:
    made = complete_command(text, str(place), f"{place}/nowhere:{place}/bin")
    escaped = [one.replace("one two", "one\\ two").replace("'", "\\'") for one in found]
    assert made == escaped


def test_the_home_directory_is_known(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place))
    assert complete_command("run ~/oth", "/", "") == ["run ~/other/"]
    assert complete_directory("~/o", "/") == ["~/one two/", "~/other/"]


def test_only_directories_are_completed_for_one(place: Path) -> None:
    assert complete_directory(f"{place}/o", "/") == [f"{place}/one two/", f"{place}/other/"]
    assert complete_directory("o", str(place)) == ["one two/", "other/"]
    assert complete_directory("", str(place)) == []


def test_not_all_of_many_are_offered(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"f{number:03}").touch()
    found = complete_command("run f", str(tmp_path), "")
    assert found == [f"run f{number:03}" for number in range(MOST)]
