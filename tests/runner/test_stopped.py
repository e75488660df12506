"""Processes of ours that were stopped (SIGSTOP) are noticed and continued; the user's are not."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.runner import proc
from stepflow_tui.runner.spool import Spool
from tests.house import wait_for
from tests.lateness import in_time

if TYPE_CHECKING:
    from tests.house import House


def launcher_of(house: House) -> int:
    runner = live_runner(house.home)
    assert runner is not None
    [launcher] = proc.children(runner.pid)
    return launcher.pid


def is_stopped(pid: int) -> bool:
    found = proc.process(pid)
    return found is not None and found.is_stopped


def test_a_stopped_launcher_is_replaced(house: House) -> None:
    house.run("true")
    pid = launcher_of(house)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    executions = [house.submit("echo", str(number)) for number in range(3)]
    said = wait_for(lambda: (runner := live_runner(house.home)) and runner.trouble)
    assert said == f"the launcher, process {pid}, was stopped; a new one was started"
    for number, execution in enumerate(executions):
        done = house.wait(execution)
        assert (done.status, house.log(done)) == (Status.COMPLETED, f"{number}\n".encode())
    in_time(time.monotonic() - began, 10, "a start through a new launcher")
    assert proc.process(pid) is None
    wait_for(lambda: (runner := live_runner(house.home)) and not runner.trouble)


def test_a_stopped_launcher_does_not_keep_the_runner(house: House) -> None:
    execution = house.submit("sleep", "60")
    house.wait_running(execution)
    pid = launcher_of(house)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    house.kill_runner(signal.SIGTERM)
    in_time(time.monotonic() - began, 8, "the end of the runner")
    assert proc.process(pid) is None
    house.start_runner()
    house.cancel(execution)
    assert house.wait(execution).status is Status.CANCELLED


@pytest.mark.parametrize("name", ["shim", "pump", "cat"])
def test_a_shim_that_its_script_stops_is_continued(house: House, name: str) -> None:
    victims = {
        "shim": "kill -STOP $PPID",
        "pump": "kill -STOP $(pgrep -P $PPID -s $PPID)",
        "cat": "kill -STOP $(pgrep -P $(pgrep -P $PPID -s $PPID) cat)",
    }
    began = time.monotonic()
    done = house.run(house.script(f"{victims[name]}\nseq 1 30000\nexit 7"))
    in_time(time.monotonic() - began, 12, "a script that stopped its shim")
    assert (done.status, done.exit_code) == (Status.FAILED, 7)
    assert house.log(done).endswith(b"30000\n")
    if done.warnings:  # else it had ended before
        [warning] = done.warnings
        assert warning.endswith("and was continued")
    assert "and was continued" in house.home.runner_log.read_text()


@pytest.mark.parametrize("name", ["pump", "cat"])
def test_a_script_that_ends_behind_a_stopped_cat(house: House, name: str) -> None:
    gate = house.root / "gate"
    wait = f"while [ ! -e {gate} ]; do sleep 0.02; done"
    execution = house.submit(house.script(f"echo STEP_START:one\n{wait}\necho STEP_START:two\n"))
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    start = Spool(house.home, execution).start()
    assert start is not None
    [pump] = [child for child in proc.children(start.pid) if child.session == start.pid]
    time.sleep(2.5)  # a sweep has just looked at it, and the next one does so in some seconds
    for pid in [pump.pid] if name == "pump" else [child.pid for child in proc.children(pump.pid)]:
        os.kill(pid, signal.SIGSTOP)
    gate.touch()
    done = house.wait(execution)
    assert (done.status, done.step_count) == (Status.COMPLETED, 2)
    assert house.log(done) == b"STEP_START:one\nSTEP_START:two\n"
    assert all(warning.endswith("and was continued") for warning in done.warnings)


def test_a_script_that_was_stopped_on_purpose_is_left_alone(house: House) -> None:
    execution = house.submit(house.script("echo hi\nkill -STOP $$\necho on"))
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running))
    start = Spool(house.home, execution).start()
    assert start is not None
    [script] = [child for child in proc.children(start.pid) if child.session != start.pid]
    wait_for(lambda: is_stopped(script.pid))
    time.sleep(8)  # longer than two looks
    found = house.find(execution)
    assert found is not None
    assert (found.status, found.warnings) == (Status.RUNNING, [])
    assert is_stopped(script.pid)
    os.kill(script.pid, signal.SIGCONT)
    done = house.wait(execution)
    assert (done.status, house.log(done)) == (Status.COMPLETED, b"hi\non\n")
