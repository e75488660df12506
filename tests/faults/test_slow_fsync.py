"""A disk that takes its time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.faults.preload import built
from tests.faults.scenario import scenario
from tests.house import wait_for
from tests.tui.terminal import Terminal

if TYPE_CHECKING:
    from tests.faults.driver import Trial

STEPFLOW = (sys.executable, "-m", "stepflow_tui")
FROZEN_S = 2.0
"""From here on one would call it frozen; a command takes half a second on a loaded machine."""

_BLOCK_S = 0.2


@scenario(
    fault="each fsync of the runner takes 5 s, while the dashboard is used and commands are run",
    passes="no key and no command waits for it; the run is complete at the end",
    quick={"slow_s": 3, "times": 1},
    full={"slow_s": 5, "times": 5},
)
def test_slow_fsync(trial: Trial, slow_s: int, times: int) -> None:
    switch = trial.house.root / "slow"
    library = built("fsync_delay", trial.house.root)
    with trial.environment(LD_PRELOAD=str(library), SLOW_FSYNC=str(switch)):
        runner = trial.start_runner()
    go = trial.house.scripts / "go"
    os.mkfifo(go)
    waits = trial.house.submit("/bin/sh", "-c", f"echo shown; read x <{go}; echo more")
    environ = {**os.environ, "STEPFLOW_HOME": str(trial.house.home.root), "TERM": "xterm-256color"}
    with Terminal(STEPFLOW, environ) as terminal:
        terminal.wait_for("shown")
        for _ in range(times):
            trial.tally.tries += 1
            switch.write_text(str(slow_s))
            ended = trial.house.submit("true")  # its final status is made durable, which hangs
            _wait_blocked(runner)
            _measure(trial, terminal, environ)
            switch.unlink()
            trial.house.wait(ended, 6 * slow_s + 10)
    go.write_text("go\n")
    trial.expect(trial.house.log(trial.house.wait(waits)), b"shown\nmore\n", "the log")


def _wait_blocked(runner: subprocess.Popen[bytes]) -> None:
    """Until the runner sleeps in a call of fsync: it uses no time, and answers nothing."""

    def times() -> str:
        with open(f"/proc/{runner.pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[11]

    def blocked() -> bool:
        before = times()
        time.sleep(_BLOCK_S)
        with open(f"/proc/{runner.pid}/wchan", encoding="ascii") as wchan:  # noqa: PTH123
            return times() == before and "nanosleep" in wchan.read()

    wait_for(blocked)


def _measure(trial: Trial, terminal: Terminal, environ: dict[str, str]) -> None:
    for command in (["list"], ["health"], ["logs", "1"], ["show", "1"]):
        began = time.monotonic()
        subprocess.run([*STEPFLOW, *command], env=environ, check=False, stdout=subprocess.DEVNULL)
        trial.in_time(time.monotonic() - began, FROZEN_S, f"for stepflow {command[0]}")
    for keys, shown in (("?", "Moving in a pane"), ("\x1b", "shown")):
        began = time.monotonic()
        terminal.send(keys)
        terminal.wait_for(shown)
        trial.in_time(time.monotonic() - began, FROZEN_S, "for a key")
