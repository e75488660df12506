"""Readers that stay, are stopped, die, or should not be there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.store import queries
from tests.faults import reading
from tests.faults.driver import Trial
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    from tests.faults.job import Job

MIB = 1024 * 1024
BOUND, SMALL = 256 * MIB, 64 * MIB
SMALL_AGAIN_S = 10.0
STRANGER = 54_321


def _reader(trial: Trial, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", str(Path(reading.__file__)), how, str(trial.house.home.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wal(trial: Trial) -> int:
    return trial.house.home.wal.stat().st_size


def _busy_job(trial: Trial) -> Job:
    return trial.random_job(lines=(500, 2000), pause_s=0.05)


@scenario(
    fault="a reader holds a read transaction for 60 s, or is stopped in one, under load",
    passes="the writer goes on, WAL < 256 MiB, and < 64 MiB within 10 s after; p99 commit < 100 ms",
    quick={"seconds": 2.0, "live": 20},
    full={"seconds": 60.0, "live": 50},
)
def test_holding_reader(trial: Trial, seconds: float, live: int) -> None:
    trial.take_up()
    trial.keep_going(live, lambda: _busy_job(trial))
    trial.running(next(iter(trial.going.values())))
    for stopped in (False, True):
        with _reader(trial, "hold") as reader:
            assert reader.stdout is not None
            trial.expect(reader.stdout.readline(), "held\n", "the reader")
            if stopped:
                reader.send_signal(signal.SIGSTOP)
            _go_on_under_load(trial, live, seconds)
            reader.kill()
        _become_small(trial, live)
        trial.tally.tries += 1
    trial.end()


def _go_on_under_load(trial: Trial, live: int, seconds: float) -> None:
    [before] = trial.house.read(queries.revision())
    commits = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        trial.keep_going(live, lambda: _busy_job(trial))
        trial.judge_ended()
        commits += [record.commit_ms for record in trial.house.read(queries.runner_record())]
        trial.tally.largest("MiB of WAL", _wal(trial) / MIB)
        time.sleep(0.2)
    [after] = trial.house.read(queries.revision())
    p99 = sorted(commits)[int(len(commits) * 0.99)]
    trial.in_time(p99 / 1000, 0.1, "p99 of a commit")
    trial.expect(after > before, True, "the writer goes on")
    trial.expect(trial.tally.most["MiB of WAL"] * MIB < BOUND, True, "the WAL is bounded")


def _become_small(trial: Trial, live: int) -> None:
    began = time.monotonic()
    while _wal(trial) >= SMALL and time.monotonic() < began + SMALL_AGAIN_S * 2:
        trial.keep_going(live, lambda: _busy_job(trial))
        trial.judge_ended()
        time.sleep(0.1)
    trial.in_time(time.monotonic() - began, SMALL_AGAIN_S, "until the WAL was small again")


@scenario(
    fault="20 readers open, read, close and are killed, for 10 minutes",
    passes="0 errors of the writer; -wal and -shm stay the runner's own",
    quick={"seconds": 4.0, "readers": 10, "live": 10},
    full={"seconds": 600.0, "readers": 20, "live": 30},
)
def test_dying_readers(trial: Trial, seconds: float, readers: int, live: int) -> None:
    runner = trial.take_up()
    trial.keep_going(live)
    trial.running(next(iter(trial.going.values())))
    crowd = [_reader(trial, "loop") for _ in range(readers)]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        place = trial.chance.randrange(readers)
        _end(trial, crowd[place])
        crowd[place] = _reader(trial, "loop")
        trial.keep_going(live)
        trial.judge_ended()
        time.sleep(trial.chance.uniform(0.0, 0.1))
        _check_owner(trial)
    for reader in crowd:
        _end(trial, reader)
    trial.expect(runner.poll(), None, "the runner goes on")
    trial.end()


def _end(trial: Trial, reader: subprocess.Popen[str]) -> None:
    reader.kill()
    _, complaint = reader.communicate()
    trial.expect(complaint, "", "what a reader complained of")
    trial.tally.tries += 1


def _check_owner(trial: Trial) -> None:
    home = trial.house.home
    for path in (home.database, home.wal, home.root / "stepflow.db-shm"):
        found = path.stat()
        trial.expect(found.st_uid, os.geteuid(), f"the owner of {path.name}")
        trial.expect(found.st_mode & 0o777, 0o600, f"the mode of {path.name}")


TRESPASS = """
for file in stepflow.db stepflow.db-wal stepflow.db-shm runner.log runner.lock; do
  cat "$1/$file" && echo "read $file"
  echo x >> "$1/$file" && echo "wrote $file"
done
echo x > "$1/new" && echo "made a file"
echo x > "$1/requests/new" && echo "made a request"
ls "$1" "$1/spool" && echo "looked in"
"""


@scenario(
    fault="another user tries to read, write and add files",
    passes="refused by the permissions; no file is left",
    quick={},
    full={},
)
def test_stranger(trial: Trial) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        Path(place).chmod(0o755)
        with Trial(Path(place), trial.seed) as visited:
            visited.start_runner()
            visited.submit(visited.random_job())
            home = visited.house.home
            wait_for(home.wal.exists)
            before = sorted(home.root.rglob("*"))
            tried = subprocess.run(
                ["/bin/sh", "-c", TRESPASS, "sh", str(home.root)],
                user=STRANGER,
                group=STRANGER,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
            )
            visited.tally.tries += 1
            visited.expect(tried.stdout, "", "what another user could do")
            visited.expect(tried.stderr.count("ermission denied"), 14, "refusals")
            new = {path.name for path in set(home.root.rglob("*")) - set(before)}
            visited.expect(new & {"new"}, set(), "files that another user made")
            visited.end()
        trial.tally.add(visited.tally)
