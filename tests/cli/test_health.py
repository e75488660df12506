from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.clock import now
from stepflow_tui.core.models import Status
from stepflow_tui.health import examination
from stepflow_tui.requests.inbox import path_of, submit
from stepflow_tui.requests.request import CancelRequest, RunRequest, StopRequest
from stepflow_tui.requests.runner import RunnerIdentity
from stepflow_tui.store.queries import RunnerRecord

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = RunnerIdentity(pid=4242, version="0.1.0", started_at=1_700_000_000_000)
    monkeypatch.setattr(examination, "live_runner", lambda _: runner)
    monkeypatch.setattr(examination, "memory_of", lambda _: 12_300_000)


def test_a_home_where_nothing_was_run_is_healthy(home: Home, stepflow: Stepflow) -> None:
    done = stepflow("health", "--json")
    told = json.loads(done.out)
    assert (done.code, told["state"], told["problems"]) == (0, "healthy", [])
    assert told["runner"] == {
        "alive": False,
        "pid": None,
        "version": None,
        "since": None,
        "memory_bytes": None,
    }
    assert told["home"] == str(home.root)
    assert stepflow("health").out.splitlines()[0] == "healthy"
    assert not home.root.exists()


@pytest.mark.usefixtures("alive")
def test_all_is_told(recording: Recording, stepflow: Stepflow, home: Home) -> None:
    number = recording.add().number
    recording.log(number, b"x" * 1_000)
    (home.spool / f"{recording.find(number).id}.out").write_bytes(b"x" * 3_500)
    recording.finish(recording.add().number, Status.TIMED_OUT)
    with recording.writer.transaction(durable=True) as transaction:
        transaction.save_runner(RunnerRecord("0.1.0", "3.50.7", 5, "boot", 12, 0.34))
    done = stepflow("health", "--json")
    told = json.loads(done.out)
    assert (done.code, told["state"]) == (0, "healthy")
    assert told["runner"] == {
        "alive": True,
        "pid": 4242,
        "version": "0.1.0",
        "since": "2023-11-14T22:13:20.000Z",
        "memory_bytes": 12_300_000,
    }
    assert told["sqlite"] == {"version": "3.50.7", "wal_reset_fixed": True}
    assert (told["commits"], told["commit_ms"]) == (12, 0.34)
    assert told["backlog_bytes"] == 2_500
    assert told["counts"]["running"] == 1
    assert told["counts"]["timed_out"] == 1
    assert told["database"]["wal_bytes"] == home.wal.stat().st_size > 0
    page = stepflow("health").out
    assert "  executions   1 running, 1 timed out\n" in page
    assert "  waiting      0 requests, 2.5 kB of output\n" in page
    assert "  SQLite       3.50.7, has the fix of the WAL reset\n" in page


def test_no_runner_and_nothing_to_do_is_healthy(recording: Recording, stepflow: Stepflow) -> None:
    recording.finish(recording.add().number)
    assert stepflow("health").code == 0


def test_no_runner_with_unfinished_work_is_down(recording: Recording, stepflow: Stepflow) -> None:
    recording.add()
    done = stepflow("health")
    assert done.code == 2
    assert done.out.splitlines()[:2] == [
        "down",
        (
            "  no runner is alive, with 1 unfinished executions and 0 waiting requests; "
            "run: stepflow runner start"
        ),
    ]


def test_no_runner_with_waiting_requests_is_down(
    recording: Recording, stepflow: Stepflow, home: Home
) -> None:
    recording.finish(recording.add().number)
    submit(home, StopRequest("01jd0000000000000000000000"))
    done = stepflow("health", "--json")
    assert (done.code, json.loads(done.out)["waiting_requests"]) == (2, 1)


