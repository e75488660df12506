"""Who has written into the database: a checkpoint of others is told from another file's content."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.store import queries
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.writer import Writer
from tests.store.test_writer import execution, insert

if TYPE_CHECKING:
    from pathlib import Path

OUTSIDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
for statement in sys.argv[2:]:
    try:
        connection.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        print(error)
connection.close()
"""


def outsider(path: Path, *statements: str) -> str:
    """Execute statements in another process, through a connection that may write."""
    command = [sys.executable, "-c", OUTSIDER, str(path), *statements]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def count(path: Path) -> int:
    with Reader(path) as reader:
        return len(reader.all(queries.newest_executions(1000)))


@pytest.mark.parametrize("mode", ["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
def test_a_checkpoint_of_others_harms_nothing(writer: Writer, path: Path, mode: str) -> None:
    for _ in range(3):
        insert(writer, execution())
        outsider(path, f"PRAGMA wal_checkpoint({mode})")
        assert writer.displacement() is None
        assert writer.take_suspicion()
        outsider(path, f"PRAGMA wal_checkpoint({mode})")
        insert(writer, execution())
        assert writer.displacement() is None
    assert count(path) == 6


@pytest.mark.parametrize(
    "statements",
    [
        ["VACUUM"],
        ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"],
        ["PRAGMA journal_mode=DELETE"],
        ["PRAGMA journal_mode=TRUNCATE", "PRAGMA journal_mode=WAL"],
        ["REINDEX", "PRAGMA wal_checkpoint(FULL)"],
        ["PRAGMA auto_vacuum=FULL", "VACUUM", "PRAGMA wal_checkpoint(RESTART)"],
        ["SELECT count(*) FROM executions"],
    ],
)
def test_what_others_write_harms_nothing(writer: Writer, path: Path, statements: list[str]) -> None:
    for _ in range(3):
        insert(writer, execution())
        outsider(path, *statements)
        assert writer.displacement() is None
        insert(writer, execution())
        writer.checkpoint()
        assert writer.displacement() is None
    assert count(path) == 6


def test_a_touch_harms_nothing(writer: Writer, path: Path) -> None:
    insert(writer, execution())
    writer.checkpoint()
    insert(writer, execution())
    os.utime(path, (1, 1))
    assert writer.displacement() is None
    content = path.read_bytes()
    subprocess.run(["dd", f"of={path}", "status=none"], input=content, check=True)
    assert writer.displacement() is None
    assert count(path) == 2


def test_another_database_in_its_place_is_noticed(writer: Writer, path: Path) -> None:
    other = path.with_name("other.db")
    Writer(other).close()
    insert(writer, execution())
    outsider(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    assert writer.displacement() is None
    insert(writer, execution())
    subprocess.run(["cp", str(other), str(path)], check=True)
    assert writer.displacement() == "overwritten"
    before = path.read_bytes()
    writer.checkpoint()
    assert path.read_bytes() == before  # nothing of ours is written into it


def test_an_older_state_of_itself_in_its_place_is_noticed(writer: Writer, path: Path) -> None:
    insert(writer, execution())
    writer.checkpoint()
    older = path.with_name("older.db")
    subprocess.run(["cp", str(path), str(older)], check=True)
    insert(writer, execution())
    writer.checkpoint()
    subprocess.run(["cp", str(older), str(path)], check=True)
    assert writer.displacement() == "overwritten"


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_a_database_that_was_cut_is_noticed(writer: Writer, path: Path, size: int) -> None:
    insert(writer, execution())
    writer.checkpoint()
    os.truncate(path, size)
    assert writer.displacement() == "overwritten"


def test_a_checkpoint_of_others_that_was_killed_half_way(writer: Writer, path: Path) -> None:
    insert(writer, execution())
    index = path.with_name(path.name + "-shm")
    code = (
        "import sys, os\n"
        "index = os.open(sys.argv[2], os.O_RDWR); os.pwrite(index, b'\\x05', 128)\n"
        "database = os.open(sys.argv[1], os.O_RDWR); os.pwrite(database, b'x' * 100, 8192)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path), str(index)], check=True)
    assert writer.displacement() is None  # what it wrote is in the log, and is written again
    assert writer.take_suspicion()


def test_the_locks_of_sqlite_are_kept(writer: Writer, path: Path) -> None:
    """The last connection of another program must not take the log away from under ours."""
    insert(writer, execution())
    wal = path.with_name(path.name + "-wal").stat().st_ino
    for _ in range(3):
        assert "locked" in outsider(path, "PRAGMA journal_mode=DELETE")
        os.utime(path, (1, 1))
        assert writer.displacement() is None
    assert path.with_name(path.name + "-wal").stat().st_ino == wal
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
