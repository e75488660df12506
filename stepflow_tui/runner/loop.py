"""The runner's loop: one thread that takes requests, reads spools, and commits.

It waits on the watch of the home, on the launcher and on a pipe that signals and the collector
write to. Everything that wakes it is a hint; what is true is read from the files.
"""

from __future__ import annotations

import logging
import os
import selectors
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core import clock
from stepflow_tui.core.errors import DatabaseDamaged
from stepflow_tui.requests import inbox
from stepflow_tui.requests.runner_lock import Standing
from stepflow_tui.runner import fault, intake
from stepflow_tui.runner.artifacts import Collector
from stepflow_tui.runner.cancels import Cancels
from stepflow_tui.runner.checkup import Checkup
from stepflow_tui.runner.cleaning import Cleaning
from stepflow_tui.runner.endings import Endings
from stepflow_tui.runner.guard import Guard
from stepflow_tui.runner.hardening import Gain, Hardening
from stepflow_tui.runner.home_monitor import HomeMonitor
from stepflow_tui.runner.housekeeping import Housekeeping
from stepflow_tui.runner.pace import Pace
from stepflow_tui.runner.pending import pending_execution
from stepflow_tui.runner.recording import Recording
from stepflow_tui.runner.recovery import ingest_again, recover
from stepflow_tui.runner.spool import Spool
from stepflow_tui.runner.starts import Starts
from stepflow_tui.runner.sweep import SWEEP_S, Sweep
from stepflow_tui.runner.timers import Timers
from stepflow_tui.runner.trouble import Trouble
from stepflow_tui.runner.turns import Turns
from stepflow_tui.store.queries import Stream, runner_record
from stepflow_tui.store.writer import WriteFailed

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Instant
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.requests.request import RunRequest
    from stepflow_tui.requests.runner_lock import RunnerLock
    from stepflow_tui.runner.watch import Hints
    from stepflow_tui.store.writer import Writer

_log = logging.getLogger(__name__)

_RETRY_S = 1.0
_PRUNE_S = 600.0
_COLLECTING_S = 0.5
_LEFT_OVER_S = 86_400.0


