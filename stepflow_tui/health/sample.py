"""How a home fares at one moment, and in the time since the moment before."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.histogram import quantile, total
from stepflow_tui.health.backlog import backlog, size_of
from stepflow_tui.health.process_meter import ProcessMeter
from stepflow_tui.health.progress import Progress
from stepflow_tui.requests.runner import live_runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.health.progress import Gain
    from stepflow_tui.requests.runner import RunnerIdentity
    from stepflow_tui.store.queries import RunnerRecord
    from stepflow_tui.store.vitals import OpenSpool

_MINUTE_S = 60.0


class Sample(Struct, frozen=True):
    """What was measured.

    Attributes:
        at: on the monotonic clock, in seconds.
        span_s: since the sample before.
        unfinished: executions that more output may come from.
        lines_per_s: lines that the runner has stored since the sample before.
        ended_per_min: executions that ended in the last minute.
        commit_p50_ms, commit_p99_ms: what half of the last minute's commits, and all but one in a
            hundred, did not exceed; None if there were none.
        wal_bytes: size of the write-ahead log.
        backlog_bytes: output that is not stored yet.
        runner: that is alive.
        memory_bytes: of the runner.
        cpu: of the runner since the sample before, 1.0 for a whole core.
    """

    at: float
    span_s: float
    unfinished: int = 0
    lines_per_s: float = 0.0
    ended_per_min: int = 0
    commit_p50_ms: float | None = None
    commit_p99_ms: float | None = None
    wal_bytes: int = 0
    backlog_bytes: int = 0
    runner: RunnerIdentity | None = None
    memory_bytes: int = 0
    cpu: float = 0.0


class Sampler:
    """Takes samples of a home; one thread at a time may do so."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._at = time.monotonic()
        self._progress = Progress()
        self._minute: deque[tuple[float, Gain]] = deque()
        self._meter = ProcessMeter()

    def take(self, record: RunnerRecord | None, spools: Sequence[OpenSpool]) -> Sample:
        """Measure; takes about a millisecond.

        Args:
            record: what the runner said of itself; None while there is no database.
            spools: whose output may wait.

        Raises:
            StepflowError: it cannot be told whether a runner lives.
        """
        moment = time.monotonic()
        span_s, self._at = moment - self._at, moment
        gain = self._progress.advance(record, span_s)
        self._minute.append((moment, gain))
        while self._minute[0][0] <= moment - _MINUTE_S:
            self._minute.popleft()
        commit_times = total(gain.commit_times for _, gain in self._minute)
        runner = live_runner(self._home)
        memory_bytes, cpu = self._meter.look(runner.pid if runner else None, moment)
        return Sample(
            at=moment,
            span_s=span_s,
            unfinished=len(spools),
            lines_per_s=gain.lines_per_s,
            ended_per_min=sum(gain.ended for _, gain in self._minute),
            commit_p50_ms=quantile(commit_times, 0.5),
            commit_p99_ms=quantile(commit_times, 0.99),
            wal_bytes=size_of(self._home.wal),
            backlog_bytes=backlog(self._home, spools).byte_count,
            runner=runner,
            memory_bytes=memory_bytes,
            cpu=cpu,
        )
