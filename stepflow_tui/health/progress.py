"""What a runner gets done, told by its record."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from stepflow_tui.core.histogram import difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepflow_tui.store.queries import RunnerRecord

_RECORD_PERIOD_S = 1.5
"""While it stores anything, the runner writes its record more often than this."""


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
