"""Removals and copies by the real runner, which may be killed in the middle of one."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import BackupRequest, RemoveRequest, remove_requests
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.store import queries, removal
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.removal import Limits
from tests.house import wait_for
from tests.runner.history import TABLES, Past, files_of, is_done, rows, write_history

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from stepflow_tui.requests.request import Chore
    from tests.house import House

MB = 1_000_000


def left(house: House) -> list[int]:
    return [found.number for found in house.read(queries.newest_executions(99))]


def order(house: House, *requests: Chore) -> str | None:
    """Have requests carried out; the reason if the first was refused."""
    inbox.submit(house.home, *requests)
    house.start_runner()
    wait_for(lambda: is_done(house.home, *requests))
    return inbox.refusal(house.home, requests[0])


def test_a_real_execution_goes_with_all_it_has(house: House) -> None:
    script = house.script("echo STEP_START:a; echo x > out; echo ARTIFACT:out; seq 1 1000")
    first, second = house.run(script), house.run(script)
    assert files_of(house.home) == {first.id, second.id}
    assert order(house, RemoveRequest(new_id(), [first.id])) is None
    assert left(house) == [second.number]
    assert files_of(house.home) == {second.id}
    assert rows(house.home.database)["steps"] == 1
    assert house.run("true").number == 3


def test_what_is_not_over_is_refused(house: House) -> None:
    over = house.run("true")
    execution = house.submit("sleep", "60")
    running = house.wait_running(execution)
    reason = order(house, RemoveRequest(new_id(), [over.id, running.id]))
    assert reason == "#2 is running; stop it first: stepflow cancel 2"
    assert left(house) == [2, 1]
    house.cancel(execution, force=True)
    house.wait(execution)
    wait_for(lambda: not house.read(queries.open_streams()))
    assert order(house, RemoveRequest(new_id(), [over.id, running.id])) is None
    assert left(house) == []


def test_what_still_gets_output_is_refused(house: House) -> None:
    go = house.root / "go"
    os.mkfifo(go)
    execution = house.run(house.script(f"(read x < {go}; echo late) & echo early"))
    assert execution.status is Status.COMPLETED
    request = RemoveRequest(new_id(), [execution.id])
    reason = order(house, request)
    assert reason == "#1 has ended, but what it left behind still writes its log"
    go.write_text("go\n")
    wait_for(lambda: not house.read(queries.open_streams()))
    assert house.log(execution) == b"early\nlate\n"
    assert order(house, RemoveRequest(new_id(), [execution.id])) is None
    assert left(house) == []


def test_a_runner_killed_in_the_middle_of_a_removal(house: House) -> None:
    kept, large = write_history(house.home, Past(), Past(log_bytes=120 * MB))
    full = house.home.database.stat().st_size
    runner = house.start_runner()
    inbox.submit(house.home, RemoveRequest(new_id(), [large.id]))
    wait_for(lambda: left(house) == [kept.number])
    os.kill(runner.pid, signal.SIGKILL)
    house.kill_runner()
    assert rows(house.home.database)["log_chunks"] > 1
    assert left(house) == [kept.number]
    house.start_runner()
    wait_for(lambda: list(inbox.waiting(house.home)) == [])
    assert rows(house.home.database) == dict.fromkeys(TABLES, 1)
    assert files_of(house.home) == {kept.id}
    wait_for(lambda: house.home.database.stat().st_size < full - 120 * MB)


def test_a_runner_that_keeps_to_limits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    past = write_history(house.home, *[Past(log_bytes=1000)] * 2500)
    limits = Limits(count=100)
    due = house.read(removal.due(limits))
    assert [entry.number for entry in due] == list(range(1, 2401))
    assert {entry.size for entry in due} == {1004}
    monkeypatch.setenv("STEPFLOW_RETAIN_COUNT", "100")
    house.start_runner()
    wait_for(lambda: list(inbox.waiting(house.home)) == [] and len(files_of(house.home)) == 100)
    assert left(house) == [found.number for found in past[:-100:-1]]
    assert house.read(removal.due(limits)) == []


def test_a_runner_with_nothing_else_to_do_finishes_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = write_history(house.home, *[Past(log_bytes=MB, files=False)] * 30)
    monkeypatch.setenv("STEPFLOW_IDLE_EXIT", "0")
    inbox.submit(house.home, *remove_requests([found.id for found in past]))
    house.start_runner()
    wait_for(lambda: live_runner(house.home) is None)
    assert rows(house.home.database) == dict.fromkeys(TABLES, 0)
    assert house.home.database.stat().st_size < MB
    assert house.home.runner_log.read_text().count("left") == 1


def test_a_copy_of_a_live_database(house: House, tmp_path: Path) -> None:
    write_history(house.home, *[Past(log_bytes=5 * MB)] * 10)
    script = house.script("for i in $(seq 1 100000); do echo line $i; done")
    execution = house.submit(script)
    house.wait_running(execution)
    copy = tmp_path / "copy.db"
    assert order(house, BackupRequest(new_id(), str(copy))) is None
    house.cancel(execution, force=True)
    assert house.wait(execution).status in {Status.CANCELLED, Status.COMPLETED}
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with Reader(copy) as reader:
        [running] = reader.all(queries.executions_with_prefix(execution))
        assert sum(count for _, count in reader.all(queries.status_counts())) == 11
        log = b"".join(
            chunk.text() for chunk in reader.all(queries.chunks_from(running.number, 0, 0, -1))
        )
    assert len(log) == running.byte_count
    assert house.log(running).startswith(log)


def test_a_runner_killed_in_the_middle_of_a_copy(house: House, tmp_path: Path) -> None:
    write_history(house.home, Past(log_bytes=150 * MB))
    runner = house.start_runner()
    request = BackupRequest(new_id(), str(tmp_path / "copies" / "copy.db"))
    (tmp_path / "copies").mkdir()
    temporary = tmp_path / "copies" / f".stepflow-{request.id}.tmp"
    inbox.submit(house.home, request)
    wait_for(temporary.exists)
    os.kill(runner.pid, signal.SIGKILL)
    house.kill_runner()
    assert [path.name for path in (tmp_path / "copies").iterdir()] == [temporary.name]
    house.start_runner()
    wait_for(lambda: is_done(house.home, request))
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["copy.db"]
    with Reader(tmp_path / "copies" / "copy.db") as copy:
        assert copy.all(queries.execution(1))[0].byte_count == 150 * MB
