"""How executions end: by themselves, stopped on demand or in time, or lost."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from stepflow_tui.core import clock
from stepflow_tui.core.durations import format_duration
from stepflow_tui.core.models import Status
from stepflow_tui.runner import proc
from stepflow_tui.runner.launcher import take_lock
from stepflow_tui.runner.outcome import failed_step_warning, outcome
from stepflow_tui.runner.spool import Spool, Start
from stepflow_tui.runner.stop import CANCELLED, Reason, Stopper, tag_of
from stepflow_tui.runner.stopped_shims import StoppedShims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution, Instant
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.runner.proc import Process
    from stepflow_tui.runner.recording import Recording
    from stepflow_tui.runner.spool import Exit
    from stepflow_tui.runner.stop import Stop
    from stepflow_tui.runner.timers import Timers

_GIVEN_UP = Reason(Status.LOST, "lost: it was given up while it ran in another PID namespace")
_LEFT_MARGIN_S = 2.0
_STOPPED_COLLECTING_S = 2.0
_COLLECTING_MS = 1000
_LEFT_FOR_MS = 100
"""Who ends so soon after its script was not left behind, but late."""


class _End(Struct):
    """The exit of an execution's process, as it was found at `at`.

    Attributes:
        left: what it has left in the background.
        left_until: monotonic milliseconds until which that may still end by itself.
        drained_from: monotonic milliseconds from which on its output may take the time to drain.
        held_s: for so long others had the output open, if they had let go before it was found.
    """

    exit: Exit
    at: Instant
    left: list[Process] = field(default_factory=list)
    left_until: float = 0.0
    drained_from: float = 0.0
    held_s: float = 0.0


class Endings:
    """Follows each execution from its exit, or the order to stop it, to its final status."""

    def __init__(self, settings: Settings, timers: Timers, mark: Callable[[str], None]) -> None:
        """`mark` is called with the id of an execution that is to be looked at."""
        self._settings = settings
        self._timers = timers
        self._mark = mark
        self._stopper = Stopper(timers, mark, grace=settings.grace)
        self._ends: dict[str, _End] = {}
        self._lost: dict[str, Reason] = {}
        self._stopped_shims = StoppedShims()

    def begun(self, recording: Recording) -> None:
        """An execution runs: look at it when its time is up."""
        deadline = _deadline_ms(recording)
        if deadline is not None:
            self._mark_at(deadline, recording)

    def _mark_at(self, mono_ms: float, recording: Recording) -> None:
        self._timers.at(mono_ms / 1000, partial(self._mark, recording.id))

    def cancel(self, recording: Recording, *, force: bool) -> None:
        """Stop an execution because somebody asked for it.

        Raises:
            OSError: its start cannot be barred now. It is not ordered any more; try again.
        """
        if recording.start is None and not self._bar(recording):
            start = recording.spool.start()
            if start is not None:
                recording.begin(start)
        if recording.start is None:
            recording.bar()
            self._mark(recording.id)
            return
        if recording.start.is_unseen:
            self._lost[recording.id] = _GIVEN_UP
            self._mark(recording.id)
            return
        self.stop(recording, CANCELLED)
        if recording.collecting:
            has_ended = force or recording.id in self._ends
            recording.hasty_s = 0.0 if has_ended else _STOPPED_COLLECTING_S
            self._mark(recording.id)
        if force and recording.stop is not None:
            recording.stop.hasten(time.monotonic())

    def _bar(self, recording: Recording) -> bool:
        """Take the start lock, so that nobody starts it; False if that was taken before."""
        try:
            return take_lock(str(recording.spool.prefix))
        except OSError:
            recording.want_stop(CANCELLED)
            self._mark(recording.id)
            raise

    def stop_leftovers(self, home: Home, execution: Execution, *, force: bool) -> Stop:
        """Stop what is left of an execution that is over; its status stays as it is."""
        spool = Spool(home, execution.id)
        start = spool.start() or Start.of_nobody()
        stop = self._stopper.begin(
            execution.id, start, tty=execution.tty, leftovers=_left_behind(spool, start)
        )
        if force:
            stop.hasten(time.monotonic())
        return stop

    def stop(self, recording: Recording, reason: Reason) -> None:
        """Stop an execution with all its processes, unless it has ended or is being stopped."""
        self.look(recording, clock.now())
        if not recording.is_final and recording.id not in self._ends:
            recording.want_stop(reason)
            self._mark(recording.id)
            self._stop_processes(recording)

    def _stop_processes(self, recording: Recording, leftovers: Sequence[Process] = ()) -> None:
        """Begin to stop them; the next commit has the first signal sent."""
        is_new = recording.stop is None
        is_covered = recording.stop is not None and recording.stop.knows(leftovers)
        if recording.start is not None and (not is_covered or _stopped_too_soon(recording)):
            recording.stop = self._stopper.begin(
                recording.id, recording.start, tty=recording.execution.tty, leftovers=leftovers
            )
            recording.stop.held |= is_new
            if recording.wanted_stop is not None:
                recording.stop.before_signal = recording.note_signal
                if is_new and recording.was_signalled():
                    recording.stop.go_on()

    def check_shim(self, recording: Recording) -> None:
        """Notice that a shim was stopped, or died without telling how its script ended."""
        self._stopped_shims.wake(recording)
        recording.spool.hold()
        start = recording.start
        if start is None or recording.is_final or recording.id in self._ends:
            return
        if start.is_unseen or start.is_alive():
            return
        self.look(recording, clock.now())
        if recording.id not in self._ends:
            self._lost[recording.id] = _reason_of_loss(recording, start)

    def look(self, recording: Recording, now: Instant) -> None:
        """Find out whether the process has ended, before its output is read to the end."""
        start = recording.start
        found = recording.spool.exit() if start is not None else None
        if start is None or found is None:
            return
        end = self._ends.get(recording.id)
        if end is None:
            at = recording.spool.exited_at(found, start, now)
            end = self._ends[recording.id] = _End(found, at)
            end.held_s = _held_s(recording.spool, end)
        elif found == end.exit:
            return
        end.exit = found
        end.left = [] if start.is_elsewhere else _left(end, now)
        if end.left:
            end.left_until = now.mono_ms + _LEFT_FOR_MS
            self._mark_at(end.left_until, recording)
        if not found.drained:
            self._mark_at(now.mono_ms + self._settings.drain * 1000, recording)

    def advance(self, recording: Recording, now: Instant) -> None:
        """All output so far is read: end the execution if nothing is missing."""
        if recording.is_final:
            self._end_late_stream(recording)
            return
        end = self._ends.get(recording.id)
        self.advance_stop(recording, now)  # an end that it finds came after what was read
        if end is None:
            self._give_up_if_lost(recording, now)
            return
        if not self._is_over(recording, end, now):
            return
        if not recording.collecting:
            recording.end_last_line(now)
        if recording.collecting:
            self._await_artifacts(recording, end, now)
        else:
            self._finish(recording, end)

    def advance_stop(self, recording: Recording, now: Instant) -> None:
        """Stop what is to be stopped, whether or not all output so far is read."""
        if recording.is_final:
            return
        end = self._ends.get(recording.id)
        if end is not None:
            self._stop_leftovers(recording, end)
        elif recording.wanted_stop is None:
            self._check_time(recording, now)
        else:
            self._stop_processes(recording)

    def _await_artifacts(self, recording: Recording, end: _End, now: Instant) -> None:
        """The script has ended; say so where that takes longer than most copies do."""
        if now.mono_ms < end.at.mono_ms + _COLLECTING_MS:
            self._mark_at(end.at.mono_ms + _COLLECTING_MS, recording)
        else:
            recording.script_ended(end.at, code=end.exit.code, signal=end.exit.signal)

    def _stop_leftovers(self, recording: Recording, end: _End) -> None:
        """Let nothing of a stopped script live on, nor of one that is to leave nothing behind."""
        wanted = recording.execution.kill_leftovers or recording.wanted_stop is not None
        if wanted and (end.left or not end.exit.drained):
            self._stop_processes(recording, end.left)

    def stop_unrecorded(self, recordings: Iterable[Recording]) -> None:
        """Stop what is to be stopped of these, although nothing can be recorded."""
        for recording in recordings:
            self._check_time(recording, clock.now())
            recording.release_stop(is_recorded=False)

    def _check_time(self, recording: Recording, now: Instant) -> None:
        if recording.is_final or recording.wanted_stop is not None:
            return
        if recording.start is not None and recording.start.is_unseen:
            return  # nobody could be signalled
        deadline = _deadline_ms(recording)
        if deadline is not None and now.mono_ms >= deadline:
            seconds = recording.execution.timeout_s
            self.stop(recording, Reason(Status.TIMED_OUT, f"timed out after {seconds:g} s"))
        step = recording.overdue_step(now)
        if step is not None:
            recording.time_out_step(step, now)
            error = f"step {step.name} timed out after {step.timeout_s:g} s"
            self.stop(recording, Reason(Status.FAILED, error))
        step_deadline = recording.take_new_deadline()
        if step_deadline is not None:
            self._mark_at(step_deadline, recording)

    def _give_up_if_lost(self, recording: Recording, now: Instant) -> None:
        if recording.id not in self._lost or recording.collecting or recording.awaits_files():
            return
        if self._settings.orphans == "stop":
            self._stop_processes(recording)
        if recording.stop is not None and not recording.stop.is_done:
            return
        lost = self._lost.pop(recording.id)
        recording.end_last_line(now)
        self._warn_of_orphans(recording)
        recording.finish(lost, now, code=None, signal=None)
        self._end_late_stream(recording)

    def _warn_of_orphans(self, recording: Recording) -> None:
        if recording.stop is not None:
            recording.warn("what was left of it was stopped")
        elif orphans := _orphans(recording):
            recording.warn(
                f"its processes go on: {proc.names_of(orphans)}; "
                f"stepflow cancel {recording.execution.number} stops them"
            )

    def _is_over(self, recording: Recording, end: _End, now: Instant) -> bool:
        if recording.stop is None and end.left:
            end.left = _still(end.left)
            if end.left and now.mono_ms < end.left_until:
                return False
        if recording.awaits_files():
            return False
        if recording.stop is not None and not recording.stop.is_done:
            return False
        return end.exit.drained or self._has_waited(recording, end, now)

    def _has_waited(self, recording: Recording, end: _End, now: Instant) -> bool:
        """Whether its output was given the time to drain, by a cat that was not stopped."""
        drain_ms = self._settings.drain * 1000
        if now.mono_ms < max(end.at.mono_ms, end.drained_from) + drain_ms:
            return False
        if not self._stopped_shims.wake_now(recording):
            return True
        end.drained_from = now.mono_ms
        self._mark_at(now.mono_ms + drain_ms, recording)
        return False

    def _finish(self, recording: Recording, end: _End) -> None:
        reason = outcome(end.exit, recording.wanted_stop)
        self._warn(recording, end, reason)
        recording.finish(reason, end.at, code=end.exit.code, signal=end.exit.signal)
        self._end_late_stream(recording)

    def _warn(self, recording: Recording, end: _End, reason: Reason) -> None:
        if end.exit.disk_full:
            recording.warn("disk full: a part of its output could not be written and is lost")
        if end.exit.output_lost:
            recording.warn("its log is incomplete: the output could not be written (disk full?)")
        if recording.stop is not None and recording.stop.untouchable:
            names = proc.names_of(recording.stop.untouchable.values())
            recording.warn(f"could not stop processes of other users: {names}")
        elif not end.exit.drained:
            names = proc.names_of(proc.ProcessTable().output_holders(_shim(recording)))
            recording.warn(f"ended while background processes still hold its output: {names}")
        elif end.held_s > self._settings.drain:
            held = format_duration(round(end.held_s * 1000))
            recording.warn(f"ended while background processes still held its output, for {held}")
        elif (
            recording.stop is not None and recording.wanted_stop is None and recording.stop.members
        ):
            names = proc.names_of(recording.stop.members)
            recording.warn(f"background processes that it left were stopped: {names}")
        elif end.left:
            recording.warn(f"background processes that it left go on: {proc.names_of(end.left)}")
        failed = failed_step_warning(recording.tracker.steps)
        if failed and reason.status is Status.COMPLETED:
            recording.warn(failed)

    def _end_late_stream(self, recording: Recording) -> None:
        """Close the stream once nobody can write to it any more."""
        end = self._ends.get(recording.id)
        drained = end is not None and end.exit.drained
        if drained or recording.start is None or not recording.start.has_output():
            self._ends.pop(recording.id, None)
            self._stopped_shims.forget(recording.id)
            recording.end_stream()


def _stopped_too_soon(recording: Recording) -> bool:
    """Whether a stop found nobody because the shim had not started its script yet."""
    stop, start = recording.stop, recording.start
    if stop is None or start is None:
        return False
    return stop.is_done and not stop.members and start.is_alive()


def _deadline_ms(recording: Recording) -> float | None:
    """The monotonic time at which the execution's time is up."""
    execution = recording.execution
    if not execution.timeout_s or execution.started_mono is None:
        return None
    return execution.started_mono + execution.timeout_s * 1000


