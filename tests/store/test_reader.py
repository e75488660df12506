from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from stepflow_tui.core.errors import (
    DatabaseDamaged,
    DatabaseTooNew,
    NoDatabase,
    NotADatabase,
    StoreProblem,
)
from stepflow_tui.store import queries
from stepflow_tui.store.reader import AsyncReader, Reader
from stepflow_tui.store.schema import VERSION
from stepflow_tui.store.writer import Writer
from tests.store.test_writer import execution, insert


def test_a_missing_database_is_no_database(path: Path) -> None:
    with pytest.raises(NoDatabase, match="nothing was run"):
        Reader(path)
    assert not path.exists()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"certainly not a database, " * 100)
    with pytest.raises(DatabaseDamaged, match="not a database"):
        Reader(path)
    with pytest.raises(NotADatabase):
        Writer(path)
    assert path.read_bytes().startswith(b"certainly")


def test_a_value_that_nobody_has_written_is_damage(path: Path) -> None:
    writer = Writer(path)
    insert(writer, execution())
    other = sqlite3.connect(path)
    other.execute("PRAGMA ignore_check_constraints=ON")
    other.execute("UPDATE executions SET tags = '[garbage'")
    other.commit()
    other.close()
    with Reader(path) as reader, pytest.raises(DatabaseDamaged, match="move it away"):
        reader.all(queries.newest_executions(1))
    with pytest.raises(DatabaseDamaged):
        writer.all(queries.newest_executions(1))
    writer.close()


def test_another_programs_database_is_refused(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes (text)")
    other.execute("PRAGMA application_id=77")
    other.close()
    with pytest.raises(NotADatabase):
        Reader(path)
    with pytest.raises(NotADatabase):
        Writer(path)


def test_a_database_without_a_mark_of_ours_is_not_taken_over(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes (text)")
    other.close()
    with pytest.raises(NotADatabase):
        Writer(path)


def test_a_newer_database_is_refused_by_both_sides(path: Path) -> None:
    Writer(path).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version={VERSION + 1}")
    newer.close()
    with pytest.raises(DatabaseTooNew, match="upgrade stepflow-tui"):
        Reader(path)
    with pytest.raises(DatabaseTooNew):
        Writer(path)


def test_a_reader_cannot_write(writer: Writer, path: Path) -> None:
    insert(writer, execution())
    with Reader(path) as reader, pytest.raises(StoreProblem):
        reader.all(queries.Query("DELETE FROM executions RETURNING 1", (), tuple))
    assert len(writer.all(queries.newest_executions(9))) == 1


def test_data_version_tells_of_the_writers_commits(writer: Writer, path: Path) -> None:
    insert(writer, execution())
    with Reader(path) as reader:
        before = reader.data_version()
        assert reader.data_version() == before
        insert(writer, execution())
        assert reader.data_version() != before


def test_executions_are_found_and_filtered(writer: Writer) -> None:
    for name, tags in (("build", ["nightly"]), ("deploy", []), ("Build docs", ["nightly", "x"])):
        insert(writer, execution(name=name, tags=tags))
    names = [found.name for found in writer.all(queries.newest_executions(2))]
    assert names == ["Build docs", "deploy"]
    first = writer.all(queries.execution(1))[0]
    assert writer.all(queries.executions_with_prefix(first.id)) == [first]
    assert len(writer.all(queries.executions_with_prefix(first.id[:1]))) == 2
    assert writer.all(queries.executions_with_prefix("zz")) == []
    assert writer.all(queries.executions_with_prefix("%")) == []


def test_pages_of_executions_join(writer: Writer) -> None:
    for _ in range(10):
        insert(writer, execution())
    down = [found.number for found in writer.all(queries.executions_down(8, 3))]
    assert down == [8, 7, 6]
    assert [found.number for found in writer.all(queries.executions_up(8, 5))] == [9, 10]
    assert writer.all(queries.number_older_by(10, 4)) == [6]
    assert writer.all(queries.newer_count(7)) == [3]
    assert writer.all(queries.newest_number()) == [10]


async def test_the_asynchronous_reader_gives_the_same(writer: Writer, path: Path) -> None:
    number = insert(writer, execution(name="same"))
    reader = await AsyncReader.open(path)
    try:
        [found] = await reader.all(queries.execution(number))
        assert found == writer.all(queries.execution(number))[0]
        assert await reader.first(queries.execution(99)) is None
        before = await reader.pulse(0, 0)
        assert await reader.pulse(0, 0) == before
        insert(writer, execution())
        after = await reader.pulse(0, 0)
        assert (after.version != before.version, after.total) == (True, before.total + 1)
    finally:
        await reader.close()


async def test_the_asynchronous_reader_refuses_what_the_plain_one_refuses(path: Path) -> None:
    with pytest.raises(NoDatabase):
        await AsyncReader.open(path)
    path.write_bytes(b"no database" * 100)  # noqa: ASYNC240 - a few bytes
    with pytest.raises(NotADatabase):
        await AsyncReader.open(path)


def test_the_pulse_counts_what_has_come_since(path: Path) -> None:
    writer = Writer(path)
    for name in ("a", "b", "c"):
        insert(writer, execution(name=name))
    with Reader(path) as reader:
        found = [reader.all(queries.pulse(0, newest))[0].arrived for newest in (0, 1, 3)]
    writer.close()
    assert found == [3, 2, 0]


def test_the_first_pulse_takes_as_long_with_a_long_history(path: Path) -> None:
    writer, steps = Writer(path), list[int]()
    for count in (10, 500):
        with writer.transaction(durable=False) as transaction:
            for _ in range(count):
                transaction.insert_execution(execution())
        with Reader(path) as reader:
            steps.append(0)

            def count_step() -> int:
                steps[-1] += 1
                return 0

            reader._connection.set_progress_handler(count_step, 1)
            reader.all(queries.pulse(0, 0))
    writer.close()
    assert steps[1] == steps[0]


HALF_MADE = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA user_version=0")
connection.execute("PRAGMA cache_size=5")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE second (a)")
connection.executemany("INSERT INTO second VALUES (?)", [(b"x" * 1000,)] * 2000)
os._exit(0)
"""


def test_a_database_whose_making_was_cut_short_is_none_yet(path: Path) -> None:
    """Its journal has to be rolled back, which a reader may not do."""
    subprocess.run([sys.executable, "-c", HALF_MADE, str(path)], check=True)
    assert Path(f"{path}-journal").exists()
    with pytest.raises(NoDatabase, match=r"was not finished.*: stepflow runner start$"):
        Reader(path)
    Writer(path).close()
    Reader(path).close()
