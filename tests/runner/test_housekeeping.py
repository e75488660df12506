"""Removals, marks and copies between the turns of a loop, and with the real runner."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.home import Home
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.core.settings import Settings
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import (
    BackupRequest,
    MarkRequest,
    RemoveRequest,
    decode,
    remove_requests,
)
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.runner import housekeeping as housekeeping_module
from stepflow_tui.runner.housekeeping import Housekeeping
from stepflow_tui.runner.timers import Timers
from stepflow_tui.store import queries, removal
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.removal import Limits
from stepflow_tui.store.writer import Writer
from tests.house import wait_for
from tests.runner.history import Past, files_of, write_history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stepflow_tui.requests.request import Chore
    from stepflow_tui.store.writer import WriteFailed
    from tests.house import House

MB = 1_000_000
TABLES = ("executions", "steps", "artifacts", "streams", "log_chunks")


def rows(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in TABLES
        }


def submit(home: Home, *requests: Chore) -> None:
    inbox.submit(home, *requests)


def is_done(home: Home, *requests: Chore) -> bool:
    return not any(inbox.path_of(home, r.id, r.kind).exists() for r in requests)


class Keeper:
    """Housekeeping with nobody else around."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self.home = home
        self.writer = Writer(home.database)
        self.timers = Timers()
        self.failures: list[WriteFailed] = []
        self.work = Housekeeping(
            home,
            self.writer,
            settings,
            self.timers,
            failed=self.failures.append,
            succeeded=lambda: None,
        )

    def slice(self) -> None:
        """Do the next slice, whenever it would come, with all files deleted by then."""
        self.work._files.submit(int).result()
        self.timers._heap[0] = (0.0, *self.timers._heap[0][1:])
        self.timers.run_due()

    def finish(self) -> None:
        while self.work.is_busy:
            time.sleep(self.timers.timeout() or 0.0)
            self.timers.run_due()

    def take(self, request: Chore) -> None:
        submit(self.home, request)
        self.work.take(request, inbox.path_of(self.home, request.id, request.kind))

    def do(self, request: Chore) -> str | None:
        """Carry out a request; the reason if it was refused."""
        self.take(request)
        self.finish()
        assert is_done(self.home, request)
        assert self.work.taken == set()
        return inbox.refusal(self.home, request)

    def close(self) -> None:
        self.work.close()
        self.writer.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare_home(home)
    return home


@pytest.fixture
def keeper(home: Home) -> Iterator[Keeper]:
    keeper = Keeper(home, Settings())
    yield keeper
    keeper.close()


def numbers(keeper: Keeper) -> list[int]:
    return [found.number for found in keeper.writer.all(queries.newest_executions(99))]


# Removing


def test_nothing_is_left_of_what_is_removed(home: Home) -> None:
    first, second, third = write_history(home, Past(), Past(log_bytes=2 * MB), Past())
    keeper = Keeper(home, Settings())
    assert keeper.do(RemoveRequest(new_id(), [first.id, third.id])) is None
    assert rows(home.database) == dict.fromkeys(TABLES, 1) | {"log_chunks": 16}
    assert files_of(home) == {second.id}
    [revision] = keeper.writer.all(queries.revision())
    assert second.rev < revision
    keeper.close()


def test_all_or_none_are_removed(home: Home) -> None:
    past = write_history(home, Past(), Past(), Past())
    keeper = Keeper(home, Settings())
    assert keeper.do(MarkRequest(new_id(), [past[1].id, past[2].id])) is None
    assert keeper.do(RemoveRequest(new_id(), [found.id for found in past])) == (
        "#2 is marked; first run: stepflow mark --remove 2; "
        "#3 is marked; first run: stepflow mark --remove 3"
    )
    assert numbers(keeper) == [3, 2, 1]
    assert keeper.do(MarkRequest(new_id(), [past[1].id], marked=False)) is None
    assert keeper.do(RemoveRequest(new_id(), [past[0].id, past[1].id])) is None
    assert numbers(keeper) == [3]
    assert files_of(home) == {past[2].id}
    keeper.close()


def test_what_is_marked_at_the_last_moment_stays_whole(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping_module, "_ROWS", 1)
    past = write_history(home, Past(), Past(), Past())
    keeper = Keeper(home, Settings())
    removal_ = RemoveRequest(new_id(), [found.id for found in past])
    keeper.take(removal_)
    keeper.slice()
    assert numbers(keeper) == [3, 2]
    keeper.take(MarkRequest(new_id(), [past[1].id]))
    keeper.finish()
    assert numbers(keeper) == [2]
    assert files_of(home) == {past[1].id}
    assert rows(home.database) == dict.fromkeys(TABLES, 1)
    assert inbox.refusal(home, removal_) is None
    keeper.close()


