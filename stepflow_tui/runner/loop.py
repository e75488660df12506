"""The runner's loop: one thread that takes requests, reads spools, and commits.

It waits on the watch of the home, on the launcher and on a pipe that signals and the collector
write to. Everything that wakes it is a hint; what is true is read from the files.
"""

from __future__ import annotations

import logging
import os
import selectors
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from stepflow_tui import __version__
from stepflow_tui.core import clock
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.runner import fault, intake
from stepflow_tui.runner.artifacts import Collector
from stepflow_tui.runner.endings import Endings
from stepflow_tui.runner.launch import Launcher, LaunchFailed
from stepflow_tui.runner.pace import Pace
from stepflow_tui.runner.recording import Recording
from stepflow_tui.runner.recovery import recover
from stepflow_tui.runner.retention import prune_spools, sweep_up
from stepflow_tui.runner.stop import Reason
from stepflow_tui.runner.timers import Timers
from stepflow_tui.runner.watch import Watch
from stepflow_tui.store.queries import RunnerRecord, Stream, executions_with_prefix
from stepflow_tui.store.writer import SQLITE_VERSION, WriteFailed, Writer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution, Instant
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.requests.request import RunRequest
    from stepflow_tui.runner.stop import Stop

_log = logging.getLogger(__name__)

SWEEP_S = 2.0
"""Between two looks at everything, for what no event told of."""

_RETRY_S = 1.0
_BEHIND_S = 0.05
_STOPPING_S = 0.1
_PRUNE_S = 600.0
_LEFT_OVER_S = 86_400.0
_RECORD_S = 1.0


