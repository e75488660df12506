from __future__ import annotations

import contextlib
import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.runner import copier
from stepflow_tui.runner.beneath import Beneath, Refused
from stepflow_tui.runner.copier import BLOCK, Budget, Copier, Copy, make_private

if TYPE_CHECKING:
    from collections.abc import Callable


class Bench:
    """A directory to copy from and a place to copy to."""

    def __init__(self, base: Path) -> None:
        self.cwd = base / "work"
        self.cwd.mkdir()
        self.place = base / "store/place"
        self.budget = Budget(max_bytes=10_000_000, max_files=100)

    def write(self, path: str, content: bytes = b"text") -> Path:
        target = self.cwd / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def copy(self, name: str, check: Callable[[], object] = lambda: None) -> Copy:
        with Beneath(str(self.cwd), []) as tree:
            return Copier(tree, self.budget, check).copy((name,), self.place, name)

    def copies(self) -> list[str]:
        return sorted(str(path.relative_to(self.place)) for path in self.place.rglob("*"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, BLOCK, 3 * BLOCK + 17])
def test_a_file_is_copied_whole(bench: Bench, size: int) -> None:
    content = os.urandom(size)
    bench.write("data", content)
    assert bench.copy("data") == Copy(size)
    assert (bench.place / "data").read_bytes() == content
    assert (bench.budget.used_bytes, bench.budget.used_files) == (size, 1)


def test_copies_are_private_whatever_the_umask(bench: Bench) -> None:
    bench.write("dist/bin/run").chmod(0o777)
    before = os.umask(0)
    try:
        bench.copy("dist")
    finally:
        os.umask(before)
    file = bench.place / "dist/bin/run"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, *list(file.parents)[:4])]
    assert modes == [0o600, 0o700, 0o700, 0o700, 0o700]


def test_a_growing_file_is_copied_as_it_was(bench: Bench) -> None:
    content = os.urandom(2 * BLOCK)
    file = bench.write("log", content)
    bench.budget.max_bytes = len(content)
    with file.open("ab", buffering=0) as writer:
        assert bench.copy("log", lambda: writer.write(b"x" * BLOCK)).size == 2 * BLOCK
    assert (bench.place / "log").read_bytes() == content


def test_a_shrinking_file_has_the_size_of_its_copy(bench: Bench) -> None:
    file = bench.write("log", b"x" * 3 * BLOCK)
    assert bench.copy("log", lambda: os.truncate(file, BLOCK)).size == BLOCK


def test_a_sparse_file_above_the_limit_is_refused_at_once(bench: Bench) -> None:
    os.truncate(bench.write("sparse"), 1 << 40)
    with pytest.raises(Refused, match="over the limit of 10,000,000 bytes") as refusal:
        bench.copy("sparse", pytest.fail)
    assert refusal.value.found is not None
    assert refusal.value.found.st_size == 1 << 40
    assert not bench.place.exists()


@pytest.mark.parametrize("name", ["file", "dir"])
def test_a_write_error_leaves_nothing_and_costs_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(_target: int, _block: bytes) -> None:
        raise OSError(28, "No space left on device")

    bench.write("file")
    bench.write("dir/file")
    monkeypatch.setattr(copier, "_write", full)
    before = descriptors()
    with pytest.raises(OSError, match="No space left"):
        bench.copy(name)
    assert not bench.place.exists()
    assert (bench.budget.used_bytes, bench.budget.used_files) == (0, 0)
    assert descriptors() == before


# --- directories -----------------------------------------------------------------------------


def test_a_directory_is_copied_with_all_that_is_in_it(bench: Bench) -> None:
    bench.write("dist/.hidden", b"1")
    bench.write("dist/a/b/c.txt", b"22")
    (bench.cwd / "dist/empty").mkdir()
    assert bench.copy("dist") == Copy(3, is_directory=True)
    inside = ["dist/.hidden", "dist/a", "dist/a/b", "dist/a/b/c.txt", "dist/empty"]
    assert bench.copies() == ["dist", *inside]
    assert (bench.place / "dist/a/b/c.txt").read_bytes() == b"22"
    assert (bench.budget.used_bytes, bench.budget.used_files) == (3, 2)


def test_links_and_special_files_are_left_out_and_said(bench: Bench, tmp_path: Path) -> None:
    bench.write("dist/a.txt")
    (bench.cwd / "dist/out").symlink_to(tmp_path)
    assert bench.copy("dist").left_out == "1 entry left out: symbolic links"
    copier.remove(bench.place)
    (bench.cwd / "dist/in").symlink_to("a.txt")
    os.mkfifo(bench.cwd / "dist/pipe")
    assert bench.copy("dist").left_out == "3 entries left out: FIFOs, symbolic links"
    assert bench.copies() == ["dist", "dist/a.txt"]


