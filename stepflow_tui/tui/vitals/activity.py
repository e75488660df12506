"""What went on in the last ten minutes: how much ran, ended, failed, and was printed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from stepflow_tui.core.clock import wall_ms
from stepflow_tui.core.models import Status
from stepflow_tui.health.progress import Progress
from stepflow_tui.store import queries
from stepflow_tui.store.activity import ended_since, failed_since

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stepflow_tui.core.models import Instant
    from stepflow_tui.store.activity import Ended
    from stepflow_tui.tui.source import Source

SPAN_MS = 20_000
"""What one cell of a curve stands for."""

SPANS = 30
_MINUTE_MS = 60_000


class Curve:
    """The highest value of each of the latest spans of time; None where nothing was measured."""

    def __init__(self) -> None:
        self._values: deque[float | None] = deque([None] * SPANS, maxlen=SPANS)
        self._span = 0

    def note(self, value: float, now_ms: int) -> None:
        """Take in a value."""
        span = now_ms // SPAN_MS
        for _ in range(min(span - self._span, SPANS)):
            self._values.append(None)
        self._span = max(span, self._span)
        self._values[-1] = max(value, self._values[-1] or 0.0)

    def values(self, now_ms: int) -> list[float | None]:
        """The values up to now, oldest first."""
        silent = min(max(0, now_ms // SPAN_MS - self._span), SPANS)
        return [*list(self._values)[silent:], *[None] * silent]


class Activity:
    """Measures a home while something runs in it; what ended is known from before as well.

    Attributes:
        counts: executions of each status.
        ended_per_minute, failed_per_minute: executions that did so in the last minute.
        lines_per_s: that are being stored.
        failed_today: executions that failed, ran out of time or were lost since midnight.
        running, lines: curves over the last ten minutes.
        ended, failed: executions in each span of that time, oldest first.
        now_ms: of the latest sample.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._progress = Progress()
        self._mono_ms = 0
        self.counts: Mapping[Status, int] = {}
        self.lines_per_s = 0.0
        self.failed_today = 0
        self.now_ms = 0
        self.running = Curve()
        self.lines = Curve()
        self.ended: Sequence[int] = [0] * SPANS
        self.failed: Sequence[int] = [0] * SPANS
        self.ended_per_minute = self.failed_per_minute = 0

    @property
    def is_flat(self) -> bool:
        """Whether all curves are, so that they stay what they are while nothing runs."""
        values = (*self.running.values(self.now_ms), *self.lines.values(self.now_ms))
        return not any(self.ended) and not any(values)

    async def sample(self, counts: Mapping[Status, int], moment: Instant) -> None:
        """Take in how things stand.

        Args:
            counts: executions of each status.
            moment: the present one.

        Raises:
            StoreProblem: the database cannot be read.
        """
        now_ms = moment.wall_ms
        begin_ms = (now_ms // SPAN_MS - SPANS + 1) * SPAN_MS
        ended = await self._source.all(ended_since(begin_ms, SPAN_MS))
        # Not the latest cells of the curves, which begin anew within the minute.
        lately = await self._source.first(ended_since(now_ms - _MINUTE_MS, 2 * _MINUTE_MS))
        failed_today = await self._source.first(failed_since(wall_ms(now_ms)))
        record = await self._source.first(queries.runner_record())
        self.ended, self.failed = _spread(ended)
        self.ended_per_minute = lately.count if lately else 0
        self.failed_per_minute = lately.failed if lately else 0
        self.failed_today = failed_today or 0
        gain = self._progress.advance(record, max(0.001, (moment.mono_ms - self._mono_ms) / 1000))
        self.lines_per_s = gain.lines_per_s
        self.counts, self.now_ms, self._mono_ms = dict(counts), now_ms, moment.mono_ms
        self.running.note(counts.get(Status.RUNNING, 0), now_ms)
        self.lines.note(self.lines_per_s, now_ms)


def _spread(ended: Sequence[Ended]) -> tuple[list[int], list[int]]:
    counts, failed = [0] * SPANS, [0] * SPANS
    for span in ended:
        place = min(span.span, SPANS - 1)
        counts[place] += span.count
        failed[place] += span.failed
    return counts, failed