class Runner:
    """Records the executions of one home until it is told to leave, or has nothing to do.

    Attributes:
        monitor: tells whether the home is still there.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        writer: Writer,
        wake: tuple[int, int],
        lock: RunnerLock,
    ) -> None:
        """Opens everything.

        Args:
            home: whose executions to record.
            settings: the limits.
            writer: of the home's database; closed with the runner.
            wake: the ends of a non-blocking pipe that ends a wait.
            lock: that makes it the runner of this home; tells what keeps it from its work.
        """
        self._home = home
        self._settings = settings
        self._boot_id = clock.boot_id()
        self._writer = writer
        trouble = Trouble(lock.tell)
        self._guard = Guard(home, settings, self._writer, trouble)
        self._wake_reader, self._wake_writer = wake
        self._collector = Collector(
            home,
            max_bytes=settings.max_artifact_bytes,
            max_files=settings.max_artifact_files,
            wake=self._wake,
            timeout_s=settings.artifact_timeout,
        )
        timers = self._timers = Timers()
        self._pace = Pace()
        self._recordings: dict[str, Recording] = {}
        self._endings = Endings(settings, self._timers, self._mark)
        self._turns = Turns()
        self._maybe_exited: set[str] = set()
        self._checkup: Checkup | None = None
        self._look_for_requests = True
        self._sweep = Sweep()
        self._sweeping = False
        self._looking_at_collector = False
        self._leaving = False
        self._leave_when_empty = False
        self._busy_at = time.monotonic()
        selector = self._selector = selectors.DefaultSelector()
        self.monitor = HomeMonitor(
            home, lock, selector, timers, trouble, recorded=self._recordings, notice=self._on_hints
        )
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._on_wake)
        self._hardening = Hardening(writer, self._timers, self._failed)
        self._starts = Starts(
            home, selector, self._recordings, self._mark, timers=timers, trouble=trouble
        )
        self._cancels = Cancels(home, writer, self._endings, self._recordings, self._look_again)
        self._housekeeping = Housekeeping(
            home, writer, settings, timers, failed=self._failed, succeeded=self._guard.succeeded
        )
        may_clean, trusted = self.monitor.is_held, self._housekeeping.clock
        self._cleaning = Cleaning(
            home, settings, self._timers, trusted, needed=self._recordings, may_clean=may_clean
        )

    @property
    def is_idle(self) -> bool:
        """Whether it left for want of work."""
        return not self._leaving

    @property
    def displaced(self) -> str | None:
        """Why it left to a successor: see `Guard.displaced`; `unlocked` if it lost its lock."""
        is_unlocked = self.monitor.standing is Standing.LOST
        return self._guard.displaced or ("unlocked" if is_unlocked else None)

    def run(self) -> None:
        """Work until it is time to leave, or the database turns out to be damaged."""
        try:
            self._work()
        except DatabaseDamaged as error:
            self._guard.find_damage(str(error.__cause__ or error))

    def _work(self) -> None:
        self._look_after()
        self._check_up()
        self._take_up()
        self._cleaning.clean_regularly()
        self._housekeeping.begin()
        while not self._is_time_to_leave():
            try:
                self._take_turn()
                self._guard.unhindered()
            except OSError as error:
                self._wait_for_room(error)

    def _take_turn(self) -> None:
        for key, _ in self._selector.select(self._timeout()):
            key.data()
        self._timers.run_due()
        if self._look_for_requests:
            self._take_requests()
        if self._turns and not self._pace.delay():
            self._commit()

    def _wait_for_room(self, error: OSError) -> None:
        """What the system refuses now ends nothing: look at everything again in a second."""
        self._guard.hindered(error)
        self._turns.mark(self._recordings)
        self._pace.failed(_RETRY_S)
        self._look_again(_RETRY_S)
        self._look_again(3 * _RETRY_S)  # by then it shows whether it is over

    def leave(self) -> None:
        """End the loop at its next turn; scripts go on."""
        self._leaving = True
        self._wake()

    def close(self) -> None:
        """Commit what was read and let go of everything."""
        self._housekeeping.close()
        if self._turns:
            self._commit()
        self.monitor.close()
        self._selector.close()
        self._collector.close()
        self._starts.close()
        self._writer.close()

    # Waiting and leaving

    def _wake(self) -> None:
        try:
            os.write(self._wake_writer, b"w")
        except BlockingIOError:
            return  # the pipe is full of wake-ups: one is enough

    def _timeout(self) -> float | None:
        if self._look_for_requests:
            return 0.0
        waits = [wait for wait in (self._timers.timeout(), self._idle_left()) if wait is not None]
        if self._turns:
            waits.append(self._pace.delay())
        return min(waits, default=None)

    def _idle_left(self) -> float | None:
        """Seconds until the runner leaves for want of work; None while there is some."""
        work = self._housekeeping
        if self._recordings or work.is_busy or work.awaits_look:
            return None
        return max(0.0, self._busy_at + self._settings.idle_exit - time.monotonic())

    def _is_time_to_leave(self) -> bool:
        if self._leaving or (self.monitor.is_away and self.monitor.is_given_up()):
            return True
        if self._look_for_requests:
            return False
        if self._leave_when_empty:
            return all(recording.is_final for recording in self._recordings.values())
        if self._recordings:
            self._busy_at = time.monotonic()
        return self._idle_left() == 0.0

    # What woke us

    def _on_hints(self, hints: Hints) -> None:
        self._look_for_requests |= hints.requests or hints.overflow
        gone = hints.gone & self._recordings.keys()
        self._look_at(self._recordings if hints.overflow else gone)
        if hints.database or hints.home:
            self._look_after()
        self._maybe_exited |= hints.exited & self._recordings.keys()
        for execution in hints.written | hints.started | hints.exited:
            self._mark(execution)

    def _on_wake(self) -> None:
        os.read(self._wake_reader, 65536)
        if self._checkup is not None and self._checkup.damage:
            self._guard.find_damage(self._checkup.damage)
            self.leave()
        for collected in self._collector.take():
            recording = self._recordings.get(collected.order.execution)
            if recording is not None:
                recording.collected(collected.artifacts)
                self._turns.mark([recording.id])

    def _mark(self, execution: str) -> None:
        """Something may be new of this execution."""
        if execution in self._recordings:
            self._turns.mark([execution])

    def _look_at(self, executions: Collection[str]) -> None:
        """Anything may be new of these."""
        if self.monitor.is_away:
            return  # what is missing now may be there again when the home is
        for execution in executions:
            self._endings.check_shim(self._recordings[execution])
        self._maybe_exited.update(executions)
        self._turns.mark(executions)

    def _sweep_regularly(self) -> None:
        self._sweeping = bool(self._recordings)
        if self._sweeping:
            if self._sweep.is_round_over:
                self._look_after()
            self._look_at(self._sweep.take(self._recordings))
            self._timers.after(self._sweep.pause_s, self._sweep_regularly)

    def _look_after(self) -> None:
        """See to what recording needs: the home and the database in place, room on the disk."""
        self.monitor.look()
        if self.monitor.is_away:
            return
        self._guard.look()
        if self.displaced:
            self.leave()
        elif self._guard.wants_checkup():
            self._checkup = Checkup(self._home.database, self._wake)
        is_held = self._guard.is_disk_low or self.monitor.is_blocked
        if is_held != self._starts.is_held:
            self._starts.hold(held=is_held)

    # Taking requests

    def _take_up(self) -> None:
        """Go on with what an earlier runner left."""
        count = ingest_again(self._home, self._writer, self._boot_id)
        if count:
            _log.warning("%d executions are read again from their spools", count)
        for recording in recover(self._home, self._writer, self._settings):
            self._record(recording)
            if recording.start is not None:
                self._begun(recording)
        self._hardening.save_record()

    def _check_up(self) -> None:
        """After a reboot, look in the background whether the database has come through."""
        record = next(iter(self._writer.all(runner_record())), None)
        if record is not None and record.boot_id != self._boot_id:
            self._checkup = Checkup(self._home.database, self._wake)

    def _record(self, recording: Recording) -> None:
        self._recordings[recording.id] = recording
        self._maybe_exited.add(recording.id)
        self._turns.mark([recording.id])
        if not self._sweeping:
            self._sweeping = True
            self._timers.after(SWEEP_S, self._sweep_regularly)

    def _take_requests(self) -> None:
        self._look_after()
        self._look_for_requests = False
        if self.monitor.standing is not Standing.HELD:
            return
        orders = intake.look(self._home, self._known_requests())
        self._look_for_requests = orders.more
        if orders.runs and not self.monitor.is_blocked:
            self._accept(orders.runs)
        for cancel, path in orders.cancels:
            self._cancels.take(cancel, path)
        self._starts.order()  # what was cancelled before is not started
        for stop, path in orders.stops:
            self._take_stop(path, cancel_all=stop.cancel_all)
        for chore, path in orders.chores:
            self._housekeeping.take(chore, path)

    def _known_requests(self) -> set[str]:
        """Ids of requests whose files are there still although they were taken."""
        return self._recordings.keys() | self._cancels.taken | self._housekeeping.taken

    def _accept(self, runs: list[tuple[RunRequest, Path]]) -> None:
        runs = intake.admit(self._home, runs, self._starts.waiting, self._settings.max_queue)
        if not runs:
            return
        executions = [pending_execution(run, self._boot_id) for run, _ in runs]
        fault.point("P1")
        try:
            for run, _ in runs:
                if run.secrets:
                    Spool(self._home, run.id).save_masks(run.secrets)
            with self._writer.transaction(durable=True) as transaction:
                numbers = [transaction.insert_execution(execution) for execution in executions]
        except WriteFailed as error:
            self._look_again(0.0 if self._failed(error) else _RETRY_S)
            return
        except OSError as error:
            _log.error("cannot keep what is to be hidden: %s", error)
            self._look_again(_RETRY_S)
            return
        fault.point("P2")
        self._look_after()
        self._busy_at = time.monotonic()
        for execution, number, (_, path) in zip(executions, numbers, runs, strict=True):
            if number is None:
                inbox.discard(path)  # it came twice, and the first has ended
                continue
            stream = Stream(number, None, 0, 0, 0, 0, None, is_open=True)
            accepted = replace(execution, number=number)
            self._record(Recording(self._home, accepted, stream, settings=self._settings))

    def _look_again(self, after_s: float) -> None:
        def look() -> None:
            self._look_for_requests = True

        self._timers.after(after_s, look)

    def _take_stop(self, path: Path, *, cancel_all: bool) -> None:
        inbox.discard(path)
        if not cancel_all:
            self._leaving = True
            return
        self._leave_when_empty = True
        for recording in self._recordings.values():
            if not recording.is_final:
                self._endings.cancel(recording, force=False)

    # Recording

    def _commit(self) -> None:
        """Read what is new of those whose turn it is, and commit it together."""
        began = time.monotonic()
        if not self.monitor.is_held():
            self._look_after()
        is_held = self.monitor.standing is Standing.HELD
        if not is_held or not self._guard.may_record():
            self._endings.stop_unrecorded(self._recordings.values() if is_held else ())
            self._pace.failed(_RETRY_S)
            return
        now = clock.now()
        turn = self._turns.take()
        batch = [self._recordings[execution] for execution in turn]
        for recording in batch:
            if self._advance(recording, now, turn[recording.id]):
                self._turns.mark_flood(recording.id)
        changed = [recording for recording in batch if recording.is_dirty]
        fault.pass_by(changed, output="P6", ending="P8")
        is_saved = not changed or self._save(changed)
        for recording in batch:
            recording.release_stop(is_recorded=is_saved)
        if not is_saved:
            self._turns.mark(turn)
            self._pace.failed(self._guard.retry_s)
            return
        for recording in batch:
            self._settle(recording)
        self._hardening.committed()
        self._pace.committed(began, flooded=self._turns.is_flooded)

    def _advance(self, recording: Recording, now: Instant, limit: int) -> bool:
        """Bring one execution up to date; True if there is more to read at once."""
        if recording.start is None and not recording.is_final:
            start = recording.look_for_start()
            if start is None:
                return False
            fault.point("P4")
            recording.begin(start)
            self._begun(recording)
        if recording.id in self._maybe_exited:
            self._maybe_exited.discard(recording.id)
            self._endings.look(recording, now)
        more = recording.has_unsaved_output or recording.read(now, limit)
        if more:
            self._endings.advance_stop(recording, now)
        else:
            self._endings.advance(recording, now)
        self._collect(recording)
        return more

    def _collect(self, recording: Recording) -> None:
        """Hand what is to be collected to the collector, and see to it that it ends."""
        orders, recording.orders = recording.orders, []
        for order in orders:
            self._collector.submit(order)
        if recording.hasty_s is not None:
            self._collector.hasten(recording.id, recording.hasty_s)
            recording.hasty_s = None
        if self._collector.is_busy and not self._looking_at_collector:
            self._looking_at_collector = True
            self._timers.after(_COLLECTING_S, self._look_at_collector)

    def _look_at_collector(self) -> None:
        self._collector.look()
        self._looking_at_collector = self._collector.is_busy
        if self._looking_at_collector:
            self._timers.after(_COLLECTING_S, self._look_at_collector)

    def _begun(self, recording: Recording) -> None:
        inbox.discard(inbox.path_of(self._home, recording.id, "run"))
        self._endings.begun(recording)

    def _save(self, recordings: list[Recording]) -> bool:
        gain = Gain.of(recordings)
        durable = gain.ended > 0
        try:
            with self._writer.transaction(durable=durable) as transaction:
                for recording in recordings:
                    recording.save(transaction)
                self._hardening.add_record(transaction, gain, at_once=durable)
        except WriteFailed as error:
            self._failed(error)
            return False
        self._guard.succeeded()
        self._hardening.gained(gain)
        fault.pass_by(recordings, beginning="P5", output="P7", ending="P9")
        for recording in recordings:
            recording.saved()
        return True

    def _failed(self, error: WriteFailed) -> bool:
        """A commit failed; True if another try may succeed at once."""
        helped = self._guard.failed(error)
        if self.displaced:
            self.leave()
        return helped

    def _settle(self, recording: Recording) -> None:
        """Let go of what a committed execution does not need any more."""
        if recording.ingest.wants_to_give_back:
            recording.ingest.give_back()
        if recording.is_final:
            inbox.discard(inbox.path_of(self._home, recording.id, "run"))
            self._cancels.settle(recording.id)
        if recording.is_final and not recording.is_open:
            if recording.ingest.has_masks:
                self._hardening.discard(recording.spool)  # it holds what is hidden elsewhere
            self._starts.forget(recording.id)
            self._collector.forget(recording.id)
            self._recordings.pop(recording.id).spool.close()
            self._turns.forget(recording.id)
            self._maybe_exited.discard(recording.id)
