"""A home that is shared by two PID namespaces, as of a host and a container."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.health.shim import shim_of
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import CancelRequest, StopRequest
from stepflow_tui.requests.runner import live_runner
from tests.house import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.models import Execution
    from tests.house import House

ROOT = Path(__file__).parents[2]
SWEEPS_S = 6.0
CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.fixture(autouse=True)
def _permission() -> None:
    tried = subprocess.run([*CONTAINER, "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("no permission to make a PID namespace")


@contextmanager
def runner_elsewhere(house: House) -> Iterator[None]:
    """A runner in a PID namespace of its own, which ends with all that lives in it."""
    program = [sys.executable, "-m", "stepflow_tui.runner", "--home", str(house.home.root)]
    keeper = ["sh", "-c", '"$@" & wait; sleep 600', "sh"]  # outlives the runner
    container = subprocess.Popen(
        [*CONTAINER, *keeper, *program], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        wait_for(lambda: live_runner(house.home))
        yield
    finally:
        container.kill()
        container.wait()


def end_runner(house: House) -> None:
    """End the runner wherever it lives."""
    inbox.submit(house.home, StopRequest(new_id()))
    wait_for(lambda: live_runner(house.home) is None)


def gated(house: House) -> tuple[Execution, Path]:
    gate = house.root / "gate"
    os.mkfifo(gate)
    script = house.script(f"echo hi\nread x < {gate}\necho on\nexit 4")
    request = house.request(script)
    inbox.submit(house.home, request)
    running = house.wait_running(request.id)
    wait_for(lambda: house.log(running))
    return running, gate


def assert_goes_on(house: House, execution: Execution) -> None:
    time.sleep(SWEEPS_S)
    found = house.find(execution.id)
    assert found is not None
    assert found.status is Status.RUNNING
    [warning] = found.warnings
    assert warning.startswith("it runs in another PID namespace")


def test_what_runs_on_the_host_is_not_lost_in_a_container(house: House) -> None:
    house.start_runner()
    running, gate = gated(house)
    assert shim_of(house.home, running.id) is not None
    house.kill_runner()
    with runner_elsewhere(house):
        assert_goes_on(house, running)
        request = CancelRequest(new_id(), running.id)
        inbox.submit(house.home, request)
        refusal = wait_for(lambda: inbox.refusal(house.home, request))
        assert refusal.startswith("it runs in another PID namespace")
        gate.write_text("go\n")
        done = house.wait(running.id)
        end_runner(house)
    assert (done.status, done.exit_code) == (Status.FAILED, 4)
    assert house.log(done) == b"hi\non\n"


def test_what_cannot_be_seen_can_be_given_up(house: House) -> None:
    house.start_runner()
    running, gate = gated(house)
    house.kill_runner()
    with runner_elsewhere(house):
        house.cancel(running.id, force=True)
        done = house.wait(running.id)
        assert done.status is Status.LOST
        assert done.error == "lost: it was given up while it ran in another PID namespace"
        gate.write_text("go\n")
        wait_for(lambda: house.log(done) == b"hi\non\n")  # what comes is recorded
        end_runner(house)


def test_what_runs_in_a_container_goes_on_under_the_hosts_runner(house: House) -> None:
    with runner_elsewhere(house):
        running, gate = gated(house)
        assert shim_of(house.home, running.id) is None
        end_runner(house)
        house.start_runner()
        assert_goes_on(house, running)
        gate.write_text("go\n")
        done = house.wait(running.id)
        assert (done.status, done.exit_code) == (Status.FAILED, 4)
        assert house.log(done) == b"hi\non\n"
        assert len(done.warnings) == 1


def test_what_runs_in_a_container_is_cancelled_from_the_host(house: House) -> None:
    with runner_elsewhere(house):
        running, _ = gated(house)
        end_runner(house)
        house.start_runner()
        house.cancel(running.id)
        done = house.wait(running.id)
        assert (done.status, house.log(done)) == (Status.CANCELLED, b"hi\n")
