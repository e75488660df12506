"""What the wall clock said an hour ago and what it says now: nothing is removed by one that jumped.

A clock that is wrong for a while, as at a boot before the time is set, makes everything seem old.
What is removed by its age was too old at two looks that lie an hour of the monotonic clock apart,
and between which both clocks went on alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core import clock
from stepflow_tui.store.removal import ClockLook, clock_look

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.models import Instant
    from stepflow_tui.store.writer import Writer

APART_MS = 3_600_000
"""So far apart two looks lie at least."""

FIRST_MS = 600_000
"""So long after its start a runner removes nothing by age."""

_DRIFT_MS = 60_000
"""What an hour may differ by from one clock to the other; more is a jump, or a sleep."""


class TrustedClock:
    """Keeps the first of two looks in the database, where a later runner of this boot finds it.

    Attributes:
        confirmed_ms: UTC milliseconds: what ended before was over at both looks; None until then.
    """

    def __init__(self, writer: Writer, now: Callable[[], Instant] = clock.now) -> None:
        self._writer = writer
        self._now = now
        self._begun_ms = now().mono_ms
        self.confirmed_ms: int | None = None

    @property
    def is_ripe(self) -> bool:
        """Whether all that is missing for the second look is that the runner is older."""
        now = self._now()
        if now.mono_ms >= self._begun_ms + FIRST_MS:
            return False
        first = self._first()
        if first is None or now.mono_ms < first.mono_ms + APART_MS:
            return False
        return _is_on(first, now)

    def _first(self) -> ClockLook | None:
        found = next(iter(self._writer.all(clock_look())), None)
        return found if found is not None and found.boot_id == clock.boot_id() else None

    def look(self) -> None:
        """Look at the clock; from a second look on `confirmed_ms` is what both agree upon.

        Raises:
            WriteFailed: the look could not be kept.
        """
        now, first = self._now(), self._first()
        if first is None or not _is_on(first, now):
            self.confirmed_ms = None
        elif now.mono_ms < max(first.mono_ms + APART_MS, self._begun_ms + FIRST_MS):
            return
        else:
            self.confirmed_ms = min(first.wall_ms, now.wall_ms)
        with self._writer.transaction(durable=False) as transaction:
            transaction.save_clock_look(ClockLook(clock.boot_id(), now.mono_ms, now.wall_ms))


def _is_on(first: ClockLook, now: Instant) -> bool:
    """Whether both clocks went on alike since that look."""
    gone_ms = now.mono_ms - first.mono_ms
    return gone_ms >= 0 and abs(now.wall_ms - first.wall_ms - gone_ms) <= _DRIFT_MS
