"""Too few descriptors, too few processes."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from tests.faults.driver import RUNNER
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from tests.faults.driver import Trial


@scenario(
    fault="the runner may open no more than 64 files, then hardly any more than it has",
    passes="runs are started, or failed with that reason; the runner lives",
    quick={"live": 80},
    full={"rounds": 20, "live": 300},
)
def test_few_descriptors(trial: Trial, live: int) -> None:
    runner = trial.take_up(("/bin/sh", "-c", 'ulimit -S -n 64; exec "$@"', "sh", *RUNNER))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    trial.keep_going(live)
    trial.judge()
    open_now = len(list(Path(f"/proc/{runner.pid}/fd").iterdir()))
    for spare in (3, 1, 0):
        resource.prlimit(runner.pid, resource.RLIMIT_NOFILE, (open_now + spare, hard))
        trial.keep_going(live // 4)
        trial.tally.tries += 1
        time.sleep(0.5)
        if not trial.expect(runner.poll(), None, f"a runner with {spare} descriptors to spare"):
            return
    resource.prlimit(runner.pid, resource.RLIMIT_NOFILE, (1024, hard))
    trial.end(quiet=False)


class FewProcesses:
    """Limits how many processes a runner, its launcher and all they start can be.

    Root minds no limit of its user, but that of a control group; others have one of their user.
    """

    def __init__(self, trial: Trial, runner: int) -> None:
        children = Path(f"/proc/{runner}/task/{runner}/children").read_text().split()
        self._pids = [runner, *map(int, children)]
        self._group = self._make_group(trial) if os.geteuid() == 0 else None

    def _make_group(self, trial: Trial) -> Path:
        for root in (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")):
            group = root / f"stepflow-faults-{os.getpid()}"
            try:
                group.mkdir()
            except OSError:
                continue
            trial.cleanup.callback(wait_for, lambda: _remove_group(group))  # noqa: B023
            if (group / "pids.max").exists():
                for pid in self._pids:
                    (group / "cgroup.procs").write_text(str(pid))
                return group
        pytest.skip("no control group can be made that limits processes")

    def spare(self, count: int | None) -> None:
        """Let there be so many more than now; None lifts the limit."""
        if self._group is not None:
            now = int((self._group / "pids.current").read_text())
            (self._group / "pids.max").write_text("max" if count is None else str(now + count))
            return
        for pid in self._pids:
            hard = resource.prlimit(pid, resource.RLIMIT_NPROC)[1]
            limit = hard if count is None else _own_tasks() + count
            resource.prlimit(pid, resource.RLIMIT_NPROC, (limit, hard))


def _remove_group(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False  # somebody in it is about to end
    return True


def _own_tasks() -> int:
    """Threads of all processes of this user, which is what the limit counts."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.stat().st_uid == os.geteuid():
                found += len(list((process / "task").iterdir()))
    return found


@scenario(
    fault="no more processes can be made for a while: fork fails with EAGAIN",
    passes="runs are started later, or failed with that reason; the runner lives",
    quick={"times": 5},
    full={"rounds": 20, "times": 20},
)
def test_few_processes(trial: Trial, times: int) -> None:
    house, runner = trial.house, trial.take_up()
    house.run("true")  # the launcher is up
    limit = FewProcesses(trial, runner.pid)
    for _ in range(times):
        limit.spare(trial.chance.randint(0, 12))
        requests = [house.request("sleep", "0.3") for _ in range(8)]
        inbox.submit(house.home, *requests)
        trial.tally.tries += 1
        with suppress(TimeoutError):
            wait_for(lambda: all(_is_over(house.find(r.id)) for r in requests), 2.0)  # noqa: B023
        limit.spare(None)
        for request in requests:
            _judge(trial, house.wait(request.id))
    trial.expect(runner.poll(), None, "the runner goes on")
    trial.end(quiet=False)


def _is_over(execution: Execution | None) -> bool:
    return execution is not None and execution.status.is_final


def _judge(trial: Trial, execution: Execution) -> None:
    if execution.status is Status.COMPLETED:
        trial.tally.counts["runs that were started"] += 1
        return
    trial.tally.counts["runs that were failed"] += 1
    trial.expect(execution.status, Status.FAILED, f"#{execution.number}: {execution.error}")
    told = execution.error is not None and "could not be started" in execution.error
    trial.expect(told, True, f"{execution.error!r} says why #{execution.number} was not run")
