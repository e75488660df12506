"""Process ids that mean somebody else: after a restart of the machine, or used again."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.runner.spool import LOCK, OUTPUT
from stepflow_tui.store import queries
from tests.faults import verdict
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.driver import Trial
    from tests.faults.job import Job

# Writes down every signal that it gets, as does its child.
DECOY = """
import os, signal, sys
def note(number, frame):
    os.write(log, b"%d\\n" % number)
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    if number not in (32, 33):
        signal.signal(number, note)
os.fork()
os.write(1, b"ready\\n")
while os.read(0, 1):
    pass
"""


class Decoy:
    """A process that is none of ours, with a child, which notices each signal."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process = subprocess.Popen(
            [sys.executable, "-c", DECOY, str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        assert [self._process.stdout.readline() for _ in range(2)] == [b"ready\n"] * 2

    @property
    def pid(self) -> int:
        """Of the parent, which leads a session of its own."""
        return self._process.pid

    def signals(self) -> list[str]:
        """What it got so far."""
        end = [] if self._process.poll() is None else [f"ended with {self._process.returncode}"]
        return self._log.read_text().split() + end

    def close(self) -> None:
        """End both."""
        if self._process.poll() is None:
            self._process.communicate()


def _change_lock(trial: Trial, job: Job, **fields: object) -> None:
    lock = trial.house.home.spool / f"{job.id}{LOCK}"
    lock.write_text(json.dumps({**json.loads(lock.read_text()), **fields}))


def _run_without_runner(trial: Trial, live: int) -> list[Job]:
    """Leave runs going whose runner was killed."""
    runner = trial.start_runner()
    trial.keep_going(live, lambda: trial.random_job(lines=(1500, 2000)))
    jobs = list(trial.going.values())
    for job in jobs:
        trial.running(job)
    trial.kill(runner)
    trial.going.clear()
    return jobs


@scenario(
    fault="another boot id: the machine was restarted",
    passes="running ones are lost and say so, waiting ones are started; nobody is signalled",
    quick={"live": 10},
    full={"rounds": 20, "live": 20},
)
def test_another_boot(trial: Trial, live: int) -> None:
    jobs = _run_without_runner(trial, live)
    waiting = [trial.random_job() for _ in range(live)]
    trial.submit(*waiting)
    for job in jobs:
        _change_lock(trial, job, boot_id="another boot")
    trial.start_runner()
    for job in jobs:
        execution = trial.house.wait(job.id)
        wanted = (Status.LOST, "lost: the machine was restarted")
        trial.expect((execution.status, execution.error), wanted, f"#{execution.number}")
        trial.tally.fail(*verdict.of_beginning(trial.house, job, execution))
        trial.tally.tries += 1
    for job in jobs:  # whoever has their pids is left alone, so these go on to their ends
        spool = trial.house.home.spool / f"{job.id}{OUTPUT}"
        wait_for(lambda: spool.read_bytes() == job.log())  # noqa: B023
    trial.end()


@scenario(
    fault="the shim's pid belongs to another process by now: sweeps, timeouts and cancels",
    passes="0 signals reach that process or its child",
    quick={"live": 20},
    full={"rounds": 200, "live": 50},
)
def test_pid_used_again(trial: Trial, live: int) -> None:
    trial.set(grace=0.1)
    jobs = _run_without_runner(trial, live)
    decoy = Decoy(trial.house.root / "signals")
    trial.cleanup.callback(decoy.close)
    for job in jobs:
        _change_lock(trial, job, pid=decoy.pid)
    for job in trial.chance.sample(jobs, live // 2):
        trial.house.cancel(job.id, force=trial.chance.random() < 0.5)
    trial.start_runner()
    for job in jobs:
        execution = trial.house.wait(job.id)
        wanted = {Status.LOST, Status.CANCELLED}
        trial.expect(execution.status in wanted, True, f"{execution.status} of a lost shim")
        trial.house.cancel(job.id, force=True)
        trial.tally.tries += 1
    wait_for(lambda: not list(verdict.of_inbox(trial.house)))
    trial.expect(decoy.signals(), [], "signals to a process that is not ours")
    with suppress(TimeoutError):
        wait_for(lambda: not _open_streams(trial), patience_s=10)
    trial.expect(_open_streams(trial), 0, "logs that are kept open by a process that is not ours")
    decoy.close()
    trial.end()


def _open_streams(trial: Trial) -> int:
    return len(trial.house.read(queries.open_streams()))
