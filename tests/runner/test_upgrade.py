"""A newer version meets what an older one has left: its database, its runner, its shims."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli.opening import open_reader
from stepflow_tui.core.errors import DatabaseTooNew, DatabaseTooOld
from stepflow_tui.core.models import Status
from stepflow_tui.requests import runner as requests_runner
from stepflow_tui.requests.runner import ensure_runner, live_runner
from stepflow_tui.store import queries
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.schema import APPLICATION_ID, MIGRATIONS, VERSION
from stepflow_tui.store.writer import Writer
from tests.house import House, wait_for

if TYPE_CHECKING:
    from pathlib import Path


ROWS = """
INSERT INTO executions (number, id, rev, name, command, cwd, status, created_at, user, shell, tty,
    boot_id, exit_code)
VALUES (7, '01jd0000000000000000000000', 1, 'old', '["true"]', '/', 'failed', 5, 'me', 0, 0,
    'boot', 3);
INSERT INTO streams (execution, stored_bytes, line_count, is_open) VALUES (7, 3, 1, 0);
INSERT INTO steps VALUES
    (7, 1, 1, 'Build', 'failed', 5, 5, 1, 6, 1, 1, 1, NULL, NULL, 0, NULL, 'no', '{}');
INSERT INTO log_chunks VALUES (1, 7, 0, 0, 1, 3, 5, 0, NULL, x'68690a');
"""


def make_older(path: Path, version: int) -> None:
    """A database of an older schema with one execution, its step and its log."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        for migration in MIGRATIONS[:version]:
            connection.executescript(migration)
        connection.executescript(ROWS)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={version}")
    path.chmod(0o600)


@pytest.mark.parametrize("version", range(1, VERSION))
def test_every_older_schema_opens_and_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    path = tmp_path / "stepflow.db"
    make_older(path, version)
    with pytest.raises(DatabaseTooOld, match="stepflow runner start"):
        Reader(path)
    Writer(path).close()
    with Reader(path) as reader:
        [execution] = reader.all(queries.newest_executions(5))
        assert (execution.number, execution.name, execution.exit_code) == (7, "old", 3)
        assert (execution.limits, execution.marked, execution.line_count) == ({}, False, 1)
        assert (execution.tags, execution.note) == ([], None)
        assert (execution.tty_size, execution.added_env) == (None, True)
        assert [step.name for step in reader.all(queries.steps(7))] == ["Build"]
        assert [chunk.text() for chunk in reader.all(queries.chunks_from(7, 0, 0, 9))] == [b"hi\n"]


def test_a_client_has_an_older_database_brought_up_to_date(house: House) -> None:
    make_older(house.home.database, 1)
    with open_reader(house.home) as reader:
        assert [found.name for found in reader.all(queries.newest_executions(5))] == ["old"]
    assert house.run("true").number == 8


def test_a_newer_schema_is_refused(house: House) -> None:
    house.run("true")
    house.kill_runner()
    with closing(sqlite3.connect(house.home.database)) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(DatabaseTooNew, match="upgrade stepflow-tui"):
        open_reader(house.home)
    ensure_runner(house.home)
    wait_for(lambda: "upgrade stepflow-tui" in house.home.runner_log.read_text())
    wait_for(lambda: live_runner(house.home) is None)


def test_a_newer_client_replaces_an_older_runner(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = house.root / "gate"
    os.mkfifo(gate)
    execution = house.submit(house.script(f"echo begin\nread x <{gate}\necho end\nexit 4"))
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    older = house.start_runner()
    monkeypatch.setattr(requests_runner, "__version__", "0.0.9")
    assert ensure_runner(house.home) == older
    monkeypatch.setattr(requests_runner, "__version__", "0.10.0")
    newer = ensure_runner(house.home, wait_s=5.0)
    assert newer is not None
    assert newer.pid != older.pid
    monkeypatch.undo()
    gate.write_text("go\n")
    done = house.wait(execution)
    assert (done.status, done.exit_code) == (Status.FAILED, 4)
    assert house.log(done) == b"begin\nend\n"
    assert live_runner(house.home) == newer
    assert list(house.home.requests.glob("*.json")) == []
