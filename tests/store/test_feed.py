from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import DatabaseTooNew, NoDatabase, NotADatabase, StoreProblem
from stepflow_tui.core.home import Home
from stepflow_tui.requests.runner import RunnerIdentity, RunnerLock
from stepflow_tui.store import feed as feed_module
from stepflow_tui.store import queries
from stepflow_tui.store.feed import Feed
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.schema import VERSION
from tests.tui.record import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 10.0
QUIET_S = 0.25
"""So long nothing may come. The net of a slow feed is far behind it."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def recorder(home: Home) -> Iterator[Recorder]:
    recorder = Recorder(home)
    yield recorder
    recorder.close()


async def change(feed: Feed) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await feed.next_change()


async def no_change(feed: Feed) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(QUIET_S):
            await feed.next_change()


def problem(feed: Feed) -> StoreProblem | None:
    return feed.problem


async def total(feed: Feed) -> int:
    return (await feed.pulse(0, 0)).total


async def test_the_first_change_comes_at_once_and_opens_the_database(
    home: Home, recorder: Recorder
) -> None:
    recorder.execution()
    async with Feed(home) as feed:
        await change(feed)
        assert (feed.opened, problem(feed)) == (1, None)
        assert await total(feed) == 1


async def test_each_commit_is_a_change_and_silence_is_none(home: Home, recorder: Recorder) -> None:
    async with Feed(home) as feed:
        await change(feed)
        await no_change(feed)
        recorder.execution()
        await change(feed)
        assert await total(feed) == 1
        await no_change(feed)


async def test_how_things_stood_at_a_change_is_told_without_another_look(
    home: Home, recorder: Recorder
) -> None:
    async with Feed(home) as feed:
        await change(feed)
        assert (await feed.pulse(1, 0)).total == 0
        recorder.execution()
        await change(feed)
        recorder.execution()  # a change that was not seen yet
        assert (await feed.pulse(1, 0)).total == 1
        assert (await feed.pulse(1, 0)).total == 2
        await change(feed)
        feed.ask_anew()
        recorder.execution()
        assert (await feed.pulse(1, 0)).total == 3
        await change(feed)
        recorder.execution()
        assert (await feed.pulse(2, 0)).total == 4  # another question


@pytest.mark.parametrize("quick", [False, True])
async def test_a_change_is_seen_at_both_paces_and_after_turning(
    home: Home, recorder: Recorder, quick: bool
) -> None:
    async with Feed(home) as feed:
        await change(feed)
        feed.quick = True
        feed.quick = quick
        for count in (1, 2, 3):
            recorder.execution()
            await change(feed)
            assert await total(feed) == count


async def test_an_abandoned_wait_loses_no_change(home: Home, recorder: Recorder) -> None:
    async with Feed(home) as feed:
        await change(feed)
        await no_change(feed)
        waiting = asyncio.create_task(feed.next_change())
        await asyncio.sleep(0)
        waiting.cancel()
        recorder.execution()
        await change(feed)
        assert await total(feed) == 1


async def test_a_home_and_a_database_may_come_later(home: Home) -> None:
    async with Feed(home) as feed:
        await change(feed)
        assert isinstance(problem(feed), NoDatabase)
        with pytest.raises(NoDatabase):
            await feed.all(queries.status_counts())
        prepare_home(home)
        await no_change(feed)
        recorder = Recorder(home)
        recorder.execution()
        while problem(feed) is not None:
            await change(feed)
        assert feed.opened == 1
        while await total(feed) == 0:
            await change(feed)
        recorder.close()


async def test_a_replaced_database_is_opened_anew(home: Home, tmp_path: Path) -> None:
    recorder = Recorder(home)
    recorder.execution()
    recorder.close()
    other = Recorder(Home(tmp_path / "other"))
    other.executions(3)
    other.close()
    async with Feed(home) as feed:
        await change(feed)
        for path in home.root.glob("stepflow.db-*"):
            path.unlink()
        (tmp_path / "other" / "stepflow.db").replace(home.database)
        await change(feed)
        assert (feed.opened, await total(feed)) == (2, 3)


async def test_a_database_that_goes_is_a_problem_until_it_is_back(home: Home) -> None:
    Recorder(home).close()
    async with Feed(home) as feed:
        await change(feed)
        home.database.rename(home.root / "away")
        await change(feed)
        assert isinstance(problem(feed), NoDatabase)
        (home.root / "away").rename(home.database)
        await change(feed)
        assert (feed.opened, problem(feed)) == (2, None)


async def test_a_home_that_is_made_anew_is_watched_again(home: Home) -> None:
    Recorder(home).close()
    async with Feed(home) as feed:
        feed.quick = True
        await change(feed)
        shutil.rmtree(home.root)
        while not isinstance(problem(feed), NoDatabase):
            await change(feed)
        recorder = Recorder(home)
        recorder.execution()
        while problem(feed) is not None or await total(feed) == 0:
            await change(feed)
        recorder.execution()
        await change(feed)
        assert await total(feed) == 2
        recorder.close()


async def test_a_file_that_is_no_database_is_said_so(home: Home) -> None:
    prepare_home(home)
    home.database.write_bytes(b"this is not a database, but long enough to be one" * 100)
    async with Feed(home) as feed:
        await change(feed)
        assert isinstance(problem(feed), NotADatabase)
        await no_change(feed)


async def test_a_newer_database_is_refused(home: Home) -> None:
    Recorder(home).close()
    connection = sqlite3.connect(home.database)
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    async with Feed(home) as feed:
        await change(feed)
        assert isinstance(problem(feed), DatabaseTooNew)


async def test_a_runner_that_takes_its_lock_is_a_change(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    async with Feed(home) as feed:
        await change(feed)
        await no_change(feed)
        lock = RunnerLock(home)
        assert lock.acquire(RunnerIdentity(1, "0", 0))
        await change(feed)
        lock.release()


async def test_other_files_of_the_home_wake_nobody(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    async with Feed(home) as feed:
        await change(feed)
        home.runner_log.write_text("hello")
        await no_change(feed)


async def test_without_file_events_it_polls(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_watch(*_: object) -> None:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr(feed_module, "watch_home", no_watch)
    async with Feed(home) as feed:
        feed.quick = True
        await change(feed)
        for count in (1, 2):
            recorder.execution()
            await change(feed)
            assert await total(feed) == count
        assert feed.without_events == "OS file watch limit reached"


async def test_a_failure_that_passes_is_no_problem(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Feed(home) as feed:
        await change(feed)
        failures = iter([StoreProblem("busy"), StoreProblem("busy")])
        look = feed._look_at_database

        async def fail_twice() -> bool:
            for failure in failures:
                raise failure
            return await look()

        monkeypatch.setattr(feed, "_look_at_database", fail_twice)
        recorder.execution()
        await change(feed)
        assert problem(feed) is None
        assert await total(feed) == 1


async def test_a_failure_that_stays_becomes_a_problem(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_PATIENCE_S", 0.15)
    async with Feed(home) as feed:
        await change(feed)

        async def fail() -> bool:
            raise StoreProblem("cannot read: disk I/O error")

        with monkeypatch.context() as broken:
            broken.setattr(feed, "_look_at_database", fail)
            recorder.execution()
            await change(feed)
            assert str(problem(feed)) == "cannot read: disk I/O error"
        await change(feed)
        assert problem(feed) is None


def test_nothing_is_left_behind(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    before = set(threading.enumerate())

    async def follow() -> None:
        async with Feed(home) as feed:
            await change(feed)
            recorder.execution()
            await change(feed)

    asyncio.run(follow())
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
