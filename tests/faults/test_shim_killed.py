"""The small processes beside a script die: its shim, the cat of its output, the launcher."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.runner import proc
from stepflow_tui.runner.spool import Spool
from stepflow_tui.store import queries
from tests.faults import verdict
from tests.faults.job import any_ending
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from tests.faults.driver import Trial
    from tests.faults.job import Ending, Job

OTHERS = "the other runs are untouched"


def _begin(trial: Trial, count: int) -> list[Job]:
    """Start twice as many runs; half of them are to be left alone."""
    trial.start_runner()
    trial.keep_going(
        2 * count,
        lambda: trial.jobs.new(trial.chance.randint(200, 500), _ending(trial), pause_s=0.05),
    )
    for job in list(trial.going.values()):
        trial.running(job)
    return trial.chance.sample(sorted(trial.going.values(), key=lambda job: job.number), count)


def _ending(trial: Trial) -> Ending:
    return any_ending(trial.chance)


def _shim(trial: Trial, job: Job) -> int:
    start = Spool(trial.house.home, job.id).start()
    assert start is not None
    return start.pid


def _kill_shims(trial: Trial, jobs: list[Job]) -> list[Execution]:
    """Kill them, and see that what they ran is lost."""
    for job in jobs:
        os.kill(_shim(trial, job), signal.SIGKILL)
        del trial.going[job.id]
        trial.tally.tries += 1
    found = [trial.house.wait(job.id) for job in jobs]
    for execution in found:
        outcome = (execution.status, execution.error, execution.exit_code)
        wanted = (Status.LOST, "lost: its shim was killed", None)
        trial.expect(outcome, wanted, f"#{execution.number}, whose shim was killed")
    return found


@scenario(
    fault="SIGKILL of a run's shim",
    passes=f"the run is lost, the error names the shim; its later output is kept; {OTHERS}",
    quick={"count": 5},
    full={"rounds": 20, "count": 10},
)
def test_shim_killed(trial: Trial, count: int) -> None:
    jobs = _begin(trial, count)
    for job, execution in zip(jobs, _kill_shims(trial, jobs), strict=True):
        wait_for(lambda: not trial.house.read(queries.stream(execution.number))[0].is_open)  # noqa: B023
        trial.tally.fail(*verdict.of_log(trial.house, job, execution))
        trial.tally.fail(*verdict.of_starts(job, at_least=1))
    trial.end()


@scenario(
    fault="SIGKILL of a run's shim, where lost runs are to be stopped",
    passes=f"the run is lost and its script is stopped; {OTHERS}",
    quick={"count": 5},
    full={"rounds": 20, "count": 10},
)
def test_shim_killed_orphans_stopped(trial: Trial, count: int) -> None:
    trial.set(orphans="stop", grace=0.5)
    jobs = _begin(trial, count)
    for job, execution in zip(jobs, _kill_shims(trial, jobs), strict=True):
        tag = f"STEPFLOW_EXECUTION_ID={job.id}"
        alive = len(proc.ProcessTable().tagged(tag))
        trial.expect(alive, 0, f"processes of #{execution.number} that are left")
        trial.tally.fail(*verdict.of_beginning(trial.house, job, execution))
    trial.end()


@scenario(
    fault="SIGKILL of the cat that takes a run's output",
    passes=f"the run is said to be incomplete; {OTHERS}",
    quick={"count": 5},
    full={"rounds": 20, "count": 10},
)
def test_cat_killed(trial: Trial, count: int) -> None:
    jobs = _begin(trial, count)
    table = proc.ProcessTable()
    for job in jobs:
        beside = table.select(table.of_sessions({_shim(trial, job)}))
        cats = [found for found in beside if found.name == "cat"]
        for cat in cats:
            proc.send_signal(cat, signal.SIGKILL)
        trial.expect(len(cats), 1, "cats of a shim")
        del trial.going[job.id]
        trial.tally.tries += 1
    for job in jobs:
        execution = trial.house.wait(job.id)
        trial.expect(execution.status, Status.FAILED, f"#{execution.number}, whose cat was killed")
        told = any("its log is incomplete" in warning for warning in execution.warnings)
        trial.expect(told, True, f"#{execution.number} says that its log is incomplete")
        trial.tally.fail(*verdict.of_beginning(trial.house, job, execution))
    trial.end()


@scenario(
    fault="SIGKILL of the launcher while runs are submitted",
    passes="every run is started, once",
    quick={"times": 10},
    full={"rounds": 20, "times": 10},
)
def test_launcher_killed(trial: Trial, times: int) -> None:
    runner = trial.take_up()
    children = Path(f"/proc/{runner.pid}/task/{runner.pid}/children")
    for _ in range(times):
        launcher = int(wait_for(lambda: children.read_text().split())[0])
        trial.submit(*(trial.random_job(lines=(1, 100)) for _ in range(10)))
        signal.sigtimedwait([], trial.chance.uniform(0.0, 0.1))
        os.kill(launcher, signal.SIGKILL)
        wait_for(lambda: str(launcher) not in children.read_text().split())  # noqa: B023
        trial.tally.tries += 1
    trial.expect(runner.poll(), None, "the runner goes on")
    trial.end(quiet=False)
