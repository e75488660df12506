"""How scripts end, and whether that is what is recorded."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.faults.job import Ending, dies_by, exits
from tests.faults.scenario import scenario

if TYPE_CHECKING:
    from tests.faults.driver import Trial

TOLD = ("HUP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "ALRM", "TERM")
"""Signals whose names the shell says, and which end a process that does not expect them."""


def _kinds(trial: Trial) -> list[Ending]:
    signals = [signal.Signals[f"SIG{name}"] for name in TOLD]
    python = 'exec "$PYTHON" -c "import os; os.{}"'
    return [
        exits(0),
        exits(trial.chance.randint(1, 255)),
        exits(137),
        dies_by(signal.SIGKILL),
        dies_by(signal.SIGSEGV),
        dies_by(trial.chance.choice(signals)),
        Ending(python.format("abort()"), 134, signal.SIGABRT),
        Ending(python.format("_exit(139)"), 139),
        Ending("exec no-such-command 2>/dev/null", 127),
        Ending('ulimit -v 60000; exec "$PYTHON" -c "bytearray(10**9)" 2>/dev/null', 1),
        Ending('ulimit -t 1; exec "$PYTHON" -c "while True: pass"', 137, signal.SIGKILL),
    ]


@scenario(
    fault="scripts that end in eleven ways: by codes, signals, limits of memory and time",
    passes="exactly that code, and the signal where it was one",
    quick={"times": 2},
    full={"rounds": 20, "times": 10},
)
def test_exit_kinds(trial: Trial, times: int) -> None:
    trial.start_runner()
    for _ in range(times):
        endings = _kinds(trial)
        trial.submit(*(trial.jobs.new(trial.chance.randint(0, 30), end) for end in endings))
        trial.tally.tries += len(endings)
        trial.judge_ended()
    trial.end()
