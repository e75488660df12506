"""How a home fares at one moment, and in the time since the moment before."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from stepflow_tui.core.histogram import difference, quantile, total
from stepflow_tui.health.backlog import backlog, size_of
from stepflow_tui.requests.runner import live_runner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psutil import Process

    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.runner import RunnerIdentity
    from stepflow_tui.store.queries import RunnerRecord
    from stepflow_tui.store.vitals import OpenSpool

_MINUTE_S = 60.0
_RECORD_PERIOD_S = 1.5
"""While it stores anything, the runner writes its record more often than this."""


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


class Gain(Struct, frozen=True):
    """What the runner has done between two looks at its record."""

    lines_per_s: float = 0.0
    ended: int = 0
    commit_times: Mapping[int, int] = field(default_factory=dict)


class Progress:
    """Follows the record of the runner, which that writes about once a second."""

    def __init__(self) -> None:
        self._record: RunnerRecord | None = None
        self._base: RunnerRecord | None = None
        self._lines_per_s = 0.0

    def advance(self, record: RunnerRecord | None, span_s: float) -> Gain:
        """What came since the last look, `span_s` seconds ago; nothing at the first."""
        before, self._record = self._record, record
        if before is None or record is None:
            self._base = record
            return Gain()
        if record.started_at != before.started_at:
            before = self._base = _beginning(before)
        self._measure(record, span_s)
        ended = max(0, record.ended - before.ended)
        times = difference(record.commit_times, before.commit_times)
        return Gain(self._lines_per_s, ended, times)

    def _measure(self, record: RunnerRecord, span_s: float) -> None:
        """Reckon the rate from the times of records, as looks fall anywhere between them."""
        base = self._base or record
        apart_s = (record.recorded_mono - base.recorded_mono) / 1000
        silence_s = time.monotonic() - record.recorded_mono / 1000
        if apart_s < span_s / 2 and silence_s < _RECORD_PERIOD_S:
            return  # too little to tell by; the next one will be here soon
        self._base = record
        # Longer apart than this they are only if nothing was written in between.
        took_s = min(max(apart_s, span_s), span_s + _RECORD_PERIOD_S)
        self._lines_per_s = max(0, record.lines - base.lines) / took_s


def _beginning(record: RunnerRecord) -> RunnerRecord:
    """In place of the first record of another runner, which counts from zero."""
    return replace(record, lines=0, ended=0, commit_times={})


class ProcessMeter:
    """Measures one process; processor time from look to look."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._used_s: float | None = None
        self._looked_at = 0.0

    def look(self, pid: int | None, moment: float) -> tuple[int, float]:
        """Bytes of memory, and cores in use since the last look; zeros for a process that is gone.

        Args:
            pid: of the process; another one than before is measured anew.
            moment: the present one, monotonic seconds.
        """
        import psutil

        try:
            if pid is None:
                raise psutil.NoSuchProcess(0)
            if self._process is None or self._process.pid != pid:
                self._process, self._used_s = psutil.Process(pid), None
            with self._process.oneshot():
                memory_bytes = self._process.memory_info().rss
                used_s = sum(self._process.cpu_times()[:2])
        except psutil.Error:
            self._process = None
            return 0, 0.0
        cpu = 0.0 if self._used_s is None else (used_s - self._used_s) / (moment - self._looked_at)
        self._used_s, self._looked_at = used_s, moment
        return memory_bytes, max(0.0, cpu)
