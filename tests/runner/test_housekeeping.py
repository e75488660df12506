"""Removals, marks and copies between the turns of a loop, with nobody else around."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.home import Home
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Instant
from stepflow_tui.core.settings import Settings
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import (
    BackupRequest,
    MarkRequest,
    RemoveRequest,
    decode,
)
from stepflow_tui.runner import housekeeping as housekeeping_module
from stepflow_tui.runner.housekeeping import Housekeeping
from stepflow_tui.runner.timers import Timers
from stepflow_tui.runner.trusted_clock import TrustedClock
from stepflow_tui.store import queries
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.writer import Writer
from tests.runner.history import TABLES, Past, files_of, is_done, rows, write_history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stepflow_tui.requests.request import Chore
    from stepflow_tui.store.writer import WriteFailed

MB = 1_000_000


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
        inbox.submit(self.home, request)
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
    inbox.submit(home, request)
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
        (Settings(retain_age=3600.0), [4, 3, 2, 1]),
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


def test_it_looks_again_after_a_while(home: Home) -> None:
    write_history(home, Past())
    keeper = Keeper(home, Settings(retain_count=1))
    keeper.work.begin()
    keeper.finish()
    timeout = keeper.timers.timeout()
    assert timeout is not None
    assert 590 < timeout <= 600
    write_history_later(keeper)
    keeper.slice()
    keeper.finish()
    assert len(list(inbox.waiting(home))) == 1
    keeper.close()


def write_history_later(keeper: Keeper) -> None:
    """Another execution, by the writer that the keeper has."""
    keeper.writer._connection.execute(
        "INSERT INTO executions (id, rev, name, command, cwd, status, created_at, user, shell, tty,"
        " boot_id) VALUES ('x', 9, 'x', '[]', '/', 'failed', 5, 'me', 0, 0, 'b')"
    )


class Clocks:
    """Both clocks of this machine, which the test sets."""

    def __init__(self) -> None:
        self.mono_ms, self.wall_ms = 50_000, time.time_ns() // 10**6

    def go_on(self, minutes: float) -> None:
        self.mono_ms += round(minutes * 60_000)
        self.wall_ms += round(minutes * 60_000)

    def jump(self, days: float) -> None:
        self.wall_ms += round(days * 86_400_000)

    def now(self) -> Instant:
        return Instant(wall_ms=self.wall_ms, mono_ms=self.mono_ms)


def looks(keeper: Keeper) -> bool:
    """Whether something is due by its age at a look now."""
    keeper.work._look()
    keeper.finish()
    requests = list(inbox.waiting(keeper.home))
    for path in requests:
        inbox.discard(path)
    return bool(requests)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def keeper_of(home: Home, clocks: Clocks, days: float = 30.0) -> Keeper:
    keeper = Keeper(home, Settings(retain_age=days * 86_400))
    keeper.work.clock = TrustedClock(keeper.writer, clocks.now)
    return keeper


def ended_days_ago(home: Home, clocks: Clocks, days: float) -> None:
    write_history(home, Past(finished_at=clocks.wall_ms - round(days * 86_400_000)))


def test_age_counts_from_the_second_of_two_looks_an_hour_apart(home: Home, clocks: Clocks) -> None:
    ended_days_ago(home, clocks, 31)
    keeper = keeper_of(home, clocks)
    for _ in range(6):
        assert not looks(keeper)
        clocks.go_on(9.9)
    assert not looks(keeper)
    clocks.go_on(0.6)
    assert looks(keeper)
    clocks.go_on(60)
    assert looks(keeper)
    keeper.close()


@pytest.mark.parametrize("days", [40, -40])
def test_a_clock_that_jumped_removes_nothing(home: Home, clocks: Clocks, days: float) -> None:
    ended_days_ago(home, clocks, 1)
    if days < 0:
        clocks.jump(-days)  # wrong from the beginning, and set right half an hour later
    keeper = keeper_of(home, clocks)
    for minute in range(0, 120, 10):
        assert not looks(keeper)
        clocks.go_on(10)
        if minute == 50:
            clocks.jump(days)
    if days > 0:
        assert looks(keeper)  # it stayed so for an hour
    keeper.close()


def test_what_was_young_at_the_first_look_stays(home: Home, clocks: Clocks) -> None:
    ended_days_ago(home, clocks, 30 - 0.5 / 24)
    keeper = keeper_of(home, clocks)
    assert not looks(keeper)
    clocks.go_on(61)
    assert not looks(keeper)
    clocks.go_on(61)
    assert looks(keeper)
    keeper.close()


def test_a_later_runner_of_the_boot_goes_on_from_the_first_look(home: Home, clocks: Clocks) -> None:
    ended_days_ago(home, clocks, 31)
    first = keeper_of(home, clocks)
    assert not looks(first)
    assert not first.work.awaits_look
    first.close()
    clocks.go_on(55)
    second = keeper_of(home, clocks)
    clocks.go_on(6)
    assert not looks(second)  # it is not ten minutes old
    waited = second.work.awaits_look  # and does not leave before
    clocks.go_on(4)
    assert looks(second)
    assert (waited, second.work.awaits_look) == (True, False)
    second.close()


def test_after_a_reboot_the_hour_begins_anew(
    home: Home, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_days_ago(home, clocks, 31)
    first = keeper_of(home, clocks)
    assert not looks(first)
    first.close()
    clocks.go_on(61)
    monkeypatch.setattr("stepflow_tui.core.clock.boot_id", lambda: "another boot")
    second = keeper_of(home, clocks)
    clocks.go_on(15)
    assert not looks(second)
    clocks.go_on(61)
    assert looks(second)
    second.close()


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
