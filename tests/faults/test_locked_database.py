"""Another program holds the write lock of the database: nobody's stop waits for it."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.runner.spool import Spool
from tests.house import wait_for
from tests.lateness import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.models import Execution
    from tests.house import House

ALLOWED_S = 3.0
"""From an order to stop to the signal, on a busy machine: two seconds are the longest way."""


@contextmanager
def locked(house: House, mode: str = "IMMEDIATE") -> Iterator[None]:
    """Another program is in the middle of a write."""
    with closing(sqlite3.connect(house.home.database, isolation_level=None)) as connection:
        connection.execute(f"BEGIN {mode}")
        yield
        connection.execute("ROLLBACK")


def started(house: House, **fields: object) -> Execution:
    """A script that says when it gets a TERM."""
    stamp = house.root / "termed"
    script = house.script(
        f"trap 'touch {stamp}; exit 9' TERM\necho hi\nwhile :; do sleep 0.02; done"
    )
    running = house.wait_running(house.submit(script, **fields))
    wait_for(lambda: house.log(running))
    return running


def wait_for_term(house: House) -> float:
    wait_for((house.root / "termed").exists, 20)
    return time.time()


def test_a_cancel_does_not_wait_for_a_lock(house: House) -> None:
    execution = started(house)
    with locked(house):
        busy = house.submit("yes", "busy")  # something is always there to be stored
        time.sleep(2)
        began = time.time()
        house.cancel(execution.id)
        in_time(wait_for_term(house) - began, ALLOWED_S, "a cancel")
        time.sleep(1)
        found = house.find(execution.id)
        assert found is not None
        assert found.status is Status.RUNNING  # nothing can be stored
    done = house.wait(execution.id)
    assert (done.status, done.exit_code) == (Status.CANCELLED, 9)
    house.cancel(busy, force=True)
    house.wait(busy)


def test_the_first_commit_that_meets_the_lock_delays_nobody_for_long(house: House) -> None:
    execution = started(house)
    with locked(house):
        began = time.time()
        house.cancel(execution.id)
        in_time(wait_for_term(house) - began, ALLOWED_S, "a cancel")
    assert house.wait(execution.id).status is Status.CANCELLED


@pytest.mark.parametrize("restarted", ["while locked", "afterwards"])
def test_a_timeout_is_known_to_the_next_runner(house: House, restarted: str) -> None:
    execution = started(house, timeout_s=2.0)
    with locked(house):
        termed = wait_for_term(house)
        assert execution.started_at is not None
        in_time(termed - execution.started_at / 1000 - 2, ALLOWED_S, "a timeout")
        wait_for(Spool(house.home, execution.id).exit)
        runner = live_runner(house.home)
        assert runner is not None
        os.kill(runner.pid, signal.SIGKILL)
        wait_for(lambda: live_runner(house.home) is None)
        if restarted == "while locked":
            house.start_runner()
            time.sleep(2)
            assert live_runner(house.home) is not None
    house.start_runner()
    done = house.wait(execution.id)
    assert (done.status, done.error) == (Status.TIMED_OUT, "timed out after 2 s")
    assert done.exit_code == 9


def test_a_reason_that_cannot_be_read_stops_nobody(house: House) -> None:
    for content in ("", "{", '"x"', '{"status": "odd", "error": ""}', "[" * 100_000):
        spool = Spool(house.home, "0" * 26)
        (house.home.spool / f"{'0' * 26}.stop").write_text(content)
        assert spool.stop_reason() is None


@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_what_ends_during_a_lock_has_all_of_its_log(house: House, mode: str) -> None:
    script = house.script(
        "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i + 1)); sleep 0.02; done"
    )
    running = house.wait_running(house.submit(script))
    wait_for(lambda: house.log(running))
    with locked(house, mode):
        wait_for(Spool(house.home, running.id).exit)
        time.sleep(1.5)  # it is looked at after its end, with output that could not be stored
    done = house.wait(running.id)
    assert (done.status, done.line_count) == (Status.COMPLETED, 60)
    assert house.log(done) == b"".join(b"line %d\n" % line for line in range(60))