def test_who_is_gone_already_is_no_problem(home: Home, keeper: Keeper) -> None:
    left = new_id()
    (home.artifacts / left).mkdir()
    (home.spool / f"{left}.out").touch()
    assert keeper.do(RemoveRequest(new_id(), [left])) is None
    assert files_of(home) == set()


def test_a_removal_is_taken_up_wherever_its_runner_was_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each runner lives for three slices."""
    monkeypatch.setattr(housekeeping_module, "_ROWS", 40)
    monkeypatch.setattr(housekeeping_module, "_CHUNKS", 3)
    kept, *past = write_history(home, *[Past(log_bytes=MB, files=True)] * 7)
    request = RemoveRequest(new_id(), [found.id for found in past])
    submit(home, request)
    path = inbox.path_of(home, request.id, request.kind)
    seen = []
    while path.exists():
        keeper = Keeper(home, Settings())
        keeper.work.begin()
        keeper.work.take(request, path)
        for _ in range(3):
            if keeper.work.is_busy:
                keeper.slice()
        found = rows(home.database)
        listed = found.pop("executions")
        assert {found[table] for table in ("steps", "artifacts", "streams")} == {listed}
        assert files_of(home) >= {one.id for one in keeper.writer.all(queries.newest_executions(9))}
        seen.append((listed, found["log_chunks"]))
        keeper.close()
    assert len(set(seen)) > 6
    keeper = Keeper(home, Settings())
    keeper.work.begin()
    keeper.finish()
    assert rows(home.database) == dict.fromkeys(TABLES, 1) | {"log_chunks": 8}
    assert files_of(home) == {kept.id}
    assert inbox.refusal(home, request) is None
    keeper.close()


def test_the_space_is_given_back(home: Home) -> None:
    past = write_history(home, *[Past(log_bytes=4 * MB, files=False)] * 5)
    full = home.database.stat().st_size
    keeper = Keeper(home, Settings())
    assert keeper.do(RemoveRequest(new_id(), [found.id for found in past[1:4]])) is None
    assert keeper.writer.free_pages() == 0
    keeper.close()
    assert home.database.stat().st_size < full - 3 * 4 * MB


def test_what_others_left_free_is_given_back_when_it_is_much(home: Home) -> None:
    past = write_history(home, Past(log_bytes=20 * MB), Past(log_bytes=MB))
    keeper = Keeper(home, Settings())
    with keeper.writer.removal(durable=False) as transaction:
        transaction.remove_executions([past[1].number])
        transaction.remove_logs([past[1].number], 999)
    some = keeper.writer.free_pages()
    assert some > 200
    keeper.work._look()
    keeper.finish()
    assert keeper.writer.free_pages() == some
    with keeper.writer.removal(durable=False) as transaction:
        transaction.remove_executions([past[0].number])
        transaction.remove_logs([past[0].number], 999)
    keeper.work._look()
    keeper.finish()
    assert keeper.writer.free_pages() == 0
    keeper.close()


def test_a_database_that_cannot_be_written_is_waited_for(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping_module, "_RETRY_S", 0.0)
    [past] = write_history(home, Past())
    keeper = Keeper(home, Settings())
    keeper.writer._pragma("busy_timeout=1")
    blocker = sqlite3.connect(home.database, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    keeper.take(RemoveRequest(new_id(), [past.id]))
    for count in (1, 2, 3):
        keeper.slice()
        assert len(keeper.failures) == count
    blocker.execute("ROLLBACK")
    blocker.close()
    keeper.finish()
    assert numbers(keeper) == []
    assert len(keeper.failures) == 3
    keeper.close()


def test_files_that_cannot_be_deleted_do_not_stop_it(
    home: Home, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_files(_: Home, execution: str) -> None:
        raise PermissionError(13, "Permission denied", execution)

    monkeypatch.setattr(housekeeping_module, "remove_files", remove_files)
    [past] = write_history(home, Past())
    keeper = Keeper(home, Settings())
    assert keeper.do(RemoveRequest(new_id(), [past.id])) is None
    assert f"files of {past.id} stay" in caplog.text
    keeper.close()


# What is due


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        (Settings(), [4, 3, 2, 1]),
        (Settings(retain_count=2), [4, 3]),
        (Settings(retain_age=3600.0), [4]),
        (Settings(retain_bytes=250_000), [4, 3]),
        (Settings(retain_bytes=50_000), []),
        (Settings(retain_age=1e30), [4, 3, 2, 1]),
    ],
)
def test_what_is_due_is_removed_at_the_start(
    home: Home, settings: Settings, left: list[int]
) -> None:
    old = Past(log_bytes=100_000)
    recent = replace(old, finished_at=time.time_ns() // 10**6)
    write_history(home, old, old, old, recent)
    keeper = Keeper(home, settings)
    keeper.work.begin()
    keeper.finish()
    for path in inbox.waiting(home):
        request = decode(path.read_bytes())
        assert isinstance(request, RemoveRequest)
        keeper.work.take(request, path)
    keeper.finish()
    assert numbers(keeper) == left
    assert list(inbox.waiting(home)) == []
    assert len(files_of(home)) == len(left)
    keeper.close()


def test_it_looks_again_after_a_while(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write_history(home, Past())
    keeper = Keeper(home, Settings(retain_count=1))
    keeper.work.begin()
    keeper.finish()
    timeout = keeper.timers.timeout()
    assert timeout is not None
    assert 590 < timeout <= 600
    monkeypatch.setattr(keeper.work, "_settings", Settings(retain_age=1.0))
    keeper.slice()
    keeper.finish()
    assert len(list(inbox.waiting(home))) == 1
    keeper.close()


def test_a_look_that_fails_is_no_end(
    home: Home, keeper: Keeper, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper.work, "_settings", Settings(retain_count=1))
    home.database.rename(home.root / "away")
    keeper.work.begin()
    keeper.finish()
    assert "housekeeping goes on without this: no database" in caplog.text
    (home.root / "away").rename(home.database)


# Marks and copies


def test_an_unknown_execution_cannot_be_marked(home: Home) -> None:
    [past] = write_history(home, Past())
    keeper = Keeper(home, Settings())
    reason = keeper.do(MarkRequest(new_id(), [past.id, new_id()]))
    assert reason == "there is no such execution any more"
    assert not keeper.writer.all(queries.execution(1))[0].marked
    keeper.close()


def test_a_mark_comes_between_the_slices_of_a_copy(home: Home, tmp_path: Path) -> None:
    [past] = write_history(home, Past(log_bytes=10 * MB))
    keeper = Keeper(home, Settings())
    copy = BackupRequest(new_id(), str(tmp_path / "copy.db"))
    second = BackupRequest(new_id(), str(tmp_path / "second.db"))
    mark = MarkRequest(new_id(), [past.id])
    keeper.take(copy)
    keeper.take(second)
    for _ in range(3):
        keeper.slice()
    keeper.take(mark)
    keeper.slice()
    keeper.slice()
    assert is_done(home, mark)
    assert not is_done(home, copy)
    keeper.finish()
    for path in (tmp_path / "copy.db", tmp_path / "second.db"):
        with Reader(path) as reader:
            [found] = reader.all(queries.newest_executions(9))
            assert (found.id, found.marked) == (past.id, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "home", "second.db"]
    keeper.close()


def test_leaving_in_the_middle_of_a_copy_leaves_the_request(home: Home, tmp_path: Path) -> None:
    write_history(home, Past(log_bytes=10 * MB))
    keeper = Keeper(home, Settings())
    copy = BackupRequest(new_id(), str(tmp_path / "copy.db"))
    keeper.take(copy)
    for _ in range(3):
        keeper.slice()
    assert (tmp_path / f".stepflow-{copy.id}.tmp").stat().st_mode & 0o777 == 0o600
    keeper.close()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert not is_done(home, copy)


def test_a_copy_that_would_do_harm_is_refused(home: Home, keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")

    def reason(path: Path, *, force: bool = False) -> str | None:
        return keeper.do(BackupRequest(new_id(), str(path), force=force))

    there = tmp_path / "there"
    assert reason(there) == f"{there} exists; name another file, or replace it with --force"
    assert there.read_text() == "mine"
    assert "lies in the home itself" in str(reason(home.database, force=True))
    assert "no directory" in str(reason(tmp_path / "gone" / "copy.db"))
    assert reason(there, force=True) is None
    with Reader(there) as copy:
        assert copy.all(queries.newest_executions(1)) == []


# With the real runner


def left(house: House) -> list[int]:
    return [found.number for found in house.read(queries.newest_executions(99))]


def order(house: House, *requests: Chore) -> str | None:
    """Have requests carried out; the reason if the first was refused."""
    submit(house.home, *requests)
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
    submit(house.home, RemoveRequest(new_id(), [large.id]))
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
    submit(house.home, *remove_requests([found.id for found in past]))
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
    submit(house.home, request)
    wait_for(temporary.exists)
    os.kill(runner.pid, signal.SIGKILL)
    house.kill_runner()
    assert [path.name for path in (tmp_path / "copies").iterdir()] == [temporary.name]
    house.start_runner()
    wait_for(lambda: is_done(house.home, request))
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["copy.db"]
    with Reader(tmp_path / "copies" / "copy.db") as copy:
        assert copy.all(queries.execution(1))[0].byte_count == 150 * MB
