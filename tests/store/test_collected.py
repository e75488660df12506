from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.home import Home
from stepflow_tui.store.collected import copy_collected, open_collected
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare_home(home)
    (home.artifacts / "x" / "1").mkdir(parents=True)
    (home.artifacts / "x" / "1" / "a.txt").write_text("hello")
    (tmp_path / "secret").write_text("secret")
    return home


def test_a_copy_is_opened(home: Home) -> None:
    with open_collected(home, "artifacts/x/1/a.txt") as descriptor:
        assert os.read(descriptor, 9) == b"hello"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


@pytest.mark.parametrize(
    "stored", ["", "artifacts", "spool/x", "/etc/passwd", "artifacts/../stepflow.db", "../secret"]
)
def test_only_what_lies_beneath_the_artifacts(home: Home, stored: str) -> None:
    with pytest.raises(StepflowError, match="does not lie beneath"), open_collected(home, stored):
        pytest.fail("opened")


def test_no_link_is_followed(home: Home, tmp_path: Path) -> None:
    (home.artifacts / "x" / "1" / "link").symlink_to(tmp_path / "secret")
    (home.artifacts / "y").symlink_to(tmp_path)
    for stored in ("artifacts/x/1/link", "artifacts/y/secret"):
        with pytest.raises(StepflowError, match="cannot read"), open_collected(home, stored):
            pytest.fail("opened")


def test_the_artifacts_may_lie_on_another_disk(home: Home, tmp_path: Path) -> None:
    home.artifacts.rename(tmp_path / "large")
    home.artifacts.symlink_to(tmp_path / "large")
    with open_collected(home, "artifacts/x/1/a.txt") as descriptor:
        assert os.read(descriptor, 9) == b"hello"


def test_what_was_put_in_its_place_is_refused(home: Home) -> None:
    os.mkfifo(home.artifacts / "x" / "1" / "fifo")
    with (
        pytest.raises(StepflowError, match="neither a file nor a directory"),
        open_collected(home, "artifacts/x/1/fifo"),
    ):
        pytest.fail("opened")
    with (
        pytest.raises(StepflowError, match=r"cannot read x/1/gone: No such file"),
        open_collected(home, "artifacts/x/1/gone"),
    ):
        pytest.fail("opened")


def test_a_file_is_copied_with_its_permissions(home: Home, tmp_path: Path) -> None:
    (home.artifacts / "x" / "1" / "a.txt").chmod(0o750)
    target = tmp_path / "copy"
    copy_collected(home, "artifacts/x/1/a.txt", target)
    assert target.read_text() == "hello"
    assert target.stat().st_mode & 0o777 == 0o750


def test_nothing_is_overwritten_unasked(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        copy_collected(home, "artifacts/x/1/a.txt", target)
    assert target.read_text() == "mine"
    copy_collected(home, "artifacts/x/1/a.txt", target, replace=True)
    assert target.read_text() == "hello"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "home", "secret"]


def test_a_link_at_the_target_is_replaced_and_not_written_through(
    home: Home, tmp_path: Path
) -> None:
    target = tmp_path / "copy"
    target.symlink_to(tmp_path / "secret")
    copy_collected(home, "artifacts/x/1/a.txt", target, replace=True)
    assert (target.is_symlink(), target.read_text()) == (False, "hello")
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_copy_that_fails_leaves_nothing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", fail)
    (tmp_path / "copy").write_text("mine")
    for target, replace in ((tmp_path / "new", False), (tmp_path / "copy", True)):
        with pytest.raises(OSError, match="No space left"):
            copy_collected(home, "artifacts/x/1/a.txt", target, replace=replace)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "home", "secret"]
    assert (tmp_path / "copy").read_text() == "mine"


def test_a_directory_is_copied_without_links(home: Home, tmp_path: Path) -> None:
    deep = home.artifacts / "x" / "1" / "d" / "deep"
    deep.mkdir(parents=True)
    (deep / "f").write_text("f")
    (deep / "link").symlink_to(tmp_path / "secret")
    target = tmp_path / "copy"
    copy_collected(home, "artifacts/x/1/d", target)
    assert [str(path.relative_to(target)) for path in sorted(target.rglob("*"))] == [
        "deep",
        "deep/f",
    ]
    with pytest.raises(FileExistsError):
        copy_collected(home, "artifacts/x/1/d", target)
    (target / "deep" / "f").write_text("other")
    copy_collected(home, "artifacts/x/1/d", target, replace=True)
    assert (target / "deep" / "f").read_text() == "f"
