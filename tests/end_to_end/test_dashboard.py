"""The dashboard in a real terminal, beside the real runner and real scripts."""

from __future__ import annotations

import os
import re
import signal
import statistics
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.runner import proc
from tests.house import wait_for
from tests.tui.terminal import Terminal

if TYPE_CHECKING:
    from tests.house import House

TICKING = """#!/usr/bin/env python3
import sys, time
print("STEP_START:Tick", flush=True)
for number in range(int(sys.argv[1])):
    time.sleep(0.037)
    print(f"tick {number} at {time.time_ns()} end", flush=True)
"""
TICK = re.compile(r"tick (\d+) at (\d+) end")


def dashboard(house: House) -> Terminal:
    command = [sys.executable, "-m", "stepflow_tui", "--home", str(house.home.root)]
    return Terminal(command, {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"})


def test_lines_stand_on_the_screen_within_milliseconds(house: House) -> None:
    script = house.script(TICKING)
    delays: dict[int, float] = {}
    with dashboard(house) as terminal:
        execution = house.submit(script, "150")
        terminal.wait_for("tick 5 at")

        def look(screen: str) -> bool:
            now = time.time_ns()
            for number, written in TICK.findall(screen):
                delays.setdefault(int(number), (now - int(written)) / 1e6)
            return 149 in delays

        terminal.wait(look)
        terminal.send("q")
        assert terminal.wait_exit() == 0
    measured = sorted(delay for number, delay in delays.items() if number > 40)
    p50 = statistics.median(measured)
    p99 = measured[int(len(measured) * 0.99)]
    print(f"line to screen: p50 {p50:.1f} ms, p99 {p99:.1f} ms")  # noqa: T201 - a figure
    assert len(measured) >= 100
    assert p50 <= 40
    assert house.wait(execution).status is Status.COMPLETED


@pytest.mark.parametrize("how", ["kill", "hang up", "hup", "ctrl-c"])
def test_no_end_of_the_dashboard_touches_a_run(house: House, how: str) -> None:
    execution = house.submit(house.script(TICKING), "40")
    with dashboard(house) as terminal:
        terminal.wait_for("tick 3 at")
        if how == "kill":
            os.kill(terminal.pid, signal.SIGKILL)
        elif how == "hang up":
            terminal.hang_up()
        elif how == "hup":
            os.kill(terminal.pid, signal.SIGHUP)
        else:
            terminal.send("\x03")
            terminal.wait_for("again to quit")
            terminal.send("\x03")
        terminal.wait_exit()
        assert live_runner(house.home) is not None
    done = house.wait(execution)
    assert (done.status, done.line_count) == (Status.COMPLETED, 41)


def test_a_runner_that_the_terminal_started_outlives_it(house: House) -> None:
    """Closing the terminal of `stepflow run` is a hang-up for its whole session."""
    script = house.script(TICKING)
    command = [sys.executable, "-m", "stepflow_tui", "--home", str(house.home.root), "run"]
    environment = {**os.environ, "TERM": "xterm"}
    with Terminal([*command, str(script), "40"], environment) as terminal:
        terminal.wait_for("#1 script.sh", "tick 3 at")
        terminal.hang_up()
        terminal.wait_exit()
    [execution] = [found for found in [house.find("0")] if found]
    done = house.wait(execution.id)
    assert (done.status, done.line_count) == (Status.COMPLETED, 41)


def test_it_comes_back_from_the_shell(house: House) -> None:
    house.run("true")
    with dashboard(house) as terminal:
        terminal.wait_for("Executions", "runner up")
        terminal.send("\x1a")

        def is_stopped() -> bool:
            found = proc.process(terminal.pid)
            return found is not None and found.state == "T"

        terminal.wait(lambda _: b"\x1b[?1049l" in terminal.received)
        wait_for(is_stopped)
        terminal.received.clear()
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait(lambda _: b"Executions" in terminal.received)
        terminal.send("q")
        assert terminal.wait_exit() == 0