def _left(end: _End, now: Instant) -> list[Process]:
    """What an exit names as left in the background, unless the pids are others' by now."""
    ago_s = (now.mono_ms - end.at.mono_ms) / 1000
    latest = proc.ticks_since_boot(ago_s - _LEFT_MARGIN_S)
    found = (proc.process(pid) for pid in end.exit.left)
    return [process for process in found if process is not None and process.start <= latest]


def _left_behind(spool: Spool, start: Start) -> list[Process]:
    """What the exit file of an execution names as left in the background, if that lives."""
    found, now = spool.exit(), clock.now()
    if found is None or start.is_elsewhere or start.boot_id != clock.boot_id():
        return []
    return _left(_End(found, spool.exited_at(found, start, now)), now)


def _held_s(spool: Spool, end: _End) -> float:
    """For how long others held the output of a script that ended without a runner, in seconds."""
    written_ms = spool.written_at()
    if written_ms is None or not end.exit.drained or end.exit.ended_s is None:
        return 0.0
    return max(0, written_ms - end.at.wall_ms) / 1000


def _still(left: Iterable[Process]) -> list[Process]:
    """Those that are there yet, under the names that they have now."""
    found = ((before, proc.process(before.pid)) for before in left)
    return [now for before, now in found if now is not None and now.start == before.start]


def _orphans(recording: Recording) -> list[Process]:
    """Processes of this execution that have lost their shim."""
    if recording.start is None or recording.start.boot_id != clock.boot_id():
        return []
    table = proc.ProcessTable()
    return table.select(table.tagged(tag_of(recording.id)))


def _reason_of_loss(recording: Recording, start: Start) -> Reason:
    """What to say of an execution whose shim has gone without a word of its script."""
    if start.boot_id != clock.boot_id():
        return Reason(Status.LOST, "lost: the machine was restarted")
    if start.is_damaged:
        return Reason(Status.LOST, "lost: its start lock is damaged")
    failure = recording.spool.start_failure()
    if failure is not None:
        return Reason(Status.FAILED, f"could not be started: {failure}")
    return Reason(Status.LOST, "lost: its shim was killed")


def _shim(recording: Recording) -> int:
    return recording.start.pid if recording.start else 0
