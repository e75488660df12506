from __future__ import annotations

import os
import sqlite3
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import StoreProblem, UsageProblem
from stepflow_tui.core.home import Home
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.store import queries
from stepflow_tui.store.backup import Backup, check_target
from stepflow_tui.store.chunks import pack
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.writer import WriteFailed, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MB = 1_000_000


def insert(writer: Writer) -> int:
    record = Execution(0, new_id(), "build", ["make"], "/", Status.RUNNING, created_at=1)
    with writer.transaction(durable=False) as transaction:
        number = transaction.insert_execution(record)
    assert number is not None
    return number


def append(writer: Writer, number: int, data: bytes, at: int) -> None:
    with writer.transaction(durable=False) as transaction:
        transaction.append_log(number, pack(data, first_line=0, first_byte=at, arrived_at=0))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies" / "copy.db"


@pytest.fixture
def full(writer: Writer) -> Iterator[Writer]:
    """A writer of a database of some megabytes."""
    number = insert(writer)
    append(writer, number, os.urandom(5 * MB), 0)
    yield writer
    assert not [thread for thread in threading.enumerate() if thread.name == "backup"]


def begin(writer: Writer, target: Path, *, force: bool = False) -> Backup:
    return Backup(writer, target.with_name(".tmp"), target, force=force)


def log_size(reader: Reader, number: int) -> int:
    return sum(chunk.byte_count for chunk in reader.all(queries.chunks_from(number, 0, 0, -1)))


def test_a_copy_holds_all_that_was_committed_while_it_was_made(full: Writer, target: Path) -> None:
    number, size, slices = insert(full), 0, 0
    with begin(full, target) as backup:
        while backup.is_copying:
            append(full, number, b"x" * 1000, size)  # small, and never compressed
            size += 1000
            slices += 1
            assert backup.step()
        last_copied = size - 1000  # the last step only found that nothing was left
        append(full, number, b"too late", size)
        while backup.step():
            backup._thread.join()
    assert slices > 5
    with Reader(target) as copy:
        assert log_size(copy, 1) == 5 * MB
        assert log_size(copy, number) == last_copied
    assert list(target.parent.iterdir()) == [target]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    connection = sqlite3.connect(target)
    assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    assert list(target.parent.iterdir()) == [target]


def finish(backup: Backup) -> None:
    while backup.step():
        if not backup.is_copying:
            backup._thread.join()


def test_a_failed_commit_in_between_does_no_harm(full: Writer, target: Path) -> None:
    with begin(full, target) as backup:
        backup.step()
        backup.step()
        with pytest.raises(WriteFailed), full.transaction(durable=False) as transaction:
            transaction.append_log(99, pack(b"nobody's", first_line=0, first_byte=0, arrived_at=0))
        finish(backup)
    with Reader(target) as copy:
        assert log_size(copy, 1) == 5 * MB


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_an_abandoned_copy_leaves_nothing(full: Writer, target: Path, steps: int) -> None:
    with begin(full, target) as backup:
        for _ in range(steps):
            assert backup.step()
    assert list(target.parent.iterdir()) == []
    insert(full)


def test_a_copy_abandoned_while_it_is_checked_leaves_nothing(
    full: Writer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def check_abandoned(self: Backup) -> None:
        if not self.is_copying:
            reached.set()
            go_on.wait()
        original(self)

    original = Backup._check_abandoned
    monkeypatch.setattr(Backup, "_check_abandoned", check_abandoned)
    with begin(full, target) as backup:
        while backup.is_copying:
            backup.step()
        reached.wait()
        backup._abandoned = True
        go_on.set()
    assert list(target.parent.iterdir()) == []


def test_what_a_killed_runner_left_is_written_anew(full: Writer, target: Path) -> None:
    target.with_name(".tmp").write_text("half a copy")
    target.with_name(".tmp-journal").write_text("")
    with begin(full, target) as backup:
        finish(backup)
    assert list(target.parent.iterdir()) == [target]


def test_a_file_that_came_meanwhile_is_not_replaced(full: Writer, target: Path) -> None:
    with begin(full, target) as backup:
        backup.step()
        target.write_text("mine")
        with pytest.raises(StoreProblem, match=r"cannot write .*: it exists by now"):
            finish(backup)
    assert target.read_text() == "mine"
    assert list(target.parent.iterdir()) == [target]
    with begin(full, target, force=True) as backup:
        finish(backup)
    with Reader(target) as copy:
        assert log_size(copy, 1) == 5 * MB


def test_a_directory_that_goes_is_a_sentence(full: Writer, target: Path) -> None:
    target.parent.rmdir()
    with begin(full, target) as backup, pytest.raises(StoreProblem, match="No such file"):
        finish(backup)


def test_a_connection_that_cannot_copy_is_a_sentence(full: Writer, target: Path) -> None:
    connection = full._connection

    class Other:
        """Has nothing but what writing takes."""

        execute = connection.execute

    full._connection = Other()  # type: ignore[assignment]
    with begin(full, target) as backup, pytest.raises(StoreProblem, match="cannot make copies"):
        finish(backup)
    full._connection = connection
    assert list(target.parent.iterdir()) == []


def test_a_damaged_database_is_not_called_a_copy(path: Path, target: Path) -> None:
    writer = Writer(path)
    number = insert(writer)
    append(writer, number, os.urandom(MB), 0)
    writer.close()
    with path.open("r+b") as file:
        file.seek(4096 * 100)
        file.write(os.urandom(4096 * 50))
    writer = Writer(path)
    with begin(writer, target) as backup, pytest.raises(StoreProblem, match="cannot write"):
        finish(backup)
    assert list(target.parent.iterdir()) == []
    writer.close()


def test_where_no_copy_can_be_put(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    (tmp_path / "into").symlink_to(home.root)
    (tmp_path / "there").touch()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "directory").mkdir()

    def objection(name: str, *, force: bool = False) -> str | None:
        try:
            check_target(home, tmp_path / name, force=force)
        except UsageProblem as problem:
            return str(problem).replace(f"{tmp_path}/", "")
        return None

    assert objection("new") is None
    assert objection("there") == "there exists; name another file, or replace it with --force"
    assert objection("there", force=True) is None
    assert objection("no/new") == "no directory no; make it, or name another"
    for name in ("home/stepflow.db", "home/x", "into/x"):
        refused = objection(name, force=True)
        assert refused == f"{name} lies in the home itself; name a file somewhere else"
    for name in ("link", "directory"):
        assert objection(name, force=True) == f"{name} is no plain file; name another"
    assert objection("x" * 300) == f"cannot use {'x' * 300}: File name too long"
