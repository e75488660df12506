"""Where a seccomp filter or an old kernel has no pidfd, runs are stopped all the same."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core.models import Status
from stepflow_tui.health.examination import examine
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.runner import proc
from tests.faults import forbid
from tests.house import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.house import House

ROOT = Path(__file__).parents[2]


@pytest.fixture(
    params=[
        (errno.EPERM, [forbid.PIDFD_OPEN, forbid.PIDFD_SEND_SIGNAL]),
        (errno.ENOSYS, [forbid.PIDFD_OPEN]),
        (errno.EPERM, [forbid.PIDFD_SEND_SIGNAL]),
    ],
    ids=["both", "old kernel", "only send"],
)
def filtered(house: House, request: pytest.FixtureRequest) -> Iterator[House]:
    """A house whose runner may not use these system calls."""
    error, numbers = request.param
    words = [sys.executable, forbid.__file__, error, ",".join(map(str, numbers))]
    command = [*words, sys.executable, "-m", "stepflow_tui.runner", "--home", house.home.root]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STEPFLOW_GRACE": "0.5"}
    runner = subprocess.Popen(
        list(map(str, command)), env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        wait_for(lambda: runner.poll() is not None or live_runner(house.home))
        if runner.poll() is not None:
            assert runner.stderr is not None
            said = runner.stderr.read()
            if b"cannot install a filter" in said:
                pytest.skip("no permission to install a seccomp filter")
            raise AssertionError(said)
        yield house
    finally:
        runner.kill()
        runner.communicate()


def test_runs_are_stopped_under_a_seccomp_filter(filtered: House) -> None:
    deaf = filtered.script("trap '' TERM\necho hi\nwhile :; do sleep 0.05; done", "deaf.sh")
    cancelled = filtered.submit(deaf)
    timed_out = filtered.submit("sleep", "60", timeout_s=1.0)
    running = filtered.wait_running(cancelled)
    wait_for(lambda: filtered.log(running))
    runner = live_runner(filtered.home)
    filtered.cancel(cancelled)
    assert filtered.wait(cancelled).status is Status.CANCELLED
    assert filtered.wait(timed_out).status is Status.TIMED_OUT
    assert runner is not None
    assert live_runner(filtered.home) == runner  # the same one
    assert "Traceback" not in filtered.home.runner_log.read_text()
    found = examine(filtered.home)
    assert (found.state, [note for note in found.notes if "pidfd" in note]) == (
        "healthy",
        [runner.note],
    )


def test_without_a_descriptor_the_start_time_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen(["sleep", "60"])
    found = proc.process(child.pid)
    assert found is not None
    proc.has_pidfd()

    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert proc.send_signal(replace(found, start=found.start + 1), signal.SIGKILL)
    assert child.poll() is None
    assert proc.send_signal(found, signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL


def test_a_healthy_runner_says_nothing_of_it(house: House) -> None:
    assert house.start_runner().note == ""
