from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.runner import beneath
from stepflow_tui.runner.beneath import Beneath, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

LEADS_OUT = "leads out of the working directory"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    (work / "a").mkdir(parents=True)
    (work / "a/b.txt").write_text("inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    return work


def read(cwd: Path | str, path: str, *closed: Path) -> str:
    """The content of the file `path`."""
    with Beneath(str(cwd), closed) as tree:
        descriptor = tree.open(tree.resolve(tree.relative(path)))
        with os.fdopen(descriptor, encoding="utf-8") as file:
            return file.read()


def why_refused(cwd: Path | str, path: str, *closed: Path) -> str:
    with pytest.raises(Refused) as refusal:
        read(cwd, path, *closed)
    return refusal.value.reason


# --- paths -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["a/b.txt", "./a//b.txt", "a/../a/b.txt", "a/./b.txt/"])
def test_a_path_beneath_is_opened(work: Path, path: str) -> None:
    assert read(work, path) == "inside"


@pytest.mark.parametrize(
    "path", ["../outside/secret", "a/../../outside/secret", "..", "/etc/passwd", "/", "/../.."]
)
def test_no_path_leads_out(work: Path, path: str) -> None:
    assert why_refused(work, path) == LEADS_OUT


def test_an_absolute_path_beneath_is_opened_by_either_name(work: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(work)
    assert read(work, f"{work}/a/b.txt") == "inside"
    assert read(alias, f"{alias}/a/b.txt") == "inside"
    assert read(alias, f"{work}/a/b.txt") == "inside"
    assert why_refused(work, f"{alias}/a/b.txt") == LEADS_OUT
    assert why_refused(work, f"{work}/../outside/secret") == LEADS_OUT


def test_an_absolute_path_with_the_same_beginning_lies_elsewhere(work: Path) -> None:
    Path(f"{work}-2").mkdir()
    Path(f"{work}-2/x").write_text("x")
    assert why_refused(work, f"{work}-2/x") == LEADS_OUT


@pytest.mark.parametrize("path", ["missing", "missing/../a/b.txt", "a/missing", "dangling"])
def test_what_is_missing_is_not_found(work: Path, path: str) -> None:
    (work / "dangling").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError):
        read(work, path)


def test_a_working_directory_that_is_gone_is_refused(work: Path) -> None:
    reason = "the working directory cannot be opened: No such file or directory"
    assert why_refused(work / "gone", "x") == reason


# --- links -----------------------------------------------------------------------------------


def test_links_that_stay_beneath_are_followed(work: Path) -> None:
    (work / "latest").symlink_to("a")
    (work / "absolute").symlink_to(work / "a")
    (work / "a/up").symlink_to("../latest/../a/b.txt")
    assert read(work, "latest/b.txt") == "inside"
    assert read(work, "absolute/b.txt") == "inside"
    assert read(work, "latest/up") == "inside"


@pytest.mark.parametrize("target", ["../outside", "/etc", "a/../../outside", "/"])
@pytest.mark.parametrize("path", ["link", "link/secret", "second"])
def test_a_link_that_leads_out_is_refused(work: Path, target: str, path: str) -> None:
    (work / "link").symlink_to(target)
    (work / "second").symlink_to("link")
    assert why_refused(work, path) == LEADS_OUT


def test_a_link_in_a_circle_is_refused(work: Path) -> None:
    (work / "x").symlink_to("y")
    (work / "y").symlink_to("x")
    assert why_refused(work, "x") == "leads through too many symbolic links"


def test_links_of_the_kernel_are_text_like_others() -> None:
    assert why_refused("/proc/self", "cwd/x") == LEADS_OUT


# --- what is not to be collected -------------------------------------------------------------


def test_special_files_are_refused_unopened(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(name: str, _parent: int, _seen: os.stat_result) -> int:
        raise AssertionError(name)

    os.mkfifo(work / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(work / "socket"))
    monkeypatch.setattr(beneath, "_open", opened)
    assert why_refused(work, "pipe") == "is a FIFO"
    assert why_refused(work, "socket") == "is a socket"
    assert why_refused("/dev", "null") == "is a device"


def test_a_hard_link_to_a_file_of_another_user_is_refused(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "linked").hardlink_to(work.parent / "outside/secret")
    assert read(work, "linked") == "secret", "our own may have two names"
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert why_refused(work, "linked") == "is a hard link to another user's file"
    assert read(work, "a/b.txt") == "inside", "another user's file with one name lies here"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(work: Path) -> None:
    (work / "a/b.txt").chmod(0)
    assert why_refused(work, "a/b.txt") == "may not be read"
    (work / "a").chmod(0)
    with pytest.raises(PermissionError):
        read(work, "a/b.txt")
    (work / "a").chmod(0o700)


def test_closed_directories_are_never_entered(work: Path) -> None:
    assert why_refused(work, "a/b.txt", work / "a") == "holds our own files"
    assert why_refused(work, "a/b.txt", work) == "holds our own files"


# --- races -----------------------------------------------------------------------------------


def test_a_link_put_in_after_the_path_was_resolved_is_refused(work: Path) -> None:
    (work / "a/secret").touch()
    with Beneath(str(work), []) as tree:
        real = tree.resolve(("a", "secret"))
        (work / "a").rename(work / "old")
        (work / "a").symlink_to(work.parent / "outside")
        with pytest.raises(Refused, match="is a symbolic link"):
            tree.open(real)


def _link(path: Path) -> None:
    path.symlink_to("../../outside/secret")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (_link, "changed while it was collected"),
        (_socket, "changed while it was collected"),
        (os.mkfifo, "is a FIFO"),
    ],
)
def test_what_is_put_in_just_before_the_open_is_refused(
    work: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], None], reason: str
) -> None:
    original = beneath._open

    def swap_first(name: str, parent: int, seen: os.stat_result) -> int:
        if name == "b.txt":
            (work / "a/b.txt").unlink()
            put(work / "a/b.txt")
        return original(name, parent, seen)

    monkeypatch.setattr(beneath, "_open", swap_first)
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - names of descriptors
    assert why_refused(work, "a/b.txt") == reason
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208 - as above
