"""The runner dies, stands still, or is started twice; nobody's run may notice."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from stepflow_tui.requests.runner import live_runner
from stepflow_tui.runner.fault import POINTS
from tests.faults.job import exits
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    from tests.faults.driver import Trial

CONSISTENT = "0 lines lost, doubled or out of order, 0 wrong exit codes, 0 scripts started twice"
READOPTION_S, CATCH_UP_S = 2.0, 10.0


@scenario(
    fault="SIGKILL of the runner at random moments, 50 runs going",
    passes=f"{CONSISTENT}; taken up in < {READOPTION_S:g} s",
    quick={"kills": 15, "live": 30},
    full={"rounds": 20, "kills": 50, "live": 50},
)
def test_random_kills(trial: Trial, kills: int, live: int) -> None:
    for _ in range(kills):
        trial.keep_going(live)
        with trial.environment(**_some_fault(trial)):
            _short_life(trial)
        trial.tally.tries += 1
        trial.judge()
    trial.take_up()
    trial.end()
    taken_up_s = trial.tally.most["s until a new runner has taken up"]
    trial.in_time(taken_up_s, READOPTION_S, "until a new runner has taken up")


def _some_fault(trial: Trial) -> dict[str, str]:
    """For some runners one of the fault points, so that they do not live even that long."""
    if trial.chance.random() < 0.7:
        return {}
    point, passage = trial.chance.choice(list(POINTS)), trial.chance.randint(1, 30)
    return {"STEPFLOW_FAULT": f"{point}@{passage}:kill"}


def _short_life(trial: Trial) -> None:
    runner = trial.take_up() if trial.chance.random() < 0.2 else trial.start_runner()
    time.sleep(trial.chance.uniform(0.0, 0.15))
    trial.kill(runner)


@scenario(
    fault="SIGKILL of the runner at each of its nine fault points",
    passes=f"{CONSISTENT}; a submitted request is never lost and never run twice",
    quick={"times": 3},
    full={"rounds": 20, "times": 5},
)
def test_fault_points(trial: Trial, times: int) -> None:
    for point in [point for point in POINTS for _ in range(times)]:
        _die_at(trial, f"{point}@{trial.chance.randint(1, 3)}:kill")
        trial.start_runner()
        for job in list(trial.going.values()):
            trial.house.wait(job.id)
        trial.judge()
        trial.house.kill_runner()
    trial.end()


def _die_at(trial: Trial, fault: str) -> None:
    """Give a runner work, one job after the other, until it dies at this point."""
    with trial.environment(STEPFLOW_FAULT=fault):
        runner = trial.start_runner()
    deadline = time.monotonic() + 30
    while runner.poll() is None and time.monotonic() < deadline:
        job = trial.random_job(lines=(1, 60), pause_s=0.01)
        trial.submit(job)
        wait_for(lambda: runner.poll() is not None or trial.house.find(job.id))  # noqa: B023
    trial.expect(runner.poll(), -signal.SIGKILL, f"a runner with the fault {fault} ended with")
    trial.tally.tries += 1


@scenario(
    fault="SIGSTOP of the runner for 30 s, then SIGCONT",
    passes="0 lines lost, no timeout fires falsely, caught up in < 10 s",
    quick={"seconds": 2.0, "live": 20},
    full={"rounds": 5, "seconds": 30.0, "live": 50},
)
def test_runner_stopped(trial: Trial, seconds: float, live: int) -> None:
    runner = trial.take_up()
    lines = int(20 * seconds * 1.5 / 0.1)
    trial.keep_going(live, lambda: trial.random_job(lines=(lines // 9, lines), pause_s=0.1))
    # These end in time, though nobody sees it before their time is up.
    in_time = [
        trial.jobs.new(int(20 * seconds * 0.4 / 0.1), exits(0), pause_s=0.1, timeout_s=seconds)
        for _ in range(live // 4)
    ]
    trial.submit(*in_time)
    for job in in_time:
        trial.running(job)
    runner.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    printed = _printed(trial)
    runner.send_signal(signal.SIGCONT)
    began = time.monotonic()
    wait_for(lambda: all(_stored(trial, job) >= size for job, size in printed.items()))
    took = time.monotonic() - began
    trial.tally.tries += 1
    trial.in_time(took, CATCH_UP_S, "until caught up")
    trial.expect(runner.poll(), None, "the runner goes on")
    trial.end(patience_s=seconds + 60)


def _printed(trial: Trial) -> dict[str, int]:
    """Bytes in the spool of each run."""
    spools = {job: trial.house.home.spool / f"{job}.out" for job in trial.going}
    return {job: path.stat().st_size for job, path in spools.items() if path.exists()}


def _stored(trial: Trial, job: str) -> int:
    execution = trial.house.find(job)
    return execution.byte_count if execution else 0


@scenario(
    fault="three runners started at once",
    passes="exactly one of them takes the lock, the others leave quietly",
    quick={"races": 10},
    full={"races": 100},
)
def test_two_runners(trial: Trial, races: int) -> None:
    for _ in range(races):
        trial.submit(trial.random_job(lines=(1, 20)))
        runners = [trial.spawn_runner() for _ in range(3)]
        wait_for(lambda: sum(runner.poll() is None for runner in runners) <= 1)  # noqa: B023
        alive = [runner for runner in runners if runner.poll() is None]
        wait_for(lambda: live_runner(trial.house.home) or not alive)  # noqa: B023
        trial.expect([trial.wait_dead(r) for r in runners if r not in alive], [0, 0], "who left")
        found = live_runner(trial.house.home)
        trial.expect([r.pid for r in alive], [found.pid] if found else [], "the winner")
        trial.tally.tries += 1
        trial.judge()
        for runner in alive:
            trial.kill(runner)
    trial.end()
    text = trial.house.home.runner_log.read_text()
    trial.expect(text.count("another runner is alive"), races * 2, "runners that said they left")
