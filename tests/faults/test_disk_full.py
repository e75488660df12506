"""A disk that is full for a while, under the home or a part of it."""

from __future__ import annotations

import errno
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.store.home import prepare_home
from tests.faults import verdict
from tests.faults.job import exits
from tests.faults.scenario import scenario

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.models import Execution
    from tests.faults.driver import Trial
    from tests.faults.job import Job

SMALL, LARGE = "64m", "1g"
PAUSE_S = 0.02
BACK_S = 5.0
MOST_LOST = 128 * 1024
LOST = b"\n[stepflow: output was lost here, the disk was full]\n"


def _mount(trial: Trial, place: Path, size: str) -> None:
    options = f"size={size},mode=700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    trial.cleanup.callback(subprocess.run, ["umount", "--lazy", str(place)], check=True)


def _make_small(trial: Trial, where: str) -> Path:
    """Put a part of the home on a disk of its own; returns a directory on that."""
    home = trial.house.home
    if where == "spool":
        _mount(trial, home.spool, SMALL)
        return home.spool
    _mount(trial, home.root, SMALL)
    prepare_home(home)
    if where == "database":
        for place in (home.spool, home.requests):
            _mount(trial, place, LARGE)
    prepare_home(home)
    return home.root


def _fill(directory: Path) -> Path:
    filler = directory / "filler"
    size = 1024 * 1024
    with filler.open("wb", buffering=0) as file:
        while size:
            try:
                file.write(b"f" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
    return filler


PASSES = (
    "the runner lives, 0 committed lines lost, at most 128 KB of a run lost on the way, and that "
    "is said where it is; no run failed by it; back in < 5 s"
)
QUICK = {"seconds": 1.5, "live": 5}
FULL = {"rounds": 3, "seconds": 20.0, "live": 20}


@scenario(fault="the disk of the home is full for 20 s", passes=PASSES, quick=QUICK, full=FULL)
def test_disk_full_home(trial: Trial, seconds: float, live: int) -> None:
    _fill_for_a_while(trial, _make_small(trial, "home"), seconds, live)


@scenario(fault="the disk of the spools is full for 20 s", passes=PASSES, quick=QUICK, full=FULL)
def test_disk_full_spool(trial: Trial, seconds: float, live: int) -> None:
    _fill_for_a_while(trial, _make_small(trial, "spool"), seconds, live)


@scenario(fault="the disk of the database is full for 20 s", passes=PASSES, quick=QUICK, full=FULL)
def test_disk_full_database(trial: Trial, seconds: float, live: int) -> None:
    _fill_for_a_while(trial, _make_small(trial, "database"), seconds, live)


def _fill_for_a_while(trial: Trial, directory: Path, seconds: float, live: int) -> None:
    runner = trial.take_up()
    lines = int((seconds + 3) * 20 / PAUSE_S)
    trial.keep_going(live, lambda: trial.random_job(lines=(lines, lines), pause_s=PAUSE_S))
    executions = [trial.running(job) for job in list(trial.going.values())]
    committed = {execution.id: trial.house.log(execution) for execution in executions}
    filler = _fill(directory)
    trial.tally.tries += 1
    _try_to_submit(trial)
    time.sleep(seconds)
    trial.expect(runner.poll(), None, "the runner lives on a full disk")
    filler.unlink()
    _come_back(trial)
    for execution in executions:
        still = trial.house.log(execution).startswith(committed[execution.id])
        trial.expect(still, True, f"what was committed of #{execution.number} is still there")
    jobs = [trial.going.pop(execution.id) for execution in executions]
    for job in jobs:
        _judge(trial, job, trial.house.wait(job.id, seconds + 60))
    trial.end(quiet=False)


def _judge(trial: Trial, job: Job, execution: Execution) -> None:
    """It ended in its own way, and what is missing of its output is told where it is missing."""
    what = f"#{execution.number}"
    ending = (execution.status, execution.exit_code, execution.signal)
    trial.expect(ending, (job.ending.status, job.ending.code, job.ending.signal), what)
    trial.tally.fail(*verdict.of_starts(job, at_least=1))
    printed, place, lost = job.log(), 0, 0
    for piece in trial.house.log(execution).split(LOST):
        found = printed.find(piece, place)
        if found < 0 or (not place and found):
            trial.tally.fail(f"{what} has something that it did not print, or a gap untold")
            return
        lost += found - place
        place = found + len(piece)
    trial.tally.largest("bytes lost of a run", lost)
    trial.expect(place, len(printed), f"the end of the log of {what}")
    trial.expect(lost <= MOST_LOST, True, f"{lost} bytes lost of {what} are few enough")
    told = any("is lost" in warning for warning in execution.warnings)
    trial.expect(told, bool(lost), f"{what} says that some output is lost")


def _try_to_submit(trial: Trial) -> None:
    """A request may be refused on a full disk; one that was taken is run."""
    job = trial.random_job(lines=(1, 10))
    try:
        trial.submit(job)
    except HomeProblem:
        del trial.going[job.id]
        trial.tally.counts["requests refused at once"] += 1


def _come_back(trial: Trial) -> None:
    began = time.monotonic()
    job = trial.jobs.new(5, exits(0))
    trial.submit(job)
    trial.house.wait(job.id)
    trial.in_time(time.monotonic() - began, BACK_S, "until it was back")
