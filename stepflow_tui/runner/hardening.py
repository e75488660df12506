"""Having every commit on the disk within a second, and deleting what is safe there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui import __version__
from stepflow_tui.core import clock
from stepflow_tui.store.queries import RunnerRecord
from stepflow_tui.store.writer import SQLITE_VERSION, WriteFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stepflow_tui.runner.recording import Recording
    from stepflow_tui.runner.spool import Spool
    from stepflow_tui.runner.timers import Timers
    from stepflow_tui.store.transaction import Transaction
    from stepflow_tui.store.writer import Writer

HARDEN_S = 1.0
"""After this time a commit that nobody waited for is on the disk."""

_RECORD_S = 1.0


class Gain(Struct, frozen=True):
    """What commits bring: lines that are stored, executions that ended."""

    lines: int
    ended: int

    @classmethod
    def of(cls, recordings: Iterable[Recording]) -> Gain:
        """Of what these have not committed yet."""
        found = [(recording.ingest.new_lines, recording.is_ending) for recording in recordings]
        return cls(sum(lines for lines, _ in found), sum(ends for _, ends in found))

    def __add__(self, other: Gain) -> Gain:
        return Gain(self.lines + other.lines, self.ended + other.ended)


class Hardening:
    """Follows the commits. The record of the runner is what it writes when nothing else is."""

    def __init__(
        self,
        writer: Writer,
        timers: Timers,
        failed: Callable[[WriteFailed], object],
    ) -> None:
        """`failed` is told of a commit of ours that failed."""
        self._writer = writer
        self._timers = timers
        self._failed = failed
        self._discards: list[Spool] = []
        self._is_due = False
        self._started_at = clock.now().wall_ms
        self._recorded_at = 0.0
        self._done = Gain(0, 0)

    def discard(self, spool: Spool) -> None:
        """Delete a spool as soon as all that was read of it is on the disk."""
        self._discards.append(spool)

    def committed(self) -> None:
        """A commit came through: see to it that it is, or will be, on the disk."""
        if self._writer.is_durable:
            while self._discards:
                self._discards.pop().discard()
        elif not self._is_due:
            self._is_due = True
            self._timers.after(HARDEN_S, self._harden)

    def _harden(self) -> None:
        self._is_due = False
        if not self._writer.is_durable:
            self.save_record(durable=True)
            self.committed()

    def save_record(self, *, durable: bool = False) -> None:
        """Write what the runner says of itself, in a commit of its own."""
        self._recorded_at = time.monotonic()
        try:
            with self._writer.transaction(durable=durable) as transaction:
                transaction.save_runner(self._record(self._done))
        except WriteFailed as error:
            self._failed(error)

    def add_record(self, transaction: Transaction, gain: Gain, *, at_once: bool) -> None:
        """Write it along with others, with what they bring; at most once a second, or at once."""
        if at_once or time.monotonic() - self._recorded_at > _RECORD_S:
            self._recorded_at = time.monotonic()
            transaction.save_runner(self._record(self._done + gain))

    def gained(self, gain: Gain) -> None:
        """What others brought is committed."""
        self._done += gain

    def _record(self, done: Gain) -> RunnerRecord:
        return RunnerRecord(
            version=__version__,
            sqlite_version=SQLITE_VERSION,
            started_at=self._started_at,
            boot_id=clock.boot_id(),
            commits=self._writer.commits,
            commit_ms=self._writer.commit_ms,
            failures=self._writer.failures,
            lines=done.lines,
            ended=done.ended,
            commit_times=dict(self._writer.commit_times),
            recorded_mono=clock.now().mono_ms,
        )
