"""A runner that is broken on purpose must be found out, or the other tests prove nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import broken_runner
from tests.faults.driver import Tally
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    from tests.faults.driver import Trial


def broken(how: str) -> tuple[str, ...]:
    """The program of a runner that is broken like this."""
    return (sys.executable, "-P", str(Path(broken_runner.__file__)), how)


def _die(trial: Trial, program: tuple[str, ...], fault: str) -> None:
    """Let such a runner die at this point."""
    with trial.environment(STEPFLOW_FAULT=fault):
        runner = trial.start_runner(program)
    trial.expect(trial.wait_dead(runner), -9, f"a runner with {fault} ended with")
    trial.tally.tries += 1


def _find_out(trial: Trial, *words: str) -> None:
    """The verdict must hold complaints with each of these words; they are no failures."""
    before, trial.tally = trial.tally, Tally()
    trial.judge()
    trial.end(quiet=False)
    found, trial.tally = trial.tally.failures, before
    trial.tally.counts["complaints"] += len(found)
    for word in words:
        trial.expect(any(word in sentence for sentence in found), True, f"some are {word!r}")


@scenario(
    fault="negative control: the spool's offset is stored in a second transaction",
    passes="the verdict finds doubled lines every time",
    quick={"rounds": 2},
    full={"rounds": 50},
)
def test_offset_in_a_second_transaction(trial: Trial) -> None:
    trial.keep_going(5, lambda: trial.random_job(lines=(200, 300)))
    _die(trial, broken("two-transactions"), f"P7@{trial.chance.randint(1, 5)}:kill")
    trial.start_runner()
    _find_out(trial, "doubled", "not those of its chunks")


@scenario(
    fault="negative control: nobody looks at the start lock",
    passes="the verdict finds scripts that were started twice, every time",
    quick={"rounds": 1},
    full={"rounds": 50},
)
def test_no_start_lock(trial: Trial) -> None:
    _start_again(trial, "no-lock")
    _find_out(trial, "started 2 times")


@scenario(
    fault="the same with the lock in its place, and slow shims",
    passes="each script was started once",
    quick={"rounds": 1},
    full={"rounds": 50},
)
def test_slow_shims(trial: Trial) -> None:
    _start_again(trial, "slow-launcher")
    trial.end()


def _start_again(trial: Trial, how: str) -> None:
    """Order starts, die before a shim has its lock, and let the next runner order them again."""
    trial.keep_going(5)
    _die(trial, broken(how), "P3@5:kill")
    trial.start_runner(broken(how))
    for job in list(trial.going.values()):
        wait_for(job.starts.exists)
        trial.house.wait(job.id)
