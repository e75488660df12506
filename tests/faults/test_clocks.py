"""A wall clock that jumps while runs go on."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from tests.faults.job import exits
from tests.faults.preload import built
from tests.faults.scenario import scenario

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.driver import Trial
    from tests.faults.job import Job

HOUR_S = 3600.0

_JUMP = struct.Struct("=qq")


class JumpingClock:
    """The wall clock of the runners of one trial."""

    def __init__(self, directory: Path) -> None:
        library, self._jumps = built("clock_shift", directory), directory / "jumps"
        self._jumps.write_bytes(bytes(4096))
        self._count = 0
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_JUMPS": str(self._jumps)}

    def jump(self, ahead_s: float) -> None:
        """From now on the clock is so far ahead of the true time."""
        with self._jumps.open("r+b") as file:
            file.seek(self._count * _JUMP.size)
            file.write(_JUMP.pack(time.time_ns(), int(ahead_s * 1e9)))
        self._count += 1


@scenario(
    fault="the wall clock jumps an hour ahead and back while runs go on",
    passes="durations are true; no timeout fires because of it, none is more than 1 s late",
    # A shared machine stalls for seconds; what a jump does wrong is half an hour wrong.
    quick={"times": 2, "late_s": 10.0},
    full={"rounds": 20, "times": 4, "late_s": 1.0},
)
def test_clock_jumps(trial: Trial, times: int, late_s: float) -> None:
    clock = JumpingClock(trial.house.root)
    with trial.environment(**clock.environment):
        trial.start_runner()
        for _ in range(times):
            for ahead_s in (HOUR_S, 0.0, -HOUR_S):
                _live_through(trial, clock, ahead_s, late_s)
        trial.end()


def _live_through(trial: Trial, clock: JumpingClock, ahead_s: float, late_s: float) -> None:
    """Let the clock jump while one run is in time, and two are not."""
    house = trial.house
    lasts_s, limit_s = trial.chance.uniform(0.6, 1.2), trial.chance.uniform(0.6, 1.2)
    job = trial.jobs.new(20, exits(0), pause_s=lasts_s, timeout_s=HOUR_S / 2)
    hangs = house.request("sleep", "60", timeout_s=limit_s)
    step = f"echo 'STEP_START:Hang [timeout={limit_s:.3f}]'; sleep 60"
    hangs_in_step = house.request("/bin/sh", "-c", step)
    trial.submit(job)
    inbox.submit(house.home, hangs, hangs_in_step)
    began = time.monotonic()
    for request in (job.request, hangs, hangs_in_step):
        house.wait_running(request.id)
    time.sleep(trial.chance.uniform(0.0, 0.5))
    clock.jump(ahead_s)
    trial.tally.tries += 1
    due = {job.id: began + lasts_s, hangs.id: began + limit_s, hangs_in_step.id: began + limit_s}
    _check_ends(trial, due, late_s)
    _check_duration(trial, job, lasts_s, late_s)
    trial.expect(house.wait(hangs.id).status, Status.TIMED_OUT, "a run that hung")
    trial.expect(house.wait(hangs_in_step.id).status, Status.FAILED, "a run that hung in a step")


def _check_ends(trial: Trial, due: dict[str, float], allowed_s: float) -> None:
    """Wait until all have ended, each in its time."""
    while due:
        time.sleep(0.01)
        for request in list(due):
            execution = trial.house.find(request)
            if execution is not None and execution.status.is_final:
                late_s = time.monotonic() - due.pop(request)
                trial.in_time(late_s, allowed_s, "that an end was late")
                trial.expect(late_s > -0.1, True, f"an end {-late_s:.2f} s early is in time")


def _check_duration(trial: Trial, job: Job, lasts_s: float, allowed_s: float) -> None:
    execution = trial.house.wait(job.id)
    shown_s = (execution.duration_ms or 0) / 1000
    trial.in_time(abs(shown_s - lasts_s), allowed_s, "that a duration was wrong")
    trial.expect(shown_s > lasts_s - 0.1, True, f"{shown_s:.2f} s for a run of {lasts_s:.2f} s")