@pytest.mark.usefixtures("alive")
def test_a_backlog_or_a_long_wal_is_a_strain(
    recording: Recording, stepflow: Stepflow, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = recording.add().number
    with (home.spool / f"{recording.find(number).id}.out").open("wb") as spool:
        spool.truncate(64_000_001)
    done = stepflow("health")
    assert (done.code, done.out.splitlines()[0]) == (1, "degraded")
    assert done.out.splitlines()[1] == "  64.0 MB of output are not stored yet"
    monkeypatch.setenv("STEPFLOW_ALERT_WAL_BYTES", "1kB")
    shared = home.database.with_name("stepflow.db-shm")
    program = f"import time; open({str(shared)!r}); file = open({str(shared)!r}); print(flush=True)"
    command = [sys.executable, "-c", f"{program}; time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        told = stepflow("health").out
        holder.kill()
    assert "the write-ahead log has grown to" in told
    assert f", pid {holder.pid})" in told


@pytest.mark.usefixtures("alive")
def test_levels_of_alerts_can_be_set(
    recording: Recording, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording.finish(recording.add().number)
    with recording.writer.transaction(durable=True) as transaction:
        transaction.save_runner(RunnerRecord("0.1.0", "3.50.7", 5, "boot", 9_990, 0.3, 10))
    assert stepflow("health").code == 0
    monkeypatch.setenv("STEPFLOW_ALERT_MEMORY_BYTES", "12MB")
    monkeypatch.setenv("STEPFLOW_ALERT_RESPONSE", "0")
    monkeypatch.setenv("STEPFLOW_ALERT_ERROR_RATE", "0.05%")
    problems = json.loads(stepflow("health", "--json").out)["problems"]
    assert problems[0] == "the runner takes 12.3 MB of memory"
    assert problems[1].startswith("a look at the newest executions takes ")
    assert problems[2].startswith("0.1% of the runner's commits have failed; see ")


def test_the_trouble_of_a_runner_is_told(
    recording: Recording, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording.finish(recording.add().number)
    runner = RunnerIdentity(4242, "0.1.0", 1_700_000_000_000, "the disk is full")
    monkeypatch.setattr(examination, "live_runner", lambda _: runner)
    done = stepflow("health")
    assert (done.code, done.out.splitlines()[:2]) == (1, ["degraded", "  the disk is full"])


def test_a_damaged_database_that_was_set_aside_is_noted(
    recording: Recording, stepflow: Stepflow, home: Home
) -> None:
    recording.finish(recording.add().number)
    aside = home.root / "stepflow.db.damaged-20261123-220000-5"
    aside.write_bytes(b"?")
    told = json.loads(stepflow("health", "--json").out)
    assert told["state"] == "healthy"
    assert told["notes"][0].startswith(f"a damaged database was set aside as {aside}")


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.mark.usefixtures("alive")
def test_a_runner_that_takes_no_requests_is_degraded(
    recording: Recording, stepflow: Stepflow, home: Home
) -> None:
    recording.finish(recording.add().number)
    request = StopRequest("01jd0000000000000000000000")
    submit(home, request)
    assert stepflow("health").code == 0
    age(path_of(home, request.id, "stop"), 60.4)
    done = stepflow("health", "--json")
    told = json.loads(done.out)
    assert (done.code, told["state"]) == (1, "degraded")
    assert told["problems"] == [
        "a request has waited 60 s for the runner: is process 4242 stopped, or the disk full?"
    ]


@pytest.mark.usefixtures("alive")
def test_a_request_that_was_taken_may_take_its_time(
    recording: Recording, stepflow: Stepflow, home: Home
) -> None:
    started = recording.add(status=Status.PENDING, created_at=now().wall_ms)
    stopped = recording.add()
    run = RunRequest(started.id, ["true"], "/", {}, 0, "true")
    cancel = CancelRequest("01jd0000000000000000000000", stopped.id)
    submit(home, run, cancel)
    age(path_of(home, run.id, "run"), 60.0)
    age(path_of(home, cancel.id, "cancel"), 60.0)
    assert stepflow("health").code == 1
    recording.save(stopped.number, stopping=Status.CANCELLED)
    assert stepflow("health").code == 0


@pytest.mark.usefixtures("alive")
def test_a_runner_that_stores_no_output_is_degraded(
    recording: Recording, stepflow: Stepflow, home: Home
) -> None:
    number = recording.add().number
    spool = home.spool / f"{recording.find(number).id}.out"
    spool.write_bytes(b"x" * 10)
    age(spool, 60.4)
    done = stepflow("health", "--json")
    assert done.code == 1
    assert json.loads(done.out)["problems"] == [
        "output has waited 60 s for the runner: is process 4242 stopped, or the disk full?"
    ]
    recording.log(number, b"x" * 10)
    assert stepflow("health").code == 0


@pytest.mark.usefixtures("alive")
def test_a_database_that_is_gone_under_a_live_runner(home: Home, stepflow: Stepflow) -> None:
    home.root.mkdir(mode=0o700)
    done = stepflow("health", "--json")
    assert done.code == 1
    assert json.loads(done.out)["problems"] == [
        f"a runner is alive, but its database {home.database} is missing; run: stepflow runner stop"
    ]


def test_a_runner_that_has_just_started_may_have_no_database_yet(
    home: Home, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.root.mkdir(mode=0o700)
    runner = RunnerIdentity(pid=4242, version="0.1.0", started_at=int(time.time() * 1000))
    monkeypatch.setattr(examination, "live_runner", lambda _: runner)
    assert stepflow("health").code == 0


@pytest.mark.usefixtures("alive")
def test_a_database_that_cannot_be_read_is_down(home: Home, stepflow: Stepflow) -> None:
    home.root.mkdir(mode=0o700)
    home.database.write_bytes(b"x" * 5_000)
    done = stepflow("health", "--json")
    told = json.loads(done.out)
    assert (done.code, told["state"]) == (2, "down")
    assert "is damaged (file is not a database)" in told["problems"][0]


def test_a_home_that_cannot_be_used_is_down(home: Home, stepflow: Stepflow) -> None:
    home.root.mkdir(mode=0o755)
    done = stepflow("health")
    assert done.code == 2
    assert "can be read by others; run: chmod 700" in done.out


def test_health_tells_it_and_stays_healthy(
    home: Home, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "logout_notes", lambda pid: [f"note of {pid}"])
    done = stepflow("health", "--json")
    told = json.loads(done.out)
    assert (done.code, told["state"], told["problems"]) == (0, "healthy", [])
    assert told["notes"] == ["note of None"]
    assert stepflow("health").out.splitlines()[:2] == ["healthy", "  note of None"]
    home.root.mkdir(mode=0o755)
    done = stepflow("health")
    lines = done.out.splitlines()
    assert (done.code, lines[0], lines[2]) == (2, "down", "  note of None")
