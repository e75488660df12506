"""How executions end: by themselves, stopped on demand or in time, or lost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from stepflow_tui.core import clock
from stepflow_tui.core.models import Status
from stepflow_tui.runner import proc
from stepflow_tui.runner.launcher import take_lock
from stepflow_tui.runner.outcome import failed_step_warning, outcome
from stepflow_tui.runner.stop import Reason, Stopper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stepflow_tui.core.models import Instant
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.runner.proc import Process
    from stepflow_tui.runner.recording import Recording
    from stepflow_tui.runner.spool import Exit
    from stepflow_tui.runner.timers import Timers

CANCELLED = Reason(Status.CANCELLED, "cancelled")

_NAMED = 5


@dataclass(slots=True)
class _End:
    """The exit of an execution's process, as it was found at `at`."""

    exit: Exit
    at: Instant


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

    def begun(self, recording: Recording) -> None:
        """An execution runs: look at it when its time is up."""
        deadline = _deadline_ms(recording)
        if deadline is not None:
            self._mark_at(deadline, recording)

    def _mark_at(self, mono_ms: float, recording: Recording) -> None:
        self._timers.at(mono_ms / 1000, partial(self._mark, recording.id))

    def cancel(self, recording: Recording, *, force: bool) -> None:
        """Stop an execution because somebody asked for it."""
        if recording.start is None and not take_lock(str(recording.spool.prefix)):
            start = recording.spool.start()
            if start is not None:
                recording.begin(start)
        if recording.start is None:  # we hold the start lock: it will never run
            recording.finish(CANCELLED, clock.now(), code=None, signal=None)
            recording.end_stream()
            self._mark(recording.id)
            return
        self.stop(recording, CANCELLED)
        if force and recording.stop is not None:
            recording.stop.hasten(time.monotonic())

    def stop(self, recording: Recording, reason: Reason) -> None:
        """Stop an execution with all its processes, unless it has ended or is being stopped."""
        self.look(recording, clock.now())
        if not recording.is_final and recording.id not in self._ends:
            recording.want_stop(reason)
            self._mark(recording.id)
            self._stopper.begin(recording)

    def check_shim(self, recording: Recording) -> None:
        """Notice that a shim died without telling how its script ended."""
        start = recording.start
        if start is None or recording.is_final or recording.id in self._ends or start.is_alive():
            return
        self.look(recording, clock.now())
        if recording.id not in self._ends:
            rebooted = start.boot_id != clock.boot_id()
            why = "the machine was restarted" if rebooted else "its shim was killed"
            self._lost[recording.id] = Reason(Status.LOST, f"lost: {why}")

    def look(self, recording: Recording, now: Instant) -> None:
        """Find out whether the process has ended, before its output is read to the end."""
        found = recording.spool.exit() if recording.start is not None else None
        if found is None:
            return
        end = self._ends.get(recording.id)
        if end is not None:
            end.exit = found
            return
        self._ends[recording.id] = _End(found, recording.spool.exited_at(now))
        if not found.drained:
            self._mark_at(now.mono_ms + self._settings.drain * 1000, recording)

    def advance(self, recording: Recording, now: Instant) -> None:
        """All output so far is read: end the execution if nothing is missing."""
        if recording.is_final:
            self._end_late_stream(recording)
            return
        end = self._ends.get(recording.id)
        if end is None:
            if recording.wanted_stop is None:
                self._check_time(recording, now)
            else:
                self._stopper.begin(recording)
            self._give_up_if_lost(recording, now)
        elif self._is_over(recording, end, now):
            recording.end_last_line(now)
            if not recording.collecting:
                self._finish(recording, end)

    def _check_time(self, recording: Recording, now: Instant) -> None:
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
        if recording.id in self._lost and not recording.collecting:
            recording.end_last_line(now)
            recording.finish(self._lost.pop(recording.id), now, code=None, signal=None)
            self._end_late_stream(recording)

    def _is_over(self, recording: Recording, end: _End, now: Instant) -> bool:
        if recording.collecting:
            return False
        if recording.stop is not None:
            return recording.stop.is_done
        return end.exit.drained or now.mono_ms >= end.at.mono_ms + self._settings.drain * 1000

    def _finish(self, recording: Recording, end: _End) -> None:
        reason = outcome(end.exit, recording.wanted_stop)
        self._warn(recording, end, reason)
        recording.finish(reason, end.at, code=end.exit.code, signal=end.exit.signal)
        self._end_late_stream(recording)

    def _warn(self, recording: Recording, end: _End, reason: Reason) -> None:
        if end.exit.output_lost:
            recording.warn("its log is incomplete: the output could not be written (disk full?)")
        if recording.stop is not None and recording.stop.untouchable:
            names = _names(recording.stop.untouchable.values())
            recording.warn(f"could not stop processes of other users: {names}")
        elif not end.exit.drained:
            names = _names(proc.ProcessTable().output_holders(_shim(recording)))
            recording.warn(f"ended while background processes still hold its output: {names}")
        failed = failed_step_warning(recording.tracker.steps)
        if failed and reason.status is Status.COMPLETED:
            recording.warn(failed)

    def _end_late_stream(self, recording: Recording) -> None:
        """Close the stream once nobody can write to it any more."""
        end = self._ends.get(recording.id)
        drained = end is not None and end.exit.drained
        if drained or recording.start is None or not recording.start.has_output():
            self._ends.pop(recording.id, None)
            recording.end_stream()


def _deadline_ms(recording: Recording) -> float | None:
    """The monotonic time at which the execution's time is up."""
    execution = recording.execution
    if not execution.timeout_s or execution.started_mono is None:
        return None
    return execution.started_mono + execution.timeout_s * 1000


def _shim(recording: Recording) -> int:
    return recording.start.pid if recording.start else 0


def _names(processes: Iterable[Process]) -> str:
    names = [f"{found.name} (pid {found.pid})" for found in processes]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "unknown ones") + more