def test_names_that_are_no_text_are_kept(bench: Bench) -> None:
    bench.write("dir/" + os.fsdecode(b"bad\xff"))
    bench.copy("dir")
    assert os.listdir(bytes(bench.place / "dir")) == [b"bad\xff"]  # noqa: PTH208 - as bytes


def test_a_directory_deleted_while_it_is_copied_is_no_error(bench: Bench) -> None:
    for name in "abc":
        bench.write(f"dir/{name}/file")

    def delete() -> None:
        for path in sorted((bench.cwd / "dir").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    assert bench.copy("dir", delete) == Copy(0, is_directory=True)


def test_deep_directories_need_few_descriptors(bench: Bench) -> None:
    bench.write("top/" + "d/" * 60 + "file")
    used: list[int] = []
    before = descriptors()
    bench.copy("top", lambda: used.append(descriptors() - before))
    assert max(used) <= 6
    assert descriptors() == before


# --- the budget ------------------------------------------------------------------------------


def test_the_limits_are_met_exactly() -> None:
    budget = Budget(max_bytes=10, max_files=3)
    budget.claim(6)
    with pytest.raises(Refused, match="over the limit of 10 bytes for one execution"):
        budget.claim(5)
    budget.claim(4)
    budget.claim(0)
    with pytest.raises(Refused, match="over the limit of 3 files for one execution"):
        budget.claim(0)
    assert (budget.used_bytes, budget.used_files, budget.files_left) == (10, 3, 0)


def test_a_directory_over_the_limit_is_refused_whole_and_costs_nothing(bench: Bench) -> None:
    bench.budget.max_files = 2
    for name in "abc":
        bench.write(f"dir/{name}")
    before = descriptors()
    with pytest.raises(Refused, match="over the limit of 2 files") as refusal:
        bench.copy("dir")
    assert refusal.value.found is not None
    assert stat.S_ISDIR(refusal.value.found.st_mode)
    assert not bench.place.exists()
    assert (bench.budget.used_bytes, bench.budget.used_files) == (0, 0)
    assert descriptors() == before


def test_a_tree_of_nothing_but_directories_has_an_end(bench: Bench) -> None:
    bench.budget.max_files = 3
    (bench.cwd / "a/b/c").mkdir(parents=True)
    assert bench.copy("a") == Copy(0, is_directory=True)
    copier.remove(bench.place)
    (bench.cwd / "a/b/c/d").mkdir()
    with pytest.raises(Refused, match="holds more than 3 directories"):
        bench.copy("a")


def test_what_is_stored_already_is_counted(bench: Bench) -> None:
    bench.write("a/b", b"123")
    bench.write("c", b"4")
    bench.budget.count(bench.cwd)
    bench.budget.count(bench.cwd / "not-yet")
    assert (bench.budget.used_bytes, bench.budget.used_files) == (4, 2)


def test_a_file_that_cannot_be_read_is_left_out_of_its_directory_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "broken", "z"):
        bench.write(f"d/{name}", name.encode())
    broken = (bench.cwd / "d/broken").stat().st_ino
    true_read, true_open = os.read, os.open

    def read(descriptor: int, size: int) -> bytes:
        if os.fstat(descriptor).st_ino == broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return true_read(descriptor, size)

    monkeypatch.setattr(os, "read", read)
    copy = bench.copy("d")
    assert (copy.size, copy.left_out) == (2, "1 entry left out: unreadable files")
    assert bench.copies() == ["d", "d/a", "d/z"]
    assert (bench.budget.used_bytes, bench.budget.used_files) == (2, 2)
    os.link(bench.cwd / "d/broken", bench.cwd / "alone")
    copier.remove(bench.place)
    with pytest.raises(Refused) as refusal:
        bench.copy("alone")
    assert refusal.value.reason == "Input/output error"

    def open_(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "broken":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return true_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", open_)
    assert bench.copy("d").left_out == "1 entry left out: unreadable files"


def test_what_lies_too_deep_is_left_out_of_its_directory_alone(bench: Bench) -> None:
    bench.write("d/a", b"a")
    bench.write("d/z", b"z")
    with contextlib.chdir(bench.cwd / "d"):
        for _ in range(17):  # no longer reached by its whole path
            Path("n" * 255).mkdir()
            os.chdir("n" * 255)
        Path("deep").write_text("deep")
    copy = bench.copy("d")
    assert (copy.size, copy.left_out) == (2, "1 entry left out: paths that are too long")


def test_a_private_directory_is_made_by_several_at_once(tmp_path: Path) -> None:
    places = [tmp_path / str(number) / "execution" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        for place in places:
            list(pool.map(make_private, [place] * 8))
    assert all(place.stat().st_mode & 0o777 == 0o700 for place in places)
