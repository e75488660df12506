"""Many runs for a long time."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.faults import samples
from tests.faults.samples import MB
from tests.faults.scenario import scenario
from tests.house import wait_for

if TYPE_CHECKING:
    from tests.faults.driver import Trial
    from tests.faults.job import Job
    from tests.faults.samples import Sample

WAL_BYTES = 64 * 1024 * 1024
KEPT_BYTES = 20 * MB


class Life:
    """One runner after the other, each ended by TERM or SIGKILL in its turn, and what they take."""

    def __init__(self, trial: Trial, restart_every: float) -> None:
        self._trial = trial
        self._restart_every = restart_every
        self.samples: list[Sample] = []
        self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        self._runner = self._trial.take_up()

    def go_on(self) -> None:
        """Measure, and start the next runner when it is time."""
        found = samples.take(self._trial.house.home)
        if found is not None:
            self.samples.append(found)
        age = time.monotonic() - self._started
        if not self._restart_every or age < self._restart_every:
            return
        number = signal.SIGTERM if self._trial.tally.tries % 2 else signal.SIGKILL
        self._runner.send_signal(number)
        status = self._trial.wait_dead(self._runner)
        self._trial.expect(status, 0 if number == signal.SIGTERM else -number, "a runner ended")
        self._trial.tally.tries += 1
        if self._trial.tally.tries % 10 == 1:
            self._trial.judge()
        self._start()


@scenario(
    fault="200 runs alive at all times, the runner ended by TERM or SIGKILL every 20 s",
    passes="all as it should be; memory and descriptors flat, WAL < 64 MB, spools freed",
    quick={"minutes": 0.15, "live": 40, "restart_every": 3.0},
    full={"minutes": 30.0, "live": 200, "restart_every": 20.0},
)
def test_soak(trial: Trial, minutes: float, live: int, restart_every: float) -> None:
    trial.set(keep_spools_bytes=KEPT_BYTES)
    shortest, longest = (5.0, 60.0) if minutes >= 1 else (1.0, 4.0)

    def fresh() -> Job:
        pause_s = trial.chance.uniform(0.2, 1.0)
        lines = int(20 * trial.chance.uniform(shortest, longest) / pause_s)
        return trial.random_job(lines=(lines, lines), pause_s=pause_s)

    life = Life(trial, restart_every)
    deadline = time.monotonic() + minutes * 60
    while time.monotonic() < deadline:
        trial.keep_going(live, fresh)
        trial.judge_ended()
        life.go_on()
        time.sleep(0.5)
    trial.end(patience_s=longest + 60)
    _judge_samples(trial, life.samples)
    _judge_spools(trial)


def _judge_samples(trial: Trial, found: list[Sample]) -> None:
    tally = trial.tally
    tally.largest("MB of memory", max(sample.memory for sample in found) / MB)
    tally.largest("descriptors", max(sample.descriptors for sample in found))
    tally.largest("MB of WAL", max(sample.wal for sample in found) / MB)
    tally.largest("MB of spools", max(sample.spool for sample in found) / MB)
    trial.expect(max(sample.wal for sample in found) < WAL_BYTES, True, "the WAL stays small")
    settled = samples.settled(found)
    if len(settled) < 100:
        return  # too short for a trend
    tally.largest("MB/h slope of memory", samples.slope_mb_per_hour(found))
    memory = samples.growth([sample.memory for sample in settled])
    descriptors = samples.growth([sample.descriptors for sample in settled])
    tally.largest("of the first quarter's memory in the last", memory)
    trial.expect(memory < 1.05, True, f"memory grew to {memory:.2f} of what it was")
    trial.expect(
        descriptors < 1.1, True, f"descriptors grew to {descriptors:.2f} of what they were"
    )


def _judge_spools(trial: Trial) -> None:
    """A new runner frees the spools of what has ended, but for those that it may keep."""
    trial.take_up()

    def taken() -> int:
        return samples.spooled(trial.house.home)

    with suppress(TimeoutError):  # it takes up first, and frees then
        wait_for(lambda: taken() <= KEPT_BYTES, 10)
    trial.expect(taken() <= KEPT_BYTES, True, f"{taken()} bytes of spools are kept")
