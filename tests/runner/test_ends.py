"""How executions end: words, statuses of steps, and stops that find what they should."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import CancelRequest
from stepflow_tui.runner import proc
from stepflow_tui.runner.outcome import outcome
from stepflow_tui.runner.spool import Exit
from tests.house import wait_for

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from tests.house import House


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (1, "exit code 1"),
        (128, "exit code 128"),
        (130, "exit code 130: as after SIGINT"),
        (137, "exit code 137: as after SIGKILL, often out of memory"),
        (139, "exit code 139: as after SIGSEGV"),
        (255, "exit code 255"),
    ],
)
def test_what_an_exit_code_means(code: int, sentence: str) -> None:
    assert outcome(Exit(code, None, drained=True), None).error == sentence


def test_a_shell_whose_command_was_killed(house: House) -> None:
    done = house.run(house.script("bash -c 'kill -KILL $$' || exit $?"))
    assert (done.exit_code, done.signal) == (137, None)
    assert done.error == "exit code 137: as after SIGKILL, often out of memory"


def test_a_command_that_a_trap_starts_is_left_to_end(house: House) -> None:
    script = house.script(
        "trap 'bash -c \"sleep 0.2; echo cleaned\"; exit 0' TERM\necho ready\n"
        "while :; do sleep 0.01; done"
    )
    executions = [house.submit(script) for _ in range(12)]
    for execution in executions:
        running = house.wait_running(execution)
        wait_for(partial(house.log, running))
        house.cancel(execution)
    for execution in executions:
        done = house.wait(execution)
        assert done.status is Status.CANCELLED
        assert house.log(done).endswith(b"cleaned\n")  # bash may say before how its sleep ended


STOPPED = """
clean_up() {
  echo STEP_START:Clean up; echo STEP_COMPLETE:Clean up
  echo STEP_START:Remove; echo STEP_START:Tell; exit 1
}
trap clean_up TERM
echo STEP_START:Before
echo STEP_START:Work
while :; do sleep 0.02; done
"""


def statuses(house: House, execution: Execution) -> dict[str, Status]:
    return {step.name: step.status for step in house.steps(execution)}


def until_step(house: House, execution: str, name: str) -> None:
    running = house.wait_running(execution)
    wait_for(lambda: name in statuses(house, running))


def test_the_step_that_a_cancel_interrupts_is_cancelled(house: House) -> None:
    execution = house.submit(house.script(STOPPED))
    until_step(house, execution, "Work")
    house.cancel(execution)
    done = house.wait(execution)
    assert done.status is Status.CANCELLED
    assert statuses(house, done) == {
        "Before": Status.COMPLETED,
        "Work": Status.CANCELLED,
        "Clean up": Status.COMPLETED,
        "Remove": Status.COMPLETED,
        "Tell": Status.COMPLETED,
    }


def test_the_step_that_a_timeout_interrupts_is_timed_out(house: House) -> None:
    done = house.run(house.script(STOPPED), timeout_s=1.0)
    assert done.status is Status.TIMED_OUT
    found = statuses(house, done)
    assert (found["Before"], found["Work"]) == (Status.COMPLETED, Status.TIMED_OUT)
    assert (found["Clean up"], found["Tell"]) == (Status.COMPLETED, Status.COMPLETED)


def test_a_step_that_ends_well_after_the_signal_is_completed(house: House) -> None:
    execution = house.submit(
        house.script(
            "trap 'stop=1' TERM\necho STEP_START:Work\nuntil [ $stop ]; do sleep 0.02; done\n"
            "echo STEP_COMPLETE:Work; echo STEP_START:Close; exit 0"
        )
    )
    until_step(house, execution, "Work")
    house.cancel(execution)
    done = house.wait(execution)
    assert statuses(house, done) == {"Work": Status.COMPLETED, "Close": Status.COMPLETED}


def test_a_clean_up_that_is_killed_is_not_completed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFLOW_GRACE", "0.7")
    execution = house.submit(
        house.script(
            "trap 'echo STEP_START:Clean up; sleep 60' TERM\necho STEP_START:Work\n"
            "while :; do sleep 0.02; done"
        )
    )
    until_step(house, execution, "Work")
    house.cancel(execution)
    done = house.wait(execution)
    assert statuses(house, done) == {"Work": Status.CANCELLED, "Clean up": Status.CANCELLED}


def test_what_was_printed_before_the_signal_is_no_clean_up(house: House) -> None:
    printed = house.root / "printed"
    execution = house.submit(
        house.script(
            "sleep 0.3; for n in $(seq 1000); do echo STEP_START:$n; done\n"
            f"touch {printed}; while :; do sleep 0.02; done"
        )
    )
    wait_for(printed.exists)
    house.cancel(execution)  # some of it may not have been read yet
    done = house.wait(execution)
    *earlier, last = house.steps(done)
    assert (last.index, last.status) == (1000, Status.CANCELLED)
    assert {step.status for step in earlier} == {Status.COMPLETED}


LEAVING = (
    "(trap 'echo cleaned > {done}; exit' TERM; echo $BASHPID > {pid}; while :; do sleep 0.02; done)"
    " </dev/null >/dev/null 2>&1 &\nenv -i setsid -f sleep 77 </dev/null >/dev/null 2>&1\n"
    "until [ -s {pid} ]; do :; done; exit 3"
)


def leaving(house: House) -> tuple[Execution, list[int]]:
    """An execution that has left two processes, of which one has dropped its environment."""
    pid, cleaned = house.root / "pid", house.root / "done"
    done = house.run(house.script(LEAVING.format(pid=pid, done=cleaned)))
    sleeper = re.search(r"sleep \(pid (\d+)\)", done.warnings[0])
    assert sleeper is not None
    return done, [int(pid.read_text()), int(sleeper[1])]


@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_left_in_the_background_can_be_stopped(house: House, *, restarted: bool) -> None:
    done, left = leaving(house)
    assert all(map(proc.process, left))
    if restarted:
        house.kill_runner()
    program = [sys.executable, "-m", "stepflow_tui", "cancel", "--home", str(house.home.root)]
    result = subprocess.run(
        [*program, "--leftovers", str(done.number)], capture_output=True, text=True, check=False
    )
    assert (result.stderr, result.returncode) == ("", 0)
    assert result.stdout == f"nothing of #{done.number} script.sh is left in the background\n"
    assert not any(map(proc.process, left))
    assert (house.root / "done").read_text() == "cleaned\n"  # it had time to
    again = house.find(done.id)
    assert again is not None
    assert (again.status, again.exit_code) == (Status.FAILED, 3)


def test_what_runs_has_left_nothing(house: House) -> None:
    running = house.wait_running(house.submit("sleep", "60"))
    request = CancelRequest(new_id(), running.id, leftovers=True)
    inbox.submit(house.home, request)
    assert wait_for(lambda: inbox.refusal(house.home, request)) == "it has not ended yet"
    house.cancel(running.id)
    assert house.wait(running.id).status is Status.CANCELLED