class Runner:
    """Records the executions of one home until it is told to leave, or has nothing to do."""

    def __init__(self, home: Home, settings: Settings, wake: tuple[int, int]) -> None:
        """Opens everything; `wake` are the ends of a non-blocking pipe that ends a wait."""
        self._home = home
        self._settings = settings
        self._boot_id = clock.boot_id()
        self._writer = Writer(home.database)
        self._watch = Watch(home)
        self._launcher = Launcher()
        self._wake_reader, self._wake_writer = wake
        self._collector = Collector(
            home,
            max_bytes=settings.max_artifact_bytes,
            max_files=settings.max_artifact_files,
            wake=self._wake,
        )
        self._timers = Timers()
        self._pace = Pace()
        self._recordings: dict[str, Recording] = {}
        self._endings = Endings(settings, self._timers, self._mark)
        self._dirty: set[str] = set()
        self._maybe_exited: set[str] = set()
        self._cancel_files: dict[str, list[Path]] = {}
        self._lost_stops: dict[str, Stop] = {}
        self._look_for_requests = True
        self._sweeping = False
        self._leaving = False
        self._leave_when_empty = False
        self._busy_at = time.monotonic()
        self._recorded_at = 0.0
        self._started_at = clock.now().wall_ms
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._watch.fileno(), selectors.EVENT_READ, self._on_watch)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._on_wake)
        self._listen_to_launcher()

    def run(self) -> bool:
        """Work until it is time to leave; True if that was for want of work."""
        self._take_up()
        self._prune()
        while not self._is_time_to_leave():
            for key, _ in self._selector.select(self._timeout()):
                key.data()
            self._timers.run_due()
            if self._look_for_requests:
                self._take_requests()
            if self._dirty and not self._pace.delay():
                self._commit()
        return not self._leaving

    def leave(self) -> None:
        """End the loop at its next turn; scripts go on."""
        self._leaving = True
        self._wake()

    def close(self) -> None:
        """Commit what was read and let go of everything."""
        if self._dirty:
            self._commit()
        self._selector.close()
        self._collector.close()
        self._launcher.close()
        self._watch.close()
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
        if self._dirty:
            waits.append(self._pace.delay())
        return min(waits, default=None)

    def _idle_left(self) -> float | None:
        """Seconds until the runner leaves for want of work; None while there is some."""
        if self._recordings:
            return None
        return max(0.0, self._busy_at + self._settings.idle_exit - time.monotonic())

    def _is_time_to_leave(self) -> bool:
        if self._leaving:
            return True
        if self._look_for_requests:
            return False
        if self._leave_when_empty:
            return all(recording.is_final for recording in self._recordings.values())
        if self._recordings:
            self._busy_at = time.monotonic()
        return self._idle_left() == 0.0

    # What woke us

    def _on_watch(self) -> None:
        hints = self._watch.hints()
        self._look_for_requests |= hints.requests or hints.overflow
        if hints.overflow:
            self._sweep()
        self._maybe_exited |= hints.exited & self._recordings.keys()
        for execution in hints.written | hints.started | hints.exited:
            self._mark(execution)

    def _on_wake(self) -> None:
        os.read(self._wake_reader, 65536)
        for collected in self._collector.take():
            recording = self._recordings.get(collected.order.execution)
            if recording is not None:
                recording.collected(collected.artifacts)
                self._dirty.add(recording.id)

    def _listen_to_launcher(self) -> None:
        self._selector.register(
            self._launcher.channel, selectors.EVENT_READ | selectors.EVENT_WRITE, self._on_launcher
        )
        self._tune_launcher()

    def _tune_launcher(self) -> None:
        """Ask to be told of room in the socket only while orders wait for it."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE * self._launcher.has_orders)
        self._selector.modify(self._launcher.channel, wanted, self._on_launcher)

    def _on_launcher(self) -> None:
        try:
            for failure in self._launcher.failures():
                self._could_not_start(failure)
        except ConnectionError:
            _log.exception("starting a new launcher")
            self._selector.unregister(self._launcher.channel)
            self._launcher.restart()
            self._listen_to_launcher()
            self._order_starts(self._recordings.values())
            return
        self._launcher.flush()
        self._tune_launcher()

    def _could_not_start(self, failure: LaunchFailed) -> None:
        recording = self._recordings.get(failure.execution)
        if recording is None or recording.is_final:
            return
        start = recording.spool.start()
        if start is not None and start.pid != failure.pid:
            return  # it was ordered twice, and the other start has the lock
        reason = Reason(Status.FAILED, f"could not be started: {failure.error}")
        recording.finish(reason, clock.now(), code=None, signal=None)
        recording.end_stream()
        self._dirty.add(recording.id)

    def _mark(self, execution: str) -> None:
        """Something may be new of this execution."""
        if execution in self._recordings:
            self._dirty.add(execution)

    def _sweep(self) -> None:
        for recording in self._recordings.values():
            self._endings.check_shim(recording)
        self._maybe_exited.update(self._recordings)
        self._dirty.update(self._recordings)

    def _sweep_regularly(self) -> None:
        self._sweeping = bool(self._recordings)
        if self._sweeping:
            self._sweep()
            self._timers.after(SWEEP_S, self._sweep_regularly)

    # Taking requests

    def _take_up(self) -> None:
        """Go on with what an earlier runner left."""
        for recording in recover(self._home, self._writer, self._settings):
            self._record(recording)
            if recording.start is not None:
                self._begun(recording)
        self._order_starts(self._recordings.values())
        self._save_runner_record()

    def _record(self, recording: Recording) -> None:
        self._recordings[recording.id] = recording
        self._maybe_exited.add(recording.id)
        self._dirty.add(recording.id)
        if not self._sweeping:
            self._sweeping = True
            self._timers.after(SWEEP_S, self._sweep_regularly)

    def _take_requests(self) -> None:
        orders = intake.look(self._home, self._recordings.keys() | self._cancel_files.keys())
        self._look_for_requests = orders.more
        if orders.runs:
            self._accept(orders.runs)
        for cancel, path in orders.cancels:
            self._cancel(cancel.execution, path, force=cancel.force)
        for stop, path in orders.stops:
            self._take_stop(path, cancel_all=stop.cancel_all)

    def _accept(self, runs: list[tuple[RunRequest, Path]]) -> None:
        executions = [intake.pending_execution(run, self._boot_id) for run, _ in runs]
        fault.point("P1")
        try:
            with self._writer.transaction(durable=True) as transaction:
                numbers = [transaction.insert_execution(execution) for execution in executions]
        except WriteFailed as error:
            _log.error("cannot accept: %s", error)
            self._timers.after(_RETRY_S, self._look_again)
            return
        fault.point("P2")
        self._busy_at = time.monotonic()
        fresh = []
        for execution, number, (_, path) in zip(executions, numbers, runs, strict=True):
            if number is None:
                inbox.discard(path)  # it came twice, and the first has ended
                continue
            stream = Stream(number, None, 0, 0, 0, 0, None, is_open=True)
            recording = Recording(
                self._home,
                replace(execution, number=number),
                stream,
                settings=self._settings,
            )
            self._record(recording)
            fresh.append(recording)
        self._order_starts(fresh)

    def _look_again(self) -> None:
        self._look_for_requests = True

    def _order_starts(self, recordings: Iterable[Recording]) -> None:
        for recording in recordings:
            if recording.start is None and not recording.is_final:
                request = inbox.path_of(self._home, recording.id, "run")
                fault.point("P3")
                self._launcher.start(recording.id, request, recording.spool.prefix)
        self._tune_launcher()

    def _cancel(self, execution: str, path: Path, *, force: bool) -> None:
        recording = self._recordings.get(execution)
        if recording is None and inbox.path_of(self._home, execution, "run").exists():
            self._timers.after(_BEHIND_S, self._look_again)  # it waits to be accepted
            return
        if recording is None or recording.is_final:
            self._cancel_ended(execution, path, force=force)
            return
        # The file stays until the end is committed, so that a new runner goes on with it.
        self._cancel_files.setdefault(execution, []).append(path)
        self._cancel_files.setdefault(path.name.partition(".")[0], [])
        self._endings.cancel(recording, force=force)

    def _cancel_ended(self, execution: str, path: Path, *, force: bool) -> None:
        """What is over cannot be stopped, but something may be left of what was lost."""
        found = self._writer.all(executions_with_prefix(execution))
        if not found:
            inbox.refuse(self._home, path, "there is no such execution")
        elif found[0].status is Status.LOST:
            self._stop_lost(found[0], path, force=force)
        else:
            inbox.discard(path)

    def _stop_lost(self, execution: Execution, path: Path, *, force: bool) -> None:
        stop = self._lost_stops.get(path.name)
        if stop is None:
            stop = self._endings.stop_lost(self._home, execution, force=force)
            self._lost_stops[path.name] = stop
        if stop.is_done:
            self._lost_stops.pop(path.name)
            inbox.discard(path)
        else:
            self._timers.after(_STOPPING_S, self._look_again)  # the file stays until it is done

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
        """Read what is new of all dirty executions and commit it together."""
        began = time.monotonic()
        now = clock.now()
        batch = [self._recordings[execution] for execution in self._dirty]
        self._dirty = set()
        self._dirty |= {recording.id for recording in batch if self._advance(recording, now)}
        changed = [recording for recording in batch if recording.is_dirty]
        _pass_by(changed, output="P6", ending="P8")
        if changed and not self._save(changed):
            self._dirty.update(recording.id for recording in batch)
            self._pace.failed(_RETRY_S)
            return
        for recording in batch:
            self._settle(recording)
        self._pace.committed(began)

    def _advance(self, recording: Recording, now: Instant) -> bool:
        """Bring one execution up to date; True if there is more to read at once."""
        if recording.start is None and not recording.is_final:
            start = recording.spool.start()
            if start is None:
                return False
            fault.point("P4")
            recording.begin(start)
            self._begun(recording)
        if recording.id in self._maybe_exited:
            self._maybe_exited.discard(recording.id)
            self._endings.look(recording, now)
        more = False if recording.has_unsaved_output else recording.read(now)
        if not more:
            self._endings.advance(recording, now)
        for order in recording.orders:
            self._collector.submit(order)
        recording.orders = []
        return more

    def _begun(self, recording: Recording) -> None:
        inbox.discard(inbox.path_of(self._home, recording.id, "run"))
        self._endings.begun(recording)

    def _save(self, recordings: list[Recording]) -> bool:
        durable = any(recording.wants_durability for recording in recordings)
        try:
            with self._writer.transaction(durable=durable) as transaction:
                for recording in recordings:
                    recording.save(transaction)
                if time.monotonic() - self._recorded_at > _RECORD_S:
                    self._recorded_at = time.monotonic()
                    transaction.save_runner(self._runner_record())
        except WriteFailed as error:
            _log.error("recording waits: %s", error)
            return False
        _pass_by(recordings, beginning="P5", output="P7", ending="P9")
        for recording in recordings:
            recording.saved()
        return True

    def _settle(self, recording: Recording) -> None:
        """Let go of what a committed execution does not need any more."""
        if recording.ingest.wants_to_give_back and self._writer.is_durable:
            recording.ingest.give_back()
        if recording.is_final:
            inbox.discard(inbox.path_of(self._home, recording.id, "run"))
            for path in self._cancel_files.pop(recording.id, ()):
                self._cancel_files.pop(path.name.partition(".")[0], None)
                inbox.discard(path)
        if recording.is_final and not recording.is_open:
            if recording.start is not None:  # a lock of our own must stay: its order may come yet
                recording.spool.release()
            self._collector.forget(recording.id)
            self._recordings.pop(recording.id, None)
            self._dirty.discard(recording.id)
            self._maybe_exited.discard(recording.id)

    def _runner_record(self) -> RunnerRecord:
        return RunnerRecord(
            version=__version__,
            sqlite_version=SQLITE_VERSION,
            started_at=self._started_at,
            boot_id=self._boot_id,
            commits=self._writer.commits,
            commit_ms=self._writer.commit_ms,
        )

    def _save_runner_record(self) -> None:
        try:
            with self._writer.transaction(durable=False) as transaction:
                transaction.save_runner(self._runner_record())
        except WriteFailed as error:
            _log.error("%s", error)

    def _prune(self) -> None:
        prune_spools(
            self._home,
            needed=self._recordings,
            max_age_s=self._settings.keep_spools,
            max_bytes=self._settings.keep_spools_bytes,
        )
        sweep_up(self._home, needed=self._recordings, older_than_s=_LEFT_OVER_S)
        inbox.clean_up(self._home, older_than_s=_LEFT_OVER_S)
        self._timers.after(_PRUNE_S, self._prune)


def _pass_by(recordings: list[Recording], *, beginning: str = "", output: str, ending: str) -> None:
    """Pass the fault points of what is about to be committed, or was."""
    if not fault.is_armed():
        return
    if beginning and any(recording.is_beginning for recording in recordings):
        fault.point(beginning)
    if any(recording.has_unsaved_output for recording in recordings):
        fault.point(output)
    if any(recording.is_ending for recording in recordings):
        fault.point(ending)
