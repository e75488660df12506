"""Files that are deleted, moved, truncated, forbidden or replaced behind the runner's back."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.runner.spool import EXIT, LOCK, OUTPUT
from tests.faults import harm, verdict
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.runner import RunnerIdentity
    from tests.faults.driver import Trial
    from tests.faults.job import Job

NOTICED_S, LEFT_S = 0.2, 7.0


@dataclass(slots=True)
class Victim:
    """A run whose files are harmed, and what was done to them."""

    job: Job
    harms: list[str] = field(default_factory=list)

    def suffer(self, trial: Trial) -> None:
        """Harm one of its files that are there."""
        suffix, act = trial.chance.choice((OUTPUT, EXIT, LOCK)), trial.chance.choice(harm.ALL)
        path = trial.house.home.spool / f"{self.job.id}{suffix}"
        try:
            act(path)
        except FileNotFoundError:
            return
        self.harms.append(f"{act.__name__} {suffix}")
        trial.tally.tries += 1


@scenario(
    fault="spools, start locks and exit files are deleted, moved, cut, forbidden or replaced",
    passes="noticed and said, no crash; each run ends; the other runs are untouched",
    quick={"victims": 12, "seconds": 3.0, "restarts": 3},
    full={"rounds": 30, "victims": 30, "seconds": 20.0, "restarts": 8},
)
def test_spools_harmed(trial: Trial, victims: int, seconds: float, restarts: int) -> None:
    runner = trial.take_up()
    lines = int(20 * seconds / 0.1)
    trial.keep_going(2 * victims, lambda: trial.random_job(lines=(lines // 3, lines), pause_s=0.1))
    for job in list(trial.going.values()):
        trial.running(job)
    chosen = [trial.going.pop(job) for job in trial.chance.sample(sorted(trial.going), victims)]
    suffering = [Victim(job) for job in chosen]
    for _ in range(restarts):
        deadline = time.monotonic() + seconds / restarts
        while time.monotonic() < deadline:
            trial.chance.choice(suffering).suffer(trial)
            time.sleep(trial.chance.uniform(0.0, 0.1))
        runner = _restart(trial, runner)
        if runner.poll() is not None:
            return  # it would crash again and again
    for victim in suffering:
        _judge(trial, victim)
        if not trial.expect(runner.poll(), None, "how the last runner ended"):
            return
    trial.end(patience_s=seconds + 60)


def _restart(trial: Trial, runner: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """Kill a runner and start the next; one that has ended by itself has crashed."""
    time.sleep(NOTICED_S)  # a spool that is cut and grows again while no runner looks seems whole
    trial.expect(runner.poll(), None, "how a runner ended")
    trial.kill(runner)
    following = trial.take_up()
    trial.expect(following.poll(), None, "how the next runner ended")
    return following


def _judge(trial: Trial, victim: Victim) -> None:
    what = f"job {victim.job.number} ({', '.join(victim.harms) or 'unharmed'})"
    try:
        execution = trial.house.wait(victim.job.id, patience_s=10)
    except TimeoutError:
        found = trial.house.find(victim.job.id)
        trial.tally.fail(f"{what} does not end: {found and found.status}")
        return
    stored, printed = trial.house.log(execution), victim.job.log()
    if not printed.startswith(stored):
        trial.tally.fail(f"{what} has a log that it did not print: {stored[-50:]!r}")
    told = execution.status is Status.LOST or execution.warnings
    if stored != printed and not told:
        trial.tally.fail(f"{what} has lost {len(printed) - len(stored)} bytes and does not say so")
    if execution.status is not Status.LOST:
        code = (execution.exit_code, execution.signal)
        wanted = (victim.job.ending.code, victim.job.ending.signal)
        trial.expect(code, wanted, f"how {what} ended")
    trial.tally.fail(*verdict.of_starts(victim.job, at_least=1))


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def _fatten(path: Path) -> None:
    os.truncate(path, inbox.MAX_BYTES + 1)


@scenario(
    fault="request files are deleted, cut, forbidden, replaced, made huge, a FIFO or a link",
    passes="refused or ignored, never run wrongly; the other requests are served, no crash",
    quick={"times": 30},
    full={"rounds": 20, "times": 100},
)
def test_requests_harmed(trial: Trial, times: int) -> None:
    runner = trial.take_up()
    harms = [*harm.ALL, _fifo, _directory, _link, _fatten]
    harmed = []
    for turn in range(times):
        good, bad = trial.random_job(lines=(1, 20)), trial.random_job(lines=(1, 20))
        path = inbox.path_of(trial.house.home, bad.id, "run")
        if turn % 2:  # before a runner looks, otherwise at the same time
            trial.kill(runner)
        inbox.submit(trial.house.home, bad.request)
        trial.submit(good)
        _harm(trial, trial.chance.choice(harms), path)
        harmed.append(bad)
        if turn % 2 or runner.poll() is not None:
            trial.expect(bool(turn % 2), True, f"a runner lives, and has not {runner.poll()}")
            runner = trial.take_up()
        trial.judge_ended()
    trial.take_up()
    for job in harmed:
        _judge_request(trial, job)
    _clear(trial)
    trial.end()


def _harm(trial: Trial, act: object, path: Path) -> None:
    assert callable(act)
    try:
        act(path)
    except FileNotFoundError:
        return  # it was taken already
    trial.tally.tries += 1


def _judge_request(trial: Trial, job: Job) -> None:
    """It was run as it should be, not at all, or has an end that says why not."""
    with suppress(TimeoutError):
        wait_for(lambda: _is_over(trial, job), patience_s=10)
    trial.expect(_is_over(trial, job), True, f"job {job.number}, whose request was harmed, is over")
    execution = trial.house.find(job.id)
    trial.tally.fail(*verdict.of_starts(job, at_least=0))
    if execution is not None and job.starts.exists():
        trial.tally.fail(*verdict.of_job(trial.house, job, execution))
    elif execution is not None:
        told = execution.status in (Status.FAILED, Status.LOST) and execution.error
        trial.expect(bool(told), True, f"#{execution.number} says why it was not run")


def _is_over(trial: Trial, job: Job) -> bool:
    execution = trial.house.find(job.id)
    if execution is not None:
        return execution.status.is_final
    path = inbox.path_of(trial.house.home, job.id, "run")
    return path.is_symlink() or not path.is_file()


def _clear(trial: Trial) -> None:
    """Take away what is no request at all, and stays."""
    for path in trial.house.home.requests.iterdir():
        if path.is_symlink() or not (path.is_file() or path.name == "refused"):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


DATABASE_HARMS = (harm.unlink, harm.move, harm.truncate, harm.cut, harm.replace, harm.overwrite)


@scenario(
    fault="the database, its WAL or its -shm is deleted, moved, cut, replaced or overwritten",
    passes="left or mended in < 7 s; every run that goes on is whole afterwards, started once",
    quick={"times": 2, "live": 6},
    full={"rounds": 10, "times": 18, "live": 20},
)
def test_database_harmed(trial: Trial, times: int, live: int) -> None:
    home = trial.house.home
    files = [home.database, home.wal, home.root / "stepflow.db-shm"]
    harms = [(act, path) for act in DATABASE_HARMS for path in files]
    for act, path in trial.chance.sample(harms, times):
        before = live_runner(home) or live_runner_of(trial)
        trial.keep_going(live, lambda: trial.random_job(lines=(400, 800)))
        for job in list(trial.going.values()):
            trial.running(job)
        act(path)
        what = f"{act.__name__} {path.name}"
        trial.tally.tries += 1
        trial.tally.counts[_outcome(trial, before)] += 1
        _judge_whole(trial, what)
    trial.end(quiet=False)


def live_runner_of(trial: Trial) -> RunnerIdentity:
    """The runner, after it was started."""
    trial.start_runner()
    return wait_for(lambda: live_runner(trial.house.home))


def _outcome(trial: Trial, before: RunnerIdentity) -> str:
    """What became of the runner that was there: the next one is what counts."""
    home = trial.house.home
    began = time.monotonic()
    with suppress(TimeoutError):
        wait_for(lambda: live_runner(home) != before, patience_s=LEFT_S)
    following = live_runner(home)
    trial.tally.largest("s until the runner left", time.monotonic() - began)
    if following is None:
        with suppress(TimeoutError):  # its successor may be about to come
            following = wait_for(lambda: live_runner(home), patience_s=2.0)
    if following is None:
        trial.start_runner()
        return "times it died"
    if following != before:
        return "times it left to a successor"
    os.kill(before.pid, signal.SIGKILL)  # now it shows whether what it wrote went anywhere
    wait_for(lambda: live_runner(home) != before)
    trial.start_runner()
    return "times it went on"


def _judge_whole(trial: Trial, what: str) -> None:
    """Each run ends as it should, once the runner has found out and made the database anew."""
    for job in list(trial.going.values()):
        try:
            execution = wait_for(lambda: _final(trial, job), patience_s=20)  # noqa: B023
        except TimeoutError:
            trial.tally.late.append(f"after {what}: job {job.number} does not end")
            continue
        found = verdict.of_job(trial.house, job, execution)
        trial.tally.fail(*(f"after {what}: {sentence}" for sentence in found))
    trial.going.clear()


def _final(trial: Trial, job: Job) -> Execution | None:
    try:
        execution = trial.house.find(job.id)
    except StoreProblem:
        return None  # it may be noticed yet that the database is damaged
    return execution if execution is not None and execution.status.is_final else None
