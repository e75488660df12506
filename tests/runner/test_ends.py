"""How executions end: words, statuses of steps, and stops that find what they should."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.runner.outcome import outcome
from stepflow_tui.runner.spool import Exit
from tests.house import wait_for

if TYPE_CHECKING:
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
        assert house.log(done) == b"ready\ncleaned\n"
