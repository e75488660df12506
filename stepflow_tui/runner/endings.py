"""How executions end: by themselves, stopped on demand or in time, or lost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepflow_tui.core import clock
from stepflow_tui.core.models import Status
from stepflow_tui.runner import proc
from stepflow_tui.runner.launcher import take_lock
from stepflow_tui.runner.outcome import failed_step_warning, outcome
from stepflow_tui.runner.stop import PASS_S, Reason, Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.models import Instant
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.runner.recording import Recording
    from stepflow_tui.runner.spool import Exit
    from stepflow_tui.runner.timers import Timers

CANCELLED = Reason(Status.CANCELLED, "cancelled")


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
        self._ends: dict[str, _End] = {}
        self._stopping: dict[str, Recording] = {}
        self._lost: dict[str, Reason] = {}

    def begun(self, recording: Recording) -> None:
        """An execution runs: watch its time."""
        execution = recording.execution
        if execution.timeout_s and execution.started_mono is not None:
            deadline = execution.started_mono / 1000 + execution.timeout_s
            self._timers.at(deadline, lambda: self._time_out(recording))

    def _time_out(self, recording: Recording) -> None:
        if not recording.is_final and recording.id not in self._ends:
            seconds = recording.execution.timeout_s
            self.stop(recording, Reason(Status.TIMED_OUT, f"timed out after {seconds:g} s"))

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
        self._look_for_exit(recording, clock.now())
        if not recording.is_final and recording.id not in self._ends:
            recording.want_stop(reason)
            self._mark(recording.id)
            self._begin_stop(recording)

    def _begin_stop(self, recording: Recording) -> None:
        if recording.stop is not None or recording.start is None or recording.id in self._ends:
            return
        recording.stop = Stop(
            recording.start,
            recording.id,
            now=time.monotonic(),
            grace=self._settings.grace,
        )
        if not self._stopping:
            self._timers.after(0.0, self._pass)
        self._stopping[recording.id] = recording

    def _pass(self) -> None:
        """One pass over all executions that are being stopped, with one look at /proc."""
        table = proc.ProcessTable()
        now = time.monotonic()
        for recording in list(self._stopping.values()):
            stop = recording.stop
            if stop is None or recording.is_final:
                self._stopping.pop(recording.id)
                continue
            if recording.id in self._ends:
                stop.hasten(now)  # the script is gone; what it left behind has had its TERM
            stop.advance(table, now)
            self._mark(recording.id)
        if self._stopping:
            self._timers.after(PASS_S, self._pass)

    def check_shim(self, recording: Recording) -> None:
        """Notice that a shim died without telling how its script ended."""
        start = recording.start
        if start is None or recording.is_final or recording.id in self._ends or start.is_alive():
            return
        self._look_for_exit(recording, clock.now())
        if recording.id not in self._ends:
            rebooted = start.boot_id != clock.boot_id()
            why = "the machine was restarted" if rebooted else "its shim was killed"
            self._lost[recording.id] = Reason(Status.LOST, f"lost: {why}")

    def look(self, recording: Recording, now: Instant) -> None:
        """Find out whether the process has ended, before its output is read to the end."""
        if recording.start is not None:
            self._look_for_exit(recording, now)

    def _look_for_exit(self, recording: Recording, now: Instant) -> None:
        found = recording.spool.exit()
        if found is None:
            return
        end = self._ends.get(recording.id)
        if end is not None:
            end.exit = found
            return
        self._ends[recording.id] = _End(found, recording.spool.exited_at(now))
        if not found.drained:
            drained_by = time.monotonic() + self._settings.drain
            self._timers.at(drained_by, lambda: self._mark(recording.id))

    def advance(self, recording: Recording, now: Instant) -> None:
        """All output so far is read: end the execution if nothing is missing."""
        if recording.is_final:
            self._end_late_stream(recording)
            return
        self._check_step_timeout(recording, now)
        if recording.wanted_stop is not None:
            self._begin_stop(recording)
        end = self._ends.get(recording.id)
        if end is not None and self._is_over(recording, end, now):
            self._finish(recording, end)
        elif end is None and recording.id in self._lost and not recording.collecting:
            recording.finish(self._lost.pop(recording.id), now, code=None, signal=None)
            recording.end_stream()

    def _check_step_timeout(self, recording: Recording, now: Instant) -> None:
        step = recording.overdue_step(now)
        if step is not None:
            recording.time_out_step(step, now)
            error = f"step {step.name} timed out after {step.timeout_s:g} s"
            recording.want_stop(Reason(Status.FAILED, error))
            return
        deadline_ms = recording.take_new_deadline()
        if deadline_ms is not None:
            self._timers.at(deadline_ms / 1000, lambda: self._mark(recording.id))

    def _is_over(self, recording: Recording, end: _End, now: Instant) -> bool:
        if recording.collecting:
            return False
        if recording.stop is not None:
            return recording.stop.is_done
        return end.exit.drained or now.mono_ms >= end.at.mono_ms + self._settings.drain * 1000

    def _finish(self, recording: Recording, end: _End) -> None:
        reason = outcome(end.exit, recording.wanted_stop)
        if not end.exit.drained and recording.stop is None:
            recording.warn(self._late_writers(recording))
        warning = failed_step_warning(recording.tracker.steps)
        if warning and reason.status is Status.COMPLETED:
            recording.warn(warning)
        recording.finish(reason, end.at, code=end.exit.code, signal=end.exit.signal)
        self._end_late_stream(recording)

    def _late_writers(self, recording: Recording) -> str:
        shim = recording.start.pid if recording.start else 0
        table = proc.ProcessTable()
        cats = [found for found in table.select(table.descendants(shim)) if found.name == "cat"]
        pipes = {pipe for cat in cats if (pipe := proc.pipe_of(cat.pid))}
        holders = {found.pid: found for pipe in pipes for found in table.holders(pipe)}
        names = ", ".join(
            f"{found.name} (pid {found.pid})"
            for found in holders.values()
            if found.session != shim  # neither the shim nor its cat
        )
        return f"ended while background processes still hold its output: {names or 'unknown'}"

    def _end_late_stream(self, recording: Recording) -> None:
        end = self._ends.get(recording.id)
        gone = recording.start is None or not recording.start.is_alive()
        if end is None or end.exit.drained or gone:
            self._ends.pop(recording.id, None)
            recording.end_stream()
